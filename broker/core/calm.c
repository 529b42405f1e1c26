#include "core/calm.h"

/*  A clock that is set by a server moves by less than `NEAR_US` at a time. `HOLD_US` is longer than a clock stays wrong
    that somebody sets right, and shorter than a machine runs that is off at night.  */
static const int64_t NEAR_US = INT64_C (5) * 60 * 1000000, HOLD_US = INT64_C (3600) * 1000000;

static int64_t size (int64_t us)
{
    return us < 0 ? -us : us;
}

void calm_start (calm_t *self, int64_t mono_us, int64_t wall_us, int64_t seen_us)
{
    *self = (calm_t){.offset_us = (seen_us ? seen_us : wall_us) - mono_us};
    calm_pass (self, mono_us, wall_us);
}

/*  A clock that moves on while it is off, as one of a machine that sleeps now and then, is believed as far as it has
    stood for the whole time.  */
int64_t calm_pass (calm_t *self, int64_t mono_us, int64_t wall_us)
{
    int64_t off_us = wall_us - mono_us - self->offset_us;
    if (size (off_us) <= NEAR_US) {
        self->offset_us += off_us;
        self->away_us = 0;
        return 0;
    }
    if (self->away_us == 0 || (self->away_us < 0) != (off_us < 0)) {
        self->away_us = off_us;
        self->since_us = mono_us;
    }
    if (size (off_us) < size (self->away_us))
        self->away_us = off_us;
    if (mono_us - self->since_us < HOLD_US)
        return 0;
    off_us = self->away_us;
    self->offset_us += off_us;
    self->away_us = 0;
    return off_us;
}
