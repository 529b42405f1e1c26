/*  hold -- routes that operators pause
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/core.h"
#include "core/peer/peer.h"

void hold_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

#endif
