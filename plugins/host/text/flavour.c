#include "host/text/flavour.h"

#include <strings.h>

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

static const flavour_t flavours[] = {
#define FLAVOUR(name, escape_, strong_open, strong_close, em_open, em_close, strike_open,          \
                strike_close, code_open, code_close, quote_, bullet_, rule_, counted_)             \
    [PAL_MARKDOWN_##name] = {.id = PAL_MARKDOWN_##name,                                            \
                             .escape = ESCAPE_##escape_,                                           \
                             .open = {strong_open, em_open, strike_open, code_open},               \
                             .close = {strong_close, em_close, strike_close, code_close},          \
                             .quote = quote_,                                                      \
                             .bullet = bullet_,                                                    \
                             .rule = rule_,                                                        \
                             .counted = counted_},
#include "host/text/flavour.def"
#undef FLAVOUR
};

const flavour_t *flavour_of (pal_markdown_t id)
{
    size_t count = sizeof flavours / sizeof *flavours;
    return &flavours[(size_t) id < count ? (size_t) id : (size_t) PAL_MARKDOWN_NONE];
}

/* ------------------------------------------------------------------ characters */

static bool is_alnum (uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')
           || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

static bool is_space (uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

static bool is_one_of (uint8_t byte, const char *set)
{
    return byte && strchr (set, byte);
}

static uint8_t byte_at (plv_view_t text, size_t at)
{
    return at < text.size ? text.data[at] : ' ';
}

/*  "#", "-", "+", "=", "1." at the begin of a line begin a heading, a list, ...: where does the backslash go?
    At `from` + the result; SIZE_MAX: none is needed.  */
static size_t line_sign (plv_view_t text, size_t from)
{
    uint8_t first = byte_at (text, from);
    if (is_one_of (first, "#-+=>"))
        return 0;
    size_t digits = 0;
    while (digits < 10 && byte_at (text, from + digits) >= '0'
           && byte_at (text, from + digits) <= '9')
        digits++;
    bool numbers = digits > 0 && digits < 10 && is_one_of (byte_at (text, from + digits), ".)")
                   && is_space (byte_at (text, from + digits + 1));
    return numbers ? digits : SIZE_MAX;
}

/*  An underscore inside a word is no markup.  */
static bool is_inside (plv_view_t text, size_t from, size_t to, size_t at)
{
    return at > from && at + 1 < to && is_alnum (text.data[at - 1]) && is_alnum (text.data[at + 1]);
}

static bool needs_backslash (plv_view_t text, size_t from, size_t to, size_t at)
{
    uint8_t byte = text.data[at];
    if (byte == '_')
        return !is_inside (text, from, to, at);
    if (byte == '&')
        return is_one_of (byte_at (text, at + 1), "#") || is_alnum (byte_at (text, at + 1));
    return is_one_of (byte, "\\`*[]<~|");
}

static void add_entity (plv_buf_t *out, uint8_t byte, bool quotes)
{
    const char *entity = byte == '&'              ? "&amp;"
                         : byte == '<'            ? "&lt;"
                         : byte == '>'            ? "&gt;"
                         : byte == '"' && quotes  ? "&quot;"
                         : byte == '\'' && quotes ? "&#39;"
                                                  : NULL;
    if (entity)
        plv_buf_add_view (out, plv_view_str (entity));
    else
        plv_buf_add_u8 (out, byte);
}

/*  Would it begin bold, italic, ... on a platform that knows no escapes?  */
static bool begins_markup (plv_view_t text, size_t at)
{
    return is_one_of (text.data[at], "*_~`") && (at == 0 || !is_alnum (text.data[at - 1]))
           && !is_space (byte_at (text, at + 1));
}

/*  Three backticks in a row would end the fence.  */
static bool ends_fence (plv_view_t text, size_t from, size_t at)
{
    return text.data[at] == '`' && at >= from + 2 && text.data[at - 1] == '`'
           && text.data[at - 2] == '`';
}

static void escape_markdown (plv_buf_t *out, plv_view_t text, size_t from, size_t to,
                             bool line_start)
{
    size_t sign = line_start ? line_sign (text, from) : SIZE_MAX;
    for (size_t at = from; at < to; at++) {
        if (at - from == sign || needs_backslash (text, from, to, at))
            plv_buf_add_u8 (out, '\\');
        plv_buf_add_u8 (out, text.data[at]);
    }
}

static void escape_code (const flavour_t *self, plv_buf_t *out, plv_view_t text, size_t from,
                         size_t to)
{
    bool entities = self->escape != ESCAPE_MARKDOWN && self->escape != ESCAPE_SIGNS
                    && self->escape != ESCAPE_NOTHING;
    bool fenced = self->counted && self->id != PAL_MARKDOWN_COMMON && self->id != PAL_MARKDOWN_NONE;
    for (size_t at = from; at < to; at++) {
        if (fenced && ends_fence (text, 0, at))
            plv_buf_add (out, ZERO_WIDTH_SPACE, 3);
        if (entities)
            add_entity (out, text.data[at], self->escape == ESCAPE_PAGE);
        else
            plv_buf_add_u8 (out, text.data[at]);
    }
}

void flavour_escape (const flavour_t *self, plv_buf_t *out, plv_view_t text, size_t from, size_t to,
                     layout_form_t form, bool line_start)
{
    bool signs = self->escape == ESCAPE_SLACK || self->escape == ESCAPE_SIGNS;
    bool entities = self->escape == ESCAPE_TELEGRAM || self->escape == ESCAPE_PAGE
                    || self->escape == ESCAPE_SLACK;
    if (form == FORM_CODE) {
        escape_code (self, out, text, from, to);
        return;
    }
    if (form == FORM_PROSE && self->escape == ESCAPE_MARKDOWN) {
        escape_markdown (out, text, from, to, line_start);
        return;
    }
    if (!entities && (!signs || form != FORM_PROSE)) {
        plv_buf_add (out, text.data + from, to - from);
        return;
    }
    for (size_t at = from; at < to; at++) {
        if (entities)
            add_entity (out, text.data[at], self->escape == ESCAPE_PAGE);
        else
            plv_buf_add_u8 (out, text.data[at]);
        if (signs && form == FORM_PROSE && begins_markup (text, at))
            plv_buf_add (out, ZERO_WIDTH_SPACE, 3);
    }
}

/* ------------------------------------------------------------------ addresses */

void flavour_address (const flavour_t *self, plv_buf_t *out, plv_view_t address)
{
    static const char digits[] = "0123456789ABCDEF";
    bool entities = self->escape == ESCAPE_TELEGRAM || self->escape == ESCAPE_PAGE
                    || self->escape == ESCAPE_SLACK;
    for (size_t at = 0; at < address.size; at++) {
        uint8_t byte = address.data[at];
        if (byte <= ' ' || byte == 0x7f || is_one_of (byte, "\"'<>\\^`{|}()")) {
            const uint8_t code[] = {'%', (uint8_t) digits[byte >> 4], (uint8_t) digits[byte & 15]};
            plv_buf_add (out, code, sizeof code);
        } else if (entities) {
            add_entity (out, byte, true);
        } else {
            plv_buf_add_u8 (out, byte);
        }
    }
}

bool flavour_is_safe (plv_view_t address)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:"};
    for (size_t at = 0; at < sizeof schemes / sizeof *schemes; at++) {
        size_t size = strlen (schemes[at]);
        if (address.size > size
            && strncasecmp ((const char *) address.data, schemes[at], size) == 0)
            return true;
    }
    return false;
}
