#include "base/map.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

enum { SLOTS_MIN = 8 };

/*  Numbers that count up, or that share low bits, must not run together.  */
static size_t home_of (const plv_map_u64_t *self, uint64_t key)
{
    key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdu;
    return (key ^ (key >> 33)) & self->mask;
}

/*  The slot that holds `key`, or the empty one where it belongs.  */
static size_t find (const plv_map_u64_t *self, uint64_t key)
{
    size_t at = home_of (self, key);
    while (self->slots[at].value && self->slots[at].key != key)
        at = (at + 1) & self->mask;
    return at;
}

static void grow (plv_map_u64_t *self)
{
    size_t count = self->slots ? (self->mask + 1) * 2 : SLOTS_MIN;
    plv_map_u64_t next = {.slots = plv_alloc_zero (count, sizeof *next.slots),
                          .mask = count - 1,
                          .count = self->count};
    for (size_t at = 0; self->slots && at <= self->mask; at++)
        if (self->slots[at].value)
            next.slots[find (&next, self->slots[at].key)] = self->slots[at];
    free (self->slots);
    *self = next;
}

void plv_map_u64_free (plv_map_u64_t *self)
{
    free (self->slots);
    *self = (plv_map_u64_t){0};
}

void *plv_map_u64_get (const plv_map_u64_t *self, uint64_t key)
{
    return self->count ? self->slots[find (self, key)].value : NULL;
}

void *plv_map_u64_put (plv_map_u64_t *self, uint64_t key, void *value)
{
    CHECK (value, "NULL marks an empty slot");
    if (!self->slots || self->count + 1 > (self->mask + 1) / 4 * 3)
        grow (self);
    plv_map_u64_slot_t *slot = &self->slots[find (self, key)];
    void *before = slot->value;
    self->count += !before;
    *slot = (plv_map_u64_slot_t){.key = key, .value = value};
    return before;
}

void *plv_map_u64_remove (plv_map_u64_t *self, uint64_t key)
{
    if (!self->count)
        return NULL;
    size_t hole = find (self, key);
    void *value = self->slots[hole].value;
    if (!value)
        return NULL;
    /*  Whatever a probe would no longer reach across the hole moves into it.  */
    for (size_t at = (hole + 1) & self->mask; self->slots[at].value; at = (at + 1) & self->mask) {
        size_t from_home = (at - home_of (self, self->slots[at].key)) & self->mask;
        if (from_home >= ((at - hole) & self->mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = (plv_map_u64_slot_t){0};
    self->count--;
    return value;
}

void *plv_map_u64_next (const plv_map_u64_t *self, size_t *at)
{
    while (self->slots && *at <= self->mask) {
        void *value = self->slots[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
