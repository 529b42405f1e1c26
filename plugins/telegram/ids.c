#include "telegram/ids.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

static size_t home (const ids_t *self, int64_t key)
{
    uint64_t mixed = (uint64_t) key * UINT64_C (0x9e3779b97f4a7c15);
    return (size_t) (mixed >> 17) & (self->capacity - 1);
}

/*  Where the key is, or the free place where it would be.  */
static size_t place_of (const ids_t *self, int64_t key)
{
    size_t at = home (self, key);
    while (self->pairs[at].key && self->pairs[at].key != key)
        at = (at + 1) & (self->capacity - 1);
    return at;
}

static bool grow (ids_t *self)
{
    ids_t larger = {.capacity = self->capacity ? self->capacity * 2 : CAPACITY_FIRST,
                    .count = self->count};
    larger.pairs = calloc (larger.capacity, sizeof *larger.pairs);
    if (!larger.pairs)
        return false;
    for (size_t at = 0; at < self->capacity; at++)
        if (self->pairs[at].key)
            larger.pairs[place_of (&larger, self->pairs[at].key)] = self->pairs[at];
    free (self->pairs);
    *self = larger;
    return true;
}

bool ids_put (ids_t *self, int64_t key, int64_t value)
{
    if (!key || (self->count * 2 >= self->capacity && !grow (self)))
        return false;
    id_pair_t *pair = &self->pairs[place_of (self, key)];
    self->count += !pair->key;
    *pair = (id_pair_t){key, value};
    return true;
}

bool ids_get (const ids_t *self, int64_t key, int64_t *ret_value)
{
    if (!key || !self->capacity)
        return false;
    const id_pair_t *pair = &self->pairs[place_of (self, key)];
    if (pair->key && ret_value)
        *ret_value = pair->value;
    return pair->key != 0;
}

void ids_remove (ids_t *self, int64_t key)
{
    if (!ids_get (self, key, NULL))
        return;
    size_t hole = place_of (self, key), mask = self->capacity - 1;
    self->count--;
    /*  What stands behind the hole moves up, unless it is at home there.  */
    for (size_t at = (hole + 1) & mask; self->pairs[at].key; at = (at + 1) & mask) {
        size_t distance = (at - home (self, self->pairs[at].key)) & mask;
        if (distance >= ((at - hole) & mask)) {
            self->pairs[hole] = self->pairs[at];
            hole = at;
        }
    }
    self->pairs[hole] = (id_pair_t){0};
}

void ids_free (ids_t *self)
{
    free (self->pairs);
    *self = (ids_t){0};
}
