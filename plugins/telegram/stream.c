#include "telegram/stream.h"

#include <stdlib.h>
#include <string.h>

static bool append (stream_t *self, pal_text_t delta)
{
    size_t need = self->size + delta.size;
    if (need > STREAM_BYTES_MAX)
        return false;
    if (need > self->capacity) {
        size_t capacity = need * 2;
        char *text = realloc (self->text, capacity);
        if (!text)
            return false;
        self->text = text;
        self->capacity = capacity;
    }
    if (delta.size)
        memcpy (self->text + self->size, delta.data, delta.size);
    self->size = need;
    return true;
}

bool stream_add (stream_t *self, const pal_id_t *event, uint64_t index, pal_text_t delta)
{
    bool same = self->on && memcmp (self->event.text, event->text, sizeof event->text) == 0;
    bool first = !same;
    if (first) {
        stream_end (self);
        *self = (stream_t){.on = true, .event = *event};
    } else if (index == 0) {
        /*  Another attempt writes it anew, into the same message.  */
        self->size = self->shown = 0;
        self->index = 0;
        self->broken = false;
    }
    if (index != self->index || !append (self, delta))
        self->broken = true;
    self->index = index + 1;
    return first;
}

void stream_end (stream_t *self)
{
    free (self->text);
    *self = (stream_t){0};
}
