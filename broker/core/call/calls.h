/*  calls -- jobs that nobody stores, at work: begun, given to workers, answered, ended
    OWNS    the calls in the core's table
    THREAD  core only
    FAILS   calls_new with a verdict: a limit is reached
    COST    a copy of what a call carries; O(1) for everything else

    Calls of jobs go before events: somebody works already and waits for them. Trials go behind everything, leave one
    place free in their service and take at most half of a worker's credit, so that people do not wait for them.
    Frames about them wait for the store as others do, although nothing of them is on disk: a worker hears of a job
    that it has no more before it hears of the next one.  */

#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include "core/call/call.h"
#include "core/core.h"
#include "core/state/ledger.h"

typedef struct {
    call_over_t *over;
    bool trial;
    uint8_t depth;
    peer_t *asker;
    plv_view_t service;
    plv_view_t envelope; /* checked, as all below */
    plv_view_t body;
    plv_view_t history;
    plv_view_t state;
    const steps_t *steps; /* NULL: none */
    bool of_session;
    int64_t patience_us; /* until it is over, whatever it waits for */
    int64_t work_us;     /* that a worker has */
} asking_t;

/*  NULL at a limit: `ret_verdict` says which. The caller fills in what it is known by, and starts it.  */
call_t *calls_new (core_t *self, const asking_t *asking, verdict_t *ret_verdict);
void calls_start (core_t *self, call_t *call);

/*  The asker is told, and whoever works on it, unless `cancel` is NULL; then the call is gone. A verdict that is
    NULL is told to nobody.  */
void calls_end (core_t *self, call_t **call_p, const verdict_t *verdict, const char *cancel);

/*  To workers that have credit.  */
void calls_feed (core_t *self, service_t *service);
void calls_feed_trials (core_t *self, service_t *service);

/*  The worker has it now, and nobody else.  */
void calls_hold (call_t *call, peer_t *peer);

/*  The call that `peer` holds under this lease; otherwise NULL, and the peer is told.  */
call_t *calls_leased (core_t *self, peer_t *peer, uint64_t lease);

/*  CALL, its ANSWER, and CALL_CANCEL.  */
void calls_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void calls_cancel (core_t *self, peer_t *peer, const plv_frame_t *frame);
void calls_answer (core_t *self, const call_t *call, const verdict_t *verdict);
/*  What a map gives of a session's memory: `history` and `state`, which gets its bytes.  */
plv_err_t calls_read_memory (const core_t *self, plv_view_t map, asking_t *asking, plv_buf_t *state,
                             plv_fail_t *fail);
/*  A map that is given as such, or as its bytes; false: there is none.  */
bool calls_read_map (plv_view_t arguments, const char *key, plv_view_t *ret_map);

/*  The peer's job of this lease is over: so are the calls that it waits for.  */
void calls_over (core_t *self, peer_t *peer, uint64_t lease);
/*  Another connection of the same process has the job now.  */
void calls_follow (peer_t *old, peer_t *peer, uint64_t lease);

/*  Frames about a lease of a call.  */
void calls_reply (core_t *self, peer_t *peer, const plv_frame_t *frame);
void calls_nack (core_t *self, peer_t *peer, const plv_frame_t *frame);
void calls_step (core_t *self, peer_t *peer, const plv_frame_t *frame);
/*  Does this worker answer that event in a call?  */
bool calls_answers (const peer_t *peer, const plv_id_t *id);

/*  A process that has connected again says that it holds this; false: it does not. Its connection that is out of use,
    if there is one, comes into `olds`.  */
bool calls_claim (core_t *self, peer_t *peer, uint64_t lease, plv_node_t *olds);

/*  The peer is gone, and with it what it asked; what it worked on goes to another.  */
void calls_gone (core_t *self, peer_t *peer, how_t how);
void calls_drain (core_t *self); /* trials that wait are over */
void calls_due (core_t *self, call_t *call);
void calls_destroy (core_t *self);

#endif
