#include "palaver/show/text.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <wchar.h>

void text_begin (void)
{
    setlocale (LC_CTYPE, "C.UTF-8");
}

void text_time (int64_t us, bool exact, char ret_text[TEXT_TIME_BYTES])
{
    int64_t second = us / 1000000, rest = us % 1000000;
    struct tm parts;
    time_t seconds;
    if (rest < 0) {
        rest += 1000000;
        second--;
    }
    seconds = (time_t) second;
    ret_text[0] = '\0';
    if (us == 0 || !gmtime_r (&seconds, &parts))
        return;
    size_t size = strftime (ret_text, TEXT_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    if (exact)
        snprintf (ret_text + size, TEXT_TIME_BYTES - size, ".%06" PRId64 "Z", rest);
    else
        snprintf (ret_text + size, TEXT_TIME_BYTES - size, "Z");
}

/*  The character at `text`, its bytes, and whether it may be shown.  */
typedef struct {
    size_t bytes;
    size_t columns;
    bool shown;
} glyph_t;

static wchar_t decode (const uint8_t *at, size_t bytes)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    wchar_t code = at[0] & masks[bytes];
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | (at[i] & 0x3f);
    return code;
}

/*  What turns the direction of writing, or cannot be seen at all, hides what a text says.  */
static bool deceives (wchar_t code)
{
    return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
           || code == 0x200e || code == 0x200f || code == 0x2028 || code == 0x2029
           || code == 0xfeff;
}

bool text_is_shown (const uint8_t *at, size_t bytes, wchar_t *ret_code)
{
    wchar_t code = decode (at, bytes);
    *ret_code = code;
    return code >= 0x20 && (code < 0x7f || code >= 0xa0) && !deceives (code);
}

static glyph_t glyph_at (plv_view_t text, size_t at)
{
    wchar_t code;
    size_t bytes = plv_utf8_size (text.data + at, text.size - at);
    if (bytes == 0)
        return (glyph_t){.bytes = 1, .columns = 1};
    if (!text_is_shown (text.data + at, bytes, &code))
        return (glyph_t){.bytes = bytes, .columns = 1};
    int columns = wcwidth (code);
    return (glyph_t){.bytes = bytes, .columns = columns < 0 ? 1 : (size_t) columns, .shown = true};
}

size_t text_width (plv_view_t text)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.size;) {
        glyph_t glyph = glyph_at (text, at);
        columns += glyph.columns;
        at += glyph.bytes;
    }
    return columns;
}

static void put_glyph (plv_buf_t *out, plv_view_t text, size_t at, glyph_t glyph)
{
    if (glyph.shown)
        plv_buf_add (out, text.data + at, glyph.bytes);
    else
        plv_buf_add_u8 (out, plv_utf8_size (text.data + at, text.size - at) ? ' ' : '?');
}

void text_put_line (plv_buf_t *out, plv_view_t text, size_t columns)
{
    static const char dots[] = "...";
    bool cut = columns && text_width (text) > columns;
    size_t room = cut ? (columns > 3 ? columns - 3 : 0) : SIZE_MAX;
    for (size_t at = 0; at < text.size;) {
        glyph_t glyph = glyph_at (text, at);
        if (glyph.columns > room)
            break;
        room -= glyph.columns;
        put_glyph (out, text, at, glyph);
        at += glyph.bytes;
    }
    if (cut)
        plv_buf_add (out, dots, columns < 3 ? columns : 3);
}

void text_put_lines (plv_buf_t *out, plv_view_t text, size_t indent)
{
    for (size_t at = 0; at < text.size;) {
        glyph_t glyph = glyph_at (text, at);
        if (text.data[at] == '\n') {
            plv_buf_add_u8 (out, '\n');
            for (size_t i = 0; i < indent; i++)
                plv_buf_add_u8 (out, ' ');
        } else {
            put_glyph (out, text, at, glyph);
        }
        at += glyph.bytes;
    }
}

void text_put (plv_buf_t *out, const char *text)
{
    plv_buf_add_view (out, plv_view_str (text));
}

void text_put_folded (plv_buf_t *out, plv_view_t text, size_t indent, size_t columns)
{
    size_t used = indent;
    for (size_t at = 0; at < text.size;) {
        const uint8_t *blank = memchr (text.data + at, ' ', text.size - at);
        size_t size = blank ? (size_t) (blank - text.data) - at : text.size - at;
        plv_view_t word = plv_view (text.data + at, size);
        size_t width = text_width (word);
        if (at && used + 1 + width > columns) {
            text_putf (out, "\n%*s", (int) indent, "");
            used = indent;
        } else if (at) {
            text_put (out, " ");
            used++;
        }
        plv_buf_add_view (out, word);
        used += width;
        at += size + 1;
    }
}

const char *text_s (uint64_t count)
{
    return count == 1 ? "" : "s";
}

void text_putf (plv_buf_t *out, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    int size = vsnprintf (NULL, 0, format, args);
    va_end (args);
    if (size <= 0 || !plv_buf_reserve (out, (size_t) size + 1))
        return;
    va_start (args, format);
    vsnprintf ((char *) out->data + out->size, (size_t) size + 1, format, args);
    va_end (args);
    out->size += (size_t) size;
}

void text_put_span (plv_buf_t *out, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t at = 0;
    while (at < 3 && seconds < units[at].seconds)
        at++;
    text_putf (out, "%" PRId64 " %s", seconds / units[at].seconds, units[at].name);
    int64_t rest = at < 3 ? seconds % units[at].seconds / units[at + 1].seconds : 0;
    if (rest > 0)
        text_putf (out, " %" PRId64 " %s", rest, units[at + 1].name);
}

void text_put_bytes (plv_buf_t *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double) bytes;
    size_t at = 0;
    for (; at < 4 && amount >= 1024; at++)
        amount /= 1024;
    text_putf (out, at ? "%.1f %s" : "%.0f %s", amount, units[at]);
}
