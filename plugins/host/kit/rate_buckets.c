#include "host/kit/rate_buckets.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 127, LOOKS = 2 };

/*  Of a token: what is lost when fractions are added up.  */
static const double ROUNDING = 1e-6;

typedef struct {
    plv_node_t node; /* in `all`: the one that is looked at next comes first */
    double level;    /* tokens at `at_us` */
    int64_t at_us;
    int64_t blocked_us; /* nothing before this */
    uint32_t count;
    uint32_t per_ms;
    uint8_t size;
    char name[];
} bucket_t;

struct rate_buckets {
    plv_map_t by_name;
    plv_node_t all;
};

rate_buckets_t *rate_buckets_new (const uint8_t seed[16])
{
    rate_buckets_t *self = plv_alloc_zero (1, sizeof *self);
    plv_map_init (&self->by_name, seed);
    plv_list_init (&self->all);
    return self;
}

static plv_view_t name_of (const bucket_t *bucket)
{
    return plv_view (bucket->name, bucket->size);
}

static void forget (rate_buckets_t *self, bucket_t *bucket)
{
    plv_map_remove (&self->by_name, name_of (bucket));
    plv_node_remove (&bucket->node);
    free (bucket);
}

void rate_buckets_destroy (rate_buckets_t **self_p)
{
    rate_buckets_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    while (!plv_list_empty (&self->all))
        forget (self, PLV_OF (plv_list_first (&self->all), bucket_t, node));
    plv_map_free (&self->by_name);
    free (self);
    *self_p = NULL;
}

size_t rate_buckets_count (const rate_buckets_t *self)
{
    return self->by_name.count;
}

/* ------------------------------------------------------------------ one bucket */

static double level_at (const bucket_t *bucket, int64_t now_us)
{
    double passed = (double) (now_us > bucket->at_us ? now_us - bucket->at_us : 0);
    double level = bucket->level + passed * bucket->count / (bucket->per_ms * 1000.0);
    return level < bucket->count ? level : bucket->count;
}

static bool is_idle (const bucket_t *bucket, int64_t now_us)
{
    return now_us >= bucket->blocked_us && level_at (bucket, now_us) >= bucket->count;
}

/*  Looks at a few in turn, as many as may have been added meanwhile, and more.  */
static void clean (rate_buckets_t *self, uint32_t added, int64_t now_us)
{
    for (uint32_t left = added + LOOKS; left > 0 && !plv_list_empty (&self->all); left--) {
        bucket_t *bucket = PLV_OF (plv_list_pop (&self->all), bucket_t, node);
        plv_list_push (&self->all, &bucket->node);
        if (is_idle (bucket, now_us) || self->by_name.count > RATE_BUCKETS_MAX)
            forget (self, bucket);
    }
}

static bucket_t *find (rate_buckets_t *self, pal_text_t name, int64_t now_us)
{
    size_t size = name.size < NAME_MAX_BYTES ? name.size : NAME_MAX_BYTES;
    bucket_t *bucket = plv_map_get (&self->by_name, plv_view (name.data, size));
    if (bucket)
        return bucket;
    bucket = plv_alloc_zero (1, sizeof *bucket + size);
    if (size)
        memcpy (bucket->name, name.data, size);
    bucket->size = (uint8_t) size;
    bucket->count = bucket->per_ms = 1;
    bucket->level = 1;
    bucket->at_us = now_us;
    bucket->blocked_us = INT64_MIN;
    plv_map_put (&self->by_name, name_of (bucket), bucket);
    plv_list_push (&self->all, &bucket->node);
    return bucket;
}

/*  With the limits that it has now. One that was full stays full.  */
static bucket_t *prepare (rate_buckets_t *self, const pal_bucket_t *wanted, int64_t now_us)
{
    bucket_t *bucket = find (self, wanted->name, now_us);
    uint32_t count = wanted->count ? wanted->count : 1;
    double level = level_at (bucket, now_us);
    bucket->level = level >= bucket->count || level > count ? count : level;
    bucket->at_us = now_us > bucket->at_us ? now_us : bucket->at_us;
    bucket->count = count;
    bucket->per_ms = wanted->per_ms ? wanted->per_ms : 1;
    return bucket;
}

/*  Microseconds until it has what is asked for.  */
static double wait_of (const bucket_t *bucket, double needed, int64_t now_us)
{
    double missing = needed - bucket->level;
    double wait = missing > ROUNDING ? missing * bucket->per_ms * 1000.0 / bucket->count : 0;
    double blocked = bucket->blocked_us > now_us ? (double) (bucket->blocked_us - now_us) : 0;
    return wait > blocked ? wait : blocked;
}

static double needed_of (const pal_bucket_t *wanted, pal_urgency_t urgency)
{
    uint32_t most = wanted->count ? wanted->count - 1 : 0;
    uint32_t reserve = wanted->reserve < most ? wanted->reserve : most;
    return urgency == PAL_FINAL ? 1.0 : 1.0 + reserve;
}

/* ------------------------------------------------------------------ what is asked */

uint32_t rate_buckets_take (rate_buckets_t *self, const pal_bucket_t *buckets, uint32_t count,
                            pal_urgency_t urgency, int64_t now_us)
{
    double wait = 0;
    clean (self, count, now_us);
    for (uint32_t at = 0; at < count; at++) {
        const bucket_t *bucket = prepare (self, &buckets[at], now_us);
        double one = wait_of (bucket, needed_of (&buckets[at], urgency), now_us);
        wait = one > wait ? one : wait;
    }
    if (wait >= 1)
        return wait < 1000.0 * (UINT32_MAX - 1) ? (uint32_t) ((wait + 999.0) / 1000.0) : UINT32_MAX;
    for (uint32_t at = 0; at < count; at++)
        find (self, buckets[at].name, now_us)->level -= 1;
    return 0;
}

void rate_buckets_block (rate_buckets_t *self, pal_text_t name, uint32_t ms, int64_t now_us)
{
    clean (self, 1, now_us);
    bucket_t *bucket = find (self, name, now_us);
    int64_t until = now_us + (int64_t) ms * 1000;
    bucket->blocked_us = until > bucket->blocked_us ? until : bucket->blocked_us;
}
