#include "core/dead/dead_retain.h"
#include "core/flow/outbox.h"
#include "core/flow/pauses.h"
#include "core/internal.h"
#include "core/peer/drains.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/state/reflect.h"

#include "base/bytes.h"
#include "wire/mp.h"

/*  What the store gives back, into memory: first the rows of the views, then the journal behind them.  */

static plv_err_t damaged (plv_row_view_t view, plv_view_t key, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_CORRUPT, "a row of the view %s (key of %zu bytes) is damaged",
                     plv_row_view_name (view), key.size);
}

static plv_err_t load_meta (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    size_t at = 0;
    if (plv_view_is (key, "reflected")) {
        if (value.size != 8)
            return damaged (VIEW_META, key, ret_fail);
        self->reflected = plv_get_u64 (value.data);
    } else if (plv_view_is (key, "counts")) {
        if (!record_get_number (value, &at, &self->counts_as_of)
            || !record_get_number (value, &at, &self->next_number)
            || !record_get_number (value, &at, &self->dead_count))
            return damaged (VIEW_META, key, ret_fail);
        self->metrics.gauge[GAUGE_DEAD] = (int64_t) self->dead_count;
    } else if (plv_view_is (key, "seen_us")) {
        if (value.size != 8)
            return damaged (VIEW_META, key, ret_fail);
        self->seen_us = (int64_t) plv_get_u64 (value.data);
    } else if (!pauses_load (self, key, value) || !drains_load (self, key, value)
               || !retain_load (self, key, value)) {
        return damaged (VIEW_META, key, ret_fail);
    }
    return ERR_OK;
}

static plv_err_t load_session (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    session_t *session;
    plv_err_t err = session_read (key, value, &session, ret_fail);
    if (err)
        return err;
    session->serial = self->next_serial++;
    session->idle_timer.kind = TIMER_SESSION;
    plv_map_put (&self->sessions, session->id, session);
    self->metrics.gauge[GAUGE_SESSIONS]++;
    return ERR_OK;
}

static plv_err_t load_turn (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    enum { TAIL_BYTES = 9 };
    if (key.size < TAIL_BYTES || value.size < 2 || value.data[0] < 1 || value.data[0] > 2)
        return damaged (VIEW_TURNS, key, ret_fail);
    session_t *session = session_get (self, plv_view (key.data, key.size - TAIL_BYTES));
    if (!session)
        return damaged (VIEW_TURNS, key, ret_fail);
    uint64_t number = plv_get_u64 (key.data + key.size - 8);
    if (number != session->history.next)
        return damaged (VIEW_TURNS, key, ret_fail);
    history_add (&session->history, plv_view (value.data + 1, value.size - 1), value.data[0],
                 (uint32_t) self->policy->conf->session_history_turns);
    return ERR_OK;
}

static plv_err_t load_entry (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    entry_t *entry;
    plv_view_t id;
    plv_envelope_t envelope;
    if (key.size != 8)
        return damaged (VIEW_ENTRIES, key, ret_fail);
    plv_err_t err = entry_read (plv_get_u64 (key.data), value, &entry, &id, ret_fail);
    if (err)
        return err;
    session_t *session = session_get (self, id);
    if (!session || plv_envelope_parse (entry_envelope (entry), &envelope, NULL)) {
        entry_destroy (&entry);
        return damaged (VIEW_ENTRIES, key, ret_fail);
    }
    entry_put (self, session, entry, envelope.adapter);
    entry->dirty = false;
    entry->in_view = true;
    if (entry->state == ENTRY_LEASED && entry->kind == ENTRY_EVENT)
        session->active = entry;
    if (entry->number >= self->next_number)
        self->next_number = entry->number + 1;
    return ERR_OK;
}

static plv_err_t load_run (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    if (key.size != 8)
        return damaged (VIEW_DEDUP, key, ret_fail);
    /* all of it, expired or not: the sweep knows the time, recovery does not */
    plv_err_t err = dedup_run_read (self->dedup, value, 0, ret_fail);
    if (!err)
        reflect_run_loaded (self, plv_get_u64 (key.data), value);
    return err;
}

static plv_err_t load_kv (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    const uint8_t *mark = key.size ? memchr (key.data, 0, key.size) : NULL;
    size_t owner = mark ? (size_t) (mark - key.data) : 0;
    if (owner == 0 || owner + 1 == key.size)
        return damaged (VIEW_KV, key, ret_fail);
    kv_put (self->kv, plv_view (key.data, owner), plv_view (mark + 1, key.size - owner - 1), value);
    return ERR_OK;
}

static plv_err_t load_brief (core_t *self, plv_view_t key, plv_view_t value, plv_fail_t *ret_fail)
{
    dead_brief_t brief;
    if (key.size != 8 || !dead_brief_read (plv_get_u64 (key.data), value, &brief))
        return damaged (VIEW_DEAD_BRIEFS, key, ret_fail);
    dead_index_add (&self->letters, &brief);
    return ERR_OK;
}

plv_err_t core_load_row (core_t *self, plv_row_view_t view, plv_view_t key, plv_view_t value,
                         plv_fail_t *ret_fail)
{
    switch (view) {
    case VIEW_META:
        return load_meta (self, key, value, ret_fail);
    case VIEW_SESSIONS:
        return load_session (self, key, value, ret_fail);
    case VIEW_TURNS:
        return load_turn (self, key, value, ret_fail);
    case VIEW_ENTRIES:
        return load_entry (self, key, value, ret_fail);
    case VIEW_DEDUP:
        return load_run (self, key, value, ret_fail);
    case VIEW_KV:
        return load_kv (self, key, value, ret_fail);
    case VIEW_DEAD_BRIEFS:
        return load_brief (self, key, value, ret_fail);
    default:
        return ERR_OK;
    }
}

plv_err_t core_replay (core_t *self, uint64_t seq, plv_view_t value, plv_fail_t *ret_fail)
{
    record_reader_t reader;
    record_t record;
    plv_err_t err = record_open (value, &reader, ret_fail);

    self->seq = seq;
    self->journal_bytes += value.size;
    while (!err) {
        err = record_next (&reader, &record, ret_fail);
        if (err == ERR_NOENT)
            return ERR_OK;
        if (!err)
            err = apply_record (self, &record, ret_fail);
    }
    return plv_fail_context (ret_fail, "journal position %llu", (unsigned long long) seq);
}

/*  A wall-clock time as a monotonic one, at most `most_us` away: the wall clock may have jumped.  */
static int64_t mono_of (const core_t *self, int64_t wall_us, int64_t most_us)
{
    int64_t wait_us = wall_us - self->now.wall_us;
    if (wait_us < 0)
        wait_us = 0;
    return self->now.mono_us + (wait_us < most_us ? wait_us : most_us);
}

/*  The wait that was decided when the last attempt ended: a platform may have said more than any conf does.  */
static int64_t whole_wait_us (entry_t *entry)
{
    const attempt_t *last = ledger_last (&entry->ledger);
    int64_t wait_us = last ? entry->until_us - last->ended_us : 0;
    return wait_us > 0 ? wait_us : 0;
}

static void resume_entry (core_t *self, entry_t *entry)
{
    const plv_conf_t *conf = self->policy->conf;
    entry->wall_at_0_us = self->now.wall_us - self->now.mono_us;
    if (entry->state == ENTRY_LEASED && entry->kind == ENTRY_REPLY) {
        outbox_orphan (self, entry);
    } else if (entry->state == ENTRY_LEASED) {
        plv_list_push (&self->orphans, &entry->in_holder);
        timers_set (&self->timers, &entry->timer,
                    self->now.mono_us + conf->agents_timeout_ms * 1000);
    } else if (entry->state == ENTRY_BACKOFF) {
        timers_set (&self->timers, &entry->timer,
                    mono_of (self, entry->until_us, whole_wait_us (entry)));
    } else {
        entry->state = ENTRY_WAITING;
    }
}

static void resume_session (core_t *self, session_t *session)
{
    plv_node_t *node;
    for (node = session->events.next; node != &session->events; node = node->next)
        resume_entry (self, PLV_OF (node, entry_t, in_session));
    for (node = session->replies.next; node != &session->replies; node = node->next)
        resume_entry (self, PLV_OF (node, entry_t, in_session));
    int64_t idle_us = self->policy->conf->session_idle_s * 1000000;
    int64_t ends_us = mono_of (self, session->active_us + idle_us, idle_us);
    session->idle_from_us = ends_us - idle_us;
    timers_set (&self->timers, &session->idle_timer, ends_us);
}

void core_start (core_t *self, core_now_t now, uint64_t next_seq)
{
    session_t *session;

    self->now = now;
    calm_start (&self->calm, now.mono_us, now.wall_us, self->seen_us);
    self->seq = next_seq;
    self->stored = next_seq - 1;
    self->started = true;
    self->started_us = now.mono_us;
    self->resuming = true;
    retain_soon (self);
    for (plv_node_t *node = self->dirty.next; node != &self->dirty; node = node->next)
        PLV_OF (node, session_t, dirty)->dirty_at_us = now.mono_us;
    self->run_at_us = now.mono_us;
    for (size_t at = 0;
         !self->options.read_only && (session = plv_map_next (&self->sessions, &at));)
        resume_session (self, session);
}
