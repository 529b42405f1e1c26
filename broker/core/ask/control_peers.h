/*  control_peers -- who is connected, and workers that are drained
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_CONTROL_PEERS_H
#define CORE_CONTROL_PEERS_H

#include "core/core.h"
#include "core/peer/peer.h"

void control_agents (core_t *self, plv_view_t arguments, plv_buf_t *body);
/*  Answers agents.drain and agents.resume.  */
void control_drains (core_t *self, peer_t *peer, uint64_t request, int command,
                     plv_view_t arguments);
void control_adapters (core_t *self, plv_view_t arguments, plv_buf_t *body);

#endif
