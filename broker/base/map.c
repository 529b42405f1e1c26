#include "base/map.h"

#include "base/alloc.h"
#include "base/check.h"

#include <sodium/crypto_shorthash.h>

#include <assert.h>
#include <stdlib.h>

enum { SLOTS_MIN = 8 };

static_assert (crypto_shorthash_BYTES == sizeof (uint64_t), "SipHash-2-4 gives 8 bytes");
static_assert (crypto_shorthash_KEYBYTES == sizeof ((plv_map_t *) 0)->seed,
               "and takes the seed whole");

static uint64_t hash_of (const plv_map_t *self, plv_view_t key)
{
    uint64_t hash;
    crypto_shorthash ((unsigned char *) &hash, key.data, key.size, self->seed);
    return hash;
}

/*  The slot that holds `key`, or the empty one where it belongs.  */
static size_t find (const plv_map_t *self, uint64_t hash, plv_view_t key)
{
    size_t at = hash & self->mask;
    while (self->slots[at].value
           && !(self->slots[at].hash == hash && plv_view_equal (self->slots[at].key, key)))
        at = (at + 1) & self->mask;
    return at;
}

static void grow (plv_map_t *self)
{
    size_t count = self->slots ? (self->mask + 1) * 2 : SLOTS_MIN;
    plv_map_slot_t *slots = plv_alloc_zero (count, sizeof *slots);
    for (size_t from = 0; self->slots && from <= self->mask; from++) {
        if (!self->slots[from].value)
            continue;
        /*  All keys differ: no comparison, the first empty slot will do.  */
        size_t to = self->slots[from].hash & (count - 1);
        while (slots[to].value)
            to = (to + 1) & (count - 1);
        slots[to] = self->slots[from];
    }
    free (self->slots);
    self->slots = slots;
    self->mask = count - 1;
}

void plv_map_init (plv_map_t *self, const uint8_t seed[16])
{
    *self = (plv_map_t){0};
    memcpy (self->seed, seed, sizeof self->seed);
}

void plv_map_free (plv_map_t *self)
{
    free (self->slots);
    self->slots = NULL;
    self->mask = 0;
    self->count = 0;
}

void *plv_map_get (const plv_map_t *self, plv_view_t key)
{
    return self->count ? self->slots[find (self, hash_of (self, key), key)].value : NULL;
}

void *plv_map_put (plv_map_t *self, plv_view_t key, void *value)
{
    CHECK (value, "NULL marks an empty slot");
    if (!self->slots || self->count + 1 > (self->mask + 1) / 4 * 3)
        grow (self);
    uint64_t hash = hash_of (self, key);
    plv_map_slot_t *slot = &self->slots[find (self, hash, key)];
    void *before = slot->value;
    self->count += !before;
    *slot = (plv_map_slot_t){.hash = hash, .key = key, .value = value};
    return before;
}

void *plv_map_remove (plv_map_t *self, plv_view_t key)
{
    if (!self->count)
        return NULL;
    size_t hole = find (self, hash_of (self, key), key);
    void *value = self->slots[hole].value;
    if (!value)
        return NULL;
    /*  Whatever a probe would no longer reach across the hole moves into it.  */
    for (size_t at = (hole + 1) & self->mask; self->slots[at].value; at = (at + 1) & self->mask) {
        size_t from_home = (at - self->slots[at].hash) & self->mask;
        if (from_home >= ((at - hole) & self->mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = (plv_map_slot_t){0};
    self->count--;
    return value;
}

void *plv_map_next (const plv_map_t *self, size_t *at)
{
    while (self->slots && *at <= self->mask) {
        void *value = self->slots[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
