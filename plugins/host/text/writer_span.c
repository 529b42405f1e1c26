#include "host/text/source.h"
#include "host/text/writer.h"

#include <stdlib.h>

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/*  Units of a part that a link needs beside its address: its signs, and some of its text.  */
enum { LINK_ROOM = 8 };

static bool is_word (uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')
           || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

/*  Is the last thing that was written a letter or a digit?  */
static bool follows_word (const writer_t *self)
{
    const plv_buf_t *text = &self->layout->text;
    return self->layout->ends_in_text && is_word (text->data[text->size - 1]);
}

static void open_style (writer_t *self, flavour_style_t style, bool inside_word)
{
    plv_view_t open = plv_view_str (self->flavour->open[style]);
    plv_view_t close = plv_view_str (self->flavour->close[style]);
    layout_frame_t frame = {.open = open, .again = open, .close = close};
    if (inside_word && self->is_signs)
        frame.open = writer_keep (self, ZERO_WIDTH_SPACE PLV_VIEW_FMT, PLV_VIEW_ARG (open));
    if (inside_word && self->is_markdown && style == STYLE_EM)
        frame.open = frame.again = frame.close = plv_view_str ("*");
    self->style_frames[style] = layout_open (self->layout, &frame);
}

/*  A word goes on right behind markup: signs that count at the edges of words only are helped.  */
static void mend_style (writer_t *self, plv_view_t text)
{
    const layout_t *layout = self->layout;
    bool inside_word =
        layout->steps[layout->count - 1].kind == STEP_CLOSE && is_word (text.data[0]);
    self->has_closed = false;
    if (!inside_word)
        return;
    layout_frame_t *frame = &self->layout->frames[self->closed_frame];
    if (self->is_signs)
        frame->close =
            writer_keep (self, PLV_VIEW_FMT ZERO_WIDTH_SPACE, PLV_VIEW_ARG (frame->close));
    else if (self->is_markdown && self->closed_style == STYLE_EM)
        frame->open = frame->again = frame->close = plv_view_str ("*");
}

static void close_style (writer_t *self, flavour_style_t style)
{
    layout_close (self->layout);
    self->has_closed = true;
    self->closed_frame = self->style_frames[style];
    self->closed_style = style;
}

void writer_text (writer_t *self, plv_view_t text, layout_form_t form)
{
    if (!text.size)
        return;
    if (self->in_cell && self->in_table) {
        plv_buf_add_view (&self->cells, text);
        return;
    }
    writer_begin_cell (self);
    if (self->has_closed)
        mend_style (self, text);
    layout_text (self->layout, text, form);
}

/* ------------------------------------------------------------------ emphasis */

void writer_enter_style (writer_t *self, flavour_style_t style)
{
    if (self->style_depth[style]++ || (self->in_cell && self->in_table))
        return;
    writer_begin_cell (self);
    self->styles[self->style_count++] = (uint8_t) style;
    open_style (self, style, follows_word (self));
}

void writer_leave_style (writer_t *self, flavour_style_t style)
{
    if (self->style_depth[style] == 0 || --self->style_depth[style]
        || (self->in_cell && self->in_table))
        return;
    self->style_count--;
    close_style (self, style);
}

/*  Telegram has nothing around code: what is open is closed for the time.  */
static void suspend_styles (writer_t *self, bool again)
{
    for (size_t at = 0; at < self->style_count; at++) {
        if (again)
            open_style (self, (flavour_style_t) self->styles[at], false);
        else
            layout_close (self->layout);
    }
}

/* ------------------------------------------------------------------ code */

static size_t longest_run (plv_view_t text)
{
    size_t longest = 0, run = 0;
    for (size_t at = 0; at < text.size; at++) {
        run = text.data[at] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static layout_frame_t span_frame (writer_t *self, size_t run)
{
    layout_frame_t frame = {.open = plv_view_str (self->flavour->open[STYLE_CODE]),
                            .close = plv_view_str (self->flavour->close[STYLE_CODE])};
    if (self->is_markdown && run) {
        char ticks[128];
        run = run + 1 < sizeof ticks ? run + 1 : sizeof ticks - 1;
        memset (ticks, '`', run);
        ticks[run] = 0;
        frame.open = writer_keep (self, "%s ", ticks);
        frame.close = writer_keep (self, " %s", ticks);
    }
    frame.again = frame.open;
    return frame;
}

void writer_code_span (writer_t *self)
{
    plv_view_t code = plv_buf_view (&self->code);
    bool is_telegram = self->flavour->id == PAL_MARKDOWN_TELEGRAM;
    self->in_span = false;
    if ((self->in_cell && self->in_table) || (is_telegram && self->link_depth)) {
        writer_text (self, code, FORM_CODE);
        return;
    }
    writer_begin_cell (self);
    size_t run = longest_run (code);
    if (self->is_signs && run) {
        /*  A span there ends at the first backtick: it is no code, but text.  */
        writer_text (self, code, FORM_PROSE);
        return;
    }
    if (is_telegram)
        suspend_styles (self, false);
    layout_frame_t frame = span_frame (self, run);
    layout_open (self->layout, &frame);
    writer_text (self, code, FORM_CODE);
    layout_close (self->layout);
    if (is_telegram)
        suspend_styles (self, true);
}

/* ------------------------------------------------------------------ entities */

static const struct {
    const char *name;
    const char *text;
} entities[] = {
    {"&amp;", "&"},    {"&lt;", "<"},          {"&gt;", ">"},     {"&quot;", "\""},
    {"&apos;", "'"},   {"&nbsp;", "\xc2\xa0"}, {"&ndash;", "–"},  {"&mdash;", "—"},
    {"&hellip;", "…"}, {"&copy;", "©"},        {"&reg;", "®"},    {"&trade;", "™"},
    {"&euro;", "€"},   {"&pound;", "£"},       {"&yen;", "¥"},    {"&cent;", "¢"},
    {"&deg;", "°"},    {"&times;", "×"},       {"&plusmn;", "±"}, {"&middot;", "·"},
    {"&bull;", "•"},   {"&le;", "≤"},          {"&ge;", "≥"},     {"&ne;", "≠"},
    {"&rarr;", "→"},   {"&larr;", "←"},        {"&laquo;", "«"},  {"&raquo;", "»"},
};

static void put_code_point (plv_buf_t *out, uint32_t code)
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = 0xfffd;
    if (code < 0x80) {
        plv_buf_add_u8 (out, (uint8_t) code);
        return;
    }
    int tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    plv_buf_add_u8 (out, (uint8_t) (heads[tails] | code >> (6 * tails)));
    while (tails-- > 0)
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code >> (6 * tails) & 0x3f)));
}

/*  An unknown one is the text that it is.  */
void writer_decode (plv_buf_t *out, plv_view_t entity)
{
    if (entity.size > 3 && entity.data[1] == '#') {
        bool is_hex = entity.data[2] == 'x' || entity.data[2] == 'X';
        char digits[16] = {0};
        size_t skip = is_hex ? 3 : 2, size = entity.size - skip - 1;
        memcpy (digits, entity.data + skip, size < sizeof digits ? size : sizeof digits - 1);
        put_code_point (out, (uint32_t) strtoul (digits, NULL, is_hex ? 16 : 10));
        return;
    }
    for (size_t at = 0; at < sizeof entities / sizeof *entities; at++) {
        if (plv_view_is (entity, entities[at].name)) {
            plv_buf_add_view (out, plv_view_str (entities[at].text));
            return;
        }
    }
    plv_buf_add_view (out, entity);
}

void writer_entity (writer_t *self, plv_view_t entity)
{
    plv_buf_t text = {0};
    writer_decode (&text, entity);
    if (self->in_code || self->in_span)
        plv_buf_add_view (&self->code, entity); /* the parser knows none in code */
    else
        writer_text (self, plv_buf_view (&text), FORM_PROSE);
    plv_buf_free (&text);
}

/* ------------------------------------------------------------------ links */

static void read_address (plv_buf_t *out, const MD_ATTRIBUTE *address)
{
    plv_buf_clear (out);
    for (size_t at = 0; address->size && address->substr_offsets[at] < address->size; at++) {
        size_t from = address->substr_offsets[at], to = address->substr_offsets[at + 1];
        plv_view_t piece = plv_view (address->text + from, to - from);
        if (address->substr_types[at] == MD_TEXT_ENTITY)
            writer_decode (out, piece);
        else
            source_unmark (out, piece);
    }
}

/*  A link in a link, such as a picture that leads somewhere: the outer one counts.  */
void writer_enter_link (writer_t *self, const MD_ATTRIBUTE *address)
{
    static const layout_frame_t empty;
    if (self->link_depth++)
        return;
    read_address (&self->address, address);
    if (self->in_cell && self->in_table) {
        self->link_text = self->cells.size;
        return;
    }
    writer_begin_cell (self);
    layout_mark (self->layout, STEP_ATOM);
    self->link_frame = layout_open (self->layout, &empty);
    self->link_text = self->layout->text.size;
    self->link_step = self->layout->count;
}

/*  More than white space?  */
static bool is_solid (plv_view_t text)
{
    for (size_t at = 0; at < text.size; at++)
        if (text.data[at] > ' ')
            return true;
    return false;
}

/*  Does the text say the address itself?  */
static bool is_bare (plv_view_t text, plv_view_t address)
{
    static const char scheme[] = "mailto:";
    size_t size = sizeof scheme - 1;
    if (address.size > size && memcmp (address.data, scheme, size) == 0
        && plv_view_equal (text, plv_view (address.data + size, address.size - size)))
        return true;
    return plv_view_equal (text, address);
}

static void link_strings (writer_t *self, plv_view_t address, layout_frame_t *frame)
{
    plv_buf_t open = {0};
    bool is_tag = !self->flavour->counted;
    plv_buf_add_view (&open, plv_view_str (is_tag ? "<a href=\"" : self->is_markdown ? "](" : "<"));
    plv_buf_add_view (&open, address);
    plv_buf_add_view (&open, plv_view_str (self->is_page ? "\" rel=\"noopener\" target=\"_blank\">"
                                           : is_tag      ? "\">"
                                           : self->is_markdown ? ")"
                                                               : "|"));
    plv_view_t string = layout_keep (self->layout, plv_buf_view (&open));
    plv_buf_free (&open);
    if (self->is_markdown) {
        frame->open = plv_view_str ("[");
        frame->close = string;
    } else {
        frame->open = string;
        frame->close = plv_view_str (is_tag ? "</a>" : ">");
    }
    frame->again = frame->open;
}

/*  What stands for itself is not escaped: platforms find addresses by themselves.  */
static void bare_link (writer_t *self, layout_frame_t *frame)
{
    layout_t *layout = self->layout;
    if (self->flavour->id == PAL_MARKDOWN_COMMON) {
        frame->open = frame->again = plv_view_str ("<");
        frame->close = plv_view_str (">");
    }
    for (size_t at = self->link_step; at < layout->count; at++)
        if (layout->steps[at].kind == STEP_TEXT)
            layout->steps[at].form = FORM_URL;
}

/*  Beside its text, for who cannot click it, or must not.  */
static void put_address (writer_t *self, bool has_text)
{
    plv_buf_t text = {0};
    if (has_text)
        plv_buf_add_view (&text, plv_view_str (" ("));
    plv_buf_add_view (&text, plv_buf_view (&self->address));
    if (has_text)
        plv_buf_add_u8 (&text, ')');
    bool is_safe = flavour_is_safe (plv_buf_view (&self->address));
    writer_text (self, plv_buf_view (&text), is_safe ? FORM_URL : FORM_PROSE);
    plv_buf_free (&text);
}

static plv_view_t tail (const plv_buf_t *buf, size_t from)
{
    return buf->size > from ? plv_view (buf->data + from, buf->size - from) : plv_view (NULL, 0);
}

static void leave_cell_link (writer_t *self)
{
    const plv_buf_t *cells = &self->cells;
    plv_view_t text = tail (cells, self->link_text);
    if (self->address.size && !is_bare (text, plv_buf_view (&self->address)))
        put_address (self, is_solid (text));
}

static bool is_link (const writer_t *self, plv_view_t encoded)
{
    pal_markdown_t id = self->flavour->id;
    if (id == PAL_MARKDOWN_NONE || id == PAL_MARKDOWN_WHATSAPP)
        return false;
    if (self->flavour->counted && self->max && encoded.size + LINK_ROOM > self->max)
        return false;
    return id == PAL_MARKDOWN_COMMON || flavour_is_safe (plv_buf_view (&self->address));
}

static void leave_layout_link (writer_t *self)
{
    layout_t *layout = self->layout;
    plv_buf_t encoded = {0};
    layout_frame_t frame = {0};
    plv_view_t address = plv_buf_view (&self->address);
    plv_view_t text = tail (&layout->text, self->link_text);
    bool bare = is_bare (text, address), has_text = is_solid (text);
    flavour_address (self->flavour, &encoded, address);
    bool linked = is_link (self, plv_buf_view (&encoded));
    if (bare && flavour_is_safe (address) && (self->flavour->counted || !linked || !self->is_page))
        bare_link (self, &frame);
    else if (linked && has_text)
        link_strings (self, plv_buf_view (&encoded), &frame);
    if (address.size && !has_text)
        put_address (self, false);
    else if (address.size && !linked && !bare)
        put_address (self, true);
    layout->frames[self->link_frame] = frame;
    layout_close (layout);
    layout_mark (layout, STEP_LOOSE);
    plv_buf_free (&encoded);
}

void writer_leave_link (writer_t *self)
{
    if (self->link_depth == 0 || --self->link_depth)
        return;
    if (self->in_cell && self->in_table)
        leave_cell_link (self);
    else
        leave_layout_link (self);
}

void writer_end_text (writer_t *self)
{
    if (self->in_span)
        writer_code_span (self);
    if (self->link_depth) {
        self->link_depth = 1;
        writer_leave_link (self);
    }
    while (self->style_count) {
        flavour_style_t style = (flavour_style_t) self->styles[self->style_count - 1];
        self->style_depth[style] = 1;
        writer_leave_style (self, style);
    }
    memset (self->style_depth, 0, sizeof self->style_depth);
}
