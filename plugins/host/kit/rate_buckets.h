/*  rate_buckets -- token buckets by name: what a platform lets us do, per chat, per method, in all
    OWNS    the buckets, freed by rate_buckets_destroy
    THREAD  that of its owner; pure: time comes from outside
    FAILS   never: out of memory stops the process
    COST    O(1) a bucket; about 150 bytes each

    A bucket that is full again says nothing that a new one would not say: it is forgotten. Each call looks at
    a few of the others in turn, so that a million chats that wrote once leave nothing behind.  */

#ifndef HOST_RATE_BUCKETS_H
#define HOST_RATE_BUCKETS_H

#include "sdk/adapter.h"

/*  Beyond this the one that comes next is forgotten, full or not.  */
enum { RATE_BUCKETS_MAX = 1 << 20 };

typedef struct rate_buckets rate_buckets_t;

/*  `seed`: 16 secret bytes, as for plv_map_init.  */
rate_buckets_t *rate_buckets_new (const uint8_t seed[16]);
void rate_buckets_destroy (rate_buckets_t **self_p);

/*  As rate_take of sdk/adapter.h. Limits that make no sense count as the nearest that do.  */
uint32_t rate_buckets_take (rate_buckets_t *self, const pal_bucket_t *buckets, uint32_t count,
                            pal_urgency_t urgency, int64_t now_us);
void rate_buckets_block (rate_buckets_t *self, pal_text_t name, uint32_t ms, int64_t now_us);

size_t rate_buckets_count (const rate_buckets_t *self);

#endif
