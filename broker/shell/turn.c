#include "shell/internal.h"

#include "base/alloc.h"
#include "base/check.h"
#include "core/ask/command.h"
#include "shell/orders.h"
#include "wire/mp.h"

enum { SLOW_COMMIT_US = 1000000, FEW_PACKETS = 2 };

/*  A peer that the core has closed is forgotten before the next packet is read, since that may be its next
    HELLO, on the same connection but under a new number.  */
void turn_input (broker_t *self, const input_t *input)
{
    self->turn.packets += input->type == INPUT_PACKET;
    core_step (self->core, input, self->turn.gather);
    if (self->turn.gather->closes.size)
        turn_prompt (self);
}

void turn_lost (void *broker, uint32_t peer)
{
    broker_t *self = broker;
    plv_buf_add (&self->lost, &peer, sizeof peer);
    plv_buf_check (&self->lost);
}

static void post_packet (broker_t *self, const effects_packet_t *packet)
{
    plv_buf_check (&packet->bytes); /* what closes a peer leaves before the turn is sealed */
    plv_view_t bytes = plv_buf_view (&packet->bytes);
    plv_metrics_t *metrics = core_metrics (self->core);
    links_sent_t sent = links_send (self->links, packet->peer, bytes);
    if (sent == LINKS_STUCK)
        plv_log (self->log, LOG_PEER_STUCK, F_INT ("bytes", LINKS_STUCK_BYTES_MAX));
    if (sent == LINKS_STUCK || sent == LINKS_GONE) {
        turn_lost (self, packet->peer);
        return;
    }
    metrics->counter[COUNTER_SENDS_BLOCKED] += sent == LINKS_WAITS;
    metrics->counter[COUNTER_BYTES_OUT] += bytes.size;
}

/*  Each send wakes a process. One that only hears what is stored is soon done with it, and sleeps again when the one
    for whose work somebody waits is woken; the other way round it would be in the way.  */
static void send_all (broker_t *self, const effects_packets_t *packets)
{
    for (size_t i = 0; i < packets->count; i++)
        if (packets->items[i].only_acks)
            post_packet (self, &packets->items[i]);
    for (size_t i = 0; i < packets->count; i++)
        if (!packets->items[i].only_acks)
            post_packet (self, &packets->items[i]);
}

static void write_logs (broker_t *self, const effects_t *effects)
{
    plv_field_t fields[EFFECTS_FIELDS_MAX];
    plv_log_id_t id;
    size_t count;
    for (size_t at = 0; effects_log_next (effects, &at, &id, fields, &count);)
        plv_log_fields (self->log, id, fields, count);
}

/*  The core's tokens are even here, the shell's own odd.  */
static void start_reads (broker_t *self, const effects_t *effects)
{
    for (size_t i = 0; i < effects->scan_count; i++) {
        const effects_scan_t *scan = &effects->scans[i];
        if (scan->journal)
            self->store->vtable->scan_journal (self->store, scan->token << 1, scan->from_seq,
                                               scan->to_seq, scan->limit);
        else
            self->store->vtable->scan (self->store, scan->token << 1, scan->view,
                                       plv_buf_view (&scan->from), plv_buf_view (&scan->to),
                                       scan->limit);
    }
    if (effects->checkpoint_token)
        self->store->vtable->checkpoint (self->store, effects->checkpoint_token << 1,
                                         (const char *) effects->checkpoint_dir.data);
}

/*  `wrong`: the name of an error; NULL: none.  */
static void answer_order (broker_t *self, uint64_t token, const char *wrong, plv_buf_t *body)
{
    plv_buf_check (body);
    input_t input = {
        .type = INPUT_ANSWER,
        .now = broker_now (),
        .token = token,
        .bytes = plv_buf_view (body),
        .fail = plv_view_str (wrong ? wrong : ""),
    };
    core_step (self->core, &input, self->turn.gather);
    plv_buf_free (body);
}

/*  What is done changes the effects: `orders` is apart from them.  */
static void carry_out (broker_t *self, const effects_t *orders)
{
    effects_order_t order;
    for (size_t at = 0; effects_order_next (orders, &at, &order);) {
        plv_buf_t body = {0};
        if (order.command == ORDER_EXPORT) {
            letters_writer_begin (self->letters, order.token, order.arguments);
            continue;
        }
        const char *wrong = orders_carry_out (self->supervisor, core_conf (self->core)->file,
                                              &order, broker_now ().mono_us, &body);
        answer_order (self, order.token, wrong, &body);
    }
}

void turn_saved (broker_t *self)
{
    plv_buf_t body = {0};
    uint64_t token;
    const char *path;
    plv_fail_t fail;
    if (!letters_writer_next (self->letters, &token, &path, &fail))
        return;
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, fail.code ? "text" : "file", fail.code ? fail.text : path);
    answer_order (self, token, fail.code ? plv_err_name (fail.code) : NULL, &body);
}

static void forget_closed (broker_t *self, const effects_t *effects)
{
    uint32_t peer;
    for (size_t at = 0; at < effects->closes.size; at += sizeof peer) {
        memcpy (&peer, effects->closes.data + at, sizeof peer);
        links_forget (self->links, peer);
    }
}

static bool tell_lost (broker_t *self)
{
    uint32_t peer;
    if (self->lost.size == 0)
        return false;
    self->lost.size -= sizeof peer;
    memcpy (&peer, self->lost.data + self->lost.size, sizeof peer);
    links_forget (self->links, peer);
    input_t input = {.type = INPUT_GONE, .now = broker_now (), .peer = peer};
    core_step (self->core, &input,
               self->turn.gather); /* turn_prompt, who asks, sends what comes of it */
    return true;
}

/*  A peer that is lost on the way makes new effects, which go out in the next round; each round ends with
    fewer peers.  */
void turn_prompt (broker_t *self)
{
    effects_t *effects = self->turn.gather;
    do {
        write_logs (self, effects);
        start_reads (self, effects);
        send_all (self, &effects->prompt);
        forget_closed (self, effects);
        effects_t orders = {.orders = effects->orders};
        effects->orders = (plv_buf_t){0};
        effects_clear_prompt (effects);
        carry_out (self, &orders);
        plv_buf_free (&orders.orders);
        while (tell_lost (self))
            ;
    } while (effects->prompt.count || effects->closes.size || effects->logs.size
             || effects->orders.size);
}

static void count_commit (broker_t *self, const effects_t *effects, const store_done_t *done)
{
    plv_metrics_t *metrics = core_metrics (self->core);
    int64_t now_us = broker_now ().mono_us, at_us;
    metrics->counter[COUNTER_COMMITS]++;
    metrics->counter[COUNTER_COMMIT_SYNCS] += effects->sync;
    metrics->counter[COUNTER_COMMIT_BYTES] += effects->journal.size + effects->rows.size;
    plv_histogram_add (&metrics->histogram[HISTOGRAM_COMMIT_TIME], done->commit_us);
    for (size_t at = 0; at < effects->accepted.size; at += sizeof at_us) {
        memcpy (&at_us, effects->accepted.data + at, sizeof at_us);
        plv_histogram_add (&metrics->histogram[HISTOGRAM_ACCEPT_TO_STORED], now_us - at_us);
    }
    if (effects->accepted.size)
        plv_histogram_add (&metrics->histogram[HISTOGRAM_EVENTS_PER_COMMIT],
                           (int64_t) (effects->accepted.size / sizeof at_us));
    if (done->commit_us > SLOW_COMMIT_US)
        plv_log (self->log, LOG_STORE_SLOW, F_INT ("ms", done->commit_us / 1000));
}

static void release (broker_t *self, effects_t *effects)
{
    send_all (self, &effects->held);
    effects_clear (effects);
}

static void stored (broker_t *self, const store_done_t *done)
{
    if (!self->turn.under_way || done->seq < self->turn.seq)
        return;
    count_commit (self, self->turn.flying, done);
    self->turn.under_way = false;
    release (self, self->turn.flying);
    input_t input = {.type = INPUT_STORED, .now = broker_now (), .token = self->turn.seq};
    turn_input (self, &input);
}

static void give_rows (broker_t *self, store_done_t *done)
{
    input_t input = {
        .type = done->type == STORE_ROWS ? INPUT_ROWS : INPUT_CHECKPOINT,
        .now = broker_now (),
        .token = done->token >> 1,
        .more = done->more,
        .bytes = done->type == STORE_ROWS ? plv_buf_view (&done->rows)
                                          : plv_view_str (done->fail.code ? done->fail.text : ""),
        .fail = plv_view_str (done->fail.code ? done->fail.text : ""),
    };
    turn_input (self, &input);
}

void turn_fail (broker_t *self, const plv_fail_t *why)
{
    if (self->failed)
        return;
    plv_log (self->log, LOG_STORE_FAILED, F_STR ("why", why->text));
    self->failed = why->code ? why->code : ERR_IO;
    self->fail = *why;
}

void turn_answers (broker_t *self)
{
    store_done_t done;
    while (self->store->vtable->next (self->store, &done) != STORE_NOTHING) {
        if (done.type == STORE_STORED)
            stored (self, &done);
        else if (done.type == STORE_FAILED)
            turn_fail (self, &done.fail);
        else if (!(done.token & 1))
            give_rows (self, &done);
        else
            retention_answer (self, &done);
        plv_buf_free (&done.rows);
    }
}

static void swap (turn_t *turn)
{
    effects_t *gathered = turn->gather;
    turn->gather = turn->flying;
    turn->flying = gathered;
}

/*  Data that is only looked at: what the core would write goes nowhere, and nothing waits for it.  */
static void turn_unwritten (broker_t *self)
{
    turn_prompt (self);
    effects_seal (self->turn.gather);
    release (self, self->turn.gather);
    turn_prompt (self);
}

/*  While one batch is with the store the next one gathers; nothing waits to make a batch bigger.  */
void turn_commit (broker_t *self, bool all)
{
    turn_t *turn = &self->turn;
    core_now_t now = broker_now ();
    if (self->options->inspect)
        turn_unwritten (self);
    if (turn->under_way || self->failed || self->options->inspect)
        return;
    turn_prompt (self); /* first: a peer that is found to be gone adds to what is stored */
    uint64_t seq = core_turn (self->core, now, all, turn->gather);
    turn_prompt (self);
    if (seq == 0) {
        turn->packets = 0;
        release (self, turn->gather);
        turn_prompt (self);
        return;
    }
    swap (turn);
    turn->under_way = true;
    turn->seq = seq;
    turn->began_us = now.mono_us;
    store_batch_t batch = {
        .seq = seq,
        .journal = plv_buf_view (&turn->flying->journal),
        .ops = plv_buf_view (&turn->flying->rows),
        .sync = turn->flying->sync,
        .alone = turn->packets <= 1,
        .drop_below = self->retention.drop_below,
    };
    bool few = turn->packets <= FEW_PACKETS;
    turn->packets = 0;
    self->store->vtable->append (self->store, &batch);
    turn_answers (self);
    turn->settled = few && !turn->under_way;
    turn_prompt (self);
}
