/*  reply -- what workers say about a job that they hold
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "wire/frame.h"

void reply_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_nack (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_step (core_t *self, peer_t *peer, const plv_frame_t *frame);

void reply_live (core_t *self, peer_t *peer, const plv_frame_t *frame);

#endif
