#include "core/state/kv.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"

#include <stdlib.h>

enum { ITEMS_FIRST_CAPACITY = 8 };

typedef struct {
    uint32_t key_size;
    uint32_t value_size;
    uint8_t bytes[]; /* key, value */
} item_t;

/*  What one adapter keeps; gone with its last key.  */
typedef struct {
    item_t **items; /* in the order of their keys */
    size_t count;
    size_t capacity;
    size_t bytes;
    size_t name_size;
    uint8_t name[];
} space_t;

struct kv {
    plv_map_t spaces;
    size_t count;
    size_t bytes;
};

static plv_view_t key_of (const item_t *item)
{
    return plv_view (item->bytes, item->key_size);
}

static plv_view_t value_of (const item_t *item)
{
    return plv_view (item->bytes + item->key_size, item->value_size);
}

static size_t size_of (const item_t *item)
{
    return (size_t) item->key_size + item->value_size;
}

static int compare (plv_view_t a, plv_view_t b)
{
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least ? memcmp (a.data, b.data, least) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/*  The place of the first key that is not before `key`.  */
static size_t place_of (const space_t *space, plv_view_t key)
{
    size_t from = 0, to = space->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare (key_of (space->items[middle]), key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static item_t *find (const space_t *space, plv_view_t key, size_t *ret_place)
{
    if (!space)
        return NULL;
    *ret_place = place_of (space, key);
    bool found =
        *ret_place < space->count && plv_view_equal (key_of (space->items[*ret_place]), key);
    return found ? space->items[*ret_place] : NULL;
}

kv_t *kv_new (const uint8_t seed[16])
{
    kv_t *self = plv_alloc_zero (1, sizeof *self);
    plv_map_init (&self->spaces, seed);
    return self;
}

static void destroy_space (space_t *space)
{
    for (size_t i = 0; i < space->count; i++)
        free (space->items[i]);
    free (space->items);
    free (space);
}

void kv_destroy (kv_t **self_p)
{
    kv_t *self = *self_p;
    space_t *space;
    if (!self)
        return;
    for (size_t at = 0; (space = plv_map_next (&self->spaces, &at));)
        destroy_space (space);
    plv_map_free (&self->spaces);
    free (self);
    *self_p = NULL;
}

bool kv_get (const kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t *ret_value)
{
    size_t place;
    const item_t *item = find (plv_map_get (&self->spaces, owner), key, &place);
    if (!item)
        return false;
    *ret_value = value_of (item);
    return true;
}

plv_err_t kv_check (const kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t value,
                    plv_fail_t *ret_fail)
{
    size_t place;
    const space_t *space = plv_map_get (&self->spaces, owner);
    const item_t *item = find (space, key, &place);
    size_t before = item ? size_of (item) : 0, after = key.size + value.size;
    if (key.size == 0 || key.size > KV_KEY_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "a key has 1 to %d bytes, this one has %zu",
                         KV_KEY_BYTES_MAX, key.size);
    if (value.size > KV_VALUE_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "a value has at most %d bytes, this one has %zu",
                         KV_VALUE_BYTES_MAX, value.size);
    if (!item && space && space->count >= KV_KEYS_MAX)
        return plv_fail (ret_fail, ERR_FULL, "an adapter keeps at most %d keys: delete some",
                         KV_KEYS_MAX);
    if ((space ? space->bytes : 0) - before + after > KV_ADAPTER_BYTES_MAX)
        return plv_fail (ret_fail, ERR_FULL,
                         "an adapter keeps at most %d bytes of keys and values: delete some",
                         KV_ADAPTER_BYTES_MAX);
    if (self->bytes - before + after > KV_BYTES_MAX)
        return plv_fail (ret_fail, ERR_FULL,
                         "all adapters together keep at most %d bytes of keys and values",
                         KV_BYTES_MAX);
    return ERR_OK;
}

static space_t *space_make (kv_t *self, plv_view_t owner)
{
    space_t *space = plv_alloc_zero (1, sizeof *space + owner.size);
    space->name_size = owner.size;
    memcpy (space->name, owner.data, owner.size);
    plv_map_put (&self->spaces, plv_view (space->name, space->name_size), space);
    return space;
}

static void insert (space_t *space, size_t place, item_t *item)
{
    if (space->count == space->capacity) {
        space->capacity = space->capacity ? 2 * space->capacity : ITEMS_FIRST_CAPACITY;
        space->items = plv_realloc (space->items, space->capacity * sizeof *space->items);
    }
    memmove (space->items + place + 1, space->items + place,
             (space->count - place) * sizeof *space->items);
    space->items[place] = item;
    space->count++;
}

static item_t *item_new (plv_view_t key, plv_view_t value)
{
    item_t *item = plv_alloc (sizeof *item + key.size + value.size);
    item->key_size = (uint32_t) key.size;
    item->value_size = (uint32_t) value.size;
    memcpy (item->bytes, key.data, key.size);
    if (value.size)
        memcpy (item->bytes + key.size, value.data, value.size);
    return item;
}

void kv_put (kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t value)
{
    size_t place;
    space_t *space = plv_map_get (&self->spaces, owner);
    item_t *item = item_new (key, value);
    if (!space)
        space = space_make (self, owner);
    item_t *old = find (space, key, &place);
    if (old) {
        space->bytes -= size_of (old);
        self->bytes -= size_of (old);
        space->items[place] = item;
        free (old);
    } else {
        insert (space, place, item);
        self->count++;
    }
    space->bytes += size_of (item);
    self->bytes += size_of (item);
}

bool kv_remove (kv_t *self, plv_view_t owner, plv_view_t key)
{
    size_t place;
    space_t *space = plv_map_get (&self->spaces, owner);
    item_t *item = find (space, key, &place);
    if (!item)
        return false;
    self->count--;
    self->bytes -= size_of (item);
    space->bytes -= size_of (item);
    memmove (space->items + place, space->items + place + 1,
             (space->count - place - 1) * sizeof *space->items);
    free (item);
    if (--space->count == 0) {
        plv_map_remove (&self->spaces, owner);
        destroy_space (space);
    }
    return true;
}

static bool begins_with (plv_view_t key, plv_view_t prefix)
{
    return key.size >= prefix.size
           && (prefix.size == 0 || memcmp (key.data, prefix.data, prefix.size) == 0);
}

bool kv_next (const kv_t *self, plv_view_t owner, plv_view_t prefix, plv_view_t *key,
              plv_view_t *ret_value)
{
    const space_t *space = plv_map_get (&self->spaces, owner);
    if (!space)
        return false;
    bool before = key->size == 0 || compare (*key, prefix) < 0;
    size_t place = place_of (space, before ? prefix : *key);
    if (!before && place < space->count && plv_view_equal (key_of (space->items[place]), *key))
        place++;
    if (place == space->count || !begins_with (key_of (space->items[place]), prefix))
        return false;
    *key = key_of (space->items[place]);
    *ret_value = value_of (space->items[place]);
    return true;
}

size_t kv_count (const kv_t *self)
{
    return self->count;
}

size_t kv_bytes (const kv_t *self)
{
    return self->bytes;
}

static uint64_t mix (uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return (hash ^ size) * 0x100000001b3ull;
}

uint64_t kv_digest (const kv_t *self)
{
    uint64_t sum = 0;
    const space_t *space;
    for (size_t at = 0; (space = plv_map_next (&self->spaces, &at));) {
        uint64_t hash = mix (0xcbf29ce484222325ull, space->name, space->name_size);
        for (size_t i = 0; i < space->count; i++) {
            hash = mix (hash, space->items[i]->bytes, space->items[i]->key_size);
            hash = mix (hash, space->items[i]->bytes, size_of (space->items[i]));
        }
        sum += hash;
    }
    return sum;
}
