/*  live -- sessions and entries in memory: found, made, counted, let go
    OWNS    see core.h
    THREAD  core only
    FAILS   never
    COST    see core.h  */

#ifndef CORE_LIVE_H
#define CORE_LIVE_H

#include "core/core.h"
#include "core/state/entry.h"
#include "core/state/session.h"
#include "wire/event.h"

session_t *session_get (core_t *self, plv_view_t id);
entry_t *entry_get (core_t *self, uint64_t number);
uint64_t number_next (core_t *self);
plv_id_t id_next (core_t *self);
void live_number_seen (core_t *self, uint64_t number);

/*  During recovery: is what this record changes in `session` part of the rows that were loaded?  */
bool live_reflected (const core_t *self, const session_t *session);

session_t *live_session (core_t *self, const plv_envelope_t *envelope, int64_t at_us);
/*  An event of a person is accepted, or sent again: the session is what it says it is.  */
void live_begin (core_t *self, session_t *session, const plv_envelope_t *envelope, int64_t at_us);
/*  What comes from now on belongs to the next session of this name.  */
void live_close (session_t *session, uint64_t number);
void session_touch (core_t *self, session_t *session);
/*  What the broker says to itself (`own`) keeps no session open.  */
void live_touch (core_t *self, session_t *session, bool own);

void entry_put (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter);
/*  Nobody works on it any more; it stays.  */
void live_let_go (core_t *self, entry_t *entry);
void live_drop (core_t *self, entry_t *entry);

#endif
