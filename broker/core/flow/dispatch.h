/*  dispatch -- events to workers that have credit
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/core.h"
#include "core/flow/lane.h"
#include "core/flow/service.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"
#include "core/state/session.h"

void dispatch_session (core_t *self, session_t *session);
void dispatch_service (core_t *self, service_t *service);
bool dispatch_waits (const service_t *service); /* an event, for nothing but a worker */
void dispatch_gathered (core_t *self, peer_t *peer);
void dispatch_regather (core_t *self); /* after routes have changed, or one is paused */
void dispatch_ungather (core_t *self, peer_t *peer, session_t *session);
/*  The worker has had the job since its attempt began, says it on a new connection, and has it until the deadline that
    it always had.  */
void dispatch_claim (core_t *self, peer_t *peer, entry_t *entry);
lane_t *dispatch_lane (core_t *self, entry_t *entry);
void dispatch_release (core_t *self, peer_t *peer); /* credit of its is free again */
void dispatch_idle (peer_t *peer); /* puts the worker into its services' lists when it has credit */

#endif
