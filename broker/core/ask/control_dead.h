/*  control_dead -- requests about dead letters
    OWNS    nothing
    THREAD  core only
    FAILS   says why in the answer
    COST    that of the question's kind  */

#ifndef CORE_CONTROL_DEAD_H
#define CORE_CONTROL_DEAD_H

#include "core/core.h"
#include "core/peer/peer.h"

void control_dead (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

#endif
