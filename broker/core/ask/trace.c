#include "core/ask/trace.h"

#include "wire/mp.h"

enum { HOPS_BYTES_MAX = 1024 * 1024 };

static const char *const words[] = {
#define HOP(name, word, meaning) [HOP_##name] = (word),
#include "wire/hops.def"
#undef HOP
};

void trace_free (trace_t *self)
{
    plv_buf_free (&self->envelope);
    plv_buf_free (&self->body);
    plv_buf_free (&self->answer);
    plv_buf_free (&self->route);
    plv_buf_free (&self->file);
    plv_buf_free (&self->hops);
}

void trace_clear (trace_t *self)
{
    uint64_t number = self->fate.number;
    trace_free (self);
    *self = (trace_t){.fate.number = number};
}

static void put_id (plv_buf_t *buf, const char *key, const plv_id_t *id)
{
    char text[PLV_ID_TEXT_BYTES];
    plv_id_format (id, text);
    plv_mp_pair_text (buf, key, text);
}

/*  What may be said of a station; empty and 0 are left out.  */
typedef struct {
    hop_t hop;
    int64_t at_us;
    uint64_t number;
    uint64_t position;
    uint32_t attempt;
    plv_view_t who, how, code, why, step, platform_id;
    const plv_id_t *id;
    int64_t until_us; /* the next attempt */
} station_t;

static uint32_t put_words (plv_buf_t *buf, const station_t *station)
{
    const struct {
        const char *key;
        plv_view_t text;
    } pairs[] = {{"who", station->who},   {"how", station->how},
                 {"code", station->code}, {"why", station->why},
                 {"step", station->step}, {"platform_id", station->platform_id}};
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].text.size) {
            plv_mp_pair_str (buf, pairs[i].key, pairs[i].text);
            count++;
        }
    return count;
}

static uint32_t put_numbers (plv_buf_t *buf, const station_t *station)
{
    const struct {
        const char *key;
        int64_t number;
    } pairs[] = {{"number", (int64_t) station->number},
                 {"position", (int64_t) station->position},
                 {"attempt", station->attempt},
                 {"next_attempt_us", station->until_us}};
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].number) {
            plv_mp_pair_i64 (buf, pairs[i].key, pairs[i].number);
            count++;
        }
    if (station->id)
        put_id (buf, "id", station->id);
    return count + (station->id != NULL);
}

static void add (trace_t *self, const station_t *station)
{
    plv_buf_t pairs = {0};
    if (self->hops.size > HOPS_BYTES_MAX) {
        self->hops_left_out++;
        return;
    }
    plv_mp_pair_text (&pairs, "hop", words[station->hop]);
    plv_mp_pair_i64 (&pairs, "at_us", station->at_us);
    plv_mp_put_text (&pairs, "after_ms");
    plv_mp_put_double (&pairs,
                       self->hop_count ? (double) (station->at_us - self->last_us) / 1000 : 0);
    uint32_t count = 3 + put_numbers (&pairs, station);
    count += put_words (&pairs, station);
    plv_mp_put_map (&self->hops, count);
    plv_buf_check (&pairs);
    plv_buf_add_view (&self->hops, plv_buf_view (&pairs));
    plv_buf_check (&self->hops);
    plv_buf_free (&pairs);
    self->hop_count++;
    self->last_us = station->at_us;
}

static void keep (plv_buf_t *into, plv_view_t bytes)
{
    plv_buf_clear (into);
    plv_buf_add_view (into, bytes);
    plv_buf_check (into);
}

/*  The envelope's `id` is replaced: a corrected copy has one of its own.  */
static void keep_copy (trace_t *self, const record_t *record)
{
    plv_envelope_t envelope;
    plv_buf_t whole = {0};
    keep (&self->body, record->body);
    if (plv_envelope_parse (plv_buf_view (&self->envelope), &envelope, NULL))
        return;
    envelope.id = record->id;
    plv_envelope_write (&whole, &envelope);
    plv_buf_check (&whole);
    plv_buf_free (&self->envelope);
    self->envelope = whole;
}

static void note_stored (trace_t *self, const record_t *record)
{
    if (!self->unstored || record->number < self->unstored)
        return;
    add (self,
         &(station_t){.hop = self->settles ? HOP_SETTLED : HOP_STORED, .at_us = record->at_us});
    self->unstored = 0;
    self->settles = false;
}

/*  A saved step has no time of its own in the journal: that of its turn is near.  */
static station_t station_of (const trace_t *self, const record_t *record, uint64_t seq,
                             int64_t wall_us)
{
    station_t station = {.at_us = record->at_us, .number = record->number, .position = seq};
    if (!station.at_us)
        station.at_us = wall_us > self->last_us ? wall_us : self->last_us;
    return station;
}

/*  The file stands in the last line of the letter's ledger.  */
static void keep_file (trace_t *self, const record_t *record)
{
    entry_t *entry = NULL;
    dead_t dead;
    plv_buf_clear (&self->file);
    if (dead_read (record->number, record->extra, &dead, &entry, NULL))
        return;
    const attempt_t *last = ledger_last (&entry->ledger);
    if (last && last->how == HOW_IMPORTED)
        keep (&self->file, label_view (last->why));
    entry_destroy (&entry);
}

/*  What a record says beyond its time.  */
static void describe (trace_t *self, const record_t *record, station_t *station)
{
    bool event = record->number == self->fate.number;
    station->attempt = record->attempt;
    station->why = record->why;
    switch (record->type) {
    case RECORD_ACCEPT:
        keep (&self->envelope, record->envelope);
        keep (&self->body, record->body);
        keep (&self->route, record->name);
        break;
    case RECORD_MERGE:
    case RECORD_JOIN:
        station->hop = HOP_MERGED;
        station->id = &record->id;
        station->platform_id = record->name;
        break;
    case RECORD_ATTEMPT:
        station->hop = event ? HOP_DISPATCHED : HOP_DELIVERING;
        station->who = record->who;
        break;
    case RECORD_ATTEMPT_END:
        station->hop = HOP_ENDED;
        station->how = plv_view_str (how_text ((how_t) record->code));
        station->code = record->extra;
        station->until_us = record->until_us;
        break;
    case RECORD_STEP:
        station->hop = HOP_STEP;
        station->step = record->name;
        break;
    case RECORD_REPLY:
        station->hop = HOP_ANSWERED;
        station->id = record->reply ? &record->id : NULL;
        keep (&self->answer, record->body);
        break;
    case RECORD_SENT:
        station->hop = HOP_DELIVERED;
        station->platform_id = record->name;
        break;
    case RECORD_DEAD:
        station->hop = HOP_DEAD;
        self->returns = 0;
        station->attempt = 0;
        station->how = plv_view_str (dead_reason ((dead_why_t) record->code));
        station->code = record->extra;
        break;
    case RECORD_REPLAY:
    case RECORD_RESEND:
        station->hop = HOP_AGAIN;
        station->who = record->who;
        station->code = record->plan;
        if (record->name.size)
            keep (&self->route, record->name);
        if (record->body.size)
            keep_copy (self, record);
        break;
    case RECORD_IMPORT:
        station->hop = HOP_IMPORTED;
        self->returns++;
        station->who = record->who;
        keep_file (self, record);
        station->why = plv_buf_view (&self->file);
        break;
    case RECORD_DISCARD:
        station->hop = HOP_DISCARDED;
        station->who = record->who;
        break;
    default:
        station->hop = HOP_SUPERSEDED;
        break;
    }
}

static bool ends (const record_t *record)
{
    return record->type == RECORD_SENT || record->type == RECORD_DEAD
           || record->type == RECORD_DISCARD || record->type == RECORD_SUPERSEDED;
}

bool trace_take (trace_t *self, uint64_t seq, int64_t wall_us, const record_t *record)
{
    if (record->type == RECORD_STORED) {
        note_stored (self, record);
        return false;
    }
    if (!fate_take (&self->fate, record))
        return false;
    if (!self->position)
        self->position = seq;
    station_t station = station_of (self, record, seq, wall_us);
    describe (self, record, &station);
    add (self, &station);
    self->settles = ends (record) || (self->unstored == seq && self->settles);
    self->unstored = seq;
    return true;
}

/* ------------------------------------------------------------------ what is kept of it */

static hop_t hop_of (const entry_t *entry, how_t how)
{
    if (how == HOW_REPLAYED)
        return HOP_AGAIN;
    if (how == HOW_IMPORTED)
        return HOP_IMPORTED;
    return entry->kind == ENTRY_EVENT ? HOP_DISPATCHED : HOP_DELIVERING;
}

static void take_attempt (trace_t *self, const entry_t *entry, const attempt_t *attempt)
{
    how_t how = (how_t) attempt->how;
    add (self,
         &(station_t){.hop = hop_of (entry, how),
                      .at_us = attempt->at_us,
                      .number = entry->number,
                      .attempt = attempt->number,
                      .who = label_view (attempt->who),
                      .why = how_operators (how) ? label_view (attempt->why) : plv_view (NULL, 0)});
    if (how == HOW_OPEN || how_operators (how))
        return;
    add (self, &(station_t){.hop = HOP_ENDED,
                            .at_us = attempt->ended_us,
                            .number = entry->number,
                            .attempt = attempt->number,
                            .how = plv_view_str (how_text (how)),
                            .code = label_view (attempt->code),
                            .why = label_view (attempt->why)});
}

static void take_death (trace_t *self, const entry_t *entry, const dead_t *dead)
{
    self->fate.dead_us = dead->at_us;
    self->fate.letter = entry->number;
    add (self, &(station_t){.hop = HOP_DEAD,
                            .at_us = dead->at_us,
                            .number = entry->number,
                            .how = plv_view_str (dead_reason (dead->why)),
                            .code = dead->code,
                            .why = dead->words});
}

/*  Its attempts, its death, and that it was put back behind that.  */
static void take_ledger (trace_t *self, const entry_t *entry, const dead_t *dead)
{
    bool died = false;
    for (uint32_t i = 0; i < entry->ledger.count; i++) {
        const attempt_t *attempt = ledger_at (&entry->ledger, i);
        if (dead && !died && attempt->how == HOW_IMPORTED && attempt->at_us >= dead->at_us) {
            take_death (self, entry, dead);
            died = true;
        }
        take_attempt (self, entry, attempt);
    }
    if (dead && !died)
        take_death (self, entry, dead);
}

uint32_t trace_count_returns (const entry_t *entry, const dead_t *dead)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < entry->ledger.count; i++) {
        const attempt_t *attempt = ledger_at (&entry->ledger, i);
        count += attempt->how == HOW_IMPORTED && attempt->at_us >= dead->at_us;
    }
    return count;
}

void trace_take_entry (trace_t *self, const entry_t *entry, const dead_t *dead)
{
    bool event = entry->kind == ENTRY_EVENT;
    fate_t *fate = &self->fate;
    keep (&self->envelope, entry_envelope (entry));
    keep (event ? &self->body : &self->answer, entry_body (entry));
    keep (&self->route, label_view (entry->route));
    fate->outcome = dead ? FATE_DEAD : event ? FATE_PENDING : FATE_DELIVERING;
    if (event)
        fate->accepted_us = entry->accepted_us;
    else
        fate->answered_us = entry->accepted_us;
    add (self, &(station_t){.hop = event ? HOP_ACCEPTED : HOP_ANSWERED,
                            .at_us = entry->accepted_us,
                            .number = entry->number});
    fate->attempts = event ? entry->attempts : 0;
    take_ledger (self, entry, dead);
}

/* ------------------------------------------------------------------ as a map */

static uint32_t write_envelope (const trace_t *self, plv_buf_t *pairs)
{
    plv_envelope_t envelope;
    if (plv_envelope_parse (plv_buf_view (&self->envelope), &envelope, NULL))
        return 0;
    put_id (pairs, "id", &envelope.id);
    plv_mp_pair_str (pairs, "type", envelope.type);
    plv_mp_pair_str (pairs, "platform", envelope.platform);
    plv_mp_pair_str (pairs, "adapter", envelope.adapter);
    plv_mp_pair_str (pairs, "session_id", envelope.session_id);
    plv_mp_pair_str (pairs, "user_id", envelope.user_id);
    plv_mp_pair_str (pairs, "platform_id", envelope.platform_id);
    plv_mp_pair_i64 (pairs, "timestamp", envelope.timestamp);
    return 8;
}

static uint32_t write_fate (const fate_t *fate, plv_buf_t *pairs)
{
    plv_mp_pair_i64 (pairs, "number", (int64_t) fate->number);
    plv_mp_pair_text (pairs, "outcome", fate_word (fate->outcome));
    plv_mp_pair_i64 (pairs, "attempts", fate->attempts);
    plv_mp_pair_i64 (pairs, "accepted_us", fate->accepted_us);
    plv_mp_pair_i64 (pairs, "answered_us", fate->answered_us);
    plv_mp_pair_i64 (pairs, "settled_us", fate->settled_us);
    if (!fate->reply)
        return 6;
    plv_mp_pair_i64 (pairs, "reply", (int64_t) fate->reply);
    put_id (pairs, "reply_id", &fate->reply_id);
    return 8;
}

static uint32_t write_body (plv_buf_t *pairs, const char *key, const plv_buf_t *body)
{
    plv_mp_put_text (pairs, key);
    if (body->size)
        plv_buf_add_view (pairs, plv_buf_view (body));
    else
        plv_mp_put_nil (pairs);
    return 1;
}

uint32_t trace_write (const trace_t *self, const char *service, plv_buf_t *pairs)
{
    uint32_t count = write_fate (&self->fate, pairs);
    count += write_envelope (self, pairs);
    plv_mp_pair_str (pairs, "route", plv_buf_view (&self->route));
    plv_mp_pair_text (pairs, "service", service);
    plv_mp_pair_i64 (pairs, "position", (int64_t) self->position);
    plv_mp_pair_i64 (pairs, "hops_left_out", self->hops_left_out);
    count += 4;
    count += write_body (pairs, "body", &self->body);
    count += write_body (pairs, "answer", &self->answer);
    plv_mp_put_text (pairs, "hops");
    plv_mp_put_array (pairs, self->hop_count);
    plv_buf_add_view (pairs, plv_buf_view (&self->hops));
    return count + 1;
}
