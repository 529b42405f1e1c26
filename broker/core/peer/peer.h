/*  peer -- one connection: an adapter, a worker or a tool, as the core sees it
    OWNS    its name and what it declared; entries that it holds belong to their sessions
    THREAD  core only
    FAILS   never
    COST    about 500 bytes

    Nothing of a peer is stored: it says HELLO again after a restart.  */

#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "base/id.h"
#include "core/effects.h"
#include "core/state/label.h"
#include "core/timers.h"

struct outlet;
struct service;

/*  A worker's place in one service that it serves.  */
typedef struct {
    struct peer *peer;
    struct service *service;
    plv_node_t idle; /* in the service's list while the worker has credit */
} serving_t;

typedef struct peer {
    uint32_t number; /* the shell's, of no other peer that is there */
    uint8_t minor;   /* of the wire's version that it speaks */
    unsigned from;   /* FROM_ADAPTER, FROM_WORKER, FROM_TOOL; 0 before HELLO */
    plv_conn_state_t state;
    bool draining; /* credit 0 or BYE: finishes what it holds */
    bool retired;  /* a worker that an operator drains */
    bool let_go;   /* and that was told to leave */
    char name[NAME_BYTES_MAX + 1];
    char build[NAME_BYTES_MAX + 1];
    char drained_by[NAME_BYTES_MAX + 1];
    uint64_t pid;
    label_t *who;
    plv_id_t incarnation; /* as it named it, otherwise one of ours for this connection */
    bool is_known;        /* it named it: the process can be known again */
    int64_t heard_us;     /* monotonic */
    int64_t heartbeat_us; /* as it was told: so often it says something, */
    int64_t timeout_us;   /* and who is silent for so long is gone */
    core_timer_t silence;
    uint32_t credit;
    uint32_t held;
    plv_node_t holding;    /* entries, oldest first */
    plv_node_t out_of_use; /* while a newer connection of its process takes over what it holds */
    effects_slot_t held_slot;
    effects_slot_t prompt_slot;

    struct outlet *outlet;             /* adapters */
    char platform[NAME_BYTES_MAX + 1]; /* that the adapter stands for */
    bool deduplicates;
    bool is_proven; /* the broker started it */

    serving_t *servings; /* workers */
    size_t serving_count;
    uint32_t history;    /* turns that it wants */
    uint32_t batch_size; /* below 2: none */
    int64_t batch_wait_us;
    plv_node_t gathered; /* sessions whose next job waits for a batch to fill */
    uint32_t gathered_count;
    core_timer_t gather;
    plv_node_t calls; /* that it works on */
    uint32_t trials;  /* of those */

    plv_node_t asked; /* calls that it waits for */
} peer_t;

peer_t *peer_new (uint32_t number);
void peer_destroy (peer_t **self_p);

static inline bool peer_has_credit (const peer_t *self)
{
    return !self->draining && !self->retired && self->held + self->gathered_count < self->credit;
}

/*  For how long nothing was heard of it, when that is longer than two heartbeats; else 0. Whether it lives, nobody
    knows then.  */
static inline int64_t peer_silent_us (const peer_t *self, int64_t mono_us)
{
    int64_t silent_us = mono_us - self->heard_us;
    return self->heartbeat_us && silent_us > 2 * self->heartbeat_us ? silent_us : 0;
}

/*  Another connection of its process has what it held: into the list of those that are to be closed.  */
static inline void peer_replaced (peer_t *self, plv_node_t *olds)
{
    if (!plv_node_listed (&self->out_of_use))
        plv_list_push (olds, &self->out_of_use);
}

/*  Is it a worker of this service?  */
bool peer_serves (const peer_t *self, const struct service *service);

/*  1 to NAME_BYTES_MAX letters, digits, dots, dashes and underscores?  */
bool peer_name_good (plv_view_t name);

/*  "adapter", "agent", "tool", or "peer" before HELLO.  */
const char *peer_role (const peer_t *self);

#endif
