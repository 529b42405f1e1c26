/*  backoff -- how long to wait before the next attempt
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one random number  */

#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include "base/rng.h"

/*  After `attempt` failed attempts (1, 2, ...; 0 counts as 1) the wait is D = initial * 2^(attempt
    - 1), at most `max_us`; half of D is fixed, half is random: the result is in [D - D / 2, D].
    Times below 1 count as 1, and an `initial_us` above `max_us` as `max_us`.  */
int64_t backoff_us (int64_t initial_us, int64_t max_us, unsigned attempt, plv_rng_t *rng);

#endif
