/*  backup -- a checkpoint of the store, in a folder that a tool names
    OWNS    nothing
    THREAD  core only
    FAILS   says why in the answer
    COST    none here: the store makes it, while everything goes on  */

#ifndef CORE_BACKUP_H
#define CORE_BACKUP_H

#include "core/core.h"
#include "core/peer/peer.h"

void backup_start (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments);

#endif
