/*  accept -- what an adapter publishes: refused, a copy, or an event
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_ACCEPT_H
#define CORE_ACCEPT_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "wire/frame.h"

void accept_publish (core_t *self, peer_t *peer, const plv_frame_t *frame);

#endif
