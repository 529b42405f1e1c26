/*  life -- how a session begins and ends, and the events that say so
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_LIFE_H
#define CORE_LIFE_H

#include "core/core.h"
#include "core/state/session.h"
#include "wire/event.h"

void life_begin (core_t *self,
                 const plv_envelope_t *first); /* before an event of a person is accepted */
void life_end (core_t *self, session_t *session, const char *why); /* it may be gone afterwards */
void life_go_on (core_t *self,
                 session_t *session); /* an event or a reply of it is over; it stays */
void life_due (core_t *self, session_t *session);

#endif
