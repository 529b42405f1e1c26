/*  control_order -- commands about processes, which the shell carries out
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_CONTROL_ORDER_H
#define CORE_CONTROL_ORDER_H

#include "core/core.h"
#include "core/peer/peer.h"

void control_order (core_t *self, const peer_t *peer, uint64_t request, int command,
                    plv_view_t arguments);

#endif
