/*  shadow -- dead letters, answered by agents as trials: nothing is kept, nobody gets anything
    OWNS    nothing
    THREAD  core only
    FAILS   never: what cannot be tried is a part of the answer that says why
    COST    that of a call for each letter  */

#ifndef CORE_SHADOW_H
#define CORE_SHADOW_H

#include "core/ask/ask.h"
#include "core/call/calls.h"
#include "core/dead/dead.h"

void shadow_letter (core_t *self, ask_t *ask, entry_t *letter, const dead_t *dead);
/*  The last part: how many there were.  */
void shadow_finish (core_t *self, peer_t *peer, const ask_t *ask);

#endif
