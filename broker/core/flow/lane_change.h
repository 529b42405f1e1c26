/*  lane_change -- what a breaker's change means for its route
    OWNS    nothing
    THREAD  core only
    FAILS   never
    COST    when the route may go on, that of what goes to workers  */

#ifndef CORE_LANE_CHANGE_H
#define CORE_LANE_CHANGE_H

#include "core/core.h"
#include "core/flow/breaker.h"
#include "core/flow/lane.h"

void lane_changed (core_t *self, lane_t *lane, breaker_change_t change);

#endif
