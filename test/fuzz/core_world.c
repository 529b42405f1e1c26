#include "core_world.h"

#include "base/check.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdio.h>

enum { TICKS_MAX = 1000, EFFECTS_BYTES_MAX = 256 * 1024 * 1024, VARIANTS = 8 };

static const char conf_format[] =
    "agents = { heartbeat_ms = 200; timeout_ms = 1000; deadline_ms = 1500; backoff_ms = 50; backoff_max_ms = 500;"
    " attempts = 4; };"
    "delivery = { timeout_ms = 2000; backoff_ms = 50; backoff_max_ms = 500; attempts = 3; not_after_s = 30;"
    " late = \"%s\"; };"
    "breaker = { threshold = 3; open_s = 1; };"
    "data = { reflect_s = 1; reflect_mb = 1; };"
    "rate_limit = { on = %s; };"
    "session = { idle_s = 60; history_turns = 3; };"
    "limits = { pending = 40; session_queue = 10; sessions = 12; };"
    "routes = ( { name = \"cached\"; service = \"b\"; command = \"/c\"; cache = true; },"
    " { name = \"%s\"; service = \"a\"; overlap = \"%s\"; on_dead = \"%s\"; } );";

static policy_t *make_policy (unsigned variant)
{
    static const char *const overlaps[] = {"queue", "merge", "interrupt", "reject"};
    char text[sizeof conf_format + 128];
    plv_conf_t *conf = NULL;
    policy_t *policy = NULL;
    plv_fail_t fail;
    snprintf (text, sizeof text, conf_format, variant & 4 ? "mark" : "drop",
              variant == 5 ? "true" : "false", variant == 6 ? "other" : "default",
              overlaps[variant % 4], variant & 2 ? "park" : "skip");
    plv_err_t err = plv_conf_load_text (plv_view_str (text), "fuzz", &conf, &fail);
    CHECK (!err, "%s", fail.text);
    err = policy_new (&conf, &policy, &fail);
    CHECK (!err, "%s", fail.text);
    return policy;
}

static void row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    plv_fail_t fail;
    plv_err_t err = core_load_row (arg, view, key, value, &fail);
    CHECK (!err, "what the core wrote is read back: %s", fail.text);
}

static void journal (void *arg, uint64_t seq, plv_view_t value)
{
    plv_fail_t fail;
    plv_err_t err = core_replay (arg, seq, value, &fail);
    CHECK (!err, "what the core wrote is read back: %s", fail.text);
}

static void start (world_t *self)
{
    core_options_t options = {.seed = 1, .version = "fuzz"};
    policy_t *policy = make_policy (self->variant);
    uint64_t next_seq = 1;
    plv_fail_t fail;
    self->core = core_new (&options, &policy);
    store_recovery_t recovery = {.row = row, .journal = journal, .arg = self->core};
    plv_err_t err = self->store->vtable->recover (self->store, &recovery, &next_seq, &fail);
    CHECK (!err, "%s", fail.text);
    CHECK (!self->digest || self->digest == core_digest (self->core),
           "after a restart the state is another one");
    core_start (self->core, self->now, next_seq);
}

void world_init (world_t *self)
{
    static const unsigned allowed[WORLD_SLOTS] = {FROM_ADAPTER, FROM_ADAPTER, FROM_ADAPTER,
                                                  FROM_WORKER,  FROM_WORKER,  FROM_WORKER,
                                                  FROM_TOOL,    FROM_PEERS};
    memset (self, 0, sizeof *self);
    self->now = (core_now_t){.mono_us = 1000000, .wall_us = 1800000000000000};
    self->store = store_memory_new ();
    effects_init (&self->effects[0]);
    effects_init (&self->effects[1]);
    self->effects[0].log_least = LOG_DEBUG;
    self->effects[1].log_least = LOG_DEBUG;
    self->gather = &self->effects[0];
    self->flying = &self->effects[1];
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        self->slots[i].allowed = allowed[i];
    start (self);
}

void world_free (world_t *self)
{
    core_destroy (&self->core);
    store_destroy (&self->store);
    effects_free (&self->effects[0]);
    effects_free (&self->effects[1]);
}

static void remember (world_ring_t *ring, uint64_t number)
{
    ring->numbers[ring->next++ % WORLD_RING] = number;
}

static void check_envelope (plv_view_t bytes)
{
    plv_envelope_t envelope;
    plv_fail_t fail;
    plv_err_t err = plv_envelope_parse (bytes, &envelope, &fail);
    CHECK (!err, "%s", fail.text);
}

static void check_frame (world_t *self, const plv_frame_t *frame)
{
    const plv_arg_t *arg = frame->arg;
    CHECK (plv_verb_info (frame->verb)->from & FROM_BROKER, "%s is not the broker's",
           plv_verb_name (frame->verb));
    if (frame->verb == VERB_JOB) {
        remember (&self->leases, arg[0].number);
        check_envelope (arg[3].bytes);
        CHECK (plv_mp_valid (arg[4].bytes, MP_MAP), "a job's body");
        CHECK (plv_mp_valid (arg[5].bytes, MP_ARRAY), "a job's history");
        CHECK (plv_mp_valid (arg[6].bytes, MP_MAP), "a job's state");
        CHECK (plv_mp_valid (arg[7].bytes, MP_MAP), "a job's steps");
    } else if (frame->verb == VERB_DELIVER) {
        remember (&self->deliveries, arg[0].number);
        check_envelope (arg[2].bytes);
        CHECK (plv_mp_valid (arg[3].bytes, MP_MAP), "a reply's body");
    } else if (frame->verb == VERB_RESULT) {
        CHECK (plv_mp_valid (arg[3].bytes, MP_MAP), "a result's body");
    }
}

static void check_packets (world_t *self, const effects_packets_t *packets)
{
    for (size_t i = 0; i < packets->count; i++) {
        plv_packet_reader_t reader;
        plv_frame_t frame;
        plv_fail_t fail;
        plv_err_t err = plv_packet_open (plv_buf_view (&packets->items[i].bytes), &reader, &fail);
        while (!err && !(err = plv_packet_next (&reader, &frame, &fail)))
            check_frame (self, &frame);
        CHECK (err == ERR_NOENT, "what the core sends is not a packet: %s", fail.text);
    }
}

static void check_logs (const effects_t *effects)
{
    plv_log_id_t id;
    plv_field_t fields[EFFECTS_FIELDS_MAX];
    size_t count;
    for (size_t at = 0; effects_log_next (effects, &at, &id, fields, &count);)
        CHECK (id < LOG_COUNT_ && count <= EFFECTS_FIELDS_MAX, "a log line");
}

static void check_gauges (world_t *self)
{
    const int64_t *gauge = core_metrics (self->core)->gauge;
    for (int i = 0; i < GAUGE_COUNT_; i++)
        CHECK (gauge[i] >= 0, "%s is %lld", plv_gauge_name ((plv_gauge_t) i), (long long) gauge[i]);
    CHECK (self->gather->journal.size + self->gather->rows.size < EFFECTS_BYTES_MAX, "unbounded");
}

static void forget_closed (world_t *self, plv_view_t closes)
{
    uint32_t number;
    for (size_t at = 0; at < closes.size; at += sizeof number) {
        memcpy (&number, closes.data + at, sizeof number);
        for (unsigned i = 0; i < WORLD_SLOTS; i++)
            if (self->slots[i].number == number)
                self->slots[i].number = 0;
    }
}

/*  What does not wait for the store.  */
static void prompt (world_t *self)
{
    effects_t *effects = self->gather;
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
    if (effects->checkpoint_token)
        self->checkpoint_token = effects->checkpoint_token;
    check_packets (self, &effects->prompt);
    check_logs (effects);
    forget_closed (self, plv_buf_view (&effects->closes));
    effects_clear_prompt (effects);
}

void world_step (world_t *self, input_t input)
{
    input.now = self->now;
    core_step (self->core, &input, self->gather);
    prompt (self);
    check_gauges (self);
}

void world_packet (world_t *self, unsigned slot, plv_view_t packet)
{
    world_slot_t *place = &self->slots[slot % WORLD_SLOTS];
    if (place->number == 0)
        place->number = ++self->next_number;
    world_step (self, (input_t){.type = INPUT_PACKET,
                                .peer = place->number,
                                .allowed = place->allowed,
                                .bytes = packet});
}

void world_gone (world_t *self, unsigned slot)
{
    world_slot_t *place = &self->slots[slot % WORLD_SLOTS];
    if (place->number)
        world_step (self, (input_t){.type = INPUT_GONE, .peer = place->number});
    place->number = 0;
}

void world_time (world_t *self, int64_t mono_us, int64_t jump_us)
{
    unsigned ticks = 0;
    self->now.mono_us += mono_us;
    self->now.wall_us += mono_us + jump_us;
    do {
        world_step (self, (input_t){.type = INPUT_TIME});
        CHECK (++ticks < TICKS_MAX, "time does not come to an end");
    } while (core_next_us (self->core) <= self->now.mono_us);
}

static void release (world_t *self, effects_t *effects)
{
    check_packets (self, &effects->held);
    effects_clear (effects);
}

void world_turn (world_t *self, bool all)
{
    if (self->flying_seq)
        return;
    uint64_t seq = core_turn (self->core, self->now, all, self->gather);
    effects_t *gathered = self->gather;
    prompt (self);
    if (seq == 0) {
        release (self, gathered);
        return;
    }
    self->gather = self->flying;
    self->flying = gathered;
    self->flying_seq = seq;
    self->digest_flying = core_digest (self->core);
    store_batch_t batch = {
        .seq = seq,
        .journal = plv_buf_view (&gathered->journal),
        .ops = plv_buf_view (&gathered->rows),
        .sync = gathered->sync,
        .drop_below = core_reflected (self->core),
    };
    self->store->vtable->append (self->store, &batch);
}

void world_commit (world_t *self)
{
    store_done_t done;
    store_done_type_t type = STORE_NOTHING, found;
    if (!self->flying_seq)
        return;
    memory_commit (self->store);
    while ((found = self->store->vtable->next (self->store, &done)) == STORE_ROWS
           || found == STORE_STORED) {
        if (found == STORE_STORED) {
            type = found;
            break;
        }
        plv_buf_free (&done.rows);
    }
    CHECK (type == STORE_STORED && done.seq == self->flying_seq, "the store answers %d",
           (int) type);
    self->digest = self->digest_flying;
    self->flying_seq = 0;
    release (self, self->flying);
    world_step (self, (input_t){.type = INPUT_STORED, .token = done.seq});
}

static void answer_checkpoint (world_t *self, plv_view_t words)
{
    uint64_t token = self->checkpoint_token;
    self->checkpoint_token = 0;
    if (token)
        world_step (self, (input_t){.type = INPUT_CHECKPOINT,
                                    .token = token,
                                    .bytes = plv_utf8_valid (words) ? words : plv_view_str ("no")});
}

void world_rows (world_t *self, plv_view_t spoil)
{
    store_done_t done;
    if (self->flying_seq)
        return;
    answer_checkpoint (self, spoil);
    while (self->store->vtable->next (self->store, &done) == STORE_ROWS) {
        if (spoil.size > 1 && done.rows.size >= spoil.size) {
            size_t at = spoil.data[0] * (done.rows.size - spoil.size + 1) / 256;
            memcpy (done.rows.data + at, spoil.data + 1, spoil.size - 1);
        }
        world_step (self, (input_t){.type = INPUT_ROWS,
                                    .token = done.token,
                                    .more = done.more,
                                    .bytes = plv_buf_view (&done.rows)});
        plv_buf_free (&done.rows);
    }
}

void world_policy (world_t *self, unsigned variant)
{
    self->variant = variant % VARIANTS;
    world_step (self, (input_t){.type = INPUT_POLICY, .policy = make_policy (self->variant)});
}

void world_restart (world_t *self)
{
    core_destroy (&self->core);
    effects_clear (self->gather);
    effects_clear (self->flying);
    self->flying_seq = 0;
    self->checkpoint_token = 0;
    memory_crash (self->store, false);
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        self->slots[i].number = 0;
    start (self);
}
