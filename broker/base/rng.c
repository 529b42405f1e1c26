#include "base/rng.h"

#include "base/check.h"

/*  splitmix64: spreads a poor seed (0, 1, 2, ...) over all four words.  */
static uint64_t split_mix (uint64_t *state)
{
    uint64_t word = (*state += 0x9e3779b97f4a7c15u);
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

static uint64_t rotate_left (uint64_t word, int by)
{
    return (word << by) | (word >> (64 - by));
}

plv_rng_t plv_rng_seed (uint64_t seed)
{
    plv_rng_t self;
    for (int at = 0; at < 4; at++)
        self.word[at] = split_mix (&seed);
    return self;
}

uint64_t plv_rng_next (plv_rng_t *self)
{
    uint64_t *word = self->word;
    uint64_t result = rotate_left (word[1] * 5, 7) * 9;
    uint64_t shifted = word[1] << 17;
    word[2] ^= word[0];
    word[3] ^= word[1];
    word[1] ^= word[2];
    word[0] ^= word[3];
    word[2] ^= shifted;
    word[3] = rotate_left (word[3], 45);
    return result;
}

uint64_t plv_rng_below (plv_rng_t *self, uint64_t bound)
{
    CHECK (bound > 0, "a bound of 0 leaves no number");
    /*  The first 2^64 mod `bound` numbers would make the low results likelier: drawn again.  */
    uint64_t unfair = -bound % bound;
    uint64_t word;
    do
        word = plv_rng_next (self);
    while (word < unfair);
    return word % bound;
}
