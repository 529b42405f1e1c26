#include "sim/sim.h"

#include "base/alloc.h"

#include <stdlib.h>

typedef struct {
    int64_t at_us;
    uint64_t order;
    sim_fn fn;
    void *arg;
    uint64_t token;
    plv_buf_t bytes;
} item_t;

struct agenda {
    item_t *items; /* a binary heap: the next one is the first */
    size_t count;
    size_t capacity;
    uint64_t order;
};

core_now_t sim_time (const sim_t *self)
{
    return (core_now_t){.mono_us = self->now_us, .wall_us = self->now_us + self->wall_offset_us};
}

struct agenda *agenda_new (void)
{
    return plv_alloc_zero (1, sizeof (struct agenda));
}

void agenda_destroy (struct agenda **self_p)
{
    struct agenda *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        plv_buf_free (&self->items[i].bytes);
    free (self->items);
    free (self);
    *self_p = NULL;
}

static bool before (const item_t *a, const item_t *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap (item_t *a, item_t *b)
{
    item_t other = *a;
    *a = *b;
    *b = other;
}

static void sift_up (struct agenda *self, size_t at)
{
    for (; at > 0 && before (&self->items[at], &self->items[(at - 1) / 2]); at = (at - 1) / 2)
        swap (&self->items[at], &self->items[(at - 1) / 2]);
}

static void sift_down (struct agenda *self)
{
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < self->count && before (&self->items[child], &self->items[least]))
                least = child;
        if (least == at)
            return;
        swap (&self->items[at], &self->items[least]);
        at = least;
    }
}

void sim_at (sim_t *sim, int64_t delay_us, sim_fn fn, void *arg, uint64_t token, plv_view_t bytes)
{
    struct agenda *self = sim->agenda;
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 64;
        self->items = plv_realloc (self->items, self->capacity * sizeof *self->items);
    }
    item_t *item = &self->items[self->count];
    *item = (item_t){.at_us = sim->now_us + delay_us,
                     .order = self->order++,
                     .fn = fn,
                     .arg = arg,
                     .token = token};
    plv_buf_add_view (&item->bytes, bytes);
    sift_up (self, self->count++);
}

bool agenda_step (sim_t *sim)
{
    struct agenda *self = sim->agenda;
    if (self->count == 0)
        return false;
    item_t item = self->items[0];
    self->items[0] = self->items[--self->count];
    sift_down (self);
    sim->now_us = item.at_us;
    item.fn (sim, item.arg, item.token, plv_buf_view (&item.bytes));
    plv_buf_free (&item.bytes);
    return true;
}
