#include "wire/mask.h"

#include "wire/mp.h"

#include <ctype.h>
#include <strings.h>

static const char stars[] = "********";

static const char *const names[] = {
    "password", "passwd",        "secret", "token",      "apikey",     "api_key",
    "api-key",  "authorization", "cookie", "credential", "passphrase", "pin",
};

/*  How keys of well-known services begin.  */
static const char *const beginnings[] = {
    "sk-",    "xoxb-", "xoxp-", "xapp-",  "ghp_",     "github_pat_",
    "glpat-", "AKIA",  "eyJ",   "whsec_", "rk_live_", "sk_live_",
};

enum { KEY_BYTES_LEAST = 16 };

static bool is_word (uint8_t c)
{
    return isalnum (c) || c == '_' || c == '-';
}

static bool is_blank (uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_so (plv_view_t text, const char *end)
{
    size_t size = strlen (end);
    return text.size >= size
           && strncasecmp ((const char *) text.data + text.size - size, end, size) == 0;
}

/*  bot_token names a secret; tokens, a number, does not.  */
static bool names_secret (plv_view_t key)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen (names[i]);
        if (ends_so (key, names[i]) && (key.size == size || size > 3))
            return true;
    }
    return false;
}

/*  The word that ends at `at`.  */
static plv_view_t word_before (plv_view_t text, size_t at)
{
    size_t from = at;
    while (from > 0 && is_word (text.data[from - 1]))
        from--;
    return plv_view (text.data + from, at - from);
}

/*  Where the value begins that the ':' or '=' at `at` gives; 0: what stands before it names no secret.  */
static size_t value_behind (plv_view_t text, size_t at)
{
    size_t before = at;
    while (before > 0 && (text.data[before - 1] == ' ' || text.data[before - 1] == '"'))
        before--;
    if (!names_secret (word_before (text, before)))
        return 0;
    at++;
    while (at < text.size
           && (is_blank (text.data[at]) || text.data[at] == '"' || text.data[at] == '\''))
        at++;
    plv_view_t rest = plv_view (text.data + at, text.size - at);
    return rest.size > 7 && strncasecmp ((const char *) rest.data, "bearer ", 7) == 0 ? at + 7 : at;
}

static size_t value_end (plv_view_t text, size_t at)
{
    while (at < text.size && !is_blank (text.data[at]) && !strchr ("\"',;&", text.data[at]))
        at++;
    return at;
}

static bool begins_as_key (plv_view_t text)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t size = strlen (beginnings[i]);
        if (text.size >= size && memcmp (text.data, beginnings[i], size) == 0)
            return true;
    }
    return false;
}

static bool is_behind_bearer (plv_view_t text, size_t at)
{
    return at >= 7 && strncasecmp ((const char *) text.data + at - 7, "bearer ", 7) == 0;
}

/*  The secret that begins at `at` of `text`; its size, 0: none does. Its end is looked for last: in a text without
    blanks each byte may be where one begins, and all of them have the same end, far away.  */
static size_t secret_at (plv_view_t text, size_t at)
{
    bool within_word = at > 0 && is_word (text.data[at - 1]);
    if (within_word
        || (!begins_as_key (plv_view (text.data + at, text.size - at))
            && !is_behind_bearer (text, at)))
        return 0;
    size_t size = value_end (text, at) - at;
    return size >= KEY_BYTES_LEAST ? size : 0;
}

void plv_mask_put_text (plv_buf_t *out, plv_view_t text)
{
    for (size_t at = 0; at < text.size;) {
        bool gives = text.data[at] == ':' || text.data[at] == '=';
        size_t value = gives ? value_behind (text, at) : 0;
        size_t size = value ? 0 : secret_at (text, at);
        if (value && value_end (text, value) > value) {
            plv_buf_add (out, text.data + at, value - at);
            plv_buf_add_view (out, plv_view_str (stars));
            at = value_end (text, value);
        } else if (size) {
            plv_buf_add_view (out, plv_view_str (stars));
            at += size;
        } else {
            plv_buf_add_u8 (out, text.data[at++]);
        }
    }
}

static void put_value (plv_buf_t *out, plv_mp_t *at, bool secret);

static void put_map (plv_buf_t *out, plv_mp_t *at, uint32_t pairs)
{
    plv_view_t key = {0}, raw;
    plv_mp_put_map (out, pairs);
    while (pairs-- && plv_mp_skip (at, &raw)) {
        plv_mp_t one = plv_mp (raw);
        bool secret = plv_mp_str (&one, &key) && names_secret (key);
        plv_buf_add_view (out, raw);
        put_value (out, at, secret);
    }
}

/*  Nesting is bounded: plv_mp_skip has refused what is deeper.  */
static void put_value (plv_buf_t *out, plv_mp_t *at, bool secret)
{
    plv_view_t text;
    uint32_t count;
    if (plv_mp_map (at, &count)) {
        put_map (out, at, count);
    } else if (plv_mp_array (at, &count)) {
        plv_mp_put_array (out, count);
        while (count--)
            put_value (out, at, secret);
    } else if (plv_mp_str (at, &text)) {
        plv_buf_t masked = {0};
        if (secret)
            plv_buf_add_view (&masked, plv_view_str (text.size ? stars : ""));
        else
            plv_mask_put_text (&masked, text);
        plv_mp_put_str (out, plv_buf_view (&masked));
        plv_buf_free (&masked);
    } else if (plv_mp_skip (at, &text) && secret) {
        plv_mp_put_text (out, stars);
    } else {
        plv_buf_add_view (out, text);
    }
}

void plv_mask_put (plv_buf_t *out, plv_view_t value)
{
    plv_mp_t whole = plv_mp (value), at = whole;
    plv_view_t raw;
    if (plv_mp_skip (&whole, &raw))
        put_value (out, &at, false);
}
