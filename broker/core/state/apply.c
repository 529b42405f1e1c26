#include "core/internal.h"

#include "base/bytes.h"
#include "base/check.h"
#include "core/ask/hold.h"
#include "core/ask/tails.h"
#include "core/flow/accept_text.h"
#include "core/flow/holding.h"
#include "core/flow/lanes.h"
#include "core/state/apply.h"
#include "core/state/reflect.h"
#include "core/state/state.h"
#include "wire/mp.h"

/*  Durable state changes here and nowhere else. A record is applied once when it is written, and again
    when the journal is read back, with the same result; so nothing here depends on time, on chance or on
    who is connected, and on conf only for how much history and how many ids are kept.  */

session_t *session_get (core_t *self, plv_view_t id)
{
    return plv_map_get (&self->sessions, id);
}

entry_t *entry_get (core_t *self, uint64_t number)
{
    return plv_map_u64_get (&self->entries, number);
}

uint64_t number_next (core_t *self)
{
    return self->next_number++;
}

plv_id_t id_next (core_t *self)
{
    return plv_id_make (self->now.wall_us, plv_rng_next (&self->rng));
}

static void number_seen (core_t *self, uint64_t number)
{
    if (number >= self->next_number)
        self->next_number = number + 1;
}

/*  During recovery: is what this record changes in `session` part of the rows that were loaded?  */
static bool reflected (const core_t *self, const session_t *session)
{
    return !self->started && self->seq <= session->as_of;
}

static session_t *session_make (core_t *self, const plv_envelope_t *envelope, int64_t at_us)
{
    session_t *session = session_new (envelope->session_id, envelope->user_id, envelope->platform);
    session->serial = self->next_serial++;
    session->created_us = at_us;
    session->active_us = at_us;
    session->idle_from_us = self->now.mono_us;
    session->idle_timer.kind = TIMER_SESSION;
    plv_map_put (&self->sessions, session->id, session);
    self->metrics.gauge[GAUGE_SESSIONS]++;
    if (self->started)
        timers_set (&self->timers, &session->idle_timer,
                    self->now.mono_us + self->policy->conf->session_idle_s * 1000000);
    return session;
}

/*  An event of a person is accepted, or sent again: the session is what it says it is.  */
static void come_alive (core_t *self, session_t *session, const plv_envelope_t *envelope,
                        int64_t at_us)
{
    if (envelope->adapter.size
        && !plv_view_equal (label_view (session->adapter), envelope->adapter)) {
        label_drop (&session->adapter);
        outlet_t *outlet = plv_map_get (&self->outlets, envelope->adapter);
        session->adapter = outlet ? label_hold (outlet->label) : label_new (envelope->adapter);
    }
    session->active_us = at_us;
    if (session->live)
        return;
    session->live = true;
    session->created_us = at_us;
    if (!self->started)
        return;
    count (self, COUNTER_SESSIONS_CREATED);
    effects_log (self->effects, LOG_SESSION_CREATED, F_VIEW ("session", session->id),
                 F_VIEW ("platform", session->platform));
}

/*  What comes from now on belongs to the next session of this name.  */
static void begin_to_close (session_t *session, uint64_t number)
{
    session->closing = number;
    session->live = false;
    session->message_count = 0;
}

void session_touch (core_t *self, session_t *session)
{
    session->idle_from_us = self->now.mono_us;
    reflect_dirty (self, session);
}

/*  What the broker says to itself keeps no session open.  */
static void touch (core_t *self, session_t *session, bool own)
{
    if (own)
        reflect_dirty (self, session);
    else
        session_touch (self, session);
}

/*  A reply goes through the adapter that its event came through.  */
static void route_reply (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter)
{
    plv_node_t *last = session->replies.prev;
    entry->outlet = outlet_of (self, adapter);
    entry->outlet->replies++;
    if (last != &session->replies && PLV_OF (last, entry_t, in_session)->outlet != entry->outlet)
        session->mixed = true;
}

/*  What was sent again is counted in its route until it is done.  */
static void count_replay (core_t *self, const entry_t *entry, int change)
{
    lane_t *lane = entry->kind == ENTRY_EVENT && entry->flags & ENTRY_REPLAYED
                       ? lane_named (self, label_view (entry->route))
                       : NULL;
    if (lane && (change > 0 || lane->replays > 0))
        lane->replays += (uint32_t) change;
}

void entry_put (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter)
{
    if (entry->kind == ENTRY_REPLY)
        route_reply (self, session, entry, adapter);
    entry->timer.kind = TIMER_ENTRY;
    entry->wall_at_0_us = self->now.wall_us - self->now.mono_us;
    entry->dirty = true;
    session_add (session, entry);
    count_replay (self, entry, 1);
    plv_map_u64_put (&self->entries, entry->number, entry);
    self->metrics.gauge[entry->kind == ENTRY_EVENT ? GAUGE_PENDING_EVENTS : GAUGE_OUTBOX]++;
    self->metrics.gauge[GAUGE_PENDING_BYTES] += (int64_t) (entry->envelope_size + entry->body_size);
    self->metrics.gauge[GAUGE_STEPS] += entry->steps.count;
}

static void entry_let_go (core_t *self, entry_t *entry)
{
    timers_cancel (&self->timers, &entry->timer);
    holding_take (self, entry);
    if (entry->session->active == entry)
        entry->session->active = NULL;
}

static void entry_drop (core_t *self, entry_t *entry)
{
    session_t *session = entry->session;
    count_replay (self, entry, -1);
    entry_let_go (self, entry);
    reflect_gone (session, entry);
    plv_map_u64_remove (&self->entries, entry->number);
    self->metrics.gauge[entry->kind == ENTRY_EVENT ? GAUGE_PENDING_EVENTS : GAUGE_OUTBOX]--;
    self->metrics.gauge[GAUGE_PENDING_BYTES] -= (int64_t) (entry->envelope_size + entry->body_size);
    self->metrics.gauge[GAUGE_STEPS] -= entry->steps.count;
    if (entry->kind == ENTRY_EVENT)
        session->event_count--;
    outlet_t *outlet = entry->outlet;
    entry_destroy (&entry);
    if (plv_list_empty (&session->replies))
        session->mixed = false;
    if (outlet && --outlet->replies == 0)
        outlet_leave (self, outlet);
}

static void remember_platform_id (core_t *self, plv_view_t adapter, plv_view_t platform_id,
                                  int64_t at_us)
{
    if (platform_id.size == 0)
        return;
    dedup_key_t key = dedup_key (self->dedup, adapter, platform_id);
    uint32_t expires_s = (uint32_t) (at_us / 1000000 + self->policy->conf->dedup_h * 3600);
    dedup_keep (self->dedup, &key, expires_s);
    reflect_key (self, &key, expires_s);
}

static label_t *hold_or_copy (label_t *label, plv_view_t text)
{
    return label ? label_hold (label) : label_new (text);
}

static plv_err_t apply_accept (core_t *self, const record_t *record, plv_fail_t *ret_fail)
{
    plv_envelope_t envelope;
    plv_err_t err = ERR_OK;
    if (record->parsed)
        envelope = *record->parsed;
    else
        err = plv_envelope_parse (record->envelope, &envelope, ret_fail);
    if (err)
        return plv_fail_context (ret_fail, "entry %llu in the journal",
                                 (unsigned long long) record->number);
    number_seen (self, record->number);
    remember_platform_id (self, envelope.adapter, envelope.platform_id, record->at_us);

    session_t *session = session_get (self, envelope.session_id);
    if (!session)
        session = session_make (self, &envelope, record->at_us);
    if (reflected (self, session))
        return ERR_OK;
    entry_t *entry = entry_new (ENTRY_EVENT, record->number, record->envelope, record->body);
    entry->accepted_us = record->at_us;
    entry->flags = (uint8_t) record->flags;
    entry->route = hold_or_copy (record->name_label, record->name);
    entry_put (self, session, entry, envelope.adapter);
    if (entry->flags & ENTRY_OWN) {
        if (entry->flags & ENTRY_CLOSES)
            begin_to_close (session, entry->number);
        reflect_dirty (self, session);
        return ERR_OK;
    }
    come_alive (self, session, &envelope, record->at_us);
    session->message_count += envelope.type_code == EVENT_CHAT_MESSAGE;
    session_touch (self, session);
    return ERR_OK;
}

static plv_err_t apply_merge (core_t *self, entry_t *entry, const record_t *record)
{
    self->metrics.gauge[GAUGE_PENDING_BYTES] +=
        (int64_t) record->body.size - (int64_t) entry->body_size;
    entry_set_body (entry, record->body);
    entry->dirty = true;
    entry->session->message_count++;
    entry->session->active_us = record->at_us;
    return ERR_OK;
}

/*  Every message is in the journal once; they are joined anew when it is read back.  */
static plv_err_t apply_join (core_t *self, entry_t *entry, const record_t *record)
{
    plv_buf_t body = {0};
    record_t whole = *record;
    accept_join_texts (&body, entry_body (entry), record->body, &record->id);
    whole.body = plv_buf_view (&body);
    apply_merge (self, entry, &whole);
    plv_buf_free (&body);
    return ERR_OK;
}

static plv_err_t apply_attempt (core_t *self, entry_t *entry, const record_t *record)
{
    (void) self;
    entry->attempts = (uint16_t) record->attempt;
    entry->state = ENTRY_LEASED;
    entry->holder_incarnation = record->id;
    entry->flags &= (uint8_t) ~ENTRY_DEDUPLICATED;
    if (record->flags & ATTEMPT_DEDUPLICATED)
        entry->flags |= ENTRY_DEDUPLICATED;
    entry->dirty = true;
    ledger_open (&entry->ledger, entry->attempts, record->at_us,
                 hold_or_copy (record->who_label, record->who));
    if (entry->kind == ENTRY_EVENT)
        entry->session->active = entry;
    return ERR_OK;
}

static plv_err_t apply_attempt_end (core_t *self, entry_t *entry, const record_t *record)
{
    entry_let_go (self, entry);
    ledger_end (&entry->ledger, (how_t) record->code, record->at_us, record->extra, record->why);
    if (record->flags & ENDED_CHARGED)
        entry->charged++;
    entry->state = record->until_us ? ENTRY_BACKOFF : ENTRY_WAITING;
    entry->until_us = record->until_us;
    entry->dirty = true;
    return ERR_OK;
}

static plv_err_t apply_step (core_t *self, entry_t *entry, const record_t *record)
{
    uint32_t before = entry->steps.count;
    steps_add (&entry->steps, record->name, record->body);
    self->metrics.gauge[GAUGE_STEPS] += (int64_t) entry->steps.count - before;
    entry->dirty = true;
    return ERR_OK;
}

/*  The reply's envelope is the event's, turned round.  */
static void write_reply_envelope (plv_buf_t *buf, const plv_envelope_t *event,
                                  const record_t *record)
{
    plv_envelope_t reply = *event;
    reply.id = record->id;
    reply.type = plv_view_str (plv_event_type_name (EVENT_CHAT_RESPONSE));
    reply.timestamp = record->at_us;
    reply.has_reply_to = true;
    reply.reply_to = event->id;
    plv_envelope_write (buf, &reply);
}

static void make_reply (core_t *self, entry_t *event, const record_t *record, uint8_t flags)
{
    plv_envelope_t envelope;
    plv_err_t err = plv_envelope_parse (entry_envelope (event), &envelope, NULL);
    CHECK (!err, "entry %llu was accepted with an envelope that is none",
           (unsigned long long) event->number);

    number_seen (self, record->reply);
    plv_buf_clear (&self->scratch);
    write_reply_envelope (&self->scratch, &envelope, record);
    plv_buf_check (&self->scratch);
    entry_t *reply =
        entry_new (ENTRY_REPLY, record->reply, plv_buf_view (&self->scratch), record->body);
    reply->accepted_us = record->at_us;
    reply->not_after_us = record->until_us;
    reply->flags = flags;
    reply->route = label_hold (event->route);
    entry_put (self, event->session, reply, envelope.adapter);
}

static void add_turn (core_t *self, session_t *session, const entry_t *event, plv_view_t answer,
                      int64_t answered_us)
{
    plv_view_t said = plv_mp_find_str (entry_body (event), "message_text");
    plv_buf_clear (&self->scratch);
    uint8_t maps = history_encode (&self->scratch, said, event->accepted_us, answer, answered_us);
    plv_buf_check (&self->scratch);
    history_add (&session->history, plv_buf_view (&self->scratch), maps,
                 (uint32_t) self->policy->conf->session_history_turns);
}

static plv_err_t apply_reply (core_t *self, entry_t *entry, const record_t *record)
{
    session_t *session = entry->session;
    bool fallback = record->flags & REPLY_FALLBACK;
    uint8_t own = entry->flags & ENTRY_OWN;
    if (!fallback && !own)
        add_turn (self, session, entry, plv_mp_find_str (record->body, "response_text"),
                  record->at_us);
    if (record->extra.size)
        state_patch (&session->state, record->extra, STATE_BYTES_MAX, NULL);
    if (record->reply)
        make_reply (self, entry, record, own | (fallback ? ENTRY_FALLBACK : 0));
    if (!own)
        session->active_us = record->at_us;
    entry_drop (self, entry);
    return ERR_OK;
}

static plv_err_t apply_sent (core_t *self, entry_t *entry, const record_t *record)
{
    if (!(entry->flags & ENTRY_OWN))
        entry->session->active_us = record->at_us;
    entry_drop (self, entry);
    return ERR_OK;
}

static void dead_key (uint64_t number, uint8_t ret_key[8])
{
    plv_put_u64 (ret_key, number);
}

/*  The row that leads from an id to a letter: the id and the number, and nothing in it.  */
static plv_view_t id_key (const plv_id_t *id, uint64_t number, uint8_t ret_key[PLV_ID_BYTES + 8])
{
    memcpy (ret_key, id->bytes, PLV_ID_BYTES);
    plv_put_u64 (ret_key + PLV_ID_BYTES, number);
    return plv_view (ret_key, PLV_ID_BYTES + 8);
}

static void write_id_row (core_t *self, const entry_t *entry)
{
    uint8_t key[PLV_ID_BYTES + 8];
    plv_envelope_t envelope;
    if (!plv_envelope_parse (entry_envelope (entry), &envelope, NULL))
        plv_row_put (&self->effects->rows, VIEW_DEAD_IDS, id_key (&envelope.id, entry->number, key),
                     plv_view ("", 0));
}

/*  What is in memory of it is what its row says: at recovery it comes from there.  */
void apply_brief (core_t *self, const dead_t *dead, const entry_t *entry)
{
    dead_brief_t brief;
    uint8_t key[8];
    dead_brief_make (dead, entry, &brief);
    dead_index_add (&self->letters, &brief);
    dead_key (entry->number, key);
    plv_buf_clear (&self->scratch);
    dead_brief_write (&brief, &self->scratch);
    plv_buf_check (&self->scratch);
    plv_row_put (&self->effects->rows, VIEW_DEAD_BRIEFS, plv_view (key, sizeof key),
                 plv_buf_view (&self->scratch));
}

static void write_dead_row (core_t *self, entry_t *entry, const record_t *record)
{
    const dead_t dead = {
        .why = (dead_why_t) record->code,
        .at_us = record->at_us,
        .parks = record->flags & DEAD_PARKS,
        .code = record->extra,
        .words = record->why,
        .session = entry->session->id,
    };
    uint8_t key[8];
    dead_key (entry->number, key);
    plv_buf_clear (&self->scratch);
    dead_write (&dead, entry, &self->scratch);
    plv_row_put (&self->effects->rows, VIEW_DEAD, plv_view (key, sizeof key),
                 plv_buf_view (&self->scratch));
    write_id_row (self, entry);
    apply_brief (self, &dead, entry);
}

static void count_dead (core_t *self, int change)
{
    if (!self->started && self->seq <= self->counts_as_of)
        return;
    if (change > 0)
        self->dead_count++;
    else if (self->dead_count > 0)
        self->dead_count--;
    self->metrics.gauge[GAUGE_DEAD] = (int64_t) self->dead_count;
}

static plv_err_t apply_dead (core_t *self, entry_t *entry, const record_t *record)
{
    session_t *session = entry->session;
    if (record->attempt) { /* the attempt that failed last ends with it */
        ledger_end (&entry->ledger, (how_t) record->attempt, record->at_us, record->extra,
                    record->why);
        entry->charged++;
    }
    entry->state = ENTRY_WAITING;
    if (record->body.size) {
        entry->flags |= ENTRY_TOLD;
        make_reply (self, entry, record, ENTRY_FALLBACK);
    }
    if (record->flags & DEAD_PARKS)
        session->parked_by = entry->number;
    if (self->effects)
        write_dead_row (self, entry, record);
    entry_drop (self, entry);
    return ERR_OK;
}

static plv_err_t apply_superseded (core_t *self, entry_t *entry, const record_t *record)
{
    add_turn (self, entry->session, entry, plv_view (NULL, 0), record->at_us);
    entry_drop (self, entry);
    return ERR_OK;
}

static void delete_dead_row (core_t *self, uint64_t number, const plv_id_t *id)
{
    uint8_t key[8], key_by_id[PLV_ID_BYTES + 8];
    if (!self->effects)
        return;
    dead_key (number, key);
    plv_row_delete (&self->effects->rows, VIEW_DEAD, plv_view (key, sizeof key));
    plv_row_delete (&self->effects->rows, VIEW_DEAD_BRIEFS, plv_view (key, sizeof key));
    dead_index_remove (&self->letters, number);
    plv_row_delete (&self->effects->rows, VIEW_DEAD_IDS, id_key (id, number, key_by_id));
}

/*  A corrected copy in the place of the letter: another event, with what was tried before. What earlier attempts
    had saved was about the old text.  */
static entry_t *take_place (core_t *self, entry_t **letter_p, plv_envelope_t *envelope,
                            const record_t *record)
{
    entry_t *letter = *letter_p;
    envelope->id = record->id;
    plv_buf_clear (&self->scratch);
    plv_envelope_write (&self->scratch, envelope);
    plv_buf_check (&self->scratch);
    entry_t *copy =
        entry_new (ENTRY_EVENT, record->number, plv_buf_view (&self->scratch), record->body);
    copy->accepted_us = letter->accepted_us;
    copy->flags = letter->flags;
    copy->attempts = letter->attempts;
    copy->route = letter->route;
    copy->ledger = letter->ledger;
    letter->route = NULL;
    letter->ledger = (ledger_t){0};
    plv_envelope_parse (entry_envelope (copy), envelope, NULL);
    entry_destroy (letter_p);
    return copy;
}

static plv_err_t apply_replay (core_t *self, const record_t *record, plv_fail_t *ret_fail)
{
    entry_t *entry = NULL;
    plv_envelope_t envelope;
    dead_t dead;
    plv_err_t err = dead_read (record->number, record->extra, &dead, &entry, ret_fail);
    if (!err)
        err = plv_envelope_parse (entry_envelope (entry), &envelope, ret_fail);
    if (err)
        goto done;
    plv_id_t original = envelope.id;
    count_dead (self, -1);
    number_seen (self, record->number);
    session_t *session = session_get (self, dead.session);
    if (!session)
        session = session_make (self, &envelope, record->at_us);
    if (reflected (self, session) || entry_get (self, record->number))
        goto done;
    if (record->body.size)
        entry = take_place (self, &entry, &envelope, record);
    if (record->name.size) {
        label_drop (&entry->route);
        entry->route = label_new (record->name);
    }
    bool own = entry->flags & ENTRY_OWN;
    if (entry->kind == ENTRY_EVENT && !own)
        come_alive (self, session, &envelope, record->at_us);
    else if (!own)
        session->active_us = record->at_us;
    entry->flags |= ENTRY_REPLAYED;
    entry->charged = 0;
    ledger_open (&entry->ledger, entry->attempts, record->at_us, label_new (record->who));
    ledger_end (&entry->ledger, HOW_REPLAYED, record->at_us, record->plan, record->why);
    entry->state = ENTRY_WAITING;
    if (entry->kind == ENTRY_REPLY)
        entry->not_after_us = record->until_us;
    if (session->parked_by == record->number)
        session->parked_by = 0;
    entry_put (self, session, entry, envelope.adapter);
    entry = NULL;
    touch (self, session, own);
    delete_dead_row (self, record->number, &original);
done:
    if (entry)
        entry_destroy (&entry);
    return err;
}

/*  Its rows are written in the same batch; read back, they are there.  */
static plv_err_t apply_import (core_t *self, const record_t *record, plv_fail_t *ret_fail)
{
    entry_t *entry = NULL;
    dead_t dead;
    uint8_t key[8];
    plv_err_t err = dead_read (record->number, record->extra, &dead, &entry, ret_fail);
    if (err)
        return err;
    number_seen (self, record->number);
    count_dead (self, 1);
    if (self->effects) {
        dead_key (record->number, key);
        plv_row_put (&self->effects->rows, VIEW_DEAD, plv_view (key, sizeof key), record->extra);
        write_id_row (self, entry);
        apply_brief (self, &dead, entry);
    }
    entry_destroy (&entry);
    return ERR_OK;
}

static void apply_discard (core_t *self, const record_t *record)
{
    session_t *session = session_get (self, record->session);
    count_dead (self, -1);
    delete_dead_row (self, record->number, &record->id);
    if (session && !reflected (self, session) && session->parked_by == record->number) {
        session->parked_by = 0;
        session_touch (self, session);
    }
}

static void apply_session_end (core_t *self, const record_t *record)
{
    session_t *session = session_get (self, record->session);
    if (!session || reflected (self, session))
        return;
    if (!session_quiet (session)) {
        history_clear (&session->history);
        plv_buf_free (&session->state);
        session->closing = 0;
        reflect_dirty (self, session);
        return;
    }
    reflect_session_end (self, session);
    timers_cancel (&self->timers, &session->idle_timer);
    plv_map_remove (&self->sessions, session->id);
    self->metrics.gauge[GAUGE_SESSIONS]--;
    session_destroy (&session);
}

static void apply_unpark (core_t *self, const record_t *record)
{
    session_t *session = session_get (self, record->session);
    if (!session || reflected (self, session))
        return;
    session->parked_by = 0;
    session_touch (self, session);
}

static void kv_row_key (plv_buf_t *key, const record_t *record)
{
    plv_buf_clear (key);
    plv_buf_add_view (key, record->who);
    plv_buf_add_u8 (key, 0);
    plv_buf_add_view (key, record->name);
    plv_buf_check (key);
}

/*  The row is written in the same batch; read back, an older record comes behind a newer row, and then the
    newer record once more.  */
static void apply_kv (core_t *self, const record_t *record)
{
    bool put = record->type == RECORD_KV_PUT;
    if (self->effects) {
        kv_row_key (&self->scratch, record);
        if (put)
            plv_row_put (&self->effects->rows, VIEW_KV, plv_buf_view (&self->scratch),
                         record->body);
        else
            plv_row_delete (&self->effects->rows, VIEW_KV, plv_buf_view (&self->scratch));
    }
    if (put)
        kv_put (self->kv, record->who, record->name, record->body);
    else
        kv_remove (self->kv, record->who, record->name);
}

typedef plv_err_t (*apply_entry_fn) (core_t *self, entry_t *entry, const record_t *record);

static apply_entry_fn entry_fn (record_type_t type)
{
    switch (type) {
    case RECORD_MERGE:
        return apply_merge;
    case RECORD_JOIN:
        return apply_join;
    case RECORD_ATTEMPT:
        return apply_attempt;
    case RECORD_ATTEMPT_END:
        return apply_attempt_end;
    case RECORD_STEP:
        return apply_step;
    case RECORD_REPLY:
        return apply_reply;
    case RECORD_SENT:
        return apply_sent;
    case RECORD_DEAD:
        return apply_dead;
    case RECORD_SUPERSEDED:
        return apply_superseded;
    default:
        return NULL;
    }
}

plv_err_t apply_record (core_t *self, const record_t *record, plv_fail_t *ret_fail)
{
    apply_entry_fn fn = entry_fn (record->type);
    if (fn) {
        /* an entry that is not there was done before its session was last written to the views */
        entry_t *entry = entry_get (self, record->number);
        number_seen (self, record->reply);
        if (record->type == RECORD_DEAD)
            count_dead (self, 1);
        if (record->type == RECORD_MERGE || record->type == RECORD_JOIN)
            remember_platform_id (self, record->who, record->name, record->at_us);
        if (!entry || reflected (self, entry->session))
            return ERR_OK;
        session_t *session = entry->session;
        bool own = entry->flags & ENTRY_OWN;
        plv_err_t err = fn (self, entry, record);
        touch (self, session, own);
        return err;
    }
    switch (record->type) {
    case RECORD_ACCEPT:
        return apply_accept (self, record, ret_fail);
    case RECORD_REPLAY:
    case RECORD_RESEND:
        return apply_replay (self, record, ret_fail);
    case RECORD_DISCARD:
        apply_discard (self, record);
        return ERR_OK;
    case RECORD_IMPORT:
        return apply_import (self, record, ret_fail);
    case RECORD_SESSION_END:
        apply_session_end (self, record);
        return ERR_OK;
    case RECORD_UNPARK:
        apply_unpark (self, record);
        return ERR_OK;
    case RECORD_KV_PUT:
    case RECORD_KV_DELETE:
        apply_kv (self, record);
        return ERR_OK;
    case RECORD_PAUSE:
    case RECORD_RESUME:
        hold_apply (self, record);
        return ERR_OK;
    case RECORD_DRAIN: /* for who reads it: workers are not stored */
    case RECORD_STORED:
        return ERR_OK;
    default:
        CHECK (false, "record type %d has no meaning", (int) record->type);
    }
}

/*  What may be lost in a power cut without a word being broken: the end of an attempt (it is then taken
    for one that a restart cut off), a delivery's end (its adapter died in the same cut, so the outcome is
    unknown), the end of a session (it ends again).  */
static bool must_sync (record_type_t type)
{
    return type != RECORD_SENT && type != RECORD_ATTEMPT_END && type != RECORD_SESSION_END;
}

/*  Since when what is in the journal was on disk stands in front of whatever came of it.  */
static void note_stored (core_t *self)
{
    if (self->recorded_stored == self->recorded_noted)
        return;
    const record_t record = {
        .type = RECORD_STORED, .number = self->recorded_stored, .at_us = self->recorded_us};
    record_write (&self->effects->journal, &record);
    self->recorded_noted = self->recorded_stored;
}

static void begin_value (core_t *self)
{
    record_begin (&self->effects->journal, self->now.wall_us);
    self->begun_us[0] = self->now.mono_us;
}

void apply_new (core_t *self, const record_t *record)
{
    plv_fail_t fail;
    effects_t *effects = self->effects;
    if (effects->journal.size == 0)
        begin_value (self);
    note_stored (self);
    size_t before = effects->journal.size;
    record_write (&effects->journal, record);
    self->journal_bytes += effects->journal.size - before;
    effects->sync |= must_sync (record->type);
    /* a letter that is taken up again is known afterwards, what ends is known before */
    bool comes = record->type == RECORD_REPLAY || record->type == RECORD_RESEND;
    if (tails_any (self) && !comes)
        tail_tell (self, record);
    plv_err_t err = apply_record (self, record, &fail);
    CHECK (!err, "record %s: %s", record_name (record->type), fail.text);
    if (tails_any (self) && comes)
        tail_tell (self, record);
}
