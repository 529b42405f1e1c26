#include "advisor/claude/prose.h"

#include <string.h>

static void put_code (unsigned code, plv_buf_t *out)
{
    if (code < 0x80) {
        plv_buf_add_u8 (out, (uint8_t) code);
    } else if (code < 0x800) {
        plv_buf_add_u8 (out, (uint8_t) (0xc0 | code >> 6));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        plv_buf_add_u8 (out, (uint8_t) (0xe0 | code >> 12));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code >> 6 & 0x3f)));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code & 0x3f)));
    } else {
        plv_buf_add_u8 (out, (uint8_t) (0xf0 | code >> 18));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code >> 12 & 0x3f)));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code >> 6 & 0x3f)));
        plv_buf_add_u8 (out, (uint8_t) (0x80 | (code & 0x3f)));
    }
}

/*  A \u escape is complete: `code` alone, or the second half of a pair. A half without its other half is left out.  */
static void end_unicode (prose_t *self, plv_buf_t *out)
{
    unsigned code = self->code;
    if (code >= 0xd800 && code < 0xdc00) {
        self->high = code;
        return;
    }
    if (code >= 0xdc00 && code < 0xe000) {
        if (self->high)
            put_code (0x10000 + ((self->high - 0xd800) << 10) + (code - 0xdc00), out);
    } else {
        put_code (code ? code : ' ', out);
    }
    self->high = 0;
}

static bool hex_digit (char c, unsigned *ret_digit)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *at = c ? strchr (DIGITS, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
    *ret_digit = at ? (unsigned) (at - DIGITS) : 0;
    return at;
}

/*  Behind a backslash; false: the escape is broken off, and `c` stands for itself.  */
static bool take_name (prose_t *self, char c, plv_buf_t *out)
{
    static const char NAMES[] = "\"\\/bfnrt", MEANS[] = "\"\\/\b\f\n\r\t";
    const char *name = c ? strchr (NAMES, c) : NULL;
    self->escape = c == 'u' ? 2 : 0;
    self->code = 0;
    if (name) {
        self->high = 0;
        plv_buf_add_u8 (out, (uint8_t) MEANS[name - NAMES]);
    }
    return name || self->escape;
}

static bool take_digit (prose_t *self, char c, plv_buf_t *out)
{
    unsigned digit;
    if (!hex_digit (c, &digit)) {
        self->escape = 0;
        return false;
    }
    self->code = self->code << 4 | digit;
    if (++self->escape == 6) {
        self->escape = 0;
        end_unicode (self, out);
    }
    return true;
}

static bool take_escape (prose_t *self, char c, plv_buf_t *out)
{
    return self->escape == 1 ? take_name (self, c, out) : take_digit (self, c, out);
}

static void end_text (prose_t *self)
{
    self->in_text = false;
    if (self->emits)
        self->dead = true;
}

static void put_key (prose_t *self, char c)
{
    if (self->key_size < sizeof self->key)
        self->key[self->key_size++] = c;
}

static void in_text (prose_t *self, char c, plv_buf_t *out)
{
    plv_buf_t nowhere = {0};
    bool taken = self->escape && take_escape (self, c, self->emits ? out : &nowhere);
    plv_buf_free (&nowhere);
    if (taken)
        return;
    if (c == '\\') {
        self->escape = 1;
    } else if (c == '"') {
        end_text (self);
    } else if (self->emits) {
        self->high = 0;
        plv_buf_add_u8 (out, (uint8_t) c);
    } else if (self->depth == 1 && !self->is_value) {
        put_key (self, c);
    }
}

static bool is_wanted (const prose_t *self)
{
    return self->depth == 1 && self->is_value && self->key_size == strlen (self->wanted)
           && memcmp (self->key, self->wanted, self->key_size) == 0;
}

static void outside (prose_t *self, char c)
{
    if (c == '"') {
        self->in_text = true;
        self->emits = is_wanted (self);
        if (self->depth == 1 && !self->is_value)
            self->key_size = 0;
    } else if (c == '{' || c == '[') {
        self->depth++;
    } else if ((c == '}' || c == ']') && self->depth) {
        self->depth--;
    } else if (self->depth == 1 && (c == ':' || c == ',')) {
        self->is_value = c == ':';
    }
}

void prose_feed (prose_t *self, plv_view_t bytes, plv_buf_t *out)
{
    for (size_t i = 0; i < bytes.size && !self->dead; i++) {
        char c = (char) bytes.data[i];
        if (self->in_text)
            in_text (self, c, out);
        else if (self->depth || c == '{')
            outside (self, c);
        else
            self->dead = !memchr (" \t\r\n", c, 4);
    }
}
