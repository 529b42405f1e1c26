/*  answer -- ends an event with what the person is told
    OWNS    nothing
    THREAD  core only
    FAILS   never
    COST    a copy of the body  */

#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include "core/core.h"
#include "core/state/entry.h"

/*  `flags`: REPLY_FALLBACK, REPLY_CACHED. The views may point anywhere but into the entry.  */
void answer_give (core_t *self, entry_t *entry, plv_view_t body, plv_view_t state, uint32_t flags);

#endif
