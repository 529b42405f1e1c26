/*  drains -- the workers' processes that operators have drained
    OWNS    up to PEERS_MAX of drain_t
    THREAD  core only
    FAILS   drains_load with false on a row that is damaged
    COST    one look into a map for each HELLO of a worker  */

#ifndef CORE_DRAINS_H
#define CORE_DRAINS_H

#include "core/core.h"
#include "core/peer/drain.h"
#include "core/peer/peer.h"
#include "core/state/record.h"

void drains_apply (core_t *self, const record_t *record);
bool drains_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */

/*  That of the process which this worker is; NULL: it is not drained.  */
drain_t *drains_of (const core_t *self, const peer_t *peer);

#endif
