/*  retain -- the look at the dead letters for those that go by age or number
    OWNS    the numbers that it has found
    THREAD  core only
    FAILS   never: what cannot be exported is kept, and the log says so
    COST    a walk over all letters in pieces, once a minute, and only when conf sets a bound

    None goes without a warning: it stands for dead.warn_h before the first goes, over restarts too.  */

#ifndef CORE_RETAIN_H
#define CORE_RETAIN_H

#include "base/buf.h"
#include "core/timers.h"

typedef struct {
    core_timer_t timer; /* the next look, or its next piece */
    int64_t warned_us;  /* wall clock: since when the warning stands; 0: nothing is near its end */
    int64_t logged_us;  /* wall clock: when it was logged last */
    bool walking;
    uint64_t at;   /* the letter that was looked at last */
    uint64_t rank; /* its place among all, from 1 */
    uint64_t
        expiring;     /* that will go within the time of the warning, those that are due included */
    int64_t first_us; /* wall clock: when the first of them goes at the soonest */
    plv_buf_t due;    /* uint64_t numbers: the first ones that are due */
    uint64_t ask;     /* the token of the question that deals with them; 0: none */
} retain_t;

#endif
