/*  retire -- operators drain workers, and take them back
    OWNS    nothing
    THREAD  core only
    FAILS   never
    COST    one look into a map for each HELLO of a worker  */

#ifndef CORE_RETIRE_H
#define CORE_RETIRE_H

#include "core/core.h"
#include "core/peer/peer.h"

/*  A worker says HELLO: is its process drained?  */
void retire_greet (core_t *self, peer_t *peer);

/*  It is drained from now on, over connections too, if it says which process it is.  */
void retire_note (core_t *self, const peer_t *peer);

/*  The process takes its leave: nobody has to wait for it any more, told to leave or not.  */
void retire_left (core_t *self, const peer_t *peer);

/*  The workers of this name that were not told to leave yet get jobs again; how many, connected or not.  */
uint32_t retire_resume (core_t *self, plv_view_t name, plv_view_t who);

#endif
