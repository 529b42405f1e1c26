#include "host/text/writer.h"

#include "base/alloc.h"
#include "host/text/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { STRING_BYTES = 256, LANGUAGE_BYTES_MAX = 32 };

static const layout_frame_t nothing;

plv_view_t writer_keep (writer_t *self, const char *format, ...)
{
    char text[STRING_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    return layout_keep (self->layout, plv_view_str (text));
}

/* ------------------------------------------------------------------ blocks */

static void open_tag (writer_t *self, const char *name)
{
    layout_frame_t frame = {.open = writer_keep (self, "<%s>", name),
                            .close = writer_keep (self, "</%s>", name)};
    frame.again = frame.open;
    layout_open (self->layout, &frame);
}

static void paragraph_break (writer_t *self)
{
    layout_break (self->layout, CUT_PARAGRAPH, self->is_page ? 0 : 2, NULL);
}

static bool is_tight (const writer_t *self)
{
    size_t depth = self->list_depth;
    return depth > 0 && depth <= WRITER_DEPTH_MAX && !self->lists[depth - 1].is_loose;
}

/*  Between blocks: in an item of a tight list they follow each other closely.  */
static void block_break (writer_t *self)
{
    if (is_tight (self))
        layout_break (self->layout, CUT_LINE, self->is_page ? 0 : 1, NULL);
    else
        paragraph_break (self);
}

/*  Deeper ones are part of what is around them.  */
static bool enter_level (writer_t *self, bool wanted)
{
    size_t at = self->levels++;
    bool open = wanted && at < sizeof self->opened && self->containers < WRITER_DEPTH_MAX;
    if (at < sizeof self->opened)
        self->opened[at] = open;
    self->containers += open;
    return open;
}

static bool leave_level (writer_t *self)
{
    size_t at = --self->levels;
    bool open = at < sizeof self->opened && self->opened[at];
    self->containers -= open;
    return open;
}

static void enter_quote (writer_t *self)
{
    plv_view_t mark = plv_view_str (self->flavour->quote);
    bool is_tag = mark.data[0] == '<';
    /*  Telegram knows no quote in a quote.  */
    bool wanted = self->is_page || !is_tag || self->quote_depth == 0;
    self->quote_depth++;
    if (!enter_level (self, wanted))
        return;
    layout_frame_t frame = {.open = mark, .again = mark, .is_seen = !is_tag};
    if (is_tag) {
        frame.close = plv_view_str ("</blockquote>");
    } else {
        frame.prefix = mark;
        frame.prefix_again = true;
    }
    layout_open (self->layout, &frame);
}

static void leave_quote (writer_t *self)
{
    self->quote_depth--;
    if (leave_level (self))
        layout_close (self->layout);
    block_break (self);
}

static void enter_list (writer_t *self, writer_list_t list)
{
    block_break (self);
    size_t at = self->list_depth++;
    if (at >= WRITER_DEPTH_MAX)
        return;
    self->lists[at] = list;
    if (self->is_page)
        open_tag (self, list.is_ordered ? "ol" : "ul");
}

static void leave_list (writer_t *self)
{
    size_t at = --self->list_depth;
    if (at < WRITER_DEPTH_MAX && self->is_page)
        layout_close (self->layout);
    block_break (self);
}

static layout_frame_t page_item (writer_t *self, writer_list_t *list)
{
    layout_frame_t frame = {.close = plv_view_str ("</li>")};
    if (list->is_ordered) {
        frame.open = writer_keep (self, "<li value=\"%u\">", list->number);
        frame.again = writer_keep (self, "<li value=\"%u\" class=\"more\">", list->number);
    } else {
        frame.open = plv_view_str ("<li>");
        frame.again = plv_view_str ("<li class=\"more\">");
    }
    return frame;
}

static const char *task_mark (const writer_t *self, const MD_BLOCK_LI_DETAIL *detail)
{
    bool is_done = detail->task_mark != ' ';
    if (!detail->is_task)
        return "";
    if (self->flavour->id == PAL_MARKDOWN_COMMON)
        return is_done ? "[x] " : "[ ] ";
    return is_done ? "☑ " : "☐ ";
}

/*  Its number is text: it stays, whatever becomes of the markup.  */
static void open_item (writer_t *self, writer_list_t *list, plv_view_t *ret_mark)
{
    if (self->is_page) {
        layout_frame_t frame = page_item (self, list);
        layout_open (self->layout, &frame);
        return;
    }
    layout_frame_t frame = {0};
    /*  Where it is read as Markdown again, another sign is another list.  */
    bool is_common = self->flavour->id == PAL_MARKDOWN_COMMON;
    if (list->is_ordered)
        *ret_mark = writer_keep (self, "%u%c ", list->number, is_common ? list->mark : '.');
    else if (is_common)
        *ret_mark = writer_keep (self, "%c ", list->mark);
    else
        *ret_mark = plv_view_str (self->flavour->bullet);
    size_t width = list->is_ordered ? ret_mark->size : 2;
    frame.prefix = writer_keep (self, "%*s", (int) width, "");
    layout_open (self->layout, &frame);
}

static void enter_item (writer_t *self, const MD_BLOCK_LI_DETAIL *detail)
{
    plv_view_t mark = {0};
    block_break (self);
    bool known = self->list_depth <= WRITER_DEPTH_MAX && self->list_depth > 0;
    if (enter_level (self, known)) {
        writer_list_t *list = &self->lists[self->list_depth - 1];
        open_item (self, list, &mark);
        list->number++;
    }
    layout_mark (self->layout, STEP_ATOM);
    layout_text (self->layout, mark, FORM_URL);
    layout_text (self->layout, plv_view_str (task_mark (self, detail)), FORM_URL);
    layout_mark (self->layout, STEP_LOOSE);
}

static void leave_item (writer_t *self)
{
    if (leave_level (self))
        layout_close (self->layout);
    block_break (self);
}

static void enter_heading (writer_t *self, unsigned level)
{
    static const char *const signs[] = {"# ", "## ", "### ", "#### ", "##### ", "###### "};
    bool is_discord = self->flavour->id == PAL_MARKDOWN_DISCORD;
    if (self->is_page) {
        char name[] = {'h', (char) ('0' + level), 0};
        open_tag (self, name);
    } else if (self->is_markdown && !(is_discord && level > 3)) {
        layout_frame_t frame = {.open = plv_view_str (signs[level - 1]),
                                .again = plv_view_str (signs[level - 1])};
        layout_open (self->layout, &frame);
    } else {
        writer_enter_style (self, STYLE_STRONG);
        return;
    }
}

/*  A heading stays with what it is the heading of: no good place to cut.  */
static void leave_heading (writer_t *self, unsigned level)
{
    bool is_discord = self->flavour->id == PAL_MARKDOWN_DISCORD;
    if (self->is_page || (self->is_markdown && !(is_discord && level > 3)))
        layout_close (self->layout);
    else
        writer_leave_style (self, STYLE_STRONG);
    layout_break (self->layout, CUT_WORD, self->is_page ? 0 : is_tight (self) ? 1 : 2, NULL);
}

static void rule (writer_t *self)
{
    if (self->is_page) {
        layout_frame_t frame = {.open = plv_view_str (self->flavour->rule)};
        layout_open (self->layout, &frame);
        layout_mark (self->layout, STEP_TOUCH);
        layout_close (self->layout);
    } else {
        layout_text (self->layout, plv_view_str (self->flavour->rule), FORM_URL);
    }
    block_break (self);
}

/* ------------------------------------------------------------------ code */

static size_t longest_run (plv_view_t text, uint8_t sign)
{
    size_t longest = 0, run = 0;
    for (size_t at = 0; at < text.size; at++) {
        run = text.data[at] == sign ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static bool is_language (uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || (byte && strchr ("+-#._", byte));
}

/*  What is no name of a language says nothing to a reader either.  */
static plv_view_t language_of (writer_t *self, const MD_ATTRIBUTE *lang)
{
    for (size_t at = 0; at < lang->size; at++)
        if (!is_language ((uint8_t) lang->text[at]))
            return plv_view (NULL, 0);
    if (lang->size > LANGUAGE_BYTES_MAX)
        return plv_view (NULL, 0);
    return layout_keep (self->layout, plv_view (lang->text, lang->size));
}

static void tag_fence (writer_t *self, plv_view_t language, layout_frame_t *frame)
{
    if (language.size) {
        frame->open = writer_keep (self, "<pre><code class=\"language-" PLV_VIEW_FMT "\">",
                                   PLV_VIEW_ARG (language));
        frame->close = plv_view_str ("</code></pre>");
    } else if (self->is_page) {
        frame->open = plv_view_str ("<pre><code>");
        frame->close = plv_view_str ("</code></pre>");
    } else {
        frame->open = plv_view_str ("<pre>");
        frame->close = plv_view_str ("</pre>");
    }
}

static void sign_fence (writer_t *self, plv_view_t text, plv_view_t language, layout_frame_t *frame)
{
    char ticks[STRING_BYTES / 2];
    size_t run = self->flavour->id == PAL_MARKDOWN_COMMON ? longest_run (text, '`') + 1 : 3;
    run = run < 3 ? 3 : run < sizeof ticks ? run : sizeof ticks - 1;
    memset (ticks, '`', run);
    ticks[run] = 0;
    if (!self->is_markdown)
        language.size = 0;
    frame->open = writer_keep (self, "%s" PLV_VIEW_FMT "\n", ticks, PLV_VIEW_ARG (language));
    frame->close = writer_keep (self, "\n%s", ticks);
}

void writer_fence (writer_t *self, plv_view_t text, plv_view_t language)
{
    layout_frame_t frame = nothing;
    if (!self->flavour->counted)
        tag_fence (self, language, &frame);
    else if (self->flavour->id != PAL_MARKDOWN_NONE)
        sign_fence (self, text, language, &frame);
    frame.again = frame.open;
    layout_open (self->layout, &frame);
    layout_text (self->layout, text, FORM_CODE);
    layout_close (self->layout);
}

static void enter_code (writer_t *self, const MD_BLOCK_CODE_DETAIL *detail)
{
    self->in_code = true;
    self->language = language_of (self, &detail->lang);
    plv_buf_clear (&self->code);
}

static void leave_code (writer_t *self)
{
    self->in_code = false;
    writer_fence (self, plv_buf_view (&self->code), self->language);
    block_break (self);
}

/* ------------------------------------------------------------------ the parser's calls */

static int enter_block (MD_BLOCKTYPE type, void *detail, void *arg)
{
    writer_t *self = arg;
    const MD_BLOCK_UL_DETAIL *bullets = detail;
    const MD_BLOCK_OL_DETAIL *numbers = detail;
    const MD_BLOCK_H_DETAIL *heading = detail;
    writer_end_text (self);
    switch (type) {
    case MD_BLOCK_QUOTE:
        enter_quote (self);
        break;
    case MD_BLOCK_UL:
        enter_list (self, (writer_list_t){.mark = bullets->mark, .is_loose = !bullets->is_tight});
        break;
    case MD_BLOCK_OL:
        enter_list (self, (writer_list_t){.is_ordered = true,
                                          .mark = numbers->mark_delimiter,
                                          .is_loose = !numbers->is_tight,
                                          .number = numbers->start});
        break;
    case MD_BLOCK_LI:
        enter_item (self, detail);
        break;
    case MD_BLOCK_H:
        enter_heading (self, heading->level);
        break;
    case MD_BLOCK_CODE:
        block_break (self);
        enter_code (self, detail);
        break;
    case MD_BLOCK_P:
        if (self->is_page)
            open_tag (self, "p");
        break;
    case MD_BLOCK_HR:
        block_break (self);
        rule (self);
        break;
    case MD_BLOCK_TABLE:
        block_break (self);
        writer_enter_table (self, type, detail);
        break;
    default:
        writer_enter_table (self, type, detail);
        break;
    }
    return 0;
}

static int leave_block (MD_BLOCKTYPE type, void *detail, void *arg)
{
    writer_t *self = arg;
    const MD_BLOCK_H_DETAIL *heading = detail;
    writer_end_text (self);
    switch (type) {
    case MD_BLOCK_QUOTE:
        leave_quote (self);
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        leave_list (self);
        break;
    case MD_BLOCK_LI:
        leave_item (self);
        break;
    case MD_BLOCK_H:
        leave_heading (self, heading->level);
        break;
    case MD_BLOCK_CODE:
        leave_code (self);
        break;
    case MD_BLOCK_P:
        if (self->is_page)
            layout_close (self->layout);
        block_break (self);
        break;
    case MD_BLOCK_TABLE:
        writer_leave_table (self, type);
        block_break (self);
        break;
    default:
        writer_leave_table (self, type);
        break;
    }
    return 0;
}

static int enter_span (MD_SPANTYPE type, void *detail, void *arg)
{
    writer_t *self = arg;
    const MD_SPAN_A_DETAIL *link = detail;
    const MD_SPAN_IMG_DETAIL *image = detail;
    if (type == MD_SPAN_EM)
        writer_enter_style (self, STYLE_EM);
    else if (type == MD_SPAN_STRONG)
        writer_enter_style (self, STYLE_STRONG);
    else if (type == MD_SPAN_DEL)
        writer_enter_style (self, STYLE_STRIKE);
    else if (type == MD_SPAN_A)
        writer_enter_link (self, &link->href);
    else if (type == MD_SPAN_IMG)
        writer_enter_link (self, &image->src);
    else if (type == MD_SPAN_CODE) {
        self->in_span = true;
        plv_buf_clear (&self->code);
    }
    return 0;
}

static int leave_span (MD_SPANTYPE type, void *detail, void *arg)
{
    writer_t *self = arg;
    (void) detail;
    if (type == MD_SPAN_EM)
        writer_leave_style (self, STYLE_EM);
    else if (type == MD_SPAN_STRONG)
        writer_leave_style (self, STYLE_STRONG);
    else if (type == MD_SPAN_DEL)
        writer_leave_style (self, STYLE_STRIKE);
    else if (type == MD_SPAN_A || type == MD_SPAN_IMG)
        writer_leave_link (self);
    else if (type == MD_SPAN_CODE)
        writer_code_span (self);
    return 0;
}

static void line_break (writer_t *self, bool is_hard)
{
    const char *instead = NULL;
    if (self->in_cell) {
        writer_text (self, plv_view_str (" "), FORM_PROSE);
        return;
    }
    if (is_hard && self->is_page)
        instead = "<br>\n";
    else if (is_hard && self->flavour->id == PAL_MARKDOWN_COMMON)
        instead = "\\\n";
    layout_break (self->layout, CUT_LINE, instead ? 0 : 1, instead);
}

/*  Without the marks of source_prepare.  */
static void put_text (writer_t *self, plv_view_t text, bool is_code)
{
    for (size_t at = 0; at < text.size;) {
        const uint8_t *mark =
            memmem (text.data + at, text.size - at, SOURCE_MARK, SOURCE_MARK_BYTES);
        size_t size = mark ? (size_t) (mark - text.data) - at : text.size - at;
        plv_view_t piece = plv_view (text.data + at, size);
        if (is_code)
            plv_buf_add_view (&self->code, piece);
        else
            writer_text (self, piece, FORM_PROSE);
        at += size + (mark ? SOURCE_MARK_BYTES : 0);
    }
}

static int on_text (MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg)
{
    writer_t *self = arg;
    plv_view_t view = plv_view (text, size);
    switch (type) {
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        line_break (self, type == MD_TEXT_BR);
        break;
    case MD_TEXT_ENTITY:
        writer_entity (self, view);
        break;
    case MD_TEXT_NULLCHAR:
        break; /* source_prepare leaves none */
    default:
        put_text (self, view, self->in_code || self->in_span);
        break;
    }
    return 0;
}

static void writer_free (writer_t *self)
{
    plv_buf_free (&self->code);
    plv_buf_free (&self->address);
    plv_buf_free (&self->cells);
    free (self->grid);
    free (self->rows);
}

bool writer_run (layout_t *layout, const flavour_t *flavour, plv_view_t text, uint32_t max)
{
    writer_t self = {
        .layout = layout,
        .flavour = flavour,
        .max = max,
        .is_page = flavour->id == PAL_MARKDOWN_HTML,
        .is_markdown = flavour->escape == ESCAPE_MARKDOWN,
        .is_signs = flavour->escape == ESCAPE_SLACK || flavour->escape == ESCAPE_SIGNS,
    };
    unsigned links = source_is_dense (text) ? 0 : MD_FLAG_PERMISSIVEURLAUTOLINKS;
    MD_PARSER parser = {
        .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTML
                 | MD_FLAG_NOINDENTEDCODEBLOCKS | links,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = on_text,
    };
    bool ok = md_parse ((const char *) text.data, (MD_SIZE) text.size, &parser, &self) == 0;
    writer_free (&self);
    return ok;
}
