/*  events -- questions about what has been: one event on its way, or a page of past traffic
    OWNS    what it has gathered, freed by events_free
    THREAD  core only
    FAILS   says why in the answer
    COST    pieces of the journal (walk.h), each a step of its own; a page of events is bounded in bytes

    An event is looked for among the dead letters and what is pending, whose numbers lead to its place in the
    journal; then near the time that its id carries, to the end; then in what is older.  */

#ifndef CORE_EVENTS_H
#define CORE_EVENTS_H

#include "core/ask/ask.h"
#include "core/ask/trace.h"
#include "core/ask/walk.h"
#include "core/core.h"
#include "core/internal.h"
#include "core/peer/peer.h"

typedef enum {
    SHOW_LETTER_ID, /* is it the id of a dead letter? */
    SHOW_PENDING,   /* ... or of something in memory? */
    SHOW_NEAR,      /* from the time of the id to the end */
    SHOW_OLDER,     /* what lies before that */
    SHOW_FOLLOW,    /* the number is known */
    SHOW_LETTER, /* its row: the journal has forgotten how it began, or to know what comes behind its death */
    SHOW_DONE,
} show_phase_t;

typedef struct events_show {
    walk_t walk;
    show_phase_t phase;
    bool by_id;
    plv_id_t id;
    uint64_t near; /* where the search began */
    uint64_t end;  /* of all that can be read */
    bool letter_read;
    int64_t dead_us;  /* what its letter says: when it died last ... */
    uint32_t returns; /* ... and how often it was put back since */
    trace_t trace;
} events_show_t;

void events_show_free (events_show_t **self_p);
/*  NULL, or why it cannot be asked.  */
const char *events_show_start (ask_t *ask, plv_view_t arguments);
void events_show_take (core_t *self, ask_t *ask, const input_t *input);
/*  The next piece; true: there is none, `ask` can be answered.  */
bool events_show_next (core_t *self, ask_t *ask);
void events_show_answer (core_t *self, peer_t *peer, const ask_t *ask);

typedef struct events_list events_list_t;
void events_list_free (events_list_t **self_p);
const char *events_list_start (core_t *self, ask_t *ask, plv_view_t arguments);
void events_list_take (core_t *self, ask_t *ask, const input_t *input);
bool events_list_next (core_t *self, ask_t *ask);
/*  A map: how far it is in the journal.  */
void events_list_progress (const events_list_t *self, plv_buf_t *body);
void events_list_answer (core_t *self, peer_t *peer, const ask_t *ask);

/*  Is it still on its way, or a dead letter: nothing in the journal ends it yet.  */
bool events_here (const core_t *self, const fate_t *fate);

void events_start (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

#endif
