#include "telegram/parts.h"

#include "telegram/character.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ what Telegram takes for no text */

static bool shows_something (pal_text_t html)
{
    bool tag = false;
    while (html.size) {
        uint32_t code = character_next (&html);
        if (!tag && code != '<' && character_seen (code))
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
