/*  timers -- deadlines, by the million: a heap of timers that are embedded in what they belong to
    OWNS    its heap array, freed by timers_free; never a timer
    THREAD  core only
    FAILS   never: out of memory stops the daemon (base/alloc.h)
    COST    set, reset, cancel, pop: O(log n) with four children a node; next: O(1); 24 bytes a
            timer that is set

    A zeroed core_timer_t is not set, and a zeroed core_timers_t is empty. Timers of the same time
    come out in the order in which they were set, so that a run can be repeated. A timer that is set
    must not move or be freed: cancel it first.  */

#ifndef CORE_TIMERS_H
#define CORE_TIMERS_H

#include "base/list.h"

#include <stdint.h>

typedef struct {
    int64_t at_us;
    size_t slot;  /* place in the heap + 1; 0: not set */
    uint8_t kind; /* the owner's: tells PLV_OF which struct this is a part of */
} core_timer_t;

typedef struct {
    int64_t at_us;
    uint64_t order;
    core_timer_t *timer;
} core_timers_node_t;

typedef struct {
    core_timers_node_t *nodes;
    size_t count;
    size_t capacity;
    uint64_t order;
} core_timers_t;

void timers_free (core_timers_t *self);

/*  Sets the timer, or moves one that is set; either way it goes behind others of the same time.  */
void timers_set (core_timers_t *self, core_timer_t *timer, int64_t at_us);
void timers_cancel (core_timers_t *self, core_timer_t *timer); /* nothing when it is not set */

/*  When the first one is due; INT64_MAX when none is set.  */
int64_t timers_next (const core_timers_t *self);

/*  The first one with at_us <= now_us, no longer set; NULL when none is due.  */
core_timer_t *timers_pop (core_timers_t *self, int64_t now_us);

static inline bool timers_is_set (const core_timer_t *timer)
{
    return timer->slot != 0;
}

#endif
