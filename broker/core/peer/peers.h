/*  peers -- connections: silence, the end
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_PEERS_H
#define CORE_PEERS_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/ledger.h"
#include "wire/frame.h"

void peers_gone (core_t *self, peer_t *peer, how_t how, const char *why);
void peers_refuse (core_t *self, peer_t *peer, const char *code, plv_verb_t verb,
                   const char *format, ...) __attribute__ ((format (printf, 5, 6)));
void peers_look (core_t *self,
                 peer_t *peer); /* is it there? If it is not, the socket will say so */
void peers_say (core_t *self, peer_t *peer, plv_verb_t verb); /* a frame without arguments */
/*  What was gathered for a batch of it goes to others.  */
void peers_ungather (core_t *self, peer_t *peer);
void peers_silence (core_t *self, peer_t *peer);
void peers_drain (core_t *self); /* from now on nothing is begun */
void peers_farewell (core_t *self);

/*  An operator drains this worker: it gets nothing new, and is told to leave once it holds nothing.  */
void peers_retire (core_t *self, peer_t *peer, plv_view_t who);
void peers_let_go (core_t *self, peer_t *peer);

#endif
