/*  internal -- the core from inside: its memory, which the files of its rooms share and nobody else sees
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h

    Above the rooms: core (a step), packet (what a peer has sent), expire (timers that are due).
    ask/     what tools and adapters ask for, and what they are shown
    dead/    dead letters: found, counted, sent again, thrown away, put back
    call/    jobs that nobody stores: calls between workers, and trials
    peer/    connections: how they begin and end, drained workers
    flow/    an event's way: accept (PUBLISH), dispatch (JOB), reply (REPLY, NACK, STEP), outbox (DELIVER,
             DELIVERED), fail; lanes: the routes at work
    state/   what is durable: every change goes through apply, live and at recovery alike, as a record;
             reflect brings the views after it
    policy/  what the configuration decides: routes, limits, rules, texts, the cache  */

#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "base/map.h"
#include "base/rng.h"
#include "core/ask/ask.h"
#include "core/ask/tail.h"
#include "core/calm.h"
#include "core/core.h"
#include "core/dead/dead.h"
#include "core/dead/retain.h"
#include "core/flow/lane.h"
#include "core/flow/outlet.h"
#include "core/peer/peer.h"
#include "core/policy/cache.h"
#include "core/policy/fallback.h"
#include "core/policy/rate.h"
#include "core/state/dedup.h"
#include "core/state/kv.h"
#include "core/state/record.h"
#include "core/state/session.h"
#include "wire/event.h"

/*  What a timer belongs to: see expire.c.  */
typedef enum {
    TIMER_ENTRY,
    TIMER_SESSION,
    TIMER_PEER,
    TIMER_GATHER,
    TIMER_LANE,
    TIMER_ASK,
    TIMER_RETAIN,
    TIMER_CALL
} timer_kind_t;

/*  Flags of RECORD_ATTEMPT, RECORD_ATTEMPT_END, RECORD_REPLY, RECORD_DEAD.  */
enum {
    ATTEMPT_DEDUPLICATED = 1,
    ENDED_CHARGED = 1,
    REPLY_FALLBACK = 1,
    REPLY_CACHED = 2,
    DEAD_PARKS = 1
};

/*  A turn that took long from its first record to the moment that it was stored and left.  */
enum { SLOW_TURNS = 16, SLOW_TURN_US = 50000 };
typedef struct {
    uint64_t seq;
    int64_t at_us; /* monotonic */
} slow_turn_t;

/*  Bytes of records and rows: what comes of more timers, and of more that dies while it waits, is left to the next
    turn.
    All sessions may end at once, each with all its rows, when a reload makes the idle time shorter; all that was to be
    delivered may be late, when the broker or an adapter was away for the night; and all events of a route may die,
    when another configuration does not have it any more.  */
enum { CROWDED_BYTES = 256 * 1024 };

struct core {
    policy_t *policy;
    core_options_t options;
    plv_rng_t rng;
    core_now_t now;
    calm_t calm;        /* the time that things grow old by */
    int64_t seen_us;    /* what that was in an earlier run, late in it; 0: there was none */
    effects_t *effects; /* of the step under way; NULL during recovery */
    bool started;
    bool resuming; /* started, and nothing has been dispatched yet */
    uint64_t turns;
    bool draining;

    plv_map_t sessions;
    plv_map_u64_t entries;
    plv_map_u64_t peers;
    plv_node_t orphans; /* jobs whose worker has not come back since the restart */
    plv_map_t services;
    plv_map_t outlets;
    lane_t *lanes;
    plv_map_t pauses; /* pause_t, by the name of the route */
    plv_map_t drains; /* drain_t, by the incarnation of the process */
    size_t lane_count;
    core_timers_t timers;
    size_t full_at; /* bytes of records and rows with which the step under way has made enough */
    bool crowded;   /* one has: what can wait does so until this turn has been taken */
    dedup_t *dedup;
    rate_t *rate;
    cache_t *cache;
    kv_t *kv;

    uint64_t next_number;
    uint64_t next_serial;
    uint64_t dead_count;
    uint64_t
        counts_as_of; /* recovery: next_number and dead_count reflect records up to this position */
    uint64_t seq;     /* journal position of the turn being gathered, or replayed */
    uint64_t stored;  /* the store has everything up to this position */
    uint64_t recorded;            /* the last position that was handed over with records in it */
    uint64_t recorded_stored;     /* ... that is stored, */
    int64_t recorded_us;          /* since when, wall clock, */
    uint64_t recorded_noted;      /* and what of that is in the journal */
    slow_turn_t slow[SLOW_TURNS]; /* the last ones, in a ring */
    size_t slow_next;
    int64_t begun_us
        [2]; /* monotonic: the first record of the turn that is gathered, and of that at the store */
    uint64_t journal_bytes; /* written since the start */
    uint64_t reflected;
    uint64_t walks;   /* over the replies of a session */
    plv_node_t dirty; /* sessions, the one that changed first, first */
    plv_buf_t run;    /* platform ids that are not in the DEDUP view yet */
    uint64_t run_seq; /* the first journal position that added one of them */
    int64_t run_at_us;
    plv_buf_t runs; /* DEDUP rows: u64 key, u32 expiry each, oldest first */

    dead_index_t letters;
    bool letters_whole; /* those of an older release have been, or are being, read */
    plv_map_u64_t asks;
    plv_map_u64_t
        taken; /* dead letters that were sent again or thrown away: the journal position of that */
    uint64_t taken_seq;    /* the newest of them */
    uint64_t imported_seq; /* the journal position of the letter that was put back last */
    retain_t retain;
    plv_map_u64_t calls;
    size_t call_bytes;
    uint64_t next_token;
    plv_node_t tails;
    plv_buf_t scratch;  /* for one function's use, never across a call */
    plv_buf_t body;     /* a body being made, until it is noted */
    plv_buf_t process;  /* a map: see core_describe */
    plv_buf_t others;   /* lines: see core_add_metrics */
    int64_t started_us; /* monotonic */
    plv_metrics_t metrics;
};

static inline plv_buf_t *frame_held (core_t *self, peer_t *peer)
{
    return &effects_packet (&self->effects->held, peer->number, &peer->held_slot)->bytes;
}

static inline plv_buf_t *frame_prompt (core_t *self, peer_t *peer)
{
    return &effects_packet (&self->effects->prompt, peer->number, &peer->prompt_slot)->bytes;
}

static inline void frame_ack (core_t *self, peer_t *peer, effects_ack_t kind, uint64_t number)
{
    effects_ack (effects_packet (&self->effects->held, peer->number, &peer->held_slot), kind,
                 number);
}

/*  The time by which what the wall clock has stamped grows old: see calm.h.  */
static inline int64_t believed_us (const core_t *self)
{
    return calm_least_us (&self->calm, self->now.mono_us, self->now.wall_us);
}

static inline size_t written_bytes (const core_t *self)
{
    return self->effects->rows.size + self->effects->journal.size;
}

/*  After a piece of what can wait.  */
static inline void note_crowd (core_t *self)
{
    self->crowded = written_bytes (self) >= self->full_at;
}

static inline void count (core_t *self, plv_counter_t counter)
{
    self->metrics.counter[counter]++;
}

#endif
