/*  packet -- what a peer has sent: each frame to whom it is for
    OWNS    nothing
    THREAD  core only
    FAILS   never: who breaks the protocol is told so, and forgotten
    COST    one pass over the packet, and what its frames ask for  */

#ifndef CORE_PACKET_H
#define CORE_PACKET_H

#include "core/core.h"

void packet_take (core_t *self, const input_t *input);

#endif
