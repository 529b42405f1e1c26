/*  state -- a session's state map: what agents remember between jobs
    OWNS    nothing: the map is a buffer of msgpack that belongs to the session
    THREAD  core only
    FAILS   state_patch with ERR_MSGPACK on what is no map with text keys, ERR_FULL beyond the limit; the
            state is untouched then
    COST    one walk over the state, one over the patch  */

#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "base/buf.h"
#include "base/err.h"

/*  Sets the keys of `patch` in `state`; a nil removes its key, and of a key that comes twice the last counts.
    An empty buffer is an empty map. `seed`: secret bytes, as for plv_map_init: a worker chooses the keys.  */
plv_err_t state_patch (plv_buf_t *state, plv_view_t patch, const uint8_t seed[16], size_t bytes_max,
                       plv_fail_t *ret_fail);

/*  Always a map: the bytes, or those of an empty one.  */
plv_view_t state_view (const plv_buf_t *state);

/*  The part of the state with these keys (NUL-terminated, one behind the other), in that order.  */
void state_subset (const plv_buf_t *state, plv_view_t keys, plv_buf_t *ret_subset);

#endif
