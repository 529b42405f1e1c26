#include "core/state/apply_event.h"

#include "base/check.h"
#include "core/flow/accept_text.h"
#include "core/flow/holding.h"
#include "core/internal.h"
#include "core/state/live.h"
#include "core/state/reflect.h"
#include "core/state/state.h"
#include "wire/mp.h"

/*  An id is remembered from the believed time on; what is read back bears a stamp of the wall clock, which is not taken
    for earlier than what was seen already.  */
static int64_t known_from_us (const core_t *self, int64_t at_us)
{
    if (self->effects)
        return calm_us (&self->calm, self->now.mono_us);
    return at_us > self->seen_us ? at_us : self->seen_us;
}

void apply_platform_id (core_t *self, plv_view_t adapter, plv_view_t platform_id, int64_t at_us)
{
    if (platform_id.size == 0)
        return;
    dedup_key_t key = dedup_key (self->dedup, adapter, platform_id);
    int64_t from_s = known_from_us (self, at_us) / 1000000;
    uint32_t expires_s = (uint32_t) (from_s + self->policy->conf->dedup_h * 3600);
    dedup_keep (self->dedup, &key, expires_s);
    reflect_key (self, &key, expires_s);
}

static label_t *hold_or_copy (label_t *label, plv_view_t text)
{
    return label ? label_hold (label) : label_new (text);
}

plv_err_t apply_accept (core_t *self, const record_t *record, plv_fail_t *ret_fail)
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
    live_number_seen (self, record->number);
    apply_platform_id (self, envelope.adapter, envelope.platform_id, record->at_us);

    session_t *session = session_get (self, envelope.session_id);
    if (!session)
        session = live_session (self, &envelope, record->at_us);
    if (live_reflected (self, session))
        return ERR_OK;
    entry_t *entry = entry_new (ENTRY_EVENT, record->number, record->envelope, record->body);
    entry->accepted_us = record->at_us;
    entry->flags = (uint8_t) record->flags;
    entry->route = hold_or_copy (record->name_label, record->name);
    entry_put (self, session, entry, envelope.adapter);
    if (entry->flags & ENTRY_OWN) {
        if (entry->flags & ENTRY_CLOSES)
            live_close (session, entry->number);
        reflect_dirty (self, session);
        return ERR_OK;
    }
    live_begin (self, session, &envelope, record->at_us);
    session->message_count += envelope.type_code == EVENT_CHAT_MESSAGE;
    session_touch (self, session);
    return ERR_OK;
}

plv_err_t apply_merge (core_t *self, entry_t *entry, const record_t *record)
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
plv_err_t apply_join (core_t *self, entry_t *entry, const record_t *record)
{
    plv_buf_t body = {0};
    record_t whole = *record;
    accept_join_texts (&body, entry_body (entry), record->body, &record->id);
    whole.body = plv_buf_view (&body);
    apply_merge (self, entry, &whole);
    plv_buf_free (&body);
    return ERR_OK;
}

plv_err_t apply_attempt (core_t *self, entry_t *entry, const record_t *record)
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

plv_err_t apply_attempt_end (core_t *self, entry_t *entry, const record_t *record)
{
    live_let_go (self, entry);
    ledger_end (&entry->ledger, (how_t) record->code, record->at_us, record->extra, record->why);
    if (record->flags & ENDED_CHARGED)
        entry->charged++;
    entry->state = record->until_us ? ENTRY_BACKOFF : ENTRY_WAITING;
    entry->until_us = record->until_us;
    entry->dirty = true;
    return ERR_OK;
}

plv_err_t apply_step (core_t *self, entry_t *entry, const record_t *record)
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

void apply_make_reply (core_t *self, entry_t *event, const record_t *record, uint8_t flags)
{
    plv_envelope_t envelope;
    plv_err_t err = plv_envelope_parse (entry_envelope (event), &envelope, NULL);
    CHECK (!err, "entry %llu was accepted with an envelope that is none",
           (unsigned long long) event->number);

    live_number_seen (self, record->reply);
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

plv_err_t apply_reply (core_t *self, entry_t *entry, const record_t *record)
{
    session_t *session = entry->session;
    bool fallback = record->flags & REPLY_FALLBACK;
    uint8_t own = entry->flags & ENTRY_OWN;
    if (!fallback && !own)
        add_turn (self, session, entry, plv_mp_find_str (record->body, "response_text"),
                  record->at_us);
    if (record->extra.size)
        state_patch (&session->state, record->extra, self->options.secret, STATE_BYTES_MAX, NULL);
    if (record->reply)
        apply_make_reply (self, entry, record, own | (fallback ? ENTRY_FALLBACK : 0));
    if (!own)
        session->active_us = record->at_us;
    live_drop (self, entry);
    return ERR_OK;
}

plv_err_t apply_sent (core_t *self, entry_t *entry, const record_t *record)
{
    if (!(entry->flags & ENTRY_OWN))
        entry->session->active_us = record->at_us;
    live_drop (self, entry);
    return ERR_OK;
}

plv_err_t apply_superseded (core_t *self, entry_t *entry, const record_t *record)
{
    add_turn (self, entry->session, entry, plv_view (NULL, 0), record->at_us);
    live_drop (self, entry);
    return ERR_OK;
}
