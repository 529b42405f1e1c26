#include "core/flow/lane_change.h"

#include "core/flow/dispatch.h"
#include "core/flow/lanes.h"
#include "core/internal.h"

void lane_changed (core_t *self, lane_t *lane, breaker_change_t change)
{
    switch (change) {
    case BREAKER_SAME:
        return;
    case BREAKER_PAUSED:
        count (self, COUNTER_BREAKER_OPENED);
        if (!lane->broken_us)
            lane->broken_us = self->now.wall_us;
        timers_set (&self->timers, &lane->reopen, lane->breaker.until_us);
        effects_log (self->effects, LOG_ROUTE_PAUSED, F_STR ("route", lane->route->name),
                     F_STR ("why", lane->breaker.why));
        dispatch_regather (
            self); /* what waits in a batch would go along with the one that is tried */
        break;
    case BREAKER_PROBING:
        effects_log (self->effects, LOG_ROUTE_PROBING, F_STR ("route", lane->route->name));
        dispatch_service (self, lane->service);
        break;
    case BREAKER_RESUMED:
        lane->broken_us = 0;
        timers_cancel (&self->timers, &lane->reopen);
        effects_log (self->effects, LOG_ROUTE_RESUMED, F_STR ("route", lane->route->name));
        dispatch_service (self, lane->service);
        break;
    }
    lanes_gauge (self);
}
