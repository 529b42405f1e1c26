#include "base/conf/conf_lex.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { NUMBER_BYTES_MAX = 63 };

plv_conf_lex_t plv_conf_lex (plv_view_t text)
{
    return (plv_conf_lex_t){.text = text, .line = 1};
}

/*  The byte `ahead` of the place, 0 at the end.  */
static int peek (const plv_conf_lex_t *self, size_t ahead)
{
    return self->text.size - self->at > ahead ? self->text.data[self->at + ahead] : 0;
}

static plv_conf_token_t refuse (plv_conf_lex_t *self, const char *wrong)
{
    self->wrong = wrong;
    return TOKEN_WRONG;
}

static void skip_to (plv_conf_lex_t *self, size_t end)
{
    for (; self->at < end; self->at++)
        self->line += self->text.data[self->at] == '\n';
}

static void skip_line (plv_conf_lex_t *self)
{
    while (peek (self, 0) && peek (self, 0) != '\n')
        self->at++;
}

/*  Moves behind blanks and comments; false in a comment that does not end.  */
static bool skip_blanks (plv_conf_lex_t *self)
{
    for (;;) {
        int byte = peek (self, 0);
        if (byte == '#' || (byte == '/' && peek (self, 1) == '/')) {
            skip_line (self);
        } else if (byte == '/' && peek (self, 1) == '*') {
            const uint8_t *start = self->text.data + self->at + 2;
            size_t left = self->text.size - self->at - 2;
            const uint8_t *end = memmem (start, left, "*/", 2);
            if (!end)
                return false;
            skip_to (self, (size_t) (end + 2 - self->text.data));
        } else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\n') {
            skip_to (self, self->at + 1);
        } else {
            return true;
        }
    }
}

static plv_conf_token_t lex_string (plv_conf_lex_t *self)
{
    for (skip_to (self, self->at + 1); peek (self, 0) != '"'; skip_to (self, self->at + 1)) {
        /*  libconfig ends a text at \x00 and says nothing.  */
        if (peek (self, 0) == '\\' && peek (self, 1) == 'x' && peek (self, 2) == '0'
            && peek (self, 3) == '0')
            return refuse (self, "a text cannot hold \\x00");
        if (peek (self, 0) == '\\' && peek (self, 1))
            skip_to (self, self->at + 1);
        if (!peek (self, 0))
            return refuse (self, "a text that begins here has no closing quote");
    }
    self->at++;
    return TOKEN_STRING;
}

static plv_conf_token_t lex_name (plv_conf_lex_t *self)
{
    const char *start = (const char *) self->text.data + self->at;
    size_t size = 0;
    while (isalnum (peek (self, size)) || (peek (self, size) && strchr ("-_*", peek (self, size))))
        size++;
    self->at += size;
    bool truth = (size == 4 && strncasecmp (start, "true", 4) == 0)
                 || (size == 5 && strncasecmp (start, "false", 5) == 0);
    return truth ? TOKEN_BOOL : TOKEN_NAME;
}

/*  A float of the decimal kind only: strtod would take "inf" and hexadecimal ones too.  */
static plv_conf_token_t lex_float (plv_conf_lex_t *self, const char *digits)
{
    char *end;
    double value = strtod (digits, &end);
    if (*end || strspn (digits, "0123456789+-.eE") != strlen (digits))
        return refuse (self, "neither a number nor a text in double quotes");
    return isfinite (value) ? TOKEN_FLOAT : refuse (self, "a number that is too large");
}

static plv_conf_token_t lex_number (plv_conf_lex_t *self)
{
    char digits[NUMBER_BYTES_MAX + 1];
    size_t size = 0;
    while (isalnum (peek (self, size)) || (peek (self, size) && strchr ("+-._", peek (self, size))))
        size++;
    if (size > NUMBER_BYTES_MAX)
        return refuse (self, "a number that is too long");
    memcpy (digits, self->text.data + self->at, size);
    digits[size] = 0;
    self->at += size;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;
    errno = 0;
    long long value = strtoll (digits, &end, hex ? 16 : 10);
    bool marked = *end == 'L';
    end += strcmp (end, "L") == 0 ? 1 : strcmp (end, "LL") == 0 ? 2 : 0;
    if (*end || end == digits)
        return lex_float (self, digits);
    if (errno)
        return refuse (self, "a number that needs more than 64 bits");
    self->wide = !marked && (value < INT32_MIN || value > INT32_MAX);
    return TOKEN_INT;
}

/*  The text is valid UTF-8.  */
static uint32_t code_point (const uint8_t *at, size_t size)
{
    uint32_t code = size == 1 ? at[0] : at[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (at[i] & 0x3fu);
    return code;
}

static bool is_blank (uint32_t code)
{
    return code == 0xa0 || (code >= 0x2000 && code <= 0x200f) || code == 0x2028 || code == 0x2029
           || code == 0x202f || code == 0x2060 || code == 0x3000 || code == 0xfeff;
}

/*  A quote or a blank that was pasted from a page looks right: its number tells what it is.  */
static plv_conf_token_t refuse_odd (plv_conf_lex_t *self)
{
    const uint8_t *at = self->text.data + self->at;
    size_t size = plv_utf8_size (at, self->text.size - self->at);
    uint32_t code = code_point (at, size);
    bool quote = code >= 0x2018 && code <= 0x201f, blank = is_blank (code);
    if (code > ' ' && code < 0x7f)
        snprintf (self->odd, sizeof self->odd, "%c has no meaning here%s", (char) code,
                  code == '\'' ? ": a text stands in \"double quotes\"" : "");
    else if (blank || code < 0xa0)
        snprintf (self->odd, sizeof self->odd, "U+%04X has no meaning here%s", code,
                  blank ? ": a blank is meant?" : "");
    else
        snprintf (self->odd, sizeof self->odd, "%.*s (U+%04X) has no meaning here%s", (int) size,
                  (const char *) at, code, quote ? ": a text stands in \"straight quotes\"" : "");
    return refuse (self, self->odd);
}

static plv_conf_token_t lex (plv_conf_lex_t *self)
{
    int byte = peek (self, 0);
    if (self->at == self->text.size)
        return TOKEN_END;
    if (byte == '"')
        return lex_string (self);
    if (isalpha (byte) || byte == '*')
        return lex_name (self);
    if (isdigit (byte) || byte == '+' || byte == '-' || (byte == '.' && isdigit (peek (self, 1))))
        return lex_number (self);
    if (byte == '@')
        return refuse (self, "@include is not taken: a configuration is one file");
    if (!byte || !strchr ("=:;,{}[]()", byte))
        return byte ? refuse_odd (self) : refuse (self, "a zero byte");
    self->at++;
    return TOKEN_MARK;
}

plv_conf_token_t plv_conf_lex_next (plv_conf_lex_t *self)
{
    self->wide = false;
    bool blanks_end = skip_blanks (self);
    self->word_line = self->line;
    if (!blanks_end)
        return self->token = refuse (self, "a comment that begins here has no end");
    size_t start = self->at;
    self->token = lex (self);
    self->word = plv_view (self->text.data + start, self->at - start);
    return self->token;
}
