/*  sim -- one seeded run: the real core and the memory store, with simulated peers, network, disk and time
    OWNS    everything of one run; nothing is shared between runs
    THREAD  one
    FAILS   an invariant that does not hold ends the run with words: see oracle.h
    COST    a few milliseconds a run

    Time is simulated: an agenda of things to happen (agenda.c), each at its microsecond. Chance comes from the
    seed alone, so a seed is a run.  */

#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/map.h"
#include "base/rng.h"
#include "core/core.h"
#include "sim/oracle.h"
#include "store/memory.h"

enum {
    SIM_ADAPTERS_MAX = 3,
    SIM_WORKERS_MAX = 5,
    SIM_OPERATORS = 2,
    SIM_MESSAGES_MAX = 120,
    SIM_CONNS_MAX = 4096,
    SIM_SEQS_MAX = 20000,
};

typedef struct sim sim_t;

/*  What is done wrong on purpose, to see that it is noticed: one at a time.  */
typedef enum {
#define SABOTAGE(name, text, meaning) SABOTAGE_##name,
#include "sim/sabotage.def"
#undef SABOTAGE
    SABOTAGE_COUNT_
} sabotage_t;

/*  Chances in a thousand, drawn once per run, so that some runs are calm and others are not.  */
typedef struct {
    unsigned lose;         /* a packet */
    unsigned duplicate;    /* a packet */
    unsigned reorder;      /* a packet overtakes others */
    unsigned cut;          /* a connection, per packet */
    unsigned worker_crash; /* per job */
    unsigned worker_freeze;
    unsigned adapter_crash; /* per delivery */
    unsigned broker_crash;  /* per commit */
    unsigned power_cut;     /* of those crashes */
    unsigned commit_slow;
    unsigned commit_fail;
    unsigned clock_jump; /* per commit */
    unsigned reload;     /* per commit: another configuration, while all goes on */
    unsigned stop;       /* per commit: the broker is told to stop, and does in order */
} sim_faults_t;

/*  One connection: a DEALER and its routing id. The broker's number for it changes when it is forgotten.  */
typedef struct {
    sim_t *sim;
    bool open;
    uint32_t number; /* at the broker; 0: none */
    unsigned allowed;
    int64_t last_in_us; /* packets arrive in order, unless chance has it otherwise */
    int64_t last_out_us;
    void (*receive) (void *actor, plv_view_t packet);
    void *actor;
    uint64_t life; /* of the actor: packets for an earlier life are dropped */
} sim_conn_t;

typedef void (*sim_fn) (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes);

typedef struct adapter adapter_t;
typedef struct worker worker_t;
typedef struct operator operator_t;

/*  What somebody said on a platform.  */
typedef struct {
    unsigned adapter;
    unsigned session;
    bool published; /* the platform has it to give */
    bool answered;  /* STORED or REJECTED: the platform need not give it again */
} sim_message_t;

struct sim {
    uint64_t seed;
    plv_rng_t rng;
    bool loud;
    sabotage_t sabotage;
    bool sabotaged; /* it has been done */
    sim_faults_t faults;
    bool own_events;         /* a route asks for session.created and session.ended */
    bool duplicates_allowed; /* the operator has sent letters of unknown outcome again */
    bool route_paused;       /* an operator was told so, and nobody has asked for its resume */
    bool calm;               /* no more faults: everything must come to an end */
    int64_t now_us;
    int64_t wall_offset_us;
    struct agenda *agenda;
    oracle_t *oracle;

    policy_t *(*make_policy) (sim_t *sim);
    store_t *store;
    core_t *core;
    effects_t effects[2];
    effects_t *gather;
    effects_t *flying;
    uint64_t seq;  /* of the batch under way; 0: none */
    uint64_t life; /* of the broker: counts its starts */
    bool up;
    bool stopping;    /* the last batches are under way */
    uint64_t variant; /* of the configuration: counts its reloads */
    int64_t tick_us;  /* the agenda has a tick at this time; 0: none */
    uint64_t digests[SIM_SEQS_MAX];
    plv_buf_t journals[SIM_SEQS_MAX]; /* what was given to the store, by position */

    sim_conn_t conns[SIM_CONNS_MAX];
    uint32_t conn_count;
    plv_map_u64_t by_number;
    uint32_t next_number;

    unsigned adapter_count;
    unsigned worker_count;
    adapter_t *adapters[SIM_ADAPTERS_MAX];
    worker_t *workers[SIM_WORKERS_MAX];
    operator_t *operators[SIM_OPERATORS];
    sim_message_t messages[SIM_MESSAGES_MAX];
    unsigned message_count;

    bool failed;
    char why[1024];
};

sim_t *sim_new (uint64_t seed, sabotage_t sabotage, bool loud);
void sim_destroy (sim_t **self_p);

/*  Runs to the end; false when an invariant did not hold: `sim->why`.  */
bool sim_run (sim_t *self);

/*  words.c: an invariant does not hold; the first one counts.  */
void sim_fail (sim_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
void sim_say (sim_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  chance.c  */
uint64_t sim_below (sim_t *self, uint64_t bound);
bool sim_chance (sim_t *self, unsigned in_a_thousand); /* never while calm */
int64_t sim_between (sim_t *self, int64_t least, int64_t most);

/*  agenda.c: `bytes` are copied.  */
core_now_t sim_time (const sim_t *self);
void sim_at (sim_t *self, int64_t delay_us, sim_fn fn, void *arg, uint64_t token, plv_view_t bytes);
bool agenda_step (sim_t *self); /* false: nothing is left */
struct agenda *agenda_new (void);
void agenda_destroy (struct agenda **self_p);

/*  net.c  */
sim_conn_t *net_open (sim_t *self, unsigned allowed, void *actor, uint64_t life,
                      void (*receive) (void *actor, plv_view_t packet));
void net_close (sim_conn_t *conn);
void net_to_broker (sim_conn_t *conn, const plv_buf_t *packet);
/*  False: nobody is there.  */
bool net_to_peer (sim_t *self, uint32_t number, plv_view_t packet);
void net_forget (sim_t *self, uint32_t number);
void net_forget_all (sim_t *self);

/*  sim_broker.c  */
void broker_start (sim_t *self);
void broker_crash (sim_t *self, bool power_cut);
void broker_packet (sim_t *self, sim_conn_t *conn, plv_view_t packet);
bool broker_idle (const sim_t *self); /* nothing pending, nothing to store */

/*  sabotage.c: called where the broker hands something on; true when it was spoilt.  */
bool sabotage_is (sim_t *self, sabotage_t kind);
void sabotage_batch (sim_t *self, effects_t *effects);
void sabotage_held (sim_t *self, effects_packet_t *packet);

#endif
