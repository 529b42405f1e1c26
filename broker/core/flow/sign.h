/*  sign -- the broker's own word to who waits for an answer: a chat.typing to the adapter of its event
    OWNS    nothing
    THREAD  core only
    FAILS   never: an adapter that is not there is told nothing
    COST    a frame; it leaves when what it tells of is stored  */

#ifndef CORE_SIGN_H
#define CORE_SIGN_H

#include "core/core.h"
#include "core/flow/outlet.h"

/*  `whose`: the envelope of the event, or of its answer; `about`: the event's id. `outlet` may be NULL.  */
void sign_discarded (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                     const plv_id_t *about);

/*  The event is answered together with `into`.  */
void sign_merged (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                  const plv_id_t *into);

/*  The event has no answer: the newer message `by` took its place.  */
void sign_interrupted (core_t *self, const outlet_t *outlet, const plv_envelope_t *whose,
                       const plv_id_t *by);

/*  Does a chat.typing with this body say what the broker alone may say?  */
bool sign_is_own (plv_view_t body);

#endif
