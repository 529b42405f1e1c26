/*  outbox -- replies on their way to adapters
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/core.h"
#include "core/flow/fail.h"
#include "core/flow/outlet.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"
#include "core/state/session.h"
#include "wire/frame.h"

void outbox_send (core_t *self, session_t *session);
void outbox_feed (core_t *self, outlet_t *outlet);
void outbox_delivered (core_t *self, peer_t *peer, const plv_frame_t *frame);
void outbox_failed (core_t *self, entry_t *entry, const failure_t *failure);
void outbox_orphan (core_t *self,
                    entry_t *entry); /* nobody has it: its adapter may come back and claim it */
void outbox_claim (core_t *self, peer_t *peer, entry_t *entry);

#endif
