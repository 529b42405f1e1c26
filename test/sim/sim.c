#include "sim/sim.h"

#include "base/alloc.h"
#include "base/check.h"
#include "sim/actors.h"

#include <stdio.h>
#include <stdlib.h>

enum { STORM_US = 8000000, CALM_MOST_US = 240000000, SESSIONS_MOST = 4 };

/*  One run in three has this fault, more or less often.  */
static unsigned draw (sim_t *self, unsigned most)
{
    return sim_below (self, 3) ? 0 : 1 + (unsigned) sim_below (self, most);
}

static void draw_faults (sim_t *self)
{
    self->faults = (sim_faults_t){
        .lose = draw (self, 60),
        .duplicate = draw (self, 60),
        .reorder = draw (self, 60),
        .cut = draw (self, 20),
        .worker_crash = draw (self, 100),
        .worker_freeze = draw (self, 60),
        .adapter_crash = draw (self, 60),
        .broker_crash = draw (self, 60),
        .power_cut = (unsigned) sim_below (self, 1000),
        .commit_slow = draw (self, 20),
        .commit_fail = draw (self, 15),
        .clock_jump = draw (self, 20),
        .reload = draw (self, 30),
        .stop = draw (self, 15),
    };
}

/*  Short times, so that a run of seconds sees every one of them pass.  */
static void set_times (plv_conf_t *conf)
{
    conf->agents_heartbeat_ms = 200;
    conf->agents_timeout_ms = 1000;
    conf->agents_deadline_ms = 1500;
    conf->agents_backoff_ms = 50;
    conf->agents_backoff_max_ms = 500;
    conf->agents_attempts = 4;
    conf->delivery_timeout_ms = 2000;
    conf->delivery_backoff_ms = 50;
    conf->delivery_backoff_max_ms = 500;
    conf->delivery_attempts = 3;
    conf->breaker_open_s = 1;
    conf->data_reflect_s = 1;
    conf->data_reflect_mb = 1;
}

/*  Every second run asks for the events that the broker makes itself; a reload brings another route, whose sessions
    are others each time, or takes it away.  */
static plv_conf_t *read_conf (const sim_t *self, plv_rng_t *rng)
{
    char text[512];
    plv_conf_t *conf = NULL;
    plv_fail_t fail;
    const char *types =
        self->own_events ? "types = [ \"chat.message\", \"session.created\", \"session.ended\" ];"
                         : "";
    bool two = self->variant && plv_rng_below (rng, 2);
    snprintf (
        text, sizeof text,
        "routes = ( { name = \"%s\"; service = \"%s\"; session = \"*%d\"; types = [ \"chat.message\" ]; },"
        " { name = \"default\"; service = \"advisor\"; %s } );",
        plv_rng_below (rng, 2) ? "second" : "other", plv_rng_below (rng, 2) ? "clerk" : "advisor",
        two ? (int) plv_rng_below (rng, SESSIONS_MOST) : SESSIONS_MOST, types);
    plv_err_t err = plv_conf_load_text (plv_view_str (text), "sim", &conf, &fail);
    CHECK (!err, "%s", fail.text);
    return conf;
}

/*  The same after every restart of the broker: drawn from the seed and the variant by themselves.  */
static policy_t *make_policy (sim_t *self)
{
    plv_rng_t rng = plv_rng_seed (self->seed ^ 0x5eed ^ self->variant << 32);
    plv_conf_t *conf = read_conf (self, &rng);
    policy_t *policy = NULL;
    plv_fail_t fail;
    set_times (conf);
    for (size_t i = 0; i < 2; i++) {
        conf->routes[i].overlap = (int) plv_rng_below (&rng, 4);
        conf->routes[i].on_dead = (int) plv_rng_below (&rng, 2);
        conf->routes[i].cache = plv_rng_below (&rng, 4) == 0;
    }
    conf->dead_max = plv_rng_below (&rng, 3) ? 0 : 1 + (int64_t) plv_rng_below (&rng, 3);
    conf->dead_warn_h = 0; /* else nothing would go in a run of seconds */
    conf->rate_limit_on = plv_rng_below (&rng, 4) == 0;
    conf->session_idle_s = plv_rng_below (&rng, 3) ? 1800 : 1;
    conf->session_history_turns = (int64_t) plv_rng_below (&rng, 5);
    conf->delivery_late = (int) plv_rng_below (&rng, 2);
    conf->breaker_threshold = plv_rng_below (&rng, 2) ? 3 : 1000;
    conf->limits_pending = plv_rng_below (&rng, 4) ? 2000000 : 5;
    conf->limits_session_queue = plv_rng_below (&rng, 4) ? 10000 : 2;
    conf->delivery_not_after_s = plv_rng_below (&rng, 3) ? 3600 : 1;
    plv_err_t err = policy_new (&conf, &policy, &fail);
    CHECK (!err, "%s", fail.text);
    return policy;
}

sim_t *sim_new (uint64_t seed, sabotage_t sabotage, bool loud)
{
    sim_t *self = plv_alloc_zero (1, sizeof *self);
    self->seed = seed;
    self->rng = plv_rng_seed (seed);
    self->sabotage = sabotage;
    self->own_events = seed % 2 == 0;
    self->loud = loud;
    self->now_us = 1;
    self->wall_offset_us = 1800000000000000;
    self->agenda = agenda_new ();
    self->oracle = oracle_new (self);
    self->store = store_memory_new ();
    self->make_policy = make_policy;
    effects_init (&self->effects[0]);
    effects_init (&self->effects[1]);
    self->gather = &self->effects[0];
    self->flying = &self->effects[1];
    draw_faults (self);
    return self;
}

void sim_destroy (sim_t **self_p)
{
    sim_t *self = *self_p;
    for (unsigned i = 0; i < self->adapter_count; i++)
        adapter_destroy (&self->adapters[i]);
    for (unsigned i = 0; i < self->worker_count; i++)
        worker_destroy (&self->workers[i]);
    for (unsigned i = 0; i < SIM_OPERATORS; i++)
        operator_destroy (&self->operators[i]);
    core_destroy (&self->core);
    store_destroy (&self->store);
    effects_free (&self->effects[0]);
    effects_free (&self->effects[1]);
    for (size_t i = 0; i < SIM_SEQS_MAX; i++)
        plv_buf_free (&self->journals[i]);
    plv_map_u64_free (&self->by_number);
    oracle_destroy (&self->oracle);
    agenda_destroy (&self->agenda);
    free (self);
    *self_p = NULL;
}

static void say (sim_t *self, void *arg, uint64_t token, plv_view_t bytes)
{
    (void) arg;
    (void) bytes;
    adapter_say (self->adapters[self->messages[token].adapter], (unsigned) token);
}

static void populate (sim_t *self)
{
    self->adapter_count = 1 + (unsigned) sim_below (self, SIM_ADAPTERS_MAX);
    self->worker_count = 1 + (unsigned) sim_below (self, SIM_WORKERS_MAX);
    for (unsigned i = 0; i < self->adapter_count; i++)
        self->adapters[i] = adapter_new (self, i, sim_below (self, 2));
    for (unsigned i = 0; i < self->worker_count; i++)
        self->workers[i] = worker_new (self, i);
    for (unsigned i = 0; i < SIM_OPERATORS; i++)
        self->operators[i] = operator_new (self, i);
    self->message_count = 10 + (unsigned) sim_below (self, 50);
    for (unsigned i = 0; i < self->message_count; i++) {
        self->messages[i].adapter = (unsigned) sim_below (self, self->adapter_count);
        self->messages[i].session = (unsigned) sim_below (self, SESSIONS_MOST);
        sim_at (self, sim_between (self, 1000, STORM_US), say, NULL, i, plv_view (NULL, 0));
    }
}

static bool operators_done (const sim_t *self)
{
    unsigned done = 0;
    for (unsigned i = 0; i < SIM_OPERATORS; i++)
        done += operator_done (self->operators[i]);
    return done == SIM_OPERATORS;
}

static bool over (const sim_t *self)
{
    for (unsigned i = 0; i < self->message_count; i++)
        if (!self->messages[i].answered)
            return false;
    return broker_idle (self) && operators_done (self);
}

static void fail_endless (sim_t *self)
{
    const int64_t *gauge = self->up ? core_metrics (self->core)->gauge : NULL;
    unsigned unanswered = 0;
    for (unsigned i = 0; i < self->message_count; i++)
        unanswered += !self->messages[i].answered;
    sim_fail (
        self,
        "accepted: it does not come to an end, although everything is calm: broker %s, %u messages unanswered, "
        "%lld events and %lld replies pending, %lld leases, %lld calls, %lld trials, "
        "%lld adapters, %lld workers, operators %s",
        self->up ? "up" : "down", unanswered, gauge ? (long long) gauge[GAUGE_PENDING_EVENTS] : -1,
        gauge ? (long long) gauge[GAUGE_OUTBOX] : -1, gauge ? (long long) gauge[GAUGE_LEASES] : -1,
        gauge ? (long long) gauge[GAUGE_CALLS] : -1, gauge ? (long long) gauge[GAUGE_TRIALS] : -1,
        gauge ? (long long) gauge[GAUGE_PEERS_ADAPTER] : -1,
        gauge ? (long long) gauge[GAUGE_PEERS_WORKER] : -1,
        operators_done (self) ? "done" : "busy");
}

bool sim_run (sim_t *self)
{
    broker_start (self);
    populate (self);
    while (!self->failed && agenda_step (self)) {
        if (!self->calm && self->now_us > STORM_US) {
            self->calm = true;
            sim_say (self, "calm");
        }
        if (self->calm && over (self))
            break;
        if (self->now_us > STORM_US + CALM_MOST_US)
            fail_endless (self);
    }
    if (!self->failed && core_busy (self->core))
        sim_fail (self, "trials: all is over, and a worker still holds a place");
    if (!self->failed)
        oracle_finish (self->oracle);
    for (unsigned i = 0; !self->failed && i < self->adapter_count; i++)
        adapter_finish (self->adapters[i]);
    return !self->failed;
}
