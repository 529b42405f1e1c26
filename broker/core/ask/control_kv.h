/*  control_kv -- what adapters keep with the broker: requests about it
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_CONTROL_KV_H
#define CORE_CONTROL_KV_H

#include "core/core.h"
#include "core/peer/peer.h"

void control_kv (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

#endif
