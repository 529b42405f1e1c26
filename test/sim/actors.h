/*  actors -- the simulated peers: adapters with their platforms, workers, operators
    OWNS    what a process of theirs would hold in memory, and what their platform remembers
    THREAD  one
    FAILS   never; what they see wrong they tell the oracle
    COST    none to speak of

    They keep the protocol as PROTOCOL.md has it: what is not answered is sent again after a while, and after a
    WHO or a new connection they say HELLO and what they hold.  */

#ifndef SIM_ACTORS_H
#define SIM_ACTORS_H

#include "sim/sim.h"

enum { HEARTBEAT_US = 200000, RESEND_US = 1000000 };

adapter_t *adapter_new (sim_t *sim, unsigned number, bool deduplicates);
void adapter_destroy (adapter_t **self_p);
/*  The platform has a message for it.  */
void adapter_say (adapter_t *self, unsigned message);
/*  The run is over: is what it kept with the broker there?  */
void adapter_finish (const adapter_t *self);

worker_t *worker_new (sim_t *sim, unsigned number);
void worker_destroy (worker_t **self_p);

operator_t *operator_new (sim_t *sim, unsigned number);
void operator_destroy (operator_t **self_p);
/*  Sends every dead letter again, a few times; true when it has nothing left to do.  */
bool operator_done (const operator_t *self);

/*  A packet of one frame, and how it is begun and sent.  */
typedef struct {
    plv_buf_t bytes;
    size_t mark;
} letter_t;

letter_t letter_begin (plv_verb_t verb);
void letter_send (letter_t *self, sim_conn_t *conn);

void hello_begin (letter_t *self, const char *role, const char *name, unsigned options);

#endif
