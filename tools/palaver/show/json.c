#include "palaver/show/json.h"

#include "base/utf8.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*  Nesting is bounded: plv_mp_skip has refused what is deeper than MSGPACK_DEPTH_MAX.  */

static void put_value (plv_buf_t *out, plv_mp_t *at, bool shown);

static void put_escaped (plv_buf_t *out, wchar_t code)
{
    switch (code) {
    case '\n':
        text_put (out, "\\n");
        break;
    case '\r':
        text_put (out, "\\r");
        break;
    case '\t':
        text_put (out, "\\t");
        break;
    default:
        text_putf (out, "\\u%04x", (unsigned) code);
    }
}

void json_put_text (plv_buf_t *out, plv_view_t text)
{
    plv_buf_add_u8 (out, '"');
    for (size_t at = 0; at < text.size;) {
        wchar_t code;
        const uint8_t *byte = text.data + at;
        size_t bytes = plv_utf8_size (byte, text.size - at);
        if (bytes == 0) {
            text_put (out, "\\ufffd");
        } else if (!text_is_shown (byte, bytes, &code)) {
            put_escaped (out, code);
        } else {
            if (*byte == '"' || *byte == '\\')
                plv_buf_add_u8 (out, '\\');
            plv_buf_add (out, byte, bytes);
        }
        at += bytes ? bytes : 1;
    }
    plv_buf_add_u8 (out, '"');
}

static void put_base64 (plv_buf_t *out, plv_view_t bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    plv_buf_add_u8 (out, '"');
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t three = (uint32_t) bytes.data[at] << 16;
        three |= left > 1 ? (uint32_t) bytes.data[at + 1] << 8 : 0;
        three |= left > 2 ? bytes.data[at + 2] : 0;
        plv_buf_add_u8 (out, (uint8_t) letters[three >> 18]);
        plv_buf_add_u8 (out, (uint8_t) letters[three >> 12 & 63]);
        plv_buf_add_u8 (out, left > 1 ? (uint8_t) letters[three >> 6 & 63] : '=');
        plv_buf_add_u8 (out, left > 2 ? (uint8_t) letters[three & 63] : '=');
    }
    plv_buf_add_u8 (out, '"');
}

/*  As short as it can be and still be the same number.  */
static void put_double (plv_buf_t *out, double number)
{
    char text[32];
    if (!isfinite (number)) {
        text_put (out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf (text, sizeof text, "%.*g", digits, number);
        if (strtod (text, NULL) == number)
            break;
    }
    text_put (out, text);
}

static void put_number (plv_buf_t *out, plv_mp_t *at)
{
    uint64_t positive;
    int64_t number;
    double real;
    if (plv_mp_u64 (at, &positive))
        text_putf (out, "%" PRIu64, positive);
    else if (plv_mp_i64 (at, &number))
        text_putf (out, "%" PRId64, number);
    else if (plv_mp_double (at, &real))
        put_double (out, real);
}

static bool ends_in_us (plv_view_t key)
{
    return key.size > 3 && memcmp (key.data + key.size - 3, "_us", 3) == 0;
}

/*  Writes `key` and the time behind it, when it is one.  */
static bool put_time (plv_buf_t *out, plv_view_t key, plv_mp_t *at)
{
    char text[TEXT_TIME_BYTES];
    int64_t us;
    bool suffixed = ends_in_us (key);
    if ((!suffixed && !plv_view_is (key, "timestamp")) || !plv_mp_i64 (at, &us))
        return false;
    key.size -= suffixed ? 3 : 0;
    json_put_text (out, key);
    text_time (us, true, text);
    text_putf (out, text[0] ? ":\"%s\"" : ":null", text);
    return true;
}

static bool is_foreign (plv_view_t key)
{
    return plv_view_is (key, "body") || plv_view_is (key, "state") || plv_view_is (key, "metadata");
}

/*  A key that is no text: its JSON, as a text.  */
static void put_odd_key (plv_buf_t *out, plv_mp_t *at)
{
    plv_buf_t key = {0};
    put_value (&key, at, false);
    json_put_text (out, plv_buf_view (&key));
    plv_buf_free (&key);
}

static void put_pair (plv_buf_t *out, plv_mp_t *at, bool shown)
{
    plv_view_t key = {0};
    if (!plv_mp_str (at, &key))
        put_odd_key (out, at);
    else if (shown && put_time (out, key, at))
        return;
    else
        json_put_text (out, key);
    plv_buf_add_u8 (out, ':');
    /* `state` is also the word for what a peer or a broker is */
    put_value (out, at, shown && !is_foreign (key));
}

static void put_value (plv_buf_t *out, plv_mp_t *at, bool shown)
{
    plv_view_t text;
    uint32_t count;
    bool flag;
    if (plv_mp_nil (at)) {
        text_put (out, "null");
    } else if (plv_mp_bool (at, &flag)) {
        text_put (out, flag ? "true" : "false");
    } else if (plv_mp_str (at, &text)) {
        json_put_text (out, text);
    } else if (plv_mp_bin (at, &text)) {
        put_base64 (out, text);
    } else if (plv_mp_array (at, &count)) {
        plv_buf_add_u8 (out, '[');
        for (uint32_t i = 0; i < count; i++) {
            if (i)
                plv_buf_add_u8 (out, ',');
            put_value (out, at, shown);
        }
        plv_buf_add_u8 (out, ']');
    } else if (plv_mp_map (at, &count)) {
        plv_buf_add_u8 (out, '{');
        for (uint32_t i = 0; i < count; i++) {
            if (i)
                plv_buf_add_u8 (out, ',');
            put_pair (out, at, shown);
        }
        plv_buf_add_u8 (out, '}');
    } else if (plv_mp_peek (at) == MP_EXT) {
        plv_mp_skip (at, &text);
        put_base64 (out, text);
    } else {
        put_number (out, at);
    }
}

static void put_checked (plv_buf_t *out, plv_view_t value, bool shown)
{
    plv_mp_t walk = plv_mp (value), at = walk;
    if (plv_mp_skip (&walk, NULL) && plv_mp_done (&walk))
        put_value (out, &at, shown);
    else
        text_put (out, "null");
}

void json_put (plv_buf_t *out, plv_view_t value)
{
    put_checked (out, value, false);
}

void json_put_shown (plv_buf_t *out, plv_view_t value)
{
    put_checked (out, value, true);
}
