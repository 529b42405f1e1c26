#include "core/dead/fingerprint.h"

#include "base/bytes.h"

#include <sodium.h>

enum {
    WORDS_MAX = 1024,
    HEX_ID_LEAST = 6,    /* "deadbeef1" is an id, "b2b" is not */
    MIXED_ID_LEAST = 12, /* letters and digits in one word: req_011CSHoEeqs5C35K */
    QUOTED_MAX = 256,
};

static bool is_digit (uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static uint8_t lower (uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t) (byte + 32) : byte;
}

static bool is_alnum (uint8_t byte)
{
    return is_digit (byte) || (lower (byte) >= 'a' && lower (byte) <= 'z') || byte >= 0x80;
}

static bool is_hex (uint8_t byte)
{
    return is_digit (byte) || (lower (byte) >= 'a' && lower (byte) <= 'f');
}

static bool is_space (uint8_t byte)
{
    return byte <= ' ' || byte == 0x7f;
}

/*  The end of the run of bytes that are no space, nor begin or end something.  */
static size_t token_end (plv_view_t text, size_t at)
{
    while (at < text.size && !is_space (text.data[at]) && !strchr ("\"`()[]{}<>,;", text.data[at]))
        at++;
    return at;
}

/*  Quoted text ends at the same mark; an apostrophe within a word begins none. 0: none begins here.  */
static size_t quoted_end (plv_view_t text, size_t at)
{
    uint8_t mark = text.data[at];
    size_t most = text.size - at < QUOTED_MAX ? text.size : at + QUOTED_MAX;
    if ((mark != '"' && mark != '`' && mark != '\'')
        || (mark == '\'' && at > 0 && is_alnum (text.data[at - 1])))
        return 0;
    for (size_t end = at + 1; end < most; end++)
        if (text.data[end] == mark
            && (mark != '\'' || end + 1 == text.size || !is_alnum (text.data[end + 1])))
            return end + 1;
    return 0;
}

static bool is_address (plv_view_t token)
{
    const uint8_t *at_sign = memchr (token.data, '@', token.size);
    bool mail = at_sign && at_sign > token.data && is_alnum (at_sign[-1])
                && at_sign + 1 < token.data + token.size && is_alnum (at_sign[1]);
    return mail || memmem (token.data, token.size, "://", 3) != NULL;
}

/*  A UUID, a MAC or IPv6 address, 0xdeadbeef: hexadecimal digits with what holds them together.  */
static size_t hex_id_end (plv_view_t token, size_t from)
{
    size_t at = from, digits = 0, joints = 0;
    bool any_digit = false;
    bool prefixed = token.size - from > 2 && token.data[from] == '0' && token.data[from + 1] == 'x';
    if (prefixed)
        at += 2;
    for (; at < token.size; at++) {
        uint8_t byte = token.data[at];
        if (is_hex (byte)) {
            digits++;
            any_digit |= is_digit (byte);
        } else if ((byte == '-' || byte == ':') && at + 1 < token.size
                   && (is_hex (token.data[at + 1]) || token.data[at + 1] == ':')) {
            joints++;
        } else {
            break;
        }
    }
    bool whole = at == token.size || !is_alnum (token.data[at]);
    bool long_enough = digits >= HEX_ID_LEAST || (joints >= 2 && digits >= 3);
    return whole && digits && (prefixed || (any_digit && long_enough)) ? at : 0;
}

/*  Digits, and dots, colons and the like between digits.  */
static size_t number_end (plv_view_t token, size_t at)
{
    while (at < token.size
           && (is_digit (token.data[at])
               || (strchr (".:-/", token.data[at]) && at + 1 < token.size
                   && is_digit (token.data[at + 1]))))
        at++;
    return at;
}

/*  The end of the word of letters and digits, if it mixes them as only an id does.  */
static size_t mixed_id_end (plv_view_t token, size_t from)
{
    size_t at = from, changes = 0;
    for (; at < token.size && is_alnum (token.data[at]); at++)
        changes += at > from && is_digit (token.data[at]) != is_digit (token.data[at - 1]);
    return at - from >= MIXED_ID_LEAST && changes >= 2 ? at : 0;
}

static void add_token (plv_buf_t *buf, plv_view_t token)
{
    size_t end;
    if (is_address (token)) {
        plv_buf_add_u8 (buf, '@');
        return;
    }
    for (size_t at = 0; at < token.size; at = end) {
        bool begins = at == 0 || !is_alnum (token.data[at - 1]);
        if ((begins
             && ((end = hex_id_end (token, at)) != 0 || (end = mixed_id_end (token, at)) != 0))
            || (is_digit (token.data[at]) && (end = number_end (token, at)) != 0)) {
            plv_buf_add_u8 (buf, '#');
        } else {
            plv_buf_add_u8 (buf, lower (token.data[at]));
            end = at + 1;
        }
    }
}

void fingerprint_words (plv_view_t words, plv_buf_t *buf)
{
    plv_view_t text = plv_view (words.data, words.size < WORDS_MAX ? words.size : WORDS_MAX);
    bool gap = false;
    for (size_t at = 0, end; at < text.size; at = end) {
        if (is_space (text.data[at])) {
            gap = true;
            end = at + 1;
            continue;
        }
        if (gap && buf->size)
            plv_buf_add_u8 (buf, ' ');
        gap = false;
        if ((end = quoted_end (text, at)) != 0) {
            plv_buf_add (buf, "\"\"", 2);
        } else if ((end = token_end (text, at)) > at) {
            add_token (buf, plv_view (text.data + at, end - at));
        } else {
            plv_buf_add_u8 (buf, text.data[at]);
            end = at + 1;
        }
    }
}

static void add_part (plv_buf_t *buf, plv_view_t part)
{
    plv_buf_add_view (buf, part);
    plv_buf_add_u8 (buf, 0);
}

uint64_t fingerprint_of (plv_view_t outcome, plv_view_t code, plv_view_t route, plv_view_t words)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    plv_buf_t buf = {0}, plain = {0};
    fingerprint_words (words, &plain);
    add_part (&buf, outcome);
    add_part (&buf, code);
    add_part (&buf, route);
    add_part (&buf, plv_buf_view (&plain));
    plv_buf_check (&plain);
    plv_buf_check (&buf);
    crypto_generichash (hash, sizeof hash, buf.data, buf.size, NULL, 0);
    plv_buf_free (&plain);
    plv_buf_free (&buf);
    uint64_t fingerprint = plv_get_u64 (hash);
    return fingerprint ? fingerprint : 1;
}

void fingerprint_format (uint64_t fingerprint, char ret_text[FINGERPRINT_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < FINGERPRINT_TEXT_BYTES - 1; i++)
        ret_text[i] = digits[fingerprint >> (60 - 4 * i) & 15];
    ret_text[FINGERPRINT_TEXT_BYTES - 1] = '\0';
}

bool fingerprint_parse (plv_view_t text, uint64_t *ret_fingerprint)
{
    uint64_t value = 0;
    if (text.size != FINGERPRINT_TEXT_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = lower (text.data[i]);
        if (!is_hex (byte))
            return false;
        value = value << 4 | (uint64_t) (is_digit (byte) ? byte - '0' : byte - 'a' + 10);
    }
    *ret_fingerprint = value;
    return true;
}
