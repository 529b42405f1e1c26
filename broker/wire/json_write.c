#include "wire/json.h"

#include "base/utf8.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*  From msgpack to JSON: apart from the other direction, so that who only writes is not linked with a parser.  */

static void put (plv_buf_t *out, const char *text)
{
    plv_buf_add (out, text, strlen (text));
}

static void put_escape (plv_buf_t *out, uint8_t byte)
{
    char escape[8];
    switch (byte) {
    case '"':
        put (out, "\\\"");
        return;
    case '\\':
        put (out, "\\\\");
        return;
    case '\n':
        put (out, "\\n");
        return;
    case '\r':
        put (out, "\\r");
        return;
    case '\t':
        put (out, "\\t");
        return;
    default:
        break;
    }
    snprintf (escape, sizeof escape, "\\u%04x", byte);
    put (out, escape);
}

/*  The bytes of the character at `at` if it stands in JSON as it is; else 0.  */
static size_t plain_size (plv_view_t text, size_t at)
{
    uint8_t byte = text.data[at];
    return byte < 0x20 || byte == '"' || byte == '\\'
               ? 0
               : plv_utf8_size (text.data + at, text.size - at);
}

void plv_json_put_text (plv_buf_t *out, plv_view_t text)
{
    size_t from = 0, size;
    plv_buf_add_u8 (out, '"');
    for (size_t at = 0; at < text.size; at += size) {
        size = plain_size (text, at);
        if (size)
            continue;
        plv_buf_add (out, text.data + from, at - from);
        if (text.data[at] < 0x80)
            put_escape (out, text.data[at]);
        else
            put (out, "\\ufffd");
        size = 1;
        from = at + 1;
    }
    plv_buf_add (out, text.size ? text.data + from : NULL, text.size - from);
    plv_buf_add_u8 (out, '"');
}

static void put_base64 (plv_buf_t *out, plv_view_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    plv_buf_add_u8 (out, '"');
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t word = (uint32_t) bytes.data[at] << 16;
        word |= left > 1 ? (uint32_t) bytes.data[at + 1] << 8 : 0;
        word |= left > 2 ? bytes.data[at + 2] : 0;
        char quad[4] = {digits[word >> 18 & 63], digits[word >> 12 & 63],
                        left > 1 ? digits[word >> 6 & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        plv_buf_add (out, quad, sizeof quad);
    }
    plv_buf_add_u8 (out, '"');
}

/*  The shortest text that reads back as the same number.  */
static void format_real (char *text, size_t size, double real)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf (text, size, "%.*g", digits, real);
        if (strtod (text, NULL) == real)
            return;
    }
}

static bool write_number (plv_buf_t *out, plv_mp_t *at)
{
    char text[40];
    uint64_t natural;
    int64_t integer;
    double real;
    if (plv_mp_u64 (at, &natural))
        snprintf (text, sizeof text, "%" PRIu64, natural);
    else if (plv_mp_i64 (at, &integer))
        snprintf (text, sizeof text, "%" PRId64, integer);
    else if (!plv_mp_double (at, &real))
        return false;
    else if (isfinite (real))
        format_real (text, sizeof text, real);
    else
        snprintf (text, sizeof text, "null");
    put (out, text);
    return true;
}

static bool write_value (plv_buf_t *out, plv_mp_t *at);

static bool write_array (plv_buf_t *out, plv_mp_t *at)
{
    uint32_t count;
    if (!plv_mp_array (at, &count))
        return false;
    plv_buf_add_u8 (out, '[');
    for (uint32_t item = 0; item < count; item++) {
        if (item)
            plv_buf_add_u8 (out, ',');
        if (!write_value (out, at))
            return false;
    }
    plv_buf_add_u8 (out, ']');
    return true;
}

/*  JSON's keys are texts: another key is written as the text of its value.  */
static bool write_key (plv_buf_t *out, plv_mp_t *at)
{
    plv_view_t text;
    if (plv_mp_str (at, &text)) {
        plv_json_put_text (out, text);
        return true;
    }
    plv_buf_t key = {0};
    bool good = write_value (&key, at);
    if (good)
        plv_json_put_text (out, plv_buf_view (&key));
    plv_buf_free (&key);
    return good;
}

static bool write_map (plv_buf_t *out, plv_mp_t *at)
{
    uint32_t count;
    if (!plv_mp_map (at, &count))
        return false;
    plv_buf_add_u8 (out, '{');
    for (uint32_t pair = 0; pair < count; pair++) {
        if (pair)
            plv_buf_add_u8 (out, ',');
        if (!write_key (out, at))
            return false;
        plv_buf_add_u8 (out, ':');
        if (!write_value (out, at))
            return false;
    }
    plv_buf_add_u8 (out, '}');
    return true;
}

static bool write_text (plv_buf_t *out, plv_mp_t *at)
{
    plv_view_t text;
    if (!plv_mp_str (at, &text))
        return false;
    plv_json_put_text (out, text);
    return true;
}

static bool write_bytes (plv_buf_t *out, plv_mp_t *at)
{
    plv_view_t bytes;
    if (!plv_mp_bin (at, &bytes))
        return false;
    put_base64 (out, bytes);
    return true;
}

static bool write_value (plv_buf_t *out, plv_mp_t *at)
{
    bool truth;
    switch (plv_mp_peek (at)) {
    case MP_MAP:
        return write_map (out, at);
    case MP_ARRAY:
        return write_array (out, at);
    case MP_STR:
        return write_text (out, at);
    case MP_BIN:
        return write_bytes (out, at);
    case MP_UINT:
    case MP_INT:
    case MP_FLOAT:
        return write_number (out, at);
    case MP_BOOL:
        if (!plv_mp_bool (at, &truth))
            return false;
        put (out, truth ? "true" : "false");
        return true;
    case MP_NIL:
    case MP_EXT:
        put (out, "null");
        return plv_mp_skip (at, NULL);
    case MP_NONE:
        break;
    }
    return false;
}

/*  The first walk bounds depth and counts, so that the second one can trust them.  */
bool plv_json_from_mp (plv_buf_t *out, plv_view_t value)
{
    plv_mp_t whole = plv_mp (value);
    if (!plv_mp_skip (&whole, NULL) || whole.at != whole.end)
        return false;
    plv_mp_t at = plv_mp (value);
    size_t start = out->size;
    if (write_value (out, &at))
        return true;
    out->size = start;
    return false;
}
