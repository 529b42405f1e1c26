#include "core/flow/backoff.h"

/*  initial * 2^doublings, at most `max`, without ever leaving 64 bits.  */
static int64_t backoff_delay (int64_t initial_us, int64_t max_us, unsigned doublings)
{
    if (doublings >= 63 || initial_us > max_us >> doublings)
        return max_us;
    return initial_us << doublings;
}

int64_t backoff_us (int64_t initial_us, int64_t max_us, unsigned attempt, plv_rng_t *rng)
{
    if (initial_us < 1)
        initial_us = 1;
    if (max_us < 1)
        max_us = 1;
    int64_t delay = backoff_delay (initial_us, max_us, attempt > 1 ? attempt - 1 : 0);
    int64_t half = delay / 2;
    return delay - half + (int64_t) plv_rng_below (rng, (uint64_t) half + 1);
}
