#include "web/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free (text_t *self)
{
    free (self->data);
    *self = (text_t){0};
}

static bool grow (text_t *self, size_t more)
{
    size_t capacity = self->capacity ? self->capacity : 256;
    while (capacity - self->size < more)
        capacity *= 2;
    char *data = self->failed ? NULL : realloc (self->data, capacity);
    if (!data) {
        self->failed = true;
        return false;
    }
    self->data = data;
    self->capacity = capacity;
    return true;
}

void text_add_view (text_t *self, pal_text_t text)
{
    if (!text.size || self->failed
        || (self->capacity - self->size < text.size && !grow (self, text.size)))
        return;
    memcpy (self->data + self->size, text.data, text.size);
    self->size += text.size;
}

void text_add (text_t *self, const char *text)
{
    text_add_view (self, pal_text (text));
}

void text_addf (text_t *self, const char *format, ...)
{
    char piece[201];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (piece, sizeof piece, format, arguments);
    va_end (arguments);
    text_add (self, piece);
}

static void add_escape (text_t *self, unsigned char byte)
{
    static const char named[][2] = {
        {'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
    for (size_t at = 0; at < sizeof named / sizeof *named; at++) {
        if (byte == (unsigned char) named[at][0]) {
            text_addf (self, "\\%c", named[at][1]);
            return;
        }
    }
    text_addf (self, "\\u%04x", byte);
}

/*  How many bytes the character at `at` has; 0: it is none. Neither overlong forms nor surrogates are.  */
static size_t character_size (pal_text_t text, size_t at)
{
    const unsigned char *bytes = (const unsigned char *) text.data + at;
    size_t left = text.size - at;
    size_t size = bytes[0] < 0x80   ? 1
                  : bytes[0] < 0xc2 ? 0
                  : bytes[0] < 0xe0 ? 2
                  : bytes[0] < 0xf0 ? 3
                  : bytes[0] < 0xf5 ? 4
                                    : 0;
    if (size > left)
        return 0;
    for (size_t more = 1; more < size; more++) {
        if ((bytes[more] & 0xc0) != 0x80)
            return 0;
    }
    bool bad = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f)
               || (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f);
    return bad ? 0 : size;
}

static void add_character (text_t *self, pal_text_t character)
{
    unsigned char byte = character.size ? (unsigned char) character.data[0] : 0;
    if (!character.size)
        text_add (self, "\xef\xbf\xbd");
    else if (byte < 0x20 || byte == '"' || byte == '\\')
        add_escape (self, byte);
    else
        text_add_view (self, character);
}

static bool is_plain (unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

void text_add_quoted (text_t *self, pal_text_t text)
{
    text_add (self, "\"");
    for (size_t at = 0; at < text.size;) {
        size_t from = at;
        while (at < text.size && is_plain ((unsigned char) text.data[at]))
            at++;
        text_add_view (self, (pal_text_t){text.data + from, at - from});
        if (at < text.size) {
            size_t size = character_size (text, at);
            add_character (self, (pal_text_t){text.data + at, size});
            at += size ? size : 1;
        }
    }
    text_add (self, "\"");
}

pal_text_t text_prefix (pal_text_t text, size_t most)
{
    size_t size = text.size < most ? text.size : most;
    while (size < text.size && size && ((unsigned char) text.data[size] & 0xc0) == 0x80)
        size--;
    return (pal_text_t){text.data, size};
}

bool text_is_id (pal_text_t text, size_t most)
{
    if (!text.size || text.size > most)
        return false;
    for (size_t at = 0, size; at < text.size; at += size) {
        size = character_size (text, at);
        if (!size || (unsigned char) text.data[at] < 0x20 || text.data[at] == 0x7f)
            return false;
    }
    return true;
}

static int hex_digit (char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

bool text_decode (pal_text_t text, bool is_form, char *bytes, size_t size, pal_text_t *ret_text)
{
    size_t used = 0;
    for (size_t at = 0; at < text.size; at++) {
        char byte = is_form && text.data[at] == '+' ? ' ' : text.data[at];
        if (byte == '%' && at + 2 < text.size && hex_digit (text.data[at + 1]) >= 0
            && hex_digit (text.data[at + 2]) >= 0) {
            byte = (char) (hex_digit (text.data[at + 1]) << 4 | hex_digit (text.data[at + 2]));
            at += 2;
        }
        if (used == size)
            return false;
        bytes[used++] = byte;
    }
    *ret_text = (pal_text_t){bytes, used};
    return true;
}

bool text_next_word (pal_text_t *list, pal_text_t *ret_word)
{
    static const char between[] = " ,\t\n";
    size_t size = 0;
    while (list->size && strchr (between, list->data[0]))
        *list = (pal_text_t){list->data + 1, list->size - 1};
    while (size < list->size && !strchr (between, list->data[size]))
        size++;
    *ret_word = (pal_text_t){list->data, size};
    *list = (pal_text_t){list->data + size, list->size - size};
    return size > 0;
}
