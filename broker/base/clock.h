/*  clock -- the two times, for everybody but the core (which is told)
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one vDSO call  */

#ifndef PLV_BASE_CLOCK_H
#define PLV_BASE_CLOCK_H

#include <stdint.h>

/*  Microseconds since an arbitrary start; never goes back: for deadlines and durations.  */
int64_t plv_clock_mono_us (void);

/*  Microseconds since 1970, UTC; may jump: for timestamps only.  */
int64_t plv_clock_wall_us (void);

#endif
