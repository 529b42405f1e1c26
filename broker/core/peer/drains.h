/*  drains -- the workers' processes that operators have drained
    OWNS    up to PEERS_MAX of drain_t
    THREAD  core only
    FAILS   drains_load with false on a row that is damaged
    COST    one look into a map for each HELLO of a worker  */

#ifndef CORE_DRAINS_H
#define CORE_DRAINS_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/record.h"

void drains_apply (core_t *self, const record_t *record);
bool drains_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */

/*  A worker says HELLO: is its process drained?  */
void drains_greet (core_t *self, peer_t *peer);

/*  It is drained from now on, over connections too, if it says which process it is.  */
void drains_note (core_t *self, const peer_t *peer);

/*  A drained process that was told to leave has done so.  */
void drains_left (core_t *self, const peer_t *peer);

/*  The workers of this name that were not told to leave yet get jobs again; how many, connected or not.  */
uint32_t drains_resume (core_t *self, plv_view_t name, plv_view_t who);

#endif
