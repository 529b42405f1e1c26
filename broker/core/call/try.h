/*  try -- the command `try`: any event, answered by an agent, for an operator to see
    OWNS    nothing
    THREAD  core only
    FAILS   answers the tool with what is wrong
    COST    that of a call  */

#ifndef CORE_TRY_H
#define CORE_TRY_H

#include "core/call/calls.h"

void try_start (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments);

/*  How a trial ended, as TRY_PAIRS pairs of a map: outcome, took_ms, who, answer, code, why.  */
enum { TRY_PAIRS = 6 };
void try_put (core_t *self, plv_buf_t *map, const call_t *call, const verdict_t *verdict);

#endif
