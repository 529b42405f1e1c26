#include "core/state/apply.h"

#include "base/check.h"
#include "core/ask/tails.h"
#include "core/flow/pauses.h"
#include "core/internal.h"
#include "core/peer/drains.h"
#include "core/state/apply_dead.h"
#include "core/state/apply_event.h"
#include "core/state/live.h"
#include "core/state/reflect.h"

/*  Durable state changes here and nowhere else. A record is applied once when it is written, and again
    when the journal is read back, with the same result; so nothing here depends on time, on chance or on
    who is connected, and on conf only for how much history and how many ids are kept.  */

static void apply_session_end (core_t *self, const record_t *record)
{
    session_t *session = session_get (self, record->session);
    if (!session || live_reflected (self, session))
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
    if (!session || live_reflected (self, session))
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
        live_number_seen (self, record->reply);
        if (record->type == RECORD_DEAD)
            apply_count_dead (self, 1);
        if (record->type == RECORD_MERGE || record->type == RECORD_JOIN)
            apply_platform_id (self, record->who, record->name, record->at_us);
        if (!entry || live_reflected (self, entry->session))
            return ERR_OK;
        session_t *session = entry->session;
        bool own = entry->flags & ENTRY_OWN;
        plv_err_t err = fn (self, entry, record);
        live_touch (self, session, own);
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
        pauses_apply (self, record);
        return ERR_OK;
    case RECORD_WORKER_DRAIN:
    case RECORD_WORKER_RESUME:
        drains_apply (self, record);
        return ERR_OK;
    case RECORD_DRAIN: /* of older releases, which forgot it with the connection */
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
