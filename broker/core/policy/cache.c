#include "core/policy/cache.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/fold.h"
#include "base/list.h"
#include "base/map.h"
#include "wire/mp.h"

#include <stdlib.h>

typedef struct {
    plv_node_t node; /* by last use, the latest at the end */
    int64_t expires_us;
    size_t key_size;
    size_t value_size;
    uint8_t bytes[]; /* key, value */
} cache_entry_t;

/*  What the tables take for an entry beside its bytes, roughly.  */
enum { CACHE_SLOT_BYTES = 64 };

struct cache {
    plv_map_t entries;
    plv_node_t by_use;
    size_t bytes;
    cache_limits_t limits;
};

static plv_view_t entry_key (const cache_entry_t *self)
{
    return plv_view (self->bytes, self->key_size);
}

static size_t entry_cost (size_t key_size, size_t value_size)
{
    return sizeof (cache_entry_t) + CACHE_SLOT_BYTES + key_size + value_size;
}

static void cache_drop (cache_t *self, cache_entry_t *entry)
{
    plv_map_remove (&self->entries, entry_key (entry));
    plv_node_remove (&entry->node);
    self->bytes -= entry_cost (entry->key_size, entry->value_size);
    free (entry);
}

/*  Drops what was used longest ago until one more of `cost` bytes has room.  */
static void cache_make_room (cache_t *self, size_t entries, size_t cost)
{
    plv_node_t *node;
    while ((self->entries.count + entries > self->limits.entries
            || self->bytes + cost > self->limits.bytes)
           && (node = plv_list_first (&self->by_use)))
        cache_drop (self, PLV_OF (node, cache_entry_t, node));
}

cache_t *cache_new (const uint8_t seed[16], const cache_limits_t *limits)
{
    cache_t *self = plv_alloc_zero (1, sizeof *self);
    plv_map_init (&self->entries, seed);
    plv_list_init (&self->by_use);
    self->limits = *limits;
    return self;
}

void cache_destroy (cache_t **self_p)
{
    cache_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    cache_clear (self);
    plv_map_free (&self->entries);
    free (self);
    *self_p = NULL;
}

void cache_set_limits (cache_t *self, const cache_limits_t *limits)
{
    self->limits = *limits;
    cache_make_room (self, 0, 0);
}

void cache_clear (cache_t *self)
{
    plv_node_t *node;
    while ((node = plv_list_first (&self->by_use)))
        cache_drop (self, PLV_OF (node, cache_entry_t, node));
}

static bool has_items (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint32_t count;
    return plv_mp_find (map, key, &value) && !plv_mp_nil (&value)
           && (!plv_mp_array (&value, &count) || count > 0);
}

bool cache_may (plv_view_t body)
{
    plv_mp_t metadata;
    plv_view_t map;
    if (has_items (body, "attachments"))
        return false;
    return !plv_mp_find (body, "metadata", &metadata) || plv_mp_peek (&metadata) != MP_MAP
           || !plv_mp_skip (&metadata, &map) || !has_items (map, "merged");
}

void cache_key (plv_buf_t *buf, uint32_t route_index, plv_view_t text, plv_view_t state_subset)
{
    uint8_t head[8];
    plv_put_u32 (head, route_index);
    plv_put_u32 (head + 4, (uint32_t) state_subset.size);
    plv_buf_add (buf, head, sizeof head);
    plv_buf_add_view (buf, state_subset);
    plv_fold_normal (buf, text);
}

bool cache_get (cache_t *self, plv_view_t key, int64_t now_us, plv_view_t *ret_value)
{
    cache_entry_t *entry = plv_map_get (&self->entries, key);
    if (!entry)
        return false;
    if (now_us >= entry->expires_us) {
        cache_drop (self, entry);
        return false;
    }
    plv_node_remove (&entry->node);
    plv_list_push (&self->by_use, &entry->node);
    *ret_value = plv_view (entry->bytes + entry->key_size, entry->value_size);
    return true;
}

void cache_put (cache_t *self, plv_view_t key, plv_view_t value, int64_t now_us)
{
    cache_entry_t *old = plv_map_get (&self->entries, key);
    size_t cost = entry_cost (key.size, value.size);
    if (old)
        cache_drop (self, old);
    if (cost > self->limits.bytes || self->limits.entries == 0)
        return;
    cache_make_room (self, 1, cost);
    cache_entry_t *entry = plv_alloc (sizeof *entry + key.size + value.size);
    *entry = (cache_entry_t){
        .expires_us = now_us + self->limits.ttl_us,
        .key_size = key.size,
        .value_size = value.size,
    };
    if (key.size)
        memcpy (entry->bytes, key.data, key.size);
    if (value.size)
        memcpy (entry->bytes + key.size, value.data, value.size);
    plv_map_put (&self->entries, entry_key (entry), entry);
    plv_list_push (&self->by_use, &entry->node);
    self->bytes += cost;
}

size_t cache_count (const cache_t *self)
{
    return self->entries.count;
}

size_t cache_bytes (const cache_t *self)
{
    return self->bytes;
}
