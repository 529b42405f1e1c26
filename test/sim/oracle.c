#include "sim/oracle.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/check.h"
#include "core/call/call.h"
#include "core/internal.h"
#include "core/state/record.h"
#include "sim/sim.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdlib.h>

enum { ENTRIES_MAX = 8192, IDS_MAX = 8192, LEASES_MAX = 65536, LIVES_MAX = 64 };

typedef enum { MODEL_NONE, MODEL_PENDING, MODEL_DONE, MODEL_DEAD } model_state_t;

/*  An entry as the journal tells of it.  */
typedef struct {
    model_state_t state;
    bool reply;
    bool open;      /* an attempt is */
    bool replayed;  /* its order among others is its own matter from then on */
    bool elsewhere; /* it was sent again to another route than the one that operators pause */
    bool fallback;
    bool unknown; /* dead: nobody knows whether the platform took it */
    bool parks;   /* dead: later events of its session wait for what becomes of it */
    uint32_t attempts;
    uint32_t replays;
    uint32_t step_attempt; /* the attempt that saved the step; 0: none did */
    int message;           /* of the event, or of the event that a reply answers; -1: unknown */
    uint64_t event;        /* replies: the entry that they answer */
    uint64_t session;
    plv_id_t id;
    unsigned
        own; /* ENTRY_OPENS, ENTRY_CLOSES: an event of the session itself, or an answer to it */
} model_t;

/*  A session as the journal tells of it.  */
typedef struct {
    uint64_t session; /* 0: free */
    bool live;        /* a person's event has begun it */
    bool opened;      /* session.created stands in front of that */
    bool closing;
    uint64_t closes; /* the entry that is session.ended */
} life_t;

/*  What the world outside has seen; no crash takes it back.  */
typedef struct {
    plv_id_t id;
    int message;
    unsigned shown;
} seen_t;

struct oracle {
    struct sim *sim;
    model_t entries[ENTRIES_MAX];
    uint64_t leases[LEASES_MAX]; /* attempts whose record is kept, as a hash set */
    seen_t ids[IDS_MAX];         /* events and replies, as a hash table */
    life_t lives[LIVES_MAX];
    bool paused;     /* the route, as the journal tells */
    bool rebuilding; /* what is read has happened before */
    bool stored[SIM_MESSAGES_MAX];
    bool accepted[SIM_MESSAGES_MAX]; /* its ACCEPT is kept */
    bool over[SIM_MESSAGES_MAX];     /* merged or superseded: done without an answer of its own */
    bool answered[SIM_MESSAGES_MAX]; /* an answer was shown */
    uint64_t
        last_shown[SIM_MESSAGES_MAX * 4]; /* by session: the event whose answer was shown last */
};

oracle_t *oracle_new (struct sim *sim)
{
    oracle_t *self = plv_alloc_zero (1, sizeof *self);
    self->sim = sim;
    return self;
}

void oracle_destroy (oracle_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

static seen_t *seen (oracle_t *self, const uint8_t id[16])
{
    uint64_t hash;
    memcpy (&hash, id + 8, sizeof hash);
    for (size_t i = 0;; i++) {
        seen_t *slot = &self->ids[(hash + i) % IDS_MAX];
        if (plv_id_is_zero (&slot->id)) {
            memcpy (slot->id.bytes, id, 16);
            slot->message = -1;
        }
        if (memcmp (slot->id.bytes, id, 16) == 0)
            return slot;
    }
}

static bool lease_known (oracle_t *self, uint64_t lease, bool add)
{
    for (size_t i = 0; i < LEASES_MAX; i++) {
        uint64_t *slot = &self->leases[(lease * 0x9e3779b97f4a7c15ull + i) % LEASES_MAX];
        if (*slot == lease)
            return true;
        if (*slot == 0) {
            if (add)
                *slot = lease;
            return false;
        }
    }
    return false;
}

static model_t *model (oracle_t *self, uint64_t number)
{
    static model_t none;
    if (number == 0 || number >= ENTRIES_MAX) {
        sim_fail (self->sim, "entry number %llu is out of bounds", (unsigned long long) number);
        none = (model_t){.message = -1};
        return &none;
    }
    return &self->entries[number];
}

static uint64_t hash_text (plv_view_t text)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * 0x100000001b3ull;
    return hash;
}

static life_t *life_of (oracle_t *self, uint64_t session)
{
    unsigned place = 0;
    while (self->lives[place].session && self->lives[place].session != session)
        place++;
    CHECK (place + 1 < LIVES_MAX, "more sessions than the model has room for");
    self->lives[place].session = session;
    return &self->lives[place];
}

/*  session.created comes before the first event of a person, once; session.ended behind the last.  */
static void take_own (oracle_t *self, const model_t *entry, uint64_t number)
{
    life_t *life = life_of (self, entry->session);
    if (entry->own == ENTRY_OPENS) {
        if (life->opened || life->live)
            sim_fail (self->sim, "life: entry %llu says that a session begins that has begun",
                      (unsigned long long) number);
        life->opened = true;
        return;
    }
    if (!life->live || life->closing)
        sim_fail (self->sim, "life: entry %llu says that a session ends that does not",
                  (unsigned long long) number);
    life->closing = true;
    life->closes = number;
    life->live = false;
    life->opened = false;
}

static void take_person (oracle_t *self, uint64_t session, uint64_t number)
{
    life_t *life = life_of (self, session);
    if (!life->live && !life->opened && self->sim->own_events)
        sim_fail (self->sim, "life: entry %llu begins a session, and nobody is told",
                  (unsigned long long) number);
    life->live = true;
}

static void take_session_end (oracle_t *self, const record_t *record)
{
    life_t *life = life_of (self, hash_text (record->session));
    if (life->closing && self->entries[life->closes].state == MODEL_PENDING)
        sim_fail (self->sim, "life: a session is over before its session.ended is");
    if (!life->closing && life->live && self->sim->own_events)
        sim_fail (self->sim, "life: a session is over, and nobody is told");
    if (!life->closing)
        life->live = life->opened = false;
    life->closing = false;
}

static void take_accept (oracle_t *self, const record_t *record)
{
    plv_envelope_t envelope;
    model_t *entry = model (self, record->number);
    if (plv_envelope_parse (record->envelope, &envelope, NULL)) {
        sim_fail (self->sim, "ledger: entry %llu is kept with an envelope that is none",
                  (unsigned long long) record->number);
        return;
    }
    int message = seen (self, envelope.id.bytes)->message;
    if (oracle_is_trial (envelope.session_id))
        sim_fail (self->sim, "trials: entry %llu is of a session that was only tried",
                  (unsigned long long) record->number);
    if (entry->state != MODEL_NONE)
        sim_fail (self->sim, "ledger: entry number %llu is used twice",
                  (unsigned long long) record->number);
    *entry = (model_t){.state = MODEL_PENDING,
                       .message = message,
                       .session = hash_text (envelope.session_id),
                       .own = record->flags & ENTRY_OWN,
                       .id = envelope.id};
    if (entry->own)
        take_own (self, entry, record->number);
    else
        take_person (self, entry->session, record->number);
    if (message < 0)
        return;
    if (self->accepted[message])
        sim_fail (self->sim, "once: message %d is accepted twice", message);
    self->accepted[message] = true;
}

/*  Everything of the session that was accepted before must be done: order.  */
static void check_order (oracle_t *self, uint64_t number)
{
    const model_t *entry = model (self, number);
    for (uint64_t other = number - 1; other > 0 && !entry->replayed; other--) {
        const model_t *earlier = &self->entries[other];
        if (earlier->session == entry->session && earlier->reply == entry->reply
            && earlier->state == MODEL_PENDING && !earlier->replayed)
            sim_fail (self->sim, "order: entry %llu goes out while %llu of its session is not done",
                      (unsigned long long) number, (unsigned long long) other);
        if (earlier->session == entry->session && !entry->reply && earlier->parks)
            sim_fail (self->sim,
                      "park: entry %llu goes out while the letter %llu holds its session",
                      (unsigned long long) number, (unsigned long long) other);
    }
}

static void take_attempt (oracle_t *self, const record_t *record)
{
    model_t *entry = model (self, record->number);
    if (entry->state != MODEL_PENDING)
        sim_fail (self->sim, "ledger: an attempt at entry %llu, which is not pending",
                  (unsigned long long) record->number);
    if (entry->open || record->attempt != entry->attempts + 1)
        sim_fail (self->sim, "ledger: attempt %u at entry %llu follows attempt %u%s",
                  record->attempt, (unsigned long long) record->number, entry->attempts,
                  entry->open ? ", which is open" : "");
    check_order (self, record->number);
    /* which route it is, the record does not say */
    if (!entry->reply && !entry->elsewhere && self->sim->variant == 0
        && (self->paused || (self->sim->route_paused && !self->rebuilding)))
        sim_fail (self->sim,
                  "pause: entry %llu goes to a worker while an operator pauses its route",
                  (unsigned long long) record->number);
    entry->open = true;
    entry->attempts = record->attempt;
    lease_known (self, record->number << 16 | record->attempt, true);
}

static void make_reply (oracle_t *self, const model_t *event, const record_t *record, uint64_t of)
{
    model_t *reply = model (self, record->reply);
    if (event->own && record->type == RECORD_DEAD)
        sim_fail (self->sim,
                  "life: a person is told that entry %llu failed, an event of the session",
                  (unsigned long long) of);
    if (reply->state != MODEL_NONE)
        sim_fail (self->sim, "ledger: reply number %llu is used twice",
                  (unsigned long long) record->reply);
    *reply = (model_t){.state = MODEL_PENDING,
                       .reply = true,
                       .message = event->message,
                       .session = event->session,
                       .event = of,
                       .id = record->id,
                       .replayed = event->replayed,
                       .own = event->own,
                       .fallback = record->type == RECORD_DEAD || record->flags & REPLY_FALLBACK};
}

static void take_end (oracle_t *self, const record_t *record, model_state_t state)
{
    model_t *entry = model (self, record->number);
    if (entry->state != MODEL_PENDING)
        sim_fail (self->sim, "once: entry %llu ends twice (%s)",
                  (unsigned long long) record->number, record_name (record->type));
    entry->state = state;
    entry->open = false;
    entry->unknown = record->type == RECORD_DEAD && record->code == DEAD_UNKNOWN;
    entry->parks = record->type == RECORD_DEAD && record->flags & DEAD_PARKS;
    if ((record->type == RECORD_REPLY || record->type == RECORD_DEAD) && record->reply)
        make_reply (self, entry, record, record->number);
    if (record->type == RECORD_SUPERSEDED && entry->message >= 0)
        self->over[entry->message] = true;
}

static void take_merge (oracle_t *self, const record_t *record)
{
    int message = seen (self, record->id.bytes)->message;
    if (model (self, record->number)->state != MODEL_PENDING)
        sim_fail (self->sim, "order: a message is merged into entry %llu, which is over",
                  (unsigned long long) record->number);
    if (message < 0)
        return;
    if (self->accepted[message])
        sim_fail (self->sim, "once: message %d is accepted twice, merged", message);
    self->accepted[message] = true;
    self->over[message] = true;
}

/*  Another event in the place of the old one: what was done for that one's text is not done for this one.  */
static void take_copy (oracle_t *self, model_t *entry, const record_t *record)
{
    if (entry->reply || entry->own)
        sim_fail (self->sim, "copies: entry %llu is corrected, and is nobody's message",
                  (unsigned long long) record->number);
    if (memcmp (entry->id.bytes, record->id.bytes, PLV_ID_BYTES) == 0)
        sim_fail (self->sim, "copies: the corrected copy of entry %llu has its id",
                  (unsigned long long) record->number);
    entry->id = record->id;
    entry->step_attempt = 0;
    seen (self, record->id.bytes)->message = entry->message;
}

static void take_replay (oracle_t *self, const record_t *record)
{
    model_t *entry = model (self, record->number);
    if (entry->state != MODEL_DEAD)
        sim_fail (self->sim, "once: entry %llu is replayed and is not dead",
                  (unsigned long long) record->number);
    if (!entry->reply && !entry->own)
        take_person (self, entry->session, record->number);
    if (entry->unknown && !self->sim->duplicates_allowed)
        sim_fail (self->sim, "once: letter %llu, of unknown outcome, is sent again unasked",
                  (unsigned long long) record->number);
    entry->state = MODEL_PENDING;
    entry->replayed = true;
    entry->parks = false;
    entry->replays++;
    if (record->name.size)
        entry->elsewhere = !plv_view_is (record->name, "default");
    if (record->body.size)
        take_copy (self, entry, record);
}

static void take_discarded (oracle_t *self, const record_t *record)
{
    model_t *entry = model (self, record->number);
    if (entry->state != MODEL_DEAD)
        sim_fail (self->sim, "once: entry %llu is discarded and is not dead",
                  (unsigned long long) record->number);
    entry->state = MODEL_DONE;
    entry->parks = false;
    if (entry->message >= 0)
        self->over[entry->message] = true;
}

static void check_not_there (oracle_t *self, const plv_id_t *id)
{
    for (uint64_t number = 1; number < ENTRIES_MAX; number++) {
        const model_t *entry = &self->entries[number];
        if ((entry->state == MODEL_PENDING || entry->state == MODEL_DEAD)
            && memcmp (entry->id.bytes, id->bytes, PLV_ID_BYTES) == 0)
            sim_fail (self->sim, "once: a letter is put back, and is there as entry %llu",
                      (unsigned long long) number);
    }
}

/*  What was thrown away is a dead letter again, as it was saved.  */
static void take_import (oracle_t *self, const record_t *record)
{
    plv_envelope_t envelope;
    dead_t dead;
    entry_t *letter = NULL;
    model_t *entry = model (self, record->number);
    if (dead_read (record->number, record->extra, &dead, &letter, NULL)
        || plv_envelope_parse (entry_envelope (letter), &envelope, NULL)) {
        sim_fail (self->sim, "accepted: letter %llu is put back, and is none",
                  (unsigned long long) record->number);
        entry_destroy (&letter);
        return;
    }
    check_not_there (self, &envelope.id);
    bool reply = letter->kind == ENTRY_REPLY;
    const plv_id_t *event = reply ? &envelope.reply_to : &envelope.id;
    *entry = (model_t){.state = MODEL_DEAD,
                       .reply = reply,
                       .message = seen (self, event->bytes)->message,
                       .session = hash_text (envelope.session_id),
                       .event = entry->event,
                       .id = envelope.id,
                       .own = letter->flags & ENTRY_OWN,
                       .fallback = letter->flags & ENTRY_FALLBACK,
                       .replayed = true,
                       .elsewhere = !plv_view_is (label_view (letter->route), "default"),
                       .unknown = dead.why == DEAD_UNKNOWN,
                       .attempts = letter->attempts,
                       .replays = entry->replays};
    entry_destroy (&letter);
}

static void take_unpark (oracle_t *self, const record_t *record)
{
    uint64_t session = hash_text (record->session);
    for (uint64_t number = 1; number < ENTRIES_MAX; number++)
        if (self->entries[number].session == session)
            self->entries[number].parks = false;
}

static void take_step (oracle_t *self, const record_t *record)
{
    model_t *entry = model (self, record->number);
    if (!entry->step_attempt)
        entry->step_attempt = entry->attempts;
}

static void take_record (oracle_t *self, const record_t *record)
{
    sim_say (self->sim, "  %s entry %llu reply %llu attempt %u code %u flags %u " PLV_VIEW_FMT,
             record_name (record->type), (unsigned long long) record->number,
             (unsigned long long) record->reply, record->attempt, record->code, record->flags,
             PLV_VIEW_ARG (record->session));
    switch (record->type) {
    case RECORD_ACCEPT:
        take_accept (self, record);
        break;
    case RECORD_MERGE:
    case RECORD_JOIN:
        take_merge (self, record);
        break;
    case RECORD_ATTEMPT:
        take_attempt (self, record);
        break;
    case RECORD_ATTEMPT_END:
        model (self, record->number)->open = false;
        break;
    case RECORD_STEP:
        take_step (self, record);
        break;
    case RECORD_REPLY:
    case RECORD_SENT:
    case RECORD_SUPERSEDED:
        take_end (self, record, MODEL_DONE);
        break;
    case RECORD_DEAD:
        take_end (self, record, MODEL_DEAD);
        break;
    case RECORD_REPLAY:
    case RECORD_RESEND:
        take_replay (self, record);
        break;
    case RECORD_DISCARD:
        take_discarded (self, record);
        break;
    case RECORD_IMPORT:
        take_import (self, record);
        break;
    case RECORD_UNPARK:
        take_unpark (self, record);
        break;
    case RECORD_PAUSE:
    case RECORD_RESUME:
        self->paused = record->type == RECORD_PAUSE;
        break;
    case RECORD_SESSION_END:
        take_session_end (self, record);
        break;
    default:
        break;
    }
}

void oracle_committed (oracle_t *self, plv_view_t journal)
{
    record_reader_t reader;
    record_t record;
    plv_fail_t fail;
    plv_err_t err;
    if (journal.size == 0)
        return;
    err = record_open (journal, &reader, &fail);
    while (!err && !(err = record_next (&reader, &record, &fail)))
        take_record (self, &record);
    if (err != ERR_NOENT)
        sim_fail (self->sim, "ledger: %s", fail.text);
}

void oracle_rebuild (oracle_t *self, uint64_t last_seq)
{
    memset (self->entries, 0, sizeof self->entries);
    memset (self->leases, 0, sizeof self->leases);
    memset (self->lives, 0, sizeof self->lives);
    memset (self->accepted, 0, sizeof self->accepted);
    memset (self->over, 0, sizeof self->over);
    self->paused = false;
    self->rebuilding = true;
    sim_say (self->sim, "the journal, read back to position %llu:", (unsigned long long) last_seq);
    for (uint64_t seq = 1; seq <= last_seq; seq++)
        oracle_committed (self, plv_buf_view (&self->sim->journals[seq]));
    self->rebuilding = false;
}

static void check_lease (oracle_t *self, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    if (!call_is_lease (lease) && !lease_known (self, lease, false))
        sim_fail (self->sim, "kept: %s %llu leaves before its attempt is kept",
                  plv_verb_name (frame->verb), (unsigned long long) lease);
}

static void check_stored (oracle_t *self, plv_view_t seqs)
{
    plv_mp_t value = plv_mp (seqs);
    uint32_t count = 0;
    uint64_t seq;
    plv_mp_array (&value, &count);
    while (count-- && plv_mp_u64 (&value, &seq))
        if (!self->accepted[seq - 1])
            sim_fail (self->sim, "kept: message %llu is answered STORED before it is kept",
                      (unsigned long long) seq - 1);
}

static void check_done (oracle_t *self, plv_view_t numbers, const char *what)
{
    plv_mp_t value = plv_mp (numbers);
    uint32_t count = 0;
    uint64_t lease;
    plv_mp_array (&value, &count);
    while (count-- && plv_mp_u64 (&value, &lease)) {
        if (call_is_lease (lease)) /* nothing of it is kept */
            continue;
        const model_t *entry = model (self, lease >> 16);
        if (entry->open && entry->attempts == (lease & 0xffff))
            sim_fail (self->sim, "kept: %s %llu leaves before the end of the attempt is kept", what,
                      (unsigned long long) lease);
    }
}

/*  That a message has no answer of its own is told when it is kept.  */
static void check_sign (oracle_t *self, const plv_frame_t *frame)
{
    plv_envelope_t envelope;
    plv_view_t body = frame->arg[1].bytes;
    if ((!plv_mp_find_str (body, "merged_into").size
         && !plv_mp_find_str (body, "interrupted_by").size)
        || plv_envelope_parse (frame->arg[0].bytes, &envelope, NULL))
        return;
    int message = seen (self, envelope.reply_to.bytes)->message;
    if (message >= 0 && !self->over[message])
        sim_fail (self->sim, "kept: message %d is told of as merged or interrupted before it is",
                  message);
}

void oracle_released (oracle_t *self, plv_view_t packet)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    plv_err_t err = plv_packet_open (packet, &reader, &fail);
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail))) {
        switch ((int) frame.verb) {
        case VERB_JOB:
        case VERB_DELIVER:
            check_lease (self, &frame);
            break;
        case VERB_STORED:
            check_stored (self, frame.arg[0].bytes);
            break;
        case VERB_COMMITTED:
            check_done (self, frame.arg[0].bytes, "COMMITTED");
            break;
        case VERB_SETTLED:
            check_done (self, frame.arg[0].bytes, "SETTLED");
            break;
        case VERB_LIVE:
            check_sign (self, &frame);
            break;
        default:
            break;
        }
    }
    if (err != ERR_NOENT)
        sim_fail (self->sim, "the broker writes a bad packet: %s", fail.text);
}

void oracle_published (oracle_t *self, const uint8_t id[16], unsigned index)
{
    seen (self, id)->message = (int) index;
}

void oracle_stored (oracle_t *self, unsigned index)
{
    self->stored[index] = true;
}

void oracle_rejected (oracle_t *self, unsigned index)
{
    sim_fail (self->sim, "accepted: message %u was rejected, although it is as the protocol has it",
              index);
}

static uint64_t entry_of (const oracle_t *self, const uint8_t id[16], bool reply)
{
    for (uint64_t number = 1; number < ENTRIES_MAX; number++)
        if (self->entries[number].state && self->entries[number].reply == reply
            && memcmp (self->entries[number].id.bytes, id, 16) == 0)
            return number;
    return 0;
}

/*  Answers come in the order of the questions; fallbacks and what an operator sent again come when they come.  */
static void check_answer_order (oracle_t *self, const model_t *reply)
{
    uint64_t *last =
        &self->last_shown[reply->session % (sizeof self->last_shown / sizeof *self->last_shown)];
    const model_t *event = &self->entries[reply->event];
    if (reply->fallback || reply->replayed || event->replayed)
        return;
    if (reply->event < *last && self->entries[*last].session == reply->session)
        sim_fail (self->sim, "order: the answer to entry %llu is shown after that to %llu",
                  (unsigned long long) reply->event, (unsigned long long) *last);
    if (reply->event > *last)
        *last = reply->event;
}

void oracle_shown (oracle_t *self, const uint8_t reply_id[16], const uint8_t reply_to[16],
                   bool deduplicates, bool fallback)
{
    seen_t *reply = seen (self, reply_id);
    uint64_t number = entry_of (self, reply_id, true);
    int message = seen (self, reply_to)->message;
    (void) fallback;
    const model_t *entry = model (self, number ? number : 1);
    if (number == 0 || (message < 0 && !entry->own)) {
        sim_fail (self->sim, "kept: a reply is shown that is not kept");
        return;
    }
    reply->shown++;
    if (message >= 0)
        self->answered[message] = true;
    if (reply->shown == 1)
        check_answer_order (self, entry);
    if (!deduplicates && reply->shown > 1 + entry->replays)
        sim_fail (self->sim, "once: reply %llu to message %d is shown %u times",
                  (unsigned long long) number, message, reply->shown);
}

bool oracle_is_trial (plv_view_t session)
{
    return session.size > 6 && memcmp (session.data, "trial_", 6) == 0;
}

void oracle_step_done (oracle_t *self, uint64_t lease)
{
    if (call_is_lease (lease)) /* nothing of it is kept over a restart */
        return;
    const model_t *entry = model (self, lease >> 16);
    if (entry->step_attempt && (lease & 0xffff) > entry->step_attempt)
        sim_fail (
            self->sim, "steps: attempt %u does the step of entry %llu that attempt %u has saved",
            (unsigned) (lease & 0xffff), (unsigned long long) (lease >> 16), entry->step_attempt);
}

static bool ended (const oracle_t *self, int message)
{
    if (self->answered[message] || self->over[message])
        return true;
    for (uint64_t number = 1; number < ENTRIES_MAX; number++)
        if (self->entries[number].message == message && self->entries[number].state == MODEL_DEAD)
            return true;
    return false;
}

/*  Every dead letter can be found, and nothing else is among them.  */
static void check_dead (oracle_t *self)
{
    store_t *store = self->sim->store;
    store_done_t done = {0};
    plv_row_t row;
    unsigned letters = 0, rows = 0;
    for (uint64_t number = 1; number < ENTRIES_MAX; number++)
        letters += self->entries[number].state == MODEL_DEAD;
    store->vtable->scan (store, 1, VIEW_DEAD, plv_view (NULL, 0), plv_view (NULL, 0), 0);
    while (store->vtable->next (store, &done) == STORE_ROWS) {
        for (size_t at = 0; plv_row_next (plv_buf_view (&done.rows), &at, &row); rows++)
            if (model (self, plv_get_u64 (row.key.data))->state != MODEL_DEAD)
                sim_fail (self->sim, "accepted: a dead letter is found that is none");
        plv_buf_free (&done.rows);
    }
    if (rows != letters)
        sim_fail (self->sim, "accepted: there are %u dead letters, and %u can be found", letters,
                  rows);
}

void oracle_finish (oracle_t *self)
{
    check_dead (self);
    for (unsigned message = 0; message < self->sim->message_count; message++) {
        if (self->stored[message] && !self->accepted[message])
            sim_fail (self->sim, "accepted: message %u was answered STORED and is gone", message);
        if (self->stored[message] && !ended (self, (int) message))
            sim_fail (self->sim, "accepted: message %u was answered STORED and came to no end",
                      message);
        if (!self->stored[message])
            sim_fail (self->sim,
                      "accepted: message %u was never answered, although everything is calm",
                      message);
    }
}
