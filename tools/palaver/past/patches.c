#include "palaver/past/patches.h"

#include "base/alloc.h"
#include "wire/mp.h"

#include <stdlib.h>

typedef struct {
    plv_view_t key, value;
} pair_t;

void patches_begin (patches_t *self)
{
    static const uint8_t seed[16] = {0}; /* of one session, whose agents choose the keys */
    plv_map_init (&self->pairs, seed);
}

void patches_free (patches_t *self)
{
    pair_t *pair;
    for (size_t at = 0; (pair = plv_map_next (&self->pairs, &at));)
        free (pair);
    plv_map_free (&self->pairs);
}

static void set (patches_t *self, plv_view_t key, plv_view_t value)
{
    plv_mp_t reader = plv_mp (value);
    free (plv_map_remove (&self->pairs, key));
    if (plv_mp_nil (&reader))
        return;
    pair_t *pair = plv_alloc_zero (1, sizeof *pair);
    *pair = (pair_t){key, value};
    plv_map_put (&self->pairs, pair->key, pair);
}

void patches_add (patches_t *self, plv_view_t patch)
{
    plv_mp_t at = plv_mp (patch);
    plv_view_t key, value;
    uint32_t count = 0;
    if (patch.size == 0 || !plv_mp_map (&at, &count))
        return;
    while (count-- && plv_mp_str (&at, &key) && plv_mp_skip (&at, &value))
        set (self, key, value);
}

void patches_write (const patches_t *self, plv_buf_t *map)
{
    const pair_t *pair;
    plv_mp_put_map (map, (uint32_t) self->pairs.count);
    for (size_t at = 0; (pair = plv_map_next (&self->pairs, &at));) {
        plv_mp_put_str (map, pair->key);
        plv_buf_add_view (map, pair->value);
    }
    plv_buf_check (map);
}
