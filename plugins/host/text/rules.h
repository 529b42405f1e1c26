/*  rules -- what holds of the parts of every text, for tests and fuzzers
    OWNS    nothing
    THREAD  that of the test
    FAILS   by CHECK, with the text and what is wrong with it
    COST    a few renderings

    Nothing is lost: the splitter is run once more with a flavour whose markup is made of one private
    character, as long as the real one; without that character and white space, the parts are the text.  */

#ifndef HOST_TEXT_RULES_H
#define HOST_TEXT_RULES_H

#include "base/check.h"
#include "base/utf8.h"
#include "host/text/source.h"
#include "host/text/split.h"
#include "host/text/unit.h"
#include "host/text/writer.h"

#define RULES_SIGN "\xee\x80\x80" /* U+E000 */

typedef struct {
    pal_markdown_t flavour;
    pal_text_unit_t unit;
    uint32_t max;
    plv_buf_t all; /* the parts, one after the other */
    size_t parts;
} rules_t;

static inline bool rules_is_space (uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t';
}

/*  Adds what is no white space and not the sign.  */
static inline void rules_add_solid (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (at + 3 <= text.size && memcmp (text.data + at, RULES_SIGN, 3) == 0)
            at += 2;
        else if (!rules_is_space (text.data[at]))
            plv_buf_add_u8 (out, text.data[at]);
    }
}

/* ------------------------------------------------------------------ tags */

static inline size_t rules_entity (plv_view_t text, size_t at, uint8_t *ret_byte)
{
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    static const char signs[] = "&<>\"'";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen (names[i]);
        if (text.size - at >= size && memcmp (text.data + at, names[i], size) == 0) {
            *ret_byte = (uint8_t) signs[i];
            return size;
        }
    }
    CHECK (false, "an ampersand alone in: " PLV_VIEW_FMT, PLV_VIEW_ARG (text));
}

/*  What a reader sees of HTML; its tags must match each other.  */
static inline void rules_see (plv_buf_t *out, plv_view_t text)
{
    char stack[96][16];
    size_t depth = 0;
    for (size_t at = 0; at < text.size;) {
        if (text.data[at] == '&') {
            uint8_t byte = 0;
            at += rules_entity (text, at, &byte);
            plv_buf_add_u8 (out, byte);
        } else if (text.data[at] == '<') {
            const uint8_t *end = memchr (text.data + at, '>', text.size - at);
            CHECK (end, "a tag without end in: " PLV_VIEW_FMT, PLV_VIEW_ARG (text));
            bool is_end = text.data[at + 1] == '/';
            size_t from = at + 1 + is_end, size = 0;
            while (size < 15 && text.data[from + size] != '>' && text.data[from + size] != ' ')
                size++;
            char name[16] = {0};
            memcpy (name, text.data + from, size);
            bool is_void = strcmp (name, "br") == 0 || strcmp (name, "hr") == 0;
            if (is_end)
                CHECK (depth && strcmp (stack[--depth], name) == 0, "</%s> in: " PLV_VIEW_FMT, name,
                       PLV_VIEW_ARG (text));
            else if (!is_void)
                memcpy (stack[depth++], name, sizeof name);
            at = (size_t) (end - text.data) + 1;
        } else {
            plv_buf_add_u8 (out, text.data[at++]);
        }
    }
    CHECK (depth == 0, "<%s> is not closed in: " PLV_VIEW_FMT, stack[depth - 1],
           PLV_VIEW_ARG (text));
}

/* ------------------------------------------------------------------ parts as they are */

static inline void rules_part (void *arg, pal_text_t part)
{
    rules_t *self = arg;
    plv_buf_t seen = {0};
    plv_view_t view = plv_view (part.data, part.size);
    bool is_tags = self->flavour == PAL_MARKDOWN_TELEGRAM || self->flavour == PAL_MARKDOWN_HTML;
    self->parts++;
    for (size_t at = 0; at < part.size;) {
        size_t size = plv_utf8_size (view.data + at, view.size - at);
        CHECK (size, "no UTF-8 in part %zu", self->parts);
        at += size;
    }
    if (is_tags)
        rules_see (&seen, view);
    else
        plv_buf_add_view (&seen, view);
    size_t size = text_size (plv_buf_view (&seen), self->unit);
    CHECK (!self->max || self->max < 8 || size <= self->max,
           "part %zu has %zu units, more than %u: " PLV_VIEW_FMT, self->parts, size, self->max,
           PLV_VIEW_ARG (view));
    rules_add_solid (&self->all, plv_buf_view (&seen));
    plv_buf_free (&seen);
}

/*  In HTML and in plain text the same words are seen, however they are cut.  */
static inline void rules_same (pal_text_t text, pal_markdown_t flavour, pal_text_unit_t unit,
                               uint32_t max)
{
    rules_t whole = {.flavour = flavour, .unit = unit};
    rules_t cut = {.flavour = flavour, .unit = unit, .max = max};
    text_render (text, flavour, unit, 0, rules_part, &whole);
    text_render (text, flavour, unit, max, rules_part, &cut);
    bool is_seen = flavour == PAL_MARKDOWN_TELEGRAM || flavour == PAL_MARKDOWN_HTML
                   || flavour == PAL_MARKDOWN_NONE;
    CHECK (!is_seen || plv_view_equal (plv_buf_view (&whole.all), plv_buf_view (&cut.all)),
           "flavour %d, %u: " PLV_VIEW_FMT "\nbecame: " PLV_VIEW_FMT, (int) flavour, max,
           PLV_VIEW_ARG (plv_buf_view (&whole.all)), PLV_VIEW_ARG (plv_buf_view (&cut.all)));
    plv_buf_free (&whole.all);
    plv_buf_free (&cut.all);
}

/* ------------------------------------------------------------------ parts of signs */

static inline plv_view_t rules_signs (layout_t *layout, plv_view_t string)
{
    plv_buf_t signs = {0};
    for (size_t at = 0; at < string.size;) {
        size_t size = plv_utf8_size (string.data + at, string.size - at);
        if (string.data[at] == '\n')
            plv_buf_add_u8 (&signs, '\n');
        else
            plv_buf_add (&signs, RULES_SIGN, 3);
        at += size ? size : 1;
    }
    plv_view_t result = layout_keep (layout, plv_buf_view (&signs));
    plv_buf_free (&signs);
    return result;
}

static inline void rules_nothing_lost (plv_view_t source, pal_markdown_t id, pal_text_unit_t unit,
                                       uint32_t max)
{
    layout_t layout = {0};
    plv_buf_t want = {0};
    rules_t got = {.flavour = PAL_MARKDOWN_NONE, .unit = PAL_CODEPOINTS};
    flavour_t flavour = *flavour_of (id);
    CHECK (writer_run (&layout, &flavour, source, max), "the parser gave up");
    for (size_t at = 0; at < layout.frame_count; at++) {
        layout_frame_t *frame = &layout.frames[at];
        frame->open = rules_signs (&layout, frame->open);
        frame->again = rules_signs (&layout, frame->again);
        frame->close = rules_signs (&layout, frame->close);
        frame->prefix = rules_signs (&layout, frame->prefix);
    }
    flavour.escape = ESCAPE_NOTHING;
    flavour.id = PAL_MARKDOWN_NONE;
    split_options_t options = {
        .flavour = &flavour, .unit = unit, .max = max, .part = rules_part, .arg = &got};
    split_layout (&layout, &options);
    rules_add_solid (&want, plv_buf_view (&layout.text));
    CHECK (plv_view_equal (plv_buf_view (&want), plv_buf_view (&got.all)),
           "flavour %d, %u: " PLV_VIEW_FMT "\nbecame: " PLV_VIEW_FMT, (int) id, max,
           PLV_VIEW_ARG (plv_buf_view (&want)), PLV_VIEW_ARG (plv_buf_view (&got.all)));
    layout_free (&layout);
    plv_buf_free (&want);
    plv_buf_free (&got.all);
}

/* ------------------------------------------------------------------ plain text */

typedef struct {
    plv_view_t text;
    size_t at;
    uint32_t max;
    pal_text_unit_t unit;
} rules_plain_t;

static inline void rules_plain_part (void *arg, pal_text_t part)
{
    rules_plain_t *self = arg;
    plv_view_t view = plv_view (part.data, part.size);
    while (self->at < self->text.size && rules_is_space (self->text.data[self->at]))
        self->at++;
    CHECK (part.size <= self->text.size - self->at
               && memcmp (part.data, self->text.data + self->at, part.size) == 0,
           "not the text: " PLV_VIEW_FMT, PLV_VIEW_ARG (view));
    CHECK (self->max < 4 || text_size (view, self->unit) <= self->max, "too long: " PLV_VIEW_FMT,
           PLV_VIEW_ARG (view));
    self->at += part.size;
}

/*  Of plain text, each part is the text's own bytes; only white space between them is left out.  */
static inline void rules_plain (plv_view_t clean, pal_text_unit_t unit, uint32_t max)
{
    rules_plain_t self = {.text = clean, .max = max ? max : UINT32_MAX, .unit = unit};
    text_split ((pal_text_t){(const char *) clean.data, clean.size}, unit, max, rules_plain_part,
                &self);
    while (self.at < clean.size && rules_is_space (clean.data[self.at]))
        self.at++;
    CHECK (self.at == clean.size, "%u: the end is missing from %zu: " PLV_VIEW_FMT, max, self.at,
           PLV_VIEW_ARG (clean));
}

static inline void rules_check (plv_view_t text, pal_markdown_t flavour, pal_text_unit_t unit,
                                uint32_t max)
{
    plv_buf_t clean = {0}, source = {0};
    source_clean (&clean, text);
    source_prepare (&source, plv_buf_view (&clean));
    rules_plain (plv_buf_view (&clean), unit, max);
    rules_same ((pal_text_t){(const char *) text.data, text.size}, flavour, unit, max);
    if (clean.size && !memmem (clean.data, clean.size, RULES_SIGN, 3)
        && flavour != PAL_MARKDOWN_NONE)
        rules_nothing_lost (plv_buf_view (&source), flavour, unit, max);
    plv_buf_free (&clean);
    plv_buf_free (&source);
}

#endif
