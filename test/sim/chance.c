#include "sim/sim.h"

uint64_t sim_below (sim_t *self, uint64_t bound)
{
    return plv_rng_below (&self->rng, bound);
}

bool sim_chance (sim_t *self, unsigned in_a_thousand)
{
    return !self->calm && in_a_thousand && sim_below (self, 1000) < in_a_thousand;
}

int64_t sim_between (sim_t *self, int64_t least, int64_t most)
{
    return least + (int64_t) sim_below (self, (uint64_t) (most - least) + 1);
}
