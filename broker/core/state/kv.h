/*  kv -- small values that adapters keep with the broker: a cursor, a token, a setting
    OWNS    copies of all keys and values, freed by kv_destroy
    THREAD  core only
    FAILS   kv_check with ERR_RANGE or ERR_FULL and words that name the limit
    COST    find: O(log n); put, remove: a move of the pointers behind it; all of it stays in memory, so
            limits.def bounds it

    Every adapter has keys of its own, in the order of their bytes.  */

#ifndef CORE_KV_H
#define CORE_KV_H

#include "base/err.h"
#include "base/view.h"

typedef struct kv kv_t;

/*  `seed`: 16 secret bytes, as for plv_map_init.  */
kv_t *kv_new (const uint8_t seed[16]);
void kv_destroy (kv_t **self_p);

bool kv_get (const kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t *ret_value);
/*  Would this be within the limits?  */
plv_err_t kv_check (const kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t value,
                    plv_fail_t *ret_fail);
void kv_put (kv_t *self, plv_view_t owner, plv_view_t key, plv_view_t value);
bool kv_remove (kv_t *self, plv_view_t owner, plv_view_t key); /* false: there is none */

/*  The first key behind `*key` (empty: the first of all) that begins with `prefix`; false at the end.
    The views hold until the next change.  */
bool kv_next (const kv_t *self, plv_view_t owner, plv_view_t prefix, plv_view_t *key,
              plv_view_t *ret_value);

size_t kv_count (const kv_t *self);
size_t kv_bytes (const kv_t *self); /* keys and values */

/*  A number that does not depend on the order of what happened.  */
uint64_t kv_digest (const kv_t *self);

#endif
