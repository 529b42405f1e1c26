#include "telegram/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ what Telegram takes for no text */

/*  It cuts these off, or takes them for blanks; a message of nothing else is refused.  */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0, ' '},         {0xa0, 0xa0},     {0x30a, 0x30a},   {0x333, 0x333},   {0x33f, 0x33f},
    {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x205f},
    {0x2800, 0x2800}, {0x3000, 0x3000}, {0xfeff, 0xfeff}, {0xfffc, 0xfffc}, {0xe0000, 0xe007f},
};

static bool is_seen (uint32_t code)
{
    for (size_t at = 0; at < sizeof unseen / sizeof *unseen; at++)
        if (code >= unseen[at].first && code <= unseen[at].last)
            return false;
    return true;
}

/*  The character at the start of a text in UTF-8 that is not empty; the text is moved on.  */
static uint32_t next_code (pal_text_t *text)
{
    unsigned char lead = (unsigned char) *text->data;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    uint32_t code = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (size_t at = 1; at < size && at < text->size; at++)
        code = code << 6 | ((unsigned char) text->data[at] & 0x3f);
    size = size < text->size ? size : text->size;
    *text = (pal_text_t){text->data + size, text->size - size};
    return code;
}

static bool shows_something (pal_text_t html)
{
    bool tag = false;
    while (html.size) {
        uint32_t code = next_code (&html);
        if (!tag && code != '<' && is_seen (code))
            return true;
        tag = tag ? code != '>' : code == '<';
    }
    return false;
}

/* ------------------------------------------------------------------ making them */

static void on_part (void *arg, pal_text_t text)
{
    parts_t *self = arg;
    if (!shows_something (text))
        return;
    char **texts = realloc (self->texts, (self->count + 1) * sizeof (char *));
    char *copy = calloc (1, text.size + 1);
    if (copy && text.size)
        memcpy (copy, text.data, text.size);
    if (texts)
        self->texts = texts;
    if (texts && copy)
        self->texts[self->count++] = copy;
    else
        free (copy);
    self->failed = self->failed || !texts || !copy;
}

bool parts_make (parts_t *self, telegram_t *owner, bool notice, pal_text_t text)
{
    const pal_host_t *host = owner->host;
    pal_text_t said = owner->options.ai_notice;
    size_t room = text.size + said.size + 8;
    char *whole = malloc (room);
    *self = (parts_t){0};
    if (!whole)
        return false;
    int size = notice && said.size
                   ? snprintf (whole, room, "*%.*s*\n\n%.*s", PAL_ARG (said), PAL_ARG (text))
                   : snprintf (whole, room, "%.*s", PAL_ARG (text));
    host->text_render (host, (pal_text_t){whole, (size_t) size}, PAL_MARKDOWN_TELEGRAM,
                       PAL_UTF16_UNITS, PART_UNITS_MAX, on_part, self);
    free (whole);
    if (self->failed)
        parts_free (self);
    return self->texts != NULL;
}

void parts_free (parts_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        free (self->texts[at]);
    free (self->texts);
    *self = (parts_t){0};
}

/* ------------------------------------------------------------------ without formatting */

/*  The four escapes of Telegram's HTML.  */
static const struct {
    const char *escape;
    char character;
} escapes[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};

static char unescaped (const char **at_p)
{
    for (size_t at = 0; at < sizeof escapes / sizeof *escapes; at++) {
        size_t size = strlen (escapes[at].escape);
        if (strncmp (*at_p, escapes[at].escape, size) == 0) {
            *at_p += size;
            return escapes[at].character;
        }
    }
    return *(*at_p)++;
}

char *parts_plain (const char *html)
{
    char *plain = malloc (strlen (html) + 1), *to = plain;
    for (const char *at = html; plain && *at;) {
        const char *end = *at == '<' ? strchr (at, '>') : NULL;
        if (end)
            at = end + 1;
        else
            *to++ = unescaped (&at);
    }
    if (plain)
        *to = 0;
    return plain;
}
