#include "sim/sim.h"

#include "base/check.h"

/*  The shell of the simulated broker: what shell/turn.c does with sockets and a disk, with neither.  */

enum {
    COMMIT_LEAST_US = 50,
    COMMIT_MOST_US = 4000,
    COMMIT_SLOW_US = 3000000,
    RESTART_LEAST_US = 1000,
    RESTART_MOST_US = 4000000,
    JUMP_MOST_US = 2000000000,
    DRAIN_MOST_US = 1000000,
    SIM_LOST_MAX = 64,
};

static void step (sim_t *self, input_t *input);

static void tell_lost (sim_t *self, uint32_t number)
{
    input_t input = {.type = INPUT_GONE, .peer = number};
    net_forget (self, number);
    step (self, &input);
}

/*  Peers that turn out to be gone; the core is told when the packets are out of the way.  */
typedef struct {
    uint32_t numbers[SIM_LOST_MAX];
    size_t count;
} lost_t;

static lost_t post (sim_t *self, const effects_packets_t *packets)
{
    lost_t lost = {0};
    for (size_t i = 0; i < packets->count; i++)
        if (!net_to_peer (self, packets->items[i].peer, plv_buf_view (&packets->items[i].bytes))
            && lost.count < SIM_LOST_MAX)
            lost.numbers[lost.count++] = packets->items[i].peer;
    return lost;
}

static void tell_all_lost (sim_t *self, const lost_t *lost)
{
    for (size_t i = 0; i < lost->count; i++)
        tell_lost (self, lost->numbers[i]);
}

static void forget_closed (sim_t *self, plv_view_t closes)
{
    uint32_t peer;
    for (size_t at = 0; at < closes.size; at += sizeof peer) {
        memcpy (&peer, closes.data + at, sizeof peer);
        net_forget (self, peer);
    }
}

static void start_scans (sim_t *self, const effects_t *effects)
{
    for (size_t i = 0; i < effects->scan_count; i++) {
        const effects_scan_t *scan = &effects->scans[i];
        if (scan->journal)
            self->store->vtable->scan_journal (self->store, scan->token, scan->from_seq,
                                               scan->to_seq, scan->limit);
        else
            self->store->vtable->scan (self->store, scan->token, scan->view,
                                       plv_buf_view (&scan->from), plv_buf_view (&scan->to),
                                       scan->limit);
    }
}

/*  What is sent at once; taken out of the effects first, since a lost peer makes more.  */
static void prompt (sim_t *self)
{
    while (self->gather->prompt.count || self->gather->closes.size || self->gather->scan_count) {
        effects_t *effects = self->gather;
        effects_packets_t packets = effects->prompt;
        plv_buf_t closes = effects->closes;
        start_scans (self, effects);
        effects->prompt = (effects_packets_t){0};
        effects->closes = (plv_buf_t){0};
        effects_clear_prompt (effects);
        lost_t lost = post (self, &packets);
        forget_closed (self, plv_buf_view (&closes));
        tell_all_lost (self, &lost);
        effects_t used = {.prompt = packets, .closes = closes};
        effects_free (&used);
    }
}

static void commit (sim_t *self);
static void hand_over (sim_t *self, uint64_t seq);
static void tick (sim_t *self, void *arg, uint64_t token, plv_view_t bytes);

static void set_tick (sim_t *self)
{
    int64_t next_us = core_next_us (self->core), turn_us = core_turn_us (self->core);
    if (!self->seq && turn_us < next_us)
        next_us = turn_us;
    if (next_us == INT64_MAX || (self->tick_us && self->tick_us <= next_us))
        return;
    int64_t delay_us = next_us > self->now_us ? next_us - self->now_us : 0;
    self->tick_us = self->now_us + delay_us;
    sim_at (self, delay_us, tick, NULL, self->life, plv_view (NULL, 0));
}

static void step (sim_t *self, input_t *input)
{
    input->now = sim_time (self);
    core_step (self->core, input, self->gather);
    prompt (self);
}

static void take_rows (sim_t *self)
{
    store_done_t done;
    while (self->store->vtable->next (self->store, &done) == STORE_ROWS) {
        input_t input = {.type = INPUT_ROWS,
                         .token = done.token,
                         .more = done.more,
                         .bytes = plv_buf_view (&done.rows)};
        step (self, &input);
        plv_buf_free (&done.rows);
    }
}

/*  Rows are read between two batches, as the real store does in its own time.  */
static void after_step (sim_t *self)
{
    if (!self->seq)
        take_rows (self);
    commit (self);
    set_tick (self);
}

static void tick (sim_t *self, void *arg, uint64_t token, plv_view_t bytes)
{
    (void) arg;
    (void) bytes;
    if (!self->up || token != self->life)
        return;
    input_t input = {.type = INPUT_TIME};
    self->tick_us = 0;
    step (self, &input);
    after_step (self);
}

void broker_packet (sim_t *self, sim_conn_t *conn, plv_view_t packet)
{
    if (conn->number == 0) {
        conn->number = ++self->next_number;
        plv_map_u64_put (&self->by_number, conn->number, conn);
    }
    input_t input = {
        .type = INPUT_PACKET, .peer = conn->number, .allowed = conn->allowed, .bytes = packet};
    step (self, &input);
    after_step (self);
}

static void release (sim_t *self, effects_t *effects)
{
    for (size_t i = 0; i < effects->held.count; i++) {
        sabotage_held (self, &effects->held.items[i]);
        oracle_released (self->oracle, plv_buf_view (&effects->held.items[i].bytes));
    }
    lost_t lost = post (self, &effects->held);
    effects_clear (effects);
    tell_all_lost (self, &lost);
}

static void commit_last (sim_t *self)
{
    uint64_t seq = core_turn (self->core, sim_time (self), true, self->gather);
    prompt (self);
    effects_t *gathered = self->gather;
    if (seq == 0) {
        release (self, gathered);
        broker_crash (self, false);
        return;
    }
    self->gather = self->flying;
    self->flying = gathered;
    hand_over (self, seq);
}

/*  Told to stop: what is open may end for a while, then all is brought into the views.  */
static void finish (sim_t *self, void *arg, uint64_t token, plv_view_t bytes)
{
    if (!self->up || token != self->life)
        return;
    if (self->seq) {
        sim_at (self, COMMIT_MOST_US, finish, arg, token, bytes);
        return;
    }
    input_t input = {.type = INPUT_STOP};
    step (self, &input);
    self->stopping = true;
    commit_last (self);
}

static void disturb (sim_t *self)
{
    if (sim_chance (self, self->faults.clock_jump))
        self->wall_offset_us += sim_between (self, -JUMP_MOST_US, JUMP_MOST_US);
    if (sim_chance (self, self->faults.reload)) {
        self->variant++;
        sim_say (self, "another configuration");
        input_t input = {.type = INPUT_POLICY, .policy = self->make_policy (self)};
        step (self, &input);
    }
    if (sim_chance (self, self->faults.stop)) {
        input_t input = {.type = INPUT_DRAIN};
        sim_say (self, "broker is told to stop");
        step (self, &input);
        sim_at (self, sim_between (self, 0, DRAIN_MOST_US), finish, NULL, self->life,
                plv_view (NULL, 0));
    }
}

static void stored (sim_t *self, void *arg, uint64_t token, plv_view_t bytes)
{
    store_done_t done;
    (void) arg;
    (void) bytes;
    if (!self->up || token != self->life)
        return;
    bool crash = sim_chance (self, self->faults.broker_crash);
    bool power_cut = crash && sim_below (self, 1000) < self->faults.power_cut;
    if (crash && sim_below (self, 2) == 0) {
        broker_crash (self, power_cut); /* before it is kept */
        return;
    }
    if (sim_chance (self, self->faults.commit_fail)) {
        memory_fail (self->store, ERR_IO, "the disk says no", sim_below (self, 2));
        broker_crash (self,
                      false); /* the daemon stops: it acknowledges nothing that it could not keep */
        return;
    }
    uint64_t seq = self->seq;
    memory_commit (self->store);
    while (self->store->vtable->next (self->store, &done) == STORE_ROWS)
        plv_buf_free (&done.rows);
    CHECK (done.type == STORE_STORED && done.seq == seq, "the store answers %d", (int) done.type);
    oracle_committed (self->oracle, plv_buf_view (&self->journals[seq]));
    if (crash) {
        broker_crash (self, power_cut); /* kept, and nobody was told */
        return;
    }
    self->seq = 0;
    release (self, self->flying);
    input_t input = {.type = INPUT_STORED, .token = seq};
    step (self, &input);
    if (self->stopping && core_turn_us (self->core) == INT64_MAX) {
        broker_crash (self, false);
        return;
    }
    if (self->stopping) {
        commit_last (self);
        return;
    }
    disturb (self);
    after_step (self);
}

static void hand_over (sim_t *self, uint64_t seq)
{
    effects_t *effects = self->flying;
    CHECK (seq < SIM_SEQS_MAX, "seed %llu does not come to an end",
           (unsigned long long) self->seed);
    self->digests[seq] = core_digest (self->core);
    sabotage_batch (self, effects);
    plv_buf_clear (&self->journals[seq]);
    plv_buf_add_view (&self->journals[seq], plv_buf_view (&effects->journal));
    store_batch_t batch = {
        .seq = seq,
        .journal = plv_buf_view (&effects->journal),
        .ops = plv_buf_view (&effects->rows),
        .sync = effects->sync,
    };
    self->store->vtable->append (self->store, &batch);
    self->seq = seq;
    int64_t delay_us = sim_chance (self, self->faults.commit_slow)
                           ? COMMIT_SLOW_US
                           : sim_between (self, COMMIT_LEAST_US, COMMIT_MOST_US);
    sim_at (self, delay_us, stored, NULL, self->life, plv_view (NULL, 0));
}

static void commit (sim_t *self)
{
    if (self->seq)
        return;
    uint64_t seq = core_turn (self->core, sim_time (self), false, self->gather);
    prompt (self);
    effects_t *gathered = self->gather;
    if (sabotage_is (self, SABOTAGE_EARLY) && gathered->held.count && seq) {
        for (size_t i = 0; i < gathered->held.count; i++)
            oracle_released (self->oracle, plv_buf_view (&gathered->held.items[i].bytes));
        self->sabotaged = true;
    }
    if (seq == 0) {
        release (self, gathered);
        return;
    }
    self->gather = self->flying;
    self->flying = gathered;
    hand_over (self, seq);
}

typedef struct {
    sim_t *sim;
    plv_err_t err;
    plv_fail_t fail;
} reading_t;

static void read_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    reading_t *reading = arg;
    if (!reading->err)
        reading->err = core_load_row (reading->sim->core, view, key, value, &reading->fail);
}

static void read_journal (void *arg, uint64_t seq, plv_view_t value)
{
    reading_t *reading = arg;
    if (!reading->err)
        reading->err = core_replay (reading->sim->core, seq, value, &reading->fail);
}

static void check_recovery (sim_t *self, uint64_t next_seq)
{
    uint64_t last = next_seq - 1;
    oracle_rebuild (self->oracle, last);
    if (last > 0 && self->variant == 0 && self->digests[last] != core_digest (self->core))
        sim_fail (
            self,
            "recovery: after a restart the state is not the one that was stored at position %llu",
            (unsigned long long) last);
}

void broker_start (sim_t *self)
{
    core_options_t options = {.seed = sim_below (self, UINT64_MAX), .version = "sim"};
    reading_t reading = {.sim = self};
    store_recovery_t recovery = {.row = read_row, .journal = read_journal, .arg = &reading};
    policy_t *policy = self->make_policy (self);
    uint64_t next_seq = 1;

    memset (options.secret, 7, sizeof options.secret);
    self->core = core_new (&options, &policy);
    plv_err_t err = self->store->vtable->recover (self->store, &recovery, &next_seq, &reading.fail);
    if (err || reading.err) {
        sim_fail (self, "recovery: %s", reading.fail.text);
        return;
    }
    self->life++;
    self->up = true;
    self->stopping = false;
    self->tick_us = 0;
    check_recovery (self, next_seq);
    core_start (self->core, sim_time (self), next_seq);
    sim_say (self, "broker starts at position %llu", (unsigned long long) next_seq);
    set_tick (self);
}

static void restart (sim_t *self, void *arg, uint64_t token, plv_view_t bytes)
{
    (void) arg;
    (void) bytes;
    if (!self->up && token == self->life)
        broker_start (self);
}

void broker_crash (sim_t *self, bool power_cut)
{
    sim_say (self, "broker %s", power_cut ? "loses its power" : "crashes");
    self->up = false;
    self->seq = 0;
    core_destroy (&self->core);
    effects_clear (self->gather);
    effects_clear (self->flying);
    memory_crash (self->store, power_cut);
    net_forget_all (self);
    sim_at (self, sim_between (self, RESTART_LEAST_US, RESTART_MOST_US), restart, NULL, self->life,
            plv_view (NULL, 0));
}

bool broker_idle (const sim_t *self)
{
    if (!self->up || self->seq)
        return false;
    const int64_t *gauge = core_metrics (self->core)->gauge;
    return gauge[GAUGE_PENDING_EVENTS] == 0 && gauge[GAUGE_OUTBOX] == 0 && gauge[GAUGE_CALLS] == 0
           && gauge[GAUGE_TRIALS] == 0;
}
