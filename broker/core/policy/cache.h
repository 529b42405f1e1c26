/*  cache -- answers to questions that were asked before
    OWNS    copies of keys and values, freed by cache_destroy
    THREAD  core only
    FAILS   never; at its bounds the answer used least recently goes first
    COST    get, put: O(1), one hash of the key; about 100 bytes an answer beside its bytes  */

#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include "base/buf.h"

typedef struct {
    int64_t ttl_us;
    size_t entries;
    size_t bytes; /* keys, values and what it takes to keep them */
} cache_limits_t;

typedef struct cache cache_t;

/*  `seed`: 16 secret bytes for the hash of the keys.  */
cache_t *cache_new (const uint8_t seed[16], const cache_limits_t *limits);
void cache_destroy (cache_t **self_p);

/*  What is over the new bounds goes at once; answers that are kept keep their time.  */
void cache_set_limits (cache_t *self, const cache_limits_t *limits);
void cache_clear (cache_t *self);

/*  Is this message its text, and nothing more? Of one that has files, or is several in one, the text alone says too
    little: it is neither answered from the cache nor kept there.  */
bool cache_may (plv_view_t body);

/*  Appends the key of a question: the route, the part of the session's state that the agent
    declared relevant (bytes, compared as they are), and the text, without regard to case (fold.h)
    and to the amount of white space.  */
void cache_key (plv_buf_t *buf, uint32_t route_index, plv_view_t text, plv_view_t state_subset);

/*  `ret_value` is lent until the next call on `self`.  */
bool cache_get (cache_t *self, plv_view_t key, int64_t now_us, plv_view_t *ret_value);

/*  Replaces the answer that is there. One that alone is over the bound in bytes is not kept.  */
void cache_put (cache_t *self, plv_view_t key, plv_view_t value, int64_t now_us);

size_t cache_count (const cache_t *self);
size_t cache_bytes (const cache_t *self);

#endif
