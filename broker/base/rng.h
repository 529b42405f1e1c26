/*  rng -- a small deterministic random source (xoshiro256**), seeded from outside
    OWNS    its four words, by value
    THREAD  that of its owner
    FAILS   never
    COST    about a nanosecond

    Not for secrets: those come from libsodium.  */

#ifndef PLV_BASE_RNG_H
#define PLV_BASE_RNG_H

#include <stdint.h>

typedef struct {
    uint64_t word[4];
} plv_rng_t;

plv_rng_t plv_rng_seed (uint64_t seed);
uint64_t plv_rng_next (plv_rng_t *self);

/*  Uniform in [0, bound); `bound` > 0.  */
uint64_t plv_rng_below (plv_rng_t *self, uint64_t bound);

#endif
