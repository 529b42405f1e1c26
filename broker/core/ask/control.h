/*  control -- what tools and adapters ask for: who may, and who answers it
    OWNS    nothing
    THREAD  core only
    FAILS   says why in the answer
    COST    that of the command  */

#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "wire/frame.h"

void control_take (core_t *self, peer_t *peer, const plv_frame_t *frame);

#endif
