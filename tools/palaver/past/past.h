/*  past -- what sessions had been about when something was said in them, rebuilt out of the journal
    OWNS    its turns, freed by past_free
    THREAD  main
    FAILS   past_load as events_walk does
    COST    pages of the journal from a page of events back to where their sessions began, a day of silence, or WEEK; at
            most BYTES_MAX of texts, then older turns are left out

    An agent that works on an event gets the turns that were over when it was given out, the last `turns` of them,
    since the session last ended; and the state that the answers until then had made. That is known when the session's
    beginning is among what was read, which is looked for where agents keep a state.  */

#ifndef PALAVER_PAST_H
#define PALAVER_PAST_H

#include "palaver/past/events.h"

typedef struct past_session past_session_t;

typedef struct {
    past_session_t *sessions;
    size_t count;
    uint32_t turns; /* that a history has at most */
    size_t bytes;
    bool left_out; /* something older, for want of room */
} past_t;

void past_free (past_t *self);

/*  What came before each of these events (encoded maps, one behind the other, as events.list gives them whole). Forgets
    what was loaded before.  */
ending_t past_load (past_t *self, asker_t *asker, plv_view_t events, uint32_t count);

/*  The history that the event had, as an encoded array.  */
void past_write (const past_t *self, plv_view_t event, plv_buf_t *history);

/*  The state of a session that was loaded, as it was then: "rebuilt". Where its beginning is not known, the one that
    it has now: "current"; or, when that session is over, what is known to have been set: "partial". "empty": nothing
    was found that an agent kept, then or now.  */
const char *past_state (const past_t *self, plv_view_t event, plv_buf_t *state);

#endif
