/*  lane -- a route at work: the sessions whose next event waits for a worker, and what pauses it
    OWNS    its breaker; sessions belong to the core
    THREAD  core only
    FAILS   never
    COST    O(1)  */

#ifndef CORE_LANE_H
#define CORE_LANE_H

#include "core/flow/breaker.h"
#include "core/flow/pause.h"
#include "core/flow/service.h"
#include "core/policy/route.h"
#include "core/state/label.h"
#include "core/timers.h"

typedef struct lane {
    const route_t *route;
    uint32_t index;
    label_t *name;
    service_t *service;
    plv_node_t in_service;
    plv_node_t ready; /* sessions */
    plv_node_t later; /* sessions whose next event was sent again: behind all of those */
    uint32_t replays; /* events of this route that were sent again and are not done */
    breaker_t breaker;
    int64_t broken_us; /* wall clock: since when the breaker is not closed; 0: it is */
    core_timer_t reopen;
    const pause_t *pause; /* NULL: no operator has paused it */
} lane_t;

static inline bool lane_allows (const lane_t *self)
{
    return !self->pause && breaker_allows (&self->breaker);
}

/*  Whoever or whatever paused it: events wait.  */
static inline bool lane_paused (const lane_t *self)
{
    return self->pause || self->breaker.state != BREAKER_CLOSED;
}

#endif
