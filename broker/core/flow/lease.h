/*  lease -- the right of a worker to answer a job: is it still its own, and that it is not any more
    OWNS    nothing
    THREAD  core only
    FAILS   lease_held with NULL
    COST    O(1)  */

#ifndef CORE_LEASE_H
#define CORE_LEASE_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"

/*  The worker is told that it works for nothing. `code`: see words.def, CANCEL.  */
void lease_cancel (core_t *self, peer_t *peer, uint64_t lease, const char *code,
                   const char *reason);

/*  The job that `peer` holds under this lease; otherwise NULL, and the peer is told.  */
entry_t *lease_held (core_t *self, peer_t *peer, uint64_t lease);

#endif
