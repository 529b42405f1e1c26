/*  map -- hash tables that the hot path can afford: one by number, one by bytes
    OWNS    its slots; never the values, and never the key bytes (a key lives in its value)
    THREAD  that of its owner
    FAILS   never: out of memory stops the daemon (alloc.h)
    COST    O(1); open addressing with backward-shift deletion, at most 3/4 full, so no tombstones

    Iterate with `for (size_t at = 0; (value = plv_map_u64_next (&map, &at));)`; removing while
    iterating is not allowed.  */

#ifndef PLV_BASE_MAP_H
#define PLV_BASE_MAP_H

#include "base/view.h"

typedef struct {
    uint64_t key;
    void *value;
} plv_map_u64_slot_t;

typedef struct {
    plv_map_u64_slot_t *slots;
    size_t mask; /* slot count - 1, or 0 when there are none */
    size_t count;
} plv_map_u64_t;

void plv_map_u64_free (plv_map_u64_t *self);
void *plv_map_u64_get (const plv_map_u64_t *self, uint64_t key);
/*  `value` is not NULL; the value that was there before, or NULL.  */
void *plv_map_u64_put (plv_map_u64_t *self, uint64_t key, void *value);
void *plv_map_u64_remove (plv_map_u64_t *self, uint64_t key);
void *plv_map_u64_next (const plv_map_u64_t *self, size_t *at);

typedef struct {
    uint64_t hash;
    plv_view_t key; /* points into the value */
    void *value;
} plv_map_slot_t;

/*  `seed`: 16 secret bytes, so that no peer can choose keys that collide (SipHash-2-4).  */
typedef struct {
    plv_map_slot_t *slots;
    size_t mask;
    size_t count;
    uint8_t seed[16];
} plv_map_t;

void plv_map_init (plv_map_t *self, const uint8_t seed[16]);
void plv_map_free (plv_map_t *self);
void *plv_map_get (const plv_map_t *self, plv_view_t key);
/*  `key` must live as long as `value` does.  */
void *plv_map_put (plv_map_t *self, plv_view_t key, void *value);
void *plv_map_remove (plv_map_t *self, plv_view_t key);
void *plv_map_next (const plv_map_t *self, size_t *at);

#endif
