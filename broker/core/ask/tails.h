/*  tails -- what tools are shown as it happens; ask tails_any before telling
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_TAILS_H
#define CORE_TAILS_H

#include "core/core.h"
#include "core/internal.h"
#include "core/peer/peer.h"
#include "core/state/record.h"
#include "wire/event.h"

void tail_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);
void tail_tell (core_t *self, const record_t *record);
void tail_tell_live (core_t *self, const plv_envelope_t *envelope, plv_view_t body);
void tails_flush (core_t *self);
void tails_leave (core_t *self, const peer_t *peer);

static inline bool tails_any (const core_t *self)
{
    return !plv_list_empty (&self->tails);
}

#endif
