/*  session -- one conversation: what waits in it, what is worked on, what is remembered
    OWNS    its entries, its history, its state; freed by session_destroy
    THREAD  core only
    FAILS   session_read with ERR_CORRUPT
    COST    about 500 bytes and its history

    Everything that the journal and the views hold belongs to one session: a session is written to the
    views as a whole, with the journal position `as_of` that it reflects.  */

#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/state/entry.h"
#include "core/state/history.h"

typedef struct session {
    plv_view_t id;
    plv_view_t user_id;
    plv_view_t platform;
    uint64_t serial;      /* distinguishes sessions for the circuit breaker */
    int64_t created_us;   /* wall clock */
    int64_t active_us;    /* wall clock: the last event or reply */
    int64_t idle_from_us; /* monotonic: the same */
    uint64_t message_count;
    bool live; /* an event of a person has begun it; without, it only carries what was sent again */
    uint64_t closing; /* number of its session.ended; what is behind that begins it anew; 0: none */
    label_t *adapter; /* that the last event came through; NULL: not known */
    core_timer_t idle_timer;
    history_t history;
    plv_buf_t state;
    plv_node_t events;  /* entries, in order */
    plv_node_t replies; /* entries, in order */
    uint32_t event_count;
    entry_t *active;    /* the event that a worker has, or is about to get */
    uint32_t worker;    /* number of the worker that served it last; 0: none */
    uint32_t failed_by; /* ... of the one that failed at its event last; 0: none since an answer */
    plv_node_t ready;   /* in a lane's or a worker's list */
    const struct lane *waits_in; /* the lane, while it is in the list of one */
    bool mixed;                  /* its replies go through more than one adapter */
    uint64_t parked_by;          /* number of the dead letter that holds the session; 0: none */

    plv_node_t dirty;     /* in the core's list, oldest first */
    uint64_t dirty_seq;   /* the first journal position that its rows do not reflect */
    int64_t dirty_at_us;  /* monotonic */
    uint64_t dirty_bytes; /* journal bytes ever written, at that moment */
    uint64_t as_of;       /* recovery: records up to this position are reflected */
    plv_buf_t gone;       /* uint64_t numbers of entries whose rows must go */
    char text[];
} session_t;

session_t *session_new (plv_view_t id, plv_view_t user_id, plv_view_t platform);
void session_destroy (session_t **self_p);

/*  Nothing waits, nothing is worked on, nothing is to be delivered.  */
static inline bool session_quiet (const session_t *self)
{
    return plv_list_empty (&self->events) && plv_list_empty (&self->replies);
}

/*  Puts an entry into its place by number: at the end, but for a replayed one.  */
void session_add (session_t *self, entry_t *entry);

/*  The head row: everything but turns and entries.  */
void session_write (const session_t *self, uint64_t as_of, plv_buf_t *buf);
plv_err_t session_read (plv_view_t id, plv_view_t bytes, session_t **ret_session,
                        plv_fail_t *ret_fail);

#endif
