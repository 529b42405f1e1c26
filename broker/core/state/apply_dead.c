#include "core/state/apply_dead.h"

#include "base/bytes.h"
#include "core/internal.h"
#include "core/state/apply_event.h"
#include "core/state/live.h"

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

void apply_count_dead (core_t *self, int change)
{
    if (!self->started && self->seq <= self->counts_as_of)
        return;
    if (change > 0)
        self->dead_count++;
    else if (self->dead_count > 0)
        self->dead_count--;
    self->metrics.gauge[GAUGE_DEAD] = (int64_t) self->dead_count;
}

plv_err_t apply_dead (core_t *self, entry_t *entry, const record_t *record)
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
        apply_make_reply (self, entry, record, ENTRY_FALLBACK);
    }
    if (record->flags & DEAD_PARKS)
        session->parked_by = entry->number;
    if (self->effects)
        write_dead_row (self, entry, record);
    live_drop (self, entry);
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

plv_err_t apply_replay (core_t *self, const record_t *record, plv_fail_t *ret_fail)
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
    apply_count_dead (self, -1);
    live_number_seen (self, record->number);
    session_t *session = session_get (self, dead.session);
    if (!session)
        session = live_session (self, &envelope, record->at_us);
    if (live_reflected (self, session) || entry_get (self, record->number))
        goto done;
    if (record->body.size)
        entry = take_place (self, &entry, &envelope, record);
    if (record->name.size) {
        label_drop (&entry->route);
        entry->route = label_new (record->name);
    }
    bool own = entry->flags & ENTRY_OWN;
    if (entry->kind == ENTRY_EVENT && !own)
        live_begin (self, session, &envelope, record->at_us);
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
    live_touch (self, session, own);
    delete_dead_row (self, record->number, &original);
done:
    if (entry)
        entry_destroy (&entry);
    return err;
}

/*  Its rows are written in the same batch; read back, they are there.  */
plv_err_t apply_import (core_t *self, const record_t *record, plv_fail_t *ret_fail)
{
    entry_t *entry = NULL;
    dead_t dead;
    uint8_t key[8];
    plv_err_t err = dead_read (record->number, record->extra, &dead, &entry, ret_fail);
    if (err)
        return err;
    live_number_seen (self, record->number);
    apply_count_dead (self, 1);
    if (self->effects) {
        dead_key (record->number, key);
        plv_row_put (&self->effects->rows, VIEW_DEAD, plv_view (key, sizeof key), record->extra);
        write_id_row (self, entry);
        apply_brief (self, &dead, entry);
    }
    entry_destroy (&entry);
    return ERR_OK;
}

void apply_discard (core_t *self, const record_t *record)
{
    session_t *session = session_get (self, record->session);
    apply_count_dead (self, -1);
    delete_dead_row (self, record->number, &record->id);
    if (session && !live_reflected (self, session) && session->parked_by == record->number) {
        session->parked_by = 0;
        session_touch (self, session);
    }
}
