/*  core -- the broker's decisions: one input in, effects out
    OWNS    all sessions, entries and peers, in memory
    THREAD  one
    FAILS   on damaged data at recovery; on hostile peers never: they get an answer and are closed
    COST    a few microseconds a round trip

    Pure: time, packets, rows and random numbers come in, effects go out. The order of calls is
    core_new, core_load_row and core_replay for what the store gives back, core_start, then
    core_step for every input and core_turn once before the effects are handed to the store.  */

#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/metric.h"
#include "core/effects.h"
#include "core/policy/policy.h"

typedef struct core core_t;

typedef struct {
    uint8_t secret[32];    /* META/secret: keys of the hashes */
    uint8_t proof_key[32]; /* of the adapters that the broker itself started: see base/proof.h */
    uint64_t seed;         /* of random numbers */
    const char *version;   /* of the broker, for WELCOME and status */
    bool
        read_only; /* nothing happens by itself, and tools may only look: nothing is to be written */
} core_options_t;

/*  Takes `policy`.  */
core_t *core_new (const core_options_t *options, policy_t **policy_p);
void core_destroy (core_t **self_p);

/*  Recovery: rows of the views, in the order of views.def, then journal values in order.  */
plv_err_t core_load_row (core_t *self, plv_row_view_t view, plv_view_t key, plv_view_t value,
                         plv_fail_t *ret_fail);
plv_err_t core_replay (core_t *self, uint64_t seq, plv_view_t value, plv_fail_t *ret_fail);

typedef struct {
    int64_t mono_us;
    int64_t wall_us;
} core_now_t;

/*  Recovery is over: `next_seq` is the position of the next batch. What was under way when the broker
    stopped waits for its worker or adapter to claim it.  */
void core_start (core_t *self, core_now_t now, uint64_t next_seq);

typedef enum {
    INPUT_PACKET, /* peer, allowed, bytes; more: it was but one part of a message */
    INPUT_GONE,   /* peer, bytes: why, for the ledger */
    INPUT_LOOK,   /* bytes: an adapter that is started again: is the one before gone? */
    INPUT_TIME,   /* nothing but `now` */
    INPUT_STORED, /* token: everything up to this journal position is stored, and what waited for it has left */
    INPUT_ROWS,       /* token, bytes (packed rows), more: an answer to a scan */
    INPUT_CHECKPOINT, /* token, bytes: empty, or why it failed */
    INPUT_POLICY,     /* policy: taken */
    INPUT_DRAIN,      /* take nothing new, finish what workers hold */
    INPUT_STOP,       /* the last input: every peer is told */
    INPUT_ANSWER, /* token, bytes (a map), fail (an error's name): the shell's answer to an order */
} input_type_t;

typedef struct {
    input_type_t type;
    core_now_t now;
    uint32_t peer;
    unsigned allowed; /* FROM_* roles that the peer's socket admits */
    bool more;
    uint64_t token;
    plv_view_t bytes;
    plv_view_t fail; /* empty: none; rows: why they could not be read */
    policy_t *policy;
} input_t;

void core_step (core_t *self, const input_t *input, effects_t *effects);

/*  When INPUT_TIME is due, monotonic; INT64_MAX: not before another input, or the end of this turn.  */
int64_t core_next_us (const core_t *self);
/*  When core_turn has something to write although nothing has happened, monotonic.  */
int64_t core_turn_us (const core_t *self);

/*  The end of a turn: brings the views up to date, a bounded part a time, and returns the journal position of what
    `effects` holds, or 0 when there is nothing to store. `all`: also with what need not be written yet; it is all done
    when core_turn_us says INT64_MAX.  */
uint64_t core_turn (core_t *self, core_now_t now, bool all, effects_t *effects);

/*  Is something worked on that a drain waits for?  */
bool core_busy (const core_t *self);

/*  The journal below this position is reflected in the views.  */
uint64_t core_reflected (const core_t *self);

/*  The time of the last step by which what the wall clock has stamped grows old: see calm.h.  */
int64_t core_calm_us (const core_t *self);

/*  What the process knows of itself and a tool may ask for: an encoded map, shown as "process" in the answer to
    status, until there is another.  */
void core_describe (core_t *self, plv_view_t map);

/*  What others count, in the Prometheus text format: shown behind the core's own numbers, until there is more.  */
void core_add_metrics (core_t *self, plv_view_t text);

plv_metrics_t *core_metrics (core_t *self);
const plv_conf_t *core_conf (const core_t *self);

/*  A number that is the same for two cores whose durable state is the same: for the simulator.  */
uint64_t core_digest (const core_t *self);

#endif
