/*  hold -- routes that operators pause
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/core.h"
#include "core/peer/peer.h"
#include "core/state/record.h"

void hold_apply (core_t *self, const record_t *record);
bool hold_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */
void hold_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

#endif
