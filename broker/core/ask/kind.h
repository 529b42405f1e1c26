/*  kind -- arguments that are texts, numbers or flags
    OWNS    nothing
    THREAD  core only
    FAILS   kind_check with false when one is of another kind: a filter or a flag that is passed over would do more than
            was meant
    COST    a few compares  */

#ifndef CORE_KIND_H
#define CORE_KIND_H

#include "core/ask/command.h"
#include "core/core.h"
#include "core/peer/peer.h"

/*  False when the peer was told which one is of what kind.  */
bool kind_check (core_t *self, peer_t *peer, uint64_t request, command_t command,
                 plv_view_t arguments);

#endif
