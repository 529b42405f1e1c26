/*  call -- a job that nobody stores: somebody asks a service, and waits for the answer
    OWNS    what it carries, freed by call_destroy; its lists belong to the service and to peers
    THREAD  core only
    FAILS   never
    COST    about 400 bytes and what it carries

    It goes to a worker with a lease, a deadline and credit as an event does. But it has no place in a session's order
    and none in the journal: it ends with the broker, and its answer goes to whoever asked and to nobody else. A trial
    is a call whose answer only an operator sees.  */

#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "core/core.h"
#include "core/flow/service.h"
#include "core/peer/peer.h"
#include "core/state/steps.h"

typedef struct call call_t;

/*  How it ended. `outcome`: words.def, ASKED.  */
typedef struct {
    const char *outcome;
    plv_view_t body; /* of an answer */
    plv_view_t code;
    plv_view_t reason;
} verdict_t;

/*  Tells whoever asked. `verdict`: NULL when nobody waits for it any more.  */
typedef void call_over_t (core_t *self, const call_t *call, const verdict_t *verdict);

struct call {
    uint64_t number; /* of no other call, and of no event */
    bool trial;
    uint8_t depth; /* see words.def, JOB */
    uint8_t tries; /* workers that it was given to */
    uint8_t lost;  /* of those, the ones that went away with it */

    call_over_t *over;
    peer_t *asker;
    uint64_t origin;  /* of a worker: the lease of the job that asks; 0: no job does */
    uint64_t id;      /* and what it calls this call */
    uint64_t request; /* of a tool */
    uint64_t token;   /* of a tool's ask, about dead letters */
    uint64_t letter;

    service_t *service;
    peer_t *holder;
    label_t *who;          /* that holds it, or held it last */
    plv_node_t in_service; /* while it waits */
    plv_node_t in_holder;
    plv_node_t in_asker;
    core_timer_t timer;
    int64_t begun_us;    /* monotonic, as those below */
    int64_t deadline_us; /* whatever it waits for then, it is over */
    int64_t given_us;    /* when the holder got it */
    int64_t work_us;     /* a time: what a worker has at most */

    bool of_session; /* history and state are the session's, as they are when a worker gets it */
    plv_buf_t envelope;
    plv_buf_t body;
    plv_buf_t history; /* an array of turns; empty: none */
    plv_buf_t state;   /* empty: an empty map */
    steps_t steps;
    plv_buf_t old; /* of a letter: what the person was told */
};

void call_destroy (call_t **self_p);

/*  Leases of calls are never those of events.  */
#define CALL_LEASE (UINT64_C (1) << 63)

static inline bool call_is_lease (uint64_t lease)
{
    return lease & CALL_LEASE;
}

static inline uint64_t call_of_lease (uint64_t lease)
{
    return (lease & ~CALL_LEASE) >> 16;
}

static inline uint64_t call_lease (const call_t *self)
{
    return CALL_LEASE | self->number << 16 | self->tries;
}

/*  What counts against CALLS_BYTES_MAX.  */
static inline size_t call_bytes (const call_t *self)
{
    return self->envelope.size + self->body.size + self->history.size + self->state.size
           + self->steps.packed.size;
}

#endif
