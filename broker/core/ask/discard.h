/*  discard -- what waits for a worker or an adapter, put among the dead letters by an operator
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    a look at everything that is pending, and a record for each that goes  */

#ifndef CORE_DISCARD_H
#define CORE_DISCARD_H

#include "core/core.h"
#include "core/peer/peer.h"

void discard_control (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments);

#endif
