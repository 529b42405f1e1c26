#include "fixture.h"

#include "base/proof.h"

#include <stdio.h>

enum { START_WALL_US = 1800000000 };

static policy_t *policy_of (const char *text)
{
    plv_conf_t *conf = NULL;
    policy_t *policy = NULL;
    plv_fail_t fail = {0};
    if (plv_conf_load_text (plv_view_str (text), "test", &conf, &fail)
        || policy_new (&conf, &policy, &fail))
        fail_msg ("%s", fail.text);
    return policy;
}

static void row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    plv_fail_t fail = {0};
    if (core_load_row (arg, view, key, value, &fail))
        fail_msg ("%s", fail.text);
}

static void journal (void *arg, uint64_t seq, plv_view_t value)
{
    plv_fail_t fail = {0};
    if (core_replay (arg, seq, value, &fail))
        fail_msg ("%s", fail.text);
}

static core_t *read_back (const fixture_t *self, store_t *store, uint64_t *ret_next_seq)
{
    core_options_t options = {.seed = 1, .version = "test"};
    policy_t *policy = policy_of (self->conf);
    core_t *core = core_new (&options, &policy);
    store_recovery_t recovery = {.row = row, .journal = journal, .arg = core};
    assert_int_equal (store->vtable->recover (store, &recovery, ret_next_seq, NULL), ERR_OK);
    return core;
}

fixture_t *fx_new (const char *conf)
{
    fixture_t *self = calloc (1, sizeof *self);
    uint64_t next_seq = 1;
    snprintf (self->conf, sizeof self->conf, "%s", conf);
    self->now = (core_now_t){.mono_us = 1000000, .wall_us = START_WALL_US * 1000000ll};
    effects_init (&self->effects);
    self->store = store_memory_new ();
    self->core = read_back (self, self->store, &next_seq);
    core_start (self->core, self->now, next_seq);
    return self;
}

fixture_t *fx_start (const char *conf, const char *more)
{
    char whole[FX_CONF_BYTES];
    snprintf (whole, sizeof whole, "%s%s", conf, more);
    fixture_t *self = fx_new (whole);
    self->check_recovery = true;
    return self;
}

void fx_destroy (fixture_t **self_p)
{
    fixture_t *self = *self_p;
    core_destroy (&self->core);
    store_destroy (&self->store);
    effects_free (&self->effects);
    plv_buf_free (&self->packet);
    plv_buf_free (&self->current);
    for (int i = 0; i < FX_PEERS_MAX; i++)
        plv_buf_free (&self->inbox[i].frames);
    free (self);
    *self_p = NULL;
}

static void keep_frames (fixture_t *self, const effects_packets_t *packets)
{
    for (size_t i = 0; i < packets->count; i++) {
        fx_inbox_t *inbox = &self->inbox[packets->items[i].peer];
        plv_packet_reader_t reader;
        plv_frame_t frame;
        plv_fail_t fail;
        plv_err_t err = plv_packet_open (plv_buf_view (&packets->items[i].bytes), &reader, &fail);
        while (!err && !(err = plv_packet_next (&reader, &frame, &fail))) {
            if (!self->heartbeats && (frame.verb == VERB_PING || frame.verb == VERB_PONG))
                continue;
            uint32_t size =
                (uint32_t) (PLV_PACKET_HEAD_BYTES + PLV_FRAME_HEAD_BYTES + frame.raw.size);
            plv_buf_add (&inbox->frames, &size, sizeof size);
            plv_packet_begin (&inbox->frames);
            uint8_t head[PLV_FRAME_HEAD_BYTES] = {(uint8_t) frame.verb};
            plv_put_u32 (head + 1, (uint32_t) frame.raw.size);
            plv_buf_add (&inbox->frames, head, sizeof head);
            plv_buf_add_view (&inbox->frames, frame.raw);
        }
        if (err != ERR_NOENT)
            fail_msg ("the core sends what is no packet: %s", fail.text);
    }
}

static void send_prompt (fixture_t *self)
{
    effects_t *effects = &self->effects;
    uint32_t number;
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
    keep_frames (self, &effects->prompt);
    for (size_t at = 0; at < effects->closes.size; at += sizeof number) {
        memcpy (&number, effects->closes.data + at, sizeof number);
        self->inbox[number].closed = true;
    }
    effects_clear_prompt (effects);
}

/*  What a restart would find now is what there is.  */
static void compare_with_store (fixture_t *self)
{
    char dir[32];
    store_done_t done;
    uint64_t next_seq;
    snprintf (dir, sizeof dir, "/%llu", (unsigned long long) ++self->checkpoints);
    self->store->vtable->checkpoint (self->store, 1, dir);
    while (self->store->vtable->next (self->store, &done) != STORE_CHECKPOINTED)
        ;
    store_t *copy = memory_restore (self->store, dir);
    core_t *core = read_back (self, copy, &next_seq);
    assert_int_equal (core_digest (core), core_digest (self->core));
    core_destroy (&core);
    store_destroy (&copy);
}

static bool take_rows (fixture_t *self)
{
    store_done_t done;
    bool taken = false;
    while (self->store->vtable->next (self->store, &done) == STORE_ROWS) {
        input_t input = {.type = INPUT_ROWS,
                         .now = self->now,
                         .token = done.token,
                         .more = done.more,
                         .bytes = plv_buf_view (&done.rows)};
        core_step (self->core, &input, &self->effects);
        plv_buf_free (&done.rows);
        taken = true;
    }
    return taken;
}

static void turn (fixture_t *self, bool all)
{
    store_done_t done;
    while (take_rows (self))
        send_prompt (self);
    if (self->busy)
        return;
    uint64_t seq = core_turn (self->core, self->now, all, &self->effects);
    self->rows_bytes = self->effects.rows.size;
    if (seq) {
        store_batch_t batch = {.seq = seq,
                               .journal = plv_buf_view (&self->effects.journal),
                               .ops = plv_buf_view (&self->effects.rows),
                               .sync = self->effects.sync,
                               .drop_below = self->drop_below};
        self->store->vtable->append (self->store, &batch);
        memory_commit (self->store);
        assert_int_equal (self->store->vtable->next (self->store, &done), STORE_STORED);
    }
    send_prompt (self);
    keep_frames (self, &self->effects.held);
    effects_clear (&self->effects);
    if (!seq)
        return;
    core_step (self->core, &(input_t){.type = INPUT_STORED, .now = self->now, .token = seq},
               &self->effects);
    if (self->check_recovery)
        compare_with_store (self);
}

void fx_input (fixture_t *self, input_t input)
{
    input.now = self->now;
    core_step (self->core, &input, &self->effects);
    send_prompt (self);
    turn (self, false);
    while (take_rows (self)) /* what was asked of the store makes a turn of its own */
        turn (self, false);
}

plv_buf_t *fx_begin (fixture_t *self, plv_verb_t verb)
{
    plv_buf_clear (&self->packet);
    plv_packet_begin (&self->packet);
    self->mark = plv_frame_begin (&self->packet, verb);
    return &self->packet;
}

void fx_raw (fixture_t *self, uint32_t peer, unsigned allowed, plv_view_t packet)
{
    fx_input (self,
              (input_t){.type = INPUT_PACKET, .peer = peer, .allowed = allowed, .bytes = packet});
}

void fx_send (fixture_t *self, uint32_t peer, unsigned allowed)
{
    plv_frame_end (&self->packet, self->mark);
    plv_buf_t packet = self->packet;
    self->packet = (plv_buf_t){0};
    fx_raw (self, peer, allowed, plv_buf_view (&packet));
    plv_buf_free (&packet);
}

static void send_as (fixture_t *self, uint32_t peer)
{
    fx_send (self, peer, FROM_PEERS);
}

uint32_t fx_peer (fixture_t *self)
{
    assert_true (self->peers + 1 < FX_PEERS_MAX);
    return ++self->peers;
}

void fx_put_number (plv_buf_t *buf, const char *key, uint64_t number)
{
    plv_mp_put_text (buf, key);
    plv_mp_put_u64 (buf, number);
}

void fx_put_text (plv_buf_t *buf, const char *key, const char *text)
{
    plv_mp_put_text (buf, key);
    plv_mp_put_text (buf, text);
}

plv_buf_t *fx_control_begin (fixture_t *self, const char *command, uint32_t pairs)
{
    plv_buf_t *buf = fx_begin (self, VERB_CONTROL);
    plv_mp_put_u64 (buf, 5);
    plv_mp_put_text (buf, command);
    plv_mp_put_map (buf, pairs);
    return buf;
}

void fx_hello (fixture_t *self, uint32_t peer, unsigned allowed, const fx_hello_t *hello)
{
    uint8_t incarnation[PLV_ID_BYTES] = {hello->incarnation}, proof[PLV_PROOF_BYTES];
    plv_buf_t *buf = fx_begin (self, VERB_HELLO);
    plv_mp_put_text (buf, hello->role);
    plv_mp_put_text (buf, hello->name);
    plv_mp_put_text (buf, "1.0");
    plv_mp_put_u64 (buf, 42);
    plv_proof ((const uint8_t[PLV_PROOF_KEY_BYTES]){0}, hello->name, proof);
    plv_mp_put_map (buf, 7);
    plv_mp_put_text (buf, "proof");
    plv_mp_put_bin (buf, plv_view (proof, hello->is_unproven ? 0 : sizeof proof));
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, hello->service ? 1 : 0);
    if (hello->service)
        plv_mp_put_text (buf, hello->service);
    fx_put_number (buf, "credit", hello->credit);
    plv_mp_put_text (buf, "incarnation");
    plv_mp_put_bin (buf, plv_view (incarnation, hello->is_nameless ? 0 : sizeof incarnation));
    plv_mp_put_text (buf, "holding");
    plv_mp_put_array (buf, hello->holding_too ? 2 : hello->holding ? 1 : 0);
    if (hello->holding)
        plv_mp_put_u64 (buf, hello->holding);
    if (hello->holding_too)
        plv_mp_put_u64 (buf, hello->holding_too);
    plv_mp_put_text (buf, "deduplicates");
    plv_mp_put_bool (buf, hello->deduplicates);
    plv_mp_put_text (buf, "batch");
    plv_mp_put_map (buf, 2);
    fx_put_number (buf, "size", hello->batch);
    fx_put_number (buf, "wait_ms", hello->batch_wait_ms);
    fx_send (self, peer, allowed);
}

uint32_t fx_adapter (fixture_t *self, const char *name)
{
    uint32_t peer = fx_peer (self);
    fx_hello (self, peer, FROM_ADAPTER,
              &(fx_hello_t){.role = "adapter", .name = name, .credit = 8, .incarnation = 1});
    fx_expect (self, peer, VERB_WELCOME);
    return peer;
}

uint32_t fx_worker (fixture_t *self, uint64_t credit)
{
    uint32_t peer = fx_peer (self);
    fx_hello (self, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "w",
                            .service = "advisor",
                            .credit = credit,
                            .incarnation = 100});
    fx_expect (self, peer, VERB_WELCOME);
    return peer;
}

uint32_t fx_tool (fixture_t *self)
{
    uint32_t peer = fx_peer (self);
    fx_hello (self, peer, FROM_TOOL, &(fx_hello_t){.role = "tool", .name = "t"});
    fx_expect (self, peer, VERB_WELCOME);
    return peer;
}

void fx_publish (fixture_t *self, uint32_t peer, uint64_t seq, const fx_event_t *event)
{
    plv_buf_t body = {0};
    plv_envelope_t envelope = {
        .id = plv_id_make (self->now.wall_us, seq),
        .type_code = event->type ? event->type : EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("web"),
        .adapter = plv_view_str (event->adapter ? event->adapter : "web"),
        .session_id = plv_view_str (event->session),
        .user_id = plv_view_str (event->user ? event->user : "u"),
        .timestamp = self->now.wall_us,
        .platform_id = plv_view_str (event->platform_id),
    };
    plv_buf_t *buf = fx_begin (self, VERB_PUBLISH);
    plv_mp_put_u64 (buf, seq);
    plv_envelope_write (buf, &envelope);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, event->text);
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_buf_free (&body);
    send_as (self, peer);
}

/*  One that is taken.  */
void fx_say (fixture_t *self, uint32_t peer, const char *session, const char *text)
{
    fx_publish (self, peer, 7, &(fx_event_t){.session = session, .text = text});
    assert_int_equal (fx_expect_number (self, peer, VERB_STORED), 7);
}

void fx_reply (fixture_t *self, uint32_t peer, uint64_t lease, const char *text)
{
    plv_buf_t body = {0};
    plv_buf_t *buf = fx_begin (self, VERB_REPLY);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "response_text");
    plv_mp_put_text (&body, text);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_mp_put_nil (buf);
    plv_buf_free (&body);
    send_as (self, peer);
}

void fx_nack (fixture_t *self, uint32_t peer, uint64_t lease, bool permanent, const char *code)
{
    plv_buf_t *buf = fx_begin (self, VERB_NACK);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bool (buf, permanent);
    plv_mp_put_nil (buf);
    plv_mp_put_text (buf, code);
    plv_mp_put_text (buf, "because");
    send_as (self, peer);
}

void fx_step_save (fixture_t *self, uint32_t peer, uint64_t lease, const char *name, size_t size)
{
    uint8_t *result = calloc (1, size + 1);
    plv_buf_t *buf = fx_begin (self, VERB_STEP);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_text (buf, name);
    plv_mp_put_bin (buf, plv_view (result, size));
    free (result);
    send_as (self, peer);
}

void fx_live (fixture_t *self, uint32_t peer, plv_event_type_t type, const char *key,
              const plv_id_t *reply_to)
{
    plv_buf_t body = {0};
    plv_envelope_t envelope = {
        .id = plv_id_make (self->now.wall_us, 5),
        .type_code = type,
        .platform = plv_view_str ("web"),
        .session_id = plv_view_str ("web_1"),
        .user_id = plv_view_str ("u"),
        .timestamp = self->now.wall_us,
    };
    if (reply_to) {
        envelope.has_reply_to = true;
        envelope.reply_to = *reply_to;
    }
    plv_buf_t *buf = fx_begin (self, VERB_LIVE);
    plv_envelope_write (buf, &envelope);
    plv_mp_put_map (&body, 1);
    fx_put_text (&body, key, "x");
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_buf_free (&body);
    fx_send (self, peer, FROM_WORKER);
}

void fx_delivered (fixture_t *self, uint32_t peer, uint64_t delivery, const char *outcome,
                   uint64_t retry_after_ms)
{
    plv_buf_t *buf = fx_begin (self, VERB_DELIVERED);
    plv_mp_put_u64 (buf, delivery);
    plv_mp_put_text (buf, outcome);
    plv_mp_put_text (buf, "m1");
    if (retry_after_ms)
        plv_mp_put_u64 (buf, retry_after_ms);
    else
        plv_mp_put_nil (buf);
    plv_mp_put_text (buf, "said the platform");
    send_as (self, peer);
}

void fx_credit (fixture_t *self, uint32_t peer, uint64_t credit)
{
    plv_mp_put_u64 (fx_begin (self, VERB_CREDIT), credit);
    send_as (self, peer);
}

void fx_bye (fixture_t *self, uint32_t peer)
{
    plv_mp_put_text (fx_begin (self, VERB_BYE), "done");
    send_as (self, peer);
}

void fx_control (fixture_t *self, uint32_t peer, const char *command, const char *key,
                 uint64_t number, const char *text)
{
    plv_buf_t *buf = fx_begin (self, VERB_CONTROL);
    plv_mp_put_u64 (buf, 5);
    plv_mp_put_text (buf, command);
    plv_mp_put_map (buf, key ? 1 : 0);
    if (key)
        plv_mp_put_text (buf, key);
    if (key && strcmp (key, "numbers") == 0)
        plv_mp_put_array (buf, 1);
    if (key && text)
        plv_mp_put_text (buf, text);
    else if (key)
        plv_mp_put_u64 (buf, number);
    send_as (self, peer);
}

void fx_gone (fixture_t *self, uint32_t peer)
{
    fx_input (self, (input_t){.type = INPUT_GONE, .peer = peer});
}

void fx_time (fixture_t *self, int64_t ms)
{
    self->now.mono_us += ms * 1000;
    self->now.wall_us += ms * 1000;
    do
        fx_input (self, (input_t){.type = INPUT_TIME});
    while (core_next_us (self->core) <= self->now.mono_us);
}

void fx_keep_alive (fixture_t *self, uint32_t peer, int64_t ms)
{
    for (; ms > 0; ms -= 1000) {
        fx_time (self, 1000);
        fx_begin (self, VERB_PING);
        fx_send (self, peer, FROM_PEERS);
    }
}

void fx_jump (fixture_t *self, int64_t ms)
{
    self->now.wall_us += ms * 1000;
    fx_input (self, (input_t){.type = INPUT_TIME});
}

void fx_reload (fixture_t *self, const char *conf)
{
    snprintf (self->conf, sizeof self->conf, "%s", conf);
    fx_input (self, (input_t){.type = INPUT_POLICY, .policy = policy_of (conf)});
    fx_input (self, (input_t){.type = INPUT_TIME});
}

void fx_drop (fixture_t *self, uint64_t below)
{
    self->drop_below = below;
}

void fx_restart (fixture_t *self)
{
    uint64_t next_seq, digest = core_digest (self->core);
    core_destroy (&self->core);
    effects_clear (&self->effects);
    memory_crash (self->store, false);
    self->core = read_back (self, self->store, &next_seq);
    if (!self->other_state)
        assert_int_equal (core_digest (self->core), digest);
    core_start (self->core, self->now, next_seq);
}

unsigned fx_stop (fixture_t *self, size_t *ret_most)
{
    unsigned batches = 0;
    input_t input = {.type = INPUT_STOP, .now = self->now};
    core_step (self->core, &input, &self->effects);
    send_prompt (self);
    *ret_most = 0;
    do {
        turn (self, true);
        if (*ret_most < self->rows_bytes)
            *ret_most = self->rows_bytes;
        batches++;
    } while (core_turn_us (self->core) != INT64_MAX);
    return batches;
}

static plv_verb_t verb_at (const fx_inbox_t *inbox, size_t at)
{
    return (plv_verb_t) inbox->frames.data[at + sizeof (uint32_t) + PLV_PACKET_HEAD_BYTES];
}

static uint32_t size_at (const fx_inbox_t *inbox, size_t at)
{
    uint32_t size;
    memcpy (&size, inbox->frames.data + at, sizeof size);
    return size;
}

/*  Where the frame is: the next one; an acknowledgement stands at the end of its packet.  */
static size_t find (const fx_inbox_t *inbox, plv_verb_t verb)
{
    size_t at = inbox->at;
    if (verb == VERB_STORED || verb == VERB_SETTLED || verb == VERB_COMMITTED)
        while (at < inbox->frames.size && verb_at (inbox, at) != verb)
            at += sizeof (uint32_t) + size_at (inbox, at);
    return at;
}

plv_frame_t fx_expect (fixture_t *self, uint32_t peer, plv_verb_t verb)
{
    fx_inbox_t *inbox = &self->inbox[peer];
    plv_packet_reader_t reader;
    plv_frame_t frame = {0};
    size_t at = find (inbox, verb);
    if (at == inbox->frames.size)
        fail_msg ("peer %u got nothing, where %s is due", peer, plv_verb_name (verb));
    uint8_t *from = inbox->frames.data + at;
    size_t size = sizeof (uint32_t) + size_at (inbox, at);
    plv_buf_clear (&self->current);
    plv_buf_add (&self->current, from + sizeof (uint32_t), size - sizeof (uint32_t));
    memmove (from, from + size, inbox->frames.size - at - size);
    inbox->frames.size -= size;
    assert_int_equal (plv_packet_open (plv_buf_view (&self->current), &reader, NULL), ERR_OK);
    assert_int_equal (plv_packet_next (&reader, &frame, NULL), ERR_OK);
    if (frame.verb != verb)
        fail_msg ("peer %u got %s, where %s is due", peer, plv_verb_name (frame.verb),
                  plv_verb_name (verb));
    return frame;
}

uint64_t fx_expect_number (fixture_t *self, uint32_t peer, plv_verb_t verb)
{
    plv_frame_t frame = fx_expect (self, peer, verb);
    uint64_t number = frame.arg[0].number;
    uint32_t count;
    if (plv_verb_info (verb)->types[0] != 'a')
        return number;
    plv_mp_t list = plv_mp (frame.arg[0].bytes);
    assert_true (plv_mp_array (&list, &count) && count == 1 && plv_mp_u64 (&list, &number));
    return number;
}

uint64_t fx_job (fixture_t *self, uint32_t worker)
{
    return fx_expect_number (self, worker, VERB_JOB);
}

void fx_expect_nothing (fixture_t *self, uint32_t peer)
{
    const fx_inbox_t *inbox = &self->inbox[peer];
    if (inbox->at < inbox->frames.size)
        fail_msg ("peer %u got %s, where nothing is due", peer,
                  plv_verb_name (verb_at (inbox, inbox->at)));
}

void fx_forget (fixture_t *self, uint32_t peer)
{
    self->inbox[peer].at = self->inbox[peer].frames.size;
}

void fx_expect_cancel (fixture_t *self, uint32_t peer, uint64_t lease, const char *code)
{
    plv_frame_t frame = fx_expect (self, peer, VERB_CANCEL);
    assert_int_equal (frame.arg[0].number, lease);
    assert_true (plv_view_is (frame.arg[1].bytes, code));
}

void fx_expect_error (fixture_t *self, uint32_t peer, const char *code)
{
    plv_frame_t frame = fx_expect (self, peer, VERB_ERROR);
    assert_true (plv_view_is (frame.arg[0].bytes, code));
    assert_true (self->inbox[peer].closed);
    fx_expect_nothing (self, peer);
}

plv_view_t fx_expect_result (fixture_t *self, uint32_t peer, const char *status)
{
    plv_frame_t frame = fx_expect (self, peer, VERB_RESULT);
    assert_int_equal (frame.arg[0].number, 5);
    assert_true (plv_view_is (frame.arg[2].bytes, status));
    assert_true (plv_mp_valid (frame.arg[3].bytes, MP_MAP));
    return frame.arg[3].bytes;
}

int64_t fx_gauge (fixture_t *self, plv_gauge_t gauge)
{
    return core_metrics (self->core)->gauge[gauge];
}

uint64_t fx_count (fixture_t *self, plv_counter_t counter)
{
    return core_metrics (self->core)->counter[counter];
}

uint32_t fx_items (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint32_t count = UINT32_MAX;
    if (plv_mp_find (map, key, &value))
        plv_mp_array (&value, &count);
    return count;
}

plv_view_t fx_item (plv_view_t map, const char *key, uint32_t index)
{
    plv_mp_t value;
    plv_view_t item = {0};
    uint32_t count;
    assert_true (plv_mp_find (map, key, &value) && plv_mp_array (&value, &count) && index < count);
    for (uint32_t i = 0; i <= index; i++)
        assert_true (plv_mp_skip (&value, &item));
    return item;
}

uint64_t fx_number (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint64_t number = 0;
    assert_true (plv_mp_find (map, key, &value) && plv_mp_u64 (&value, &number));
    return number;
}
