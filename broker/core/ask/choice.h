/*  choice -- arguments that are one of a few words
    OWNS    nothing
    THREAD  core only
    FAILS   choice_check with false when it is another: whoever mistypes one would hear that there is nothing
    COST    a few compares  */

#ifndef CORE_CHOICE_H
#define CORE_CHOICE_H

#include "core/ask/command.h"
#include "core/core.h"
#include "core/peer/peer.h"

/*  False when the peer was told which words there are.  */
bool choice_check (core_t *self, peer_t *peer, uint64_t request, command_t command,
                   plv_view_t arguments);

#endif
