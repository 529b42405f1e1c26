#include "sim/actors.h"

#include "base/alloc.h"
#include "sim/notes.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>

enum { CREDIT = 4, SESSIONS = 3, RESTART_MOST_US = 2000000, SEND_MOST_US = 50000 };

/*  A delivery in hand: from DELIVER until SETTLED.  */
typedef struct {
    uint64_t number;
    plv_id_t reply;
    plv_id_t reply_to;
    bool fallback;
    const char *outcome; /* NULL: the platform has not answered yet */
} delivery_t;

enum { DELIVERIES_MAX = 512 };

struct adapter {
    sim_t *sim;
    unsigned number;
    char name[16];
    bool deduplicates;
    uint64_t life; /* counts its processes */
    bool up;
    bool known; /* WELCOME has come on this connection */
    plv_id_t incarnation;
    sim_conn_t *conn;
    plv_id_t ids
        [SIM_MESSAGES_MAX]; /* by this process, per message; the seq is the message's number + 1 */
    delivery_t held[DELIVERIES_MAX];
    unsigned held_count;
    uint64_t seen[8 * DELIVERIES_MAX]; /* numbers that came to this process */
    unsigned seen_count;
    plv_id_t sent[8 * DELIVERIES_MAX]; /* replies that this process knows to be sent */
    unsigned sent_count;
    notes_t notes;
};

static void receive (void *actor, plv_view_t packet);

static plv_id_t random_id (sim_t *sim)
{
    return plv_id_make (sim_time (sim).wall_us, plv_rng_next (&sim->rng));
}

static void publish (adapter_t *self, unsigned message)
{
    sim_message_t *what = &self->sim->messages[message];
    char session[32], text[64], platform_id[16];
    if (!self->up || !self->known)
        return;
    if (plv_id_is_zero (&self->ids[message])) {
        self->ids[message] = random_id (self->sim);
        oracle_published (self->sim->oracle, self->ids[message].bytes, message);
    }
    snprintf (session, sizeof session, "%s_%u", self->name, what->session);
    snprintf (text, sizeof text, "message %u", message);
    snprintf (platform_id, sizeof platform_id, "m%u", message);
    plv_envelope_t envelope = {
        .id = self->ids[message],
        .type = plv_view_str ("chat.message"),
        .platform = plv_view_str (self->name),
        .adapter = plv_view_str (self->name),
        .session_id = plv_view_str (session),
        .user_id = plv_view_str (session),
        .timestamp = sim_time (self->sim).wall_us,
        .platform_id = plv_view_str (platform_id),
    };
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, text);
    letter_t letter = letter_begin (VERB_PUBLISH);
    plv_mp_put_u64 (&letter.bytes, message + 1);
    plv_envelope_write (&letter.bytes, &envelope);
    plv_mp_put_bin (&letter.bytes, plv_buf_view (&body));
    letter_send (&letter, self->conn);
    plv_buf_free (&body);
}

static void tell (adapter_t *self, const delivery_t *delivery)
{
    if (!self->known || !delivery->outcome)
        return;
    letter_t letter = letter_begin (VERB_DELIVERED);
    plv_mp_put_u64 (&letter.bytes, delivery->number);
    plv_mp_put_text (&letter.bytes, delivery->outcome);
    plv_mp_put_nil (&letter.bytes);
    plv_mp_put_nil (&letter.bytes);
    plv_mp_put_text (&letter.bytes, "as chance has it");
    letter_send (&letter, self->conn);
}

static void say_hello (adapter_t *self)
{
    letter_t letter;
    hello_begin (&letter, "adapter", self->name, 4);
    plv_mp_put_text (&letter.bytes, "credit");
    plv_mp_put_u64 (&letter.bytes, CREDIT);
    plv_mp_put_text (&letter.bytes, "deduplicates");
    plv_mp_put_bool (&letter.bytes, self->deduplicates);
    plv_mp_put_text (&letter.bytes, "incarnation");
    plv_mp_put_bin (&letter.bytes, plv_view (self->incarnation.bytes, PLV_ID_BYTES));
    plv_mp_put_text (&letter.bytes, "holding");
    plv_mp_put_array (&letter.bytes, self->held_count);
    for (unsigned i = 0; i < self->held_count; i++)
        plv_mp_put_u64 (&letter.bytes, self->held[i].number);
    letter_send (&letter, self->conn);
}

static void connect (adapter_t *self)
{
    net_close (self->conn);
    self->known = false;
    self->conn = net_open (self->sim, FROM_ADAPTER, self, self->life, receive);
    self->conn->life = self->life;
    say_hello (self);
}

/*  What is not answered is said again.  */
static void repeat_all (adapter_t *self)
{
    for (unsigned i = 0; i < self->sim->message_count; i++)
        if (self->sim->messages[i].adapter == self->number && self->sim->messages[i].published
            && !self->sim->messages[i].answered)
            publish (self, i);
    for (unsigned i = 0; i < self->held_count; i++)
        tell (self, &self->held[i]);
}

static void beat (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    adapter_t *self = arg;
    (void) bytes;
    if (!self->up || token != self->life)
        return;
    if (!self->conn->open || !self->known) {
        connect (self);
    } else {
        letter_t letter = letter_begin (VERB_PING);
        letter_send (&letter, self->conn);
        if (sim_below (sim, 5) == 0)
            repeat_all (self);
        notes_beat (&self->notes, self->conn);
    }
    sim_at (sim, HEARTBEAT_US, beat, self, self->life, plv_view (NULL, 0));
}

static void start (adapter_t *self)
{
    self->life++;
    self->up = true;
    self->held_count = 0;
    self->seen_count = 0;
    self->sent_count = 0;
    self->incarnation = random_id (self->sim);
    memset (self->ids, 0, sizeof self->ids);
    connect (self);
    sim_at (self->sim, HEARTBEAT_US, beat, self, self->life, plv_view (NULL, 0));
}

static void restart (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    adapter_t *self = arg;
    (void) sim;
    (void) bytes;
    if (!self->up && token == self->life)
        start (self);
}

static void crash (adapter_t *self)
{
    sim_say (self->sim, "adapter %s crashes with %u deliveries in hand", self->name,
             self->held_count);
    self->up = false;
    net_close (self->conn);
    sim_at (self->sim, sim_between (self->sim, 1000, RESTART_MOST_US), restart, self, self->life,
            plv_view (NULL, 0));
}

static delivery_t *find (adapter_t *self, uint64_t number)
{
    for (unsigned i = 0; i < self->held_count; i++)
        if (self->held[i].number == number)
            return &self->held[i];
    return NULL;
}

static delivery_t *find_reply (adapter_t *self, const plv_id_t *reply)
{
    for (unsigned i = 0; i < self->held_count; i++)
        if (memcmp (self->held[i].reply.bytes, reply->bytes, PLV_ID_BYTES) == 0)
            return &self->held[i];
    return NULL;
}

static bool sent_before (const adapter_t *self, const plv_id_t *reply)
{
    for (unsigned i = 0; i < self->sent_count; i++)
        if (memcmp (self->sent[i].bytes, reply->bytes, PLV_ID_BYTES) == 0)
            return true;
    return false;
}

/*  The platform answers the request to send; or the line dies, and nobody knows.  */
static void platform_answers (sim_t *sim, void *arg, uint64_t token, plv_view_t bytes)
{
    adapter_t *self = arg;
    plv_id_t reply;
    memcpy (&reply, bytes.data, sizeof reply);
    delivery_t *delivery = find_reply (self, &reply);
    if (!self->up || token != self->life || !delivery || delivery->outcome)
        return;
    if (sent_before (
            self,
            &delivery->reply)) { /* an earlier delivery of it overtook this one, or was overtaken */
        delivery->outcome = "sent";
        tell (self, delivery);
        return;
    }
    uint64_t chance = sim->calm ? 0 : sim_below (sim, 100);
    bool shown = chance < 85 || (chance >= 95 && sim_below (sim, 2));
    if (shown)
        oracle_shown (sim->oracle, delivery->reply.bytes, delivery->reply_to.bytes,
                      self->deduplicates, delivery->fallback);
    if (sim_chance (sim, sim->faults.adapter_crash)) {
        crash (self);
        return;
    }
    if (chance < 85 && self->sent_count < sizeof self->sent / sizeof *self->sent)
        self->sent[self->sent_count++] = delivery->reply;
    delivery->outcome = chance < 85   ? "sent"
                        : chance < 92 ? "not_sent"
                        : chance < 95 ? "refused"
                                      : "unknown";
    tell (self, delivery);
}

static bool came_before (adapter_t *self, uint64_t number)
{
    for (unsigned i = 0; i < self->seen_count; i++)
        if (self->seen[i] == number)
            return true;
    if (self->seen_count < sizeof self->seen / sizeof *self->seen)
        self->seen[self->seen_count++] = number;
    return false;
}

static void take_delivery (adapter_t *self, const plv_frame_t *frame)
{
    uint64_t number = frame->arg[0].number;
    plv_envelope_t envelope;
    plv_mp_t value;
    plv_view_t metadata;
    if (came_before (self, number)) {
        delivery_t *held = find (self, number);
        if (held)
            tell (self, held);
        return;
    }
    if (plv_envelope_parse (frame->arg[2].bytes, &envelope, NULL)) {
        sim_fail (self->sim, "an adapter gets a delivery that is none");
        return;
    }
    delivery_t *same = find_reply (self, &envelope.id);
    if (same) { /* the broker believed that it had not come: it is the same one, under a new number */
        same->number = number;
        tell (self, same);
        return;
    }
    if (self->held_count == DELIVERIES_MAX) {
        sim_fail (self->sim, "credit: an adapter gets more deliveries than it can count");
        return;
    }
    bool fallback = plv_mp_find (frame->arg[3].bytes, "metadata", &value)
                    && plv_mp_skip (&value, &metadata)
                    && plv_mp_find_str (metadata, "fallback").size > 0;
    self->held[self->held_count++] = (delivery_t){.number = number,
                                                  .reply = envelope.id,
                                                  .reply_to = envelope.reply_to,
                                                  .fallback = fallback};
    sim_at (self->sim, sim_between (self->sim, 100, SEND_MOST_US), platform_answers, self,
            self->life, plv_view (&envelope.id, sizeof envelope.id));
}

static void take_settled (adapter_t *self, plv_view_t numbers)
{
    plv_mp_t value = plv_mp (numbers);
    uint32_t count = 0;
    uint64_t number;
    plv_mp_array (&value, &count);
    while (count-- && plv_mp_u64 (&value, &number)) {
        delivery_t *held = find (self, number);
        if (held && held->outcome)
            *held = self->held[--self->held_count];
    }
}

static void take_stored (adapter_t *self, plv_view_t seqs)
{
    plv_mp_t value = plv_mp (seqs);
    uint32_t count = 0;
    uint64_t seq;
    plv_mp_array (&value, &count);
    while (count-- && plv_mp_u64 (&value, &seq)) {
        self->sim->messages[seq - 1].answered = true;
        oracle_stored (self->sim->oracle, (unsigned) seq - 1);
    }
}

static void take_frame (adapter_t *self, const plv_frame_t *frame)
{
    switch ((int) frame->verb) {
    case VERB_WELCOME:
        self->known = true;
        repeat_all (self);
        break;
    case VERB_WHO:
        self->known = false;
        say_hello (self);
        break;
    case VERB_ERROR:
        self->known = false;
        net_close (self->conn);
        break;
    case VERB_STORED:
        take_stored (self, frame->arg[0].bytes);
        break;
    case VERB_REJECTED:
        self->sim->messages[frame->arg[0].number - 1].answered = true;
        oracle_rejected (self->sim->oracle, (unsigned) frame->arg[0].number - 1);
        break;
    case VERB_DELIVER:
        take_delivery (self, frame);
        break;
    case VERB_RESULT:
        notes_result (&self->notes, frame);
        break;
    case VERB_SETTLED:
        take_settled (self, frame->arg[0].bytes);
        break;
    default: /* BUSY: it is published again with everything else; PING, PONG, LIVE */
        break;
    }
}

static void receive (void *actor, plv_view_t packet)
{
    adapter_t *self = actor;
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    if (!self->up)
        return;
    plv_err_t err = plv_packet_open (packet, &reader, &fail);
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail)))
        take_frame (self, &frame);
    if (err != ERR_NOENT)
        sim_fail (self->sim, "the broker sends an adapter a bad packet: %s", fail.text);
}

void adapter_say (adapter_t *self, unsigned message)
{
    self->sim->messages[message].published = true;
    publish (self, message);
}

adapter_t *adapter_new (sim_t *sim, unsigned number, bool deduplicates)
{
    adapter_t *self = plv_alloc_zero (1, sizeof *self);
    self->sim = sim;
    self->number = number;
    self->deduplicates = deduplicates;
    snprintf (self->name, sizeof self->name, "p%u", number);
    self->notes = (notes_t){.sim = sim, .owner = self->name};
    start (self);
    return self;
}

void adapter_finish (const adapter_t *self)
{
    notes_finish (&self->notes);
}

void adapter_destroy (adapter_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}
