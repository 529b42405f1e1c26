/*  calm -- the wall clock as far as it is believed: what goes by its age goes by this
    OWNS    nothing
    THREAD  core only
    FAILS   never
    COST    a few additions a call

    It moves as the monotonic clock does, and follows the wall clock while that does the same within a few minutes. A
    wall clock that jumps, or has jumped while the broker was away, is believed when it has stood there for an hour:
    one that is years ahead for a moment makes nothing old.  */

#ifndef CORE_CALM_H
#define CORE_CALM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t offset_us; /* believed wall clock at monotonic 0 */
    int64_t away_us;   /* what the wall clock is off by at least, since `since_us`; 0: it is not */
    int64_t since_us;  /* monotonic */
} calm_t;

/*  `seen_us`: calm_us of an earlier run, late in it; 0: there was none, and the wall clock is believed.  */
void calm_start (calm_t *self, int64_t mono_us, int64_t wall_us, int64_t seen_us);

/*  How far it moves, in microseconds, because a jump is believed now; 0: as it did.  */
int64_t calm_pass (calm_t *self, int64_t mono_us, int64_t wall_us);

/*  The believed time, whatever the wall clock says.  */
static inline int64_t calm_us (const calm_t *self, int64_t mono_us)
{
    return self->offset_us + mono_us;
}

/*  The same for what bears stamps of the wall clock: a clock that is behind makes nothing old, either.  */
static inline int64_t calm_least_us (const calm_t *self, int64_t mono_us, int64_t wall_us)
{
    int64_t us = calm_us (self, mono_us);
    return us < wall_us ? us : wall_us;
}

#endif
