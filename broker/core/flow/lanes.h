/*  lanes -- services, and routes at work
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_LANES_H
#define CORE_LANES_H

#include "core/core.h"
#include "core/flow/breaker.h"
#include "core/flow/lane.h"
#include "core/flow/outlet.h"
#include "core/flow/service.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"

outlet_t *outlet_of (core_t *self, plv_view_t name);
void outlet_leave (core_t *self, outlet_t *outlet); /* one that nothing goes through is freed */
lane_t *lane_named (core_t *self, plv_view_t name);
void lanes_build (core_t *self);
void lanes_destroy (core_t *self);
void lanes_replace (
    core_t *self); /* by those of a new policy; a route that stays keeps its breaker */
void lanes_gauge (core_t *self);
service_t *service_of (core_t *self, plv_view_t name);
void service_leave (core_t *self, serving_t *serving);
void service_spare (core_t *self, service_t *service); /* one that nobody offers or asks for goes */

/*  When an answer to the event, or this reply once more, is late: wall clock, by its route.  */
int64_t lanes_until_us (core_t *self, const entry_t *entry);

const char *lanes_service (core_t *self, plv_view_t route); /* that the route leads to; "": none */
void lanes_of_service (core_t *self, plv_view_t service, plv_buf_t *hashes); /* uint32_t each */

#endif
