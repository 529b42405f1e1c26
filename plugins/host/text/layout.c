#include "host/text/layout.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void layout_free (layout_t *self)
{
    for (size_t at = 0; at < self->string_count; at++)
        free (self->strings[at]);
    free (self->strings);
    free (self->frames);
    free (self->steps);
    plv_buf_free (&self->text);
    *self = (layout_t){0};
}

static void *room (void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : ROOM_FIRST;
    return plv_realloc (items, *capacity * size);
}

static layout_step_t *add (layout_t *self, layout_kind_t kind)
{
    self->steps = room (self->steps, self->count, &self->capacity, sizeof *self->steps);
    layout_step_t *step = &self->steps[self->count++];
    *step = (layout_step_t){.kind = (uint8_t) kind};
    return step;
}

static size_t add_frame (layout_t *self, const layout_frame_t *frame)
{
    self->frames =
        room (self->frames, self->frame_count, &self->frame_capacity, sizeof *self->frames);
    self->frames[self->frame_count] = *frame;
    return self->frame_count++;
}

plv_view_t layout_keep (layout_t *self, plv_view_t text)
{
    self->strings =
        room (self->strings, self->string_count, &self->string_capacity, sizeof *self->strings);
    char *copy = plv_alloc (text.size + 1);
    if (text.size)
        memcpy (copy, text.data, text.size);
    copy[text.size] = 0;
    self->strings[self->string_count++] = copy;
    return plv_view (copy, text.size);
}

void layout_text (layout_t *self, plv_view_t text, layout_form_t form)
{
    size_t from = self->text.size;
    if (!text.size)
        return;
    plv_buf_add_view (&self->text, text);
    plv_buf_check (&self->text);
    self->ends_in_text = true;
    layout_step_t *last = self->count ? &self->steps[self->count - 1] : NULL;
    if (last && last->kind == STEP_TEXT && last->form == form) {
        last->to = (uint32_t) self->text.size;
        return;
    }
    layout_step_t *step = add (self, STEP_TEXT);
    step->form = (uint8_t) form;
    step->from = (uint32_t) from;
    step->to = (uint32_t) self->text.size;
}

size_t layout_open (layout_t *self, const layout_frame_t *frame)
{
    size_t number = add_frame (self, frame);
    add (self, STEP_OPEN)->from = (uint32_t) number;
    return number;
}

void layout_close (layout_t *self)
{
    add (self, STEP_CLOSE);
}

void layout_break (layout_t *self, cut_t cut, unsigned lines, const char *instead)
{
    uint32_t frame = 0;
    if (instead) {
        layout_frame_t holder = {.open = plv_view_str (instead)};
        frame = (uint32_t) add_frame (self, &holder) + 1;
    }
    self->ends_in_text = false;
    layout_step_t *step = add (self, STEP_BREAK);
    step->cut = (uint8_t) cut;
    step->lines = (uint8_t) lines;
    step->to = frame;
}

void layout_mark (layout_t *self, layout_kind_t kind)
{
    if (kind == STEP_TOUCH)
        self->ends_in_text = false;
    add (self, kind);
}
