/*  holding -- which peer has which entry
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_HOLDING_H
#define CORE_HOLDING_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"

void holding_give (core_t *self, peer_t *peer, entry_t *entry); /* taken from whoever had it */
void holding_take (core_t *self, entry_t *entry); /* nobody has it; its attempt stays open */

/*  When the attempt began, for what was handed out before the broker was restarted: not in the future, whatever the
    wall clock says.  */
int64_t holding_began_us (const core_t *self, entry_t *entry);

#endif
