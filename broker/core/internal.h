/*  internal -- what the files of the core share, and nobody else sees
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h

    The flow of an event through the files: accept.c (PUBLISH), dispatch.c (JOB), reply.c (REPLY, NACK, STEP),
    outbox.c (DELIVER, DELIVERED), expire.c (timers). Every change of durable state goes through
    apply.c, live and at recovery alike.  */

#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "base/map.h"
#include "base/rng.h"
#include "core/ask.h"
#include "core/cache.h"
#include "core/core.h"
#include "core/dead.h"
#include "core/dedup.h"
#include "core/fallback.h"
#include "core/kv.h"
#include "core/lane.h"
#include "core/outlet.h"
#include "core/peer.h"
#include "core/rate.h"
#include "core/record.h"
#include "core/retain.h"
#include "core/session.h"
#include "core/tail.h"
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

struct core {
    policy_t *policy;
    core_options_t options;
    plv_rng_t rng;
    core_now_t now;
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
    size_t lane_count;
    core_timers_t timers;
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
    plv_buf_t shell;    /* a map: see core_describe */
    plv_buf_t others;   /* lines: see core_add_metrics */
    int64_t started_us; /* monotonic */
    plv_metrics_t metrics;
};

/*  apply.c: durable state. Each writes its record (when live) and applies it.  */
void apply_new (core_t *self, const record_t *record);
plv_err_t apply_record (core_t *self, const record_t *record, plv_fail_t *ret_fail);
void apply_brief (core_t *self, const dead_t *dead,
                  const entry_t *entry); /* its row in DEAD_BRIEFS */
session_t *session_get (core_t *self, plv_view_t id);
entry_t *entry_get (core_t *self, uint64_t number);
void entry_put (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter);
uint64_t number_next (core_t *self);
plv_id_t id_next (core_t *self);
void session_touch (core_t *self, session_t *session);
outlet_t *outlet_of (core_t *self, plv_view_t name);
void outlet_leave (core_t *self, outlet_t *outlet); /* one that nothing goes through is freed */

/*  accept.c  */
void accept_publish (core_t *self, peer_t *peer, const plv_frame_t *frame);

/*  holding.c: which peer has which entry  */
void holding_give (core_t *self, peer_t *peer, entry_t *entry); /* taken from whoever had it */
void holding_take (core_t *self, entry_t *entry); /* nobody has it; its attempt stays open */

/*  dispatch.c  */
lane_t *lane_named (core_t *self, plv_view_t name);
void dispatch_session (core_t *self, session_t *session);
void dispatch_service (core_t *self, service_t *service);
bool dispatch_waits (const service_t *service); /* an event, for nothing but a worker */
void dispatch_gathered (core_t *self, peer_t *peer);
void dispatch_ungather (core_t *self, peer_t *peer, session_t *session);
void dispatch_hold (core_t *self, peer_t *peer,
                    entry_t *entry); /* the worker has it, from now on until its deadline */
lane_t *dispatch_lane (core_t *self, entry_t *entry);
void dispatch_release (core_t *self, peer_t *peer); /* credit of its is free again */
void dispatch_idle (peer_t *peer); /* puts the worker into its services' lists when it has credit */

/*  reply.c  */
void reply_cancel (core_t *self, peer_t *peer, uint64_t lease, const char *code,
                   const char *reason);
/*  The job that `peer` holds under this lease; otherwise NULL, and the peer is told.  */
entry_t *reply_leased (core_t *self, peer_t *peer, uint64_t lease);
void reply_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_nack (core_t *self, peer_t *peer, const plv_frame_t *frame);
void reply_step (core_t *self, peer_t *peer, const plv_frame_t *frame);
/*  Ends the event with this answer. The views may point anywhere but into the entry.  */
void reply_give (core_t *self, entry_t *entry, plv_view_t body, plv_view_t state, uint32_t flags);
void reply_live (core_t *self, peer_t *peer, const plv_frame_t *frame);

/*  fail.c: attempts that ended badly, and dead letters  */
typedef struct {
    how_t how;
    bool permanent;
    int64_t delay_us; /* at least this long until the next attempt; 0: the backoff alone decides */
    plv_view_t code;
    plv_view_t why;
} failure_t;
void fail_event (core_t *self, entry_t *entry, const failure_t *failure);
fallback_kind_t fail_fallback (how_t how, plv_view_t code); /* what the person is told */
void fail_interrupted (core_t *self,
                       entry_t *entry); /* its worker is told, a newer message takes its place */

typedef struct {
    dead_why_t why;
    how_t how; /* how the open attempt ended; HOW_OPEN: there is none */
    fallback_kind_t fallback;
    plv_view_t code;
    plv_view_t words;
} death_t;
void fail_dead (core_t *self, entry_t *entry, const death_t *death);

/*  outbox.c  */
void outbox_send (core_t *self, session_t *session);
void outbox_feed (core_t *self, outlet_t *outlet);
void outbox_delivered (core_t *self, peer_t *peer, const plv_frame_t *frame);
void outbox_failed (core_t *self, entry_t *entry, const failure_t *failure);
void outbox_orphan (core_t *self,
                    entry_t *entry); /* nobody has it: its adapter may come back and claim it */
void outbox_hold (core_t *self, peer_t *peer, entry_t *entry);

/*  peers.c: connections  */
void peers_packet (core_t *self, const input_t *input);
void peers_gone (core_t *self, peer_t *peer, how_t how, const char *why);
void peers_refuse (core_t *self, peer_t *peer, const char *code, plv_verb_t verb,
                   const char *format, ...) __attribute__ ((format (printf, 5, 6)));
void peers_silence (core_t *self, peer_t *peer);
void peers_drain (core_t *self); /* from now on nothing is begun */
void peers_farewell (core_t *self);
/*  An operator drains this worker: it gets nothing new, and is told to leave once it holds nothing.  */
void peers_retire (core_t *self, peer_t *peer, plv_view_t who);
void peers_let_go (core_t *self, peer_t *peer);
peer_t *peers_named (core_t *self, unsigned from, const char *name);

/*  hello.c  */
void hello_take (core_t *self, peer_t *peer, unsigned allowed, const plv_frame_t *frame);

/*  expire.c  */
void expire_due (core_t *self);

/*  life.c: how a session begins and ends, and the events that say so  */
void life_begin (core_t *self,
                 const plv_envelope_t *first); /* before an event of a person is accepted */
void life_end (core_t *self, session_t *session, const char *why); /* it may be gone afterwards */
void life_go_on (core_t *self,
                 session_t *session); /* an event or a reply of it is over; it stays */
void life_due (core_t *self, session_t *session);

/*  lanes.c: services, and routes at work  */
void lanes_build (core_t *self);
void lanes_destroy (core_t *self);
void lanes_replace (
    core_t *self); /* by those of a new policy; a route that stays keeps its breaker */
void lanes_gauge (core_t *self);
void lanes_changed (core_t *self, lane_t *lane, breaker_change_t change);
service_t *service_of (core_t *self, plv_view_t name);
void service_leave (core_t *self, serving_t *serving);
void service_spare (core_t *self, service_t *service); /* one that nobody offers or asks for goes */

/*  hold.c: routes that operators pause  */
void hold_apply (core_t *self, const record_t *record);
bool hold_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */
void hold_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);

/*  reflect.c: the views  */
void reflect_dirty (core_t *self, session_t *session);
void reflect_gone (session_t *session, const entry_t *entry);
void reflect_session_end (core_t *self, session_t *session);
void reflect_key (core_t *self, const dedup_key_t *key, uint32_t expires_s);
void reflect_turn (core_t *self, bool all);
int64_t reflect_next_us (const core_t *self);
void reflect_run_loaded (core_t *self, uint64_t key, plv_view_t run);

/*  control.c, control_kv.c, control_show.c: what tools ask for  */
void control_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void control_forget (core_t *self, const peer_t *peer);
void control_measure (core_t *self);
void control_status (core_t *self, plv_buf_t *body);
void control_routes (core_t *self, plv_buf_t *body);
void control_agents (core_t *self, plv_view_t arguments, plv_buf_t *body);
void control_drain (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments);
void control_adapters (core_t *self, plv_view_t arguments, plv_buf_t *body);
void control_sessions (core_t *self, plv_view_t arguments, plv_buf_t *body);
void control_session (const session_t *session, plv_buf_t *body);
void control_dead_item (core_t *self, const dead_t *dead, const entry_t *entry, bool whole,
                        plv_view_t row, plv_buf_t *items); /* `row`: shown too, unless empty */
void control_kv (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);
uint64_t control_number (plv_view_t arguments, const char *key, uint64_t standard);
bool control_flag (plv_view_t arguments, const char *key);
void control_order (core_t *self, const peer_t *peer, uint64_t request, int command,
                    plv_view_t arguments);
void control_ordered (core_t *self, const input_t *input);
void control_answer (core_t *self, peer_t *peer, uint64_t request, const char *status,
                     const plv_buf_t *body);
/*  What people and agents wrote: to an adapter without what looks like a secret.  */
void control_answer_shown (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body);
/*  A tool, or an adapter that the configuration lets ask as one.  */
bool control_is_operator (const core_t *self, const peer_t *peer);
void control_part (core_t *self, peer_t *peer, uint64_t request,
                   const plv_buf_t *body); /* of an answer that goes on */
void control_fail (core_t *self, peer_t *peer, uint64_t request, plv_err_t err, const char *format,
                   ...) __attribute__ ((format (printf, 5, 6)));

/*  control_dead.c: requests about dead letters, and others that wait for rows  */
void control_start_dead (core_t *self, peer_t *peer, uint64_t request, int command,
                         plv_view_t arguments);
void control_rows (core_t *self, const input_t *input);
void control_due (core_t *self, ask_t *ask); /* a walk goes on */
void control_catch_up (core_t *self); /* letters that an older release left without a brief */
ask_t *control_ask_new (core_t *self, int command);
void control_ask_free (ask_t **ask_p);
void control_scan (core_t *self, ask_t *ask, uint64_t from, uint64_t to, uint32_t limit);
void control_scan_id (core_t *self, ask_t *ask, const plv_id_t *id);
void control_scan_numbers (core_t *self,
                           ask_t *ask); /* each once, in order; empties ask->numbers */
bool control_read_dead (const plv_row_t *row, dead_t *ret_dead, entry_t **ret_entry);
void control_finish (core_t *self, ask_t *ask);
void control_settle (core_t *self, ask_t *ask); /* answered, if it waits for nothing any more */
bool control_taken_since (core_t *self, const ask_t *ask, uint64_t number);

/*  events_show.c, events_list.c: what has been, out of the journal  */
bool events_is (int command);
void events_start (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);
void events_take (core_t *self, ask_t *ask, const input_t *input);
void events_go_on (core_t *self, ask_t *ask);

/*  dead_list.c, dead_stats.c, dead_take.c: each begins, takes rows, and goes on when all have come  */
void list_go_on (core_t *self, ask_t *ask);
void list_take (core_t *self, ask_t *ask, const input_t *input);
void list_next (core_t *self, ask_t *ask);
void list_answer (core_t *self, const ask_t *ask);
const char *list_service (core_t *self, plv_view_t route); /* that the route leads to; "": none */
void list_routes_of (core_t *self, plv_view_t service, plv_buf_t *hashes); /* uint32_t each */
void stats_go_on (core_t *self, ask_t *ask);
void stats_take (core_t *self, ask_t *ask, const input_t *input);
void stats_free (ask_t *ask);
void stats_answer (core_t *self, const ask_t *ask);
bool take_start (core_t *self, ask_t *ask, plv_view_t arguments, const char **ret_why);
void take_letter (core_t *self, ask_t *ask, const plv_row_t *row);
void take_answer (core_t *self, const ask_t *ask);

/*  tail.c: what tools are shown as it happens; ask tails_any before telling  */
void tail_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments);
void tail_tell (core_t *self, const record_t *record);
void tail_tell_live (core_t *self, const plv_envelope_t *envelope, plv_view_t body);
void tails_flush (core_t *self);
void tails_leave (core_t *self, const peer_t *peer);

static inline bool tails_any (const core_t *self)
{
    return !plv_list_empty (&self->tails);
}

void take_discard (core_t *self, ask_t *ask, const entry_t *letter, const dead_t *dead);

/*  dead_import.c: letters that were exported are put back  */
bool import_start (core_t *self, ask_t *ask, plv_view_t arguments);
void import_rows (ask_t *ask, const input_t *input);
void import_answer (core_t *self, ask_t *ask);

/*  dead_retain.c: letters that go by age or number  */
void retain_soon (core_t *self);
void retain_due (core_t *self);
bool retain_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */
void retain_rows (ask_t *ask, const input_t *input);
bool retain_read (core_t *self, ask_t *ask);
void retain_exported (core_t *self, ask_t *ask, plv_view_t file, plv_view_t why);

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

static inline void count (core_t *self, plv_counter_t counter)
{
    self->metrics.counter[counter]++;
}

#endif
