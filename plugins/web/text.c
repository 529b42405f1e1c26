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

void text_add_quoted (text_t *self, pal_text_t text)
{
    size_t from = 0;
    text_add (self, "\"");
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char) text.data[at];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        text_add_view (self, (pal_text_t){text.data + from, at - from});
        add_escape (self, byte);
        from = at + 1;
    }
    text_add_view (self, (pal_text_t){text.size ? text.data + from : "", text.size - from});
    text_add (self, "\"");
}
