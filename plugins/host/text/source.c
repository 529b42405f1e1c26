#include "host/text/source.h"

#include "base/utf8.h"

enum { LINES_MAX = 4096, URLS_MAX = 10000 };

/*  One character from `text` at `at`; returns how many bytes of the text it stands for.  */
static size_t clean_one (plv_buf_t *out, plv_view_t text, size_t at)
{
    const uint8_t *from = text.data + at;
    size_t left = text.size - at, size = plv_utf8_size (from, left);
    if (size == 0 || *from == 0
        || (size == SOURCE_MARK_BYTES && memcmp (from, SOURCE_MARK, SOURCE_MARK_BYTES) == 0)) {
        plv_buf_add (out, "\xef\xbf\xbd", 3);
        return size ? size : 1;
    }
    if (*from == '\r') {
        plv_buf_add_u8 (out, '\n');
        return left > 1 && from[1] == '\n' ? 2 : 1;
    }
    plv_buf_add (out, from, size);
    return size;
}

void source_clean (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size;)
        at += clean_one (out, text, at);
}

/*  "//[::1]:80": the address of a host, not a definition.  */
static bool is_address (plv_view_t text, size_t close)
{
    size_t at = close;
    while (at > 0 && close - at < 64
           && (strchr ("0123456789abcdefABCDEF:.%", text.data[at - 1]) && text.data[at - 1]))
        at--;
    return at >= 3 && memcmp (text.data + at - 3, "//[", 3) == 0;
}

void source_prepare (plv_buf_t *out, plv_view_t text)
{
    size_t lines = 0, line_begin = 0;
    for (size_t at = 0; at < text.size;) {
        bool is_end = text.data[at] == ']' && at + 1 < text.size && text.data[at + 1] == ':';
        size_t before = out->size;
        size_t step = clean_one (out, text, at);
        if (is_end && !is_address (text, at))
            plv_buf_add (out, SOURCE_MARK, SOURCE_MARK_BYTES);
        at += step;
        if (out->failed || out->size != before + 1 || out->data[before] != '\n')
            continue;
        lines = before == line_begin ? 0 : lines + 1;
        if (lines >= LINES_MAX) {
            plv_buf_add_u8 (out, '\n');
            lines = 0;
        }
        line_begin = out->size;
    }
    /*  md4c 0.4.8 looks at one character behind a last line of digits: "24" must not become a list.  */
    plv_buf_add_u8 (out, 0);
    if (!out->failed)
        out->size--;
}

void source_unmark (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size;) {
        const uint8_t *mark =
            memmem (text.data + at, text.size - at, SOURCE_MARK, SOURCE_MARK_BYTES);
        size_t size = mark ? (size_t) (mark - text.data) - at : text.size - at;
        plv_buf_add (out, text.data + at, size);
        at += size + (mark ? SOURCE_MARK_BYTES : 0);
    }
}

bool source_is_dense (plv_view_t text)
{
    size_t count = 0;
    for (size_t at = 2; at < text.size; at++)
        count += text.data[at] == '/' && text.data[at - 1] == '/' && text.data[at - 2] == ':';
    return count > URLS_MAX;
}
