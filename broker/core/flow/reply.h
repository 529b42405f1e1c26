/*  reply -- what workers say about a job that they hold
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"
#include "wire/frame.h"

void reply_cancel (core_t *self, peer_t *peer, uint64_t lease, const char *code,
                   const char *reason);

/*  The job that `peer` holds under this lease; otherwise NULL, and the peer is told.  */
entry_t *reply_leased (core_t *self, peer_t *peer, uint64_t lease);
void reply_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_nack (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_step (core_t *self, peer_t *peer, const plv_frame_t *frame);

/*  When an answer to the event, or this reply once more, is late: wall clock, by its route.  */
int64_t reply_until_us (core_t *self, const entry_t *entry);

/*  Ends the event with this answer. The views may point anywhere but into the entry.  */
void reply_give (core_t *self, entry_t *entry, plv_view_t body, plv_view_t state, uint32_t flags);
void reply_live (core_t *self, peer_t *peer, const plv_frame_t *frame);

#endif
