/*  hello -- how a connection begins
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_HELLO_H
#define CORE_HELLO_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "wire/frame.h"

void hello_take (core_t *self, peer_t *peer, unsigned allowed, const plv_frame_t *frame);

#endif
