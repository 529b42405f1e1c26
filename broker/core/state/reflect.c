#include "core/state/reflect.h"
#include "core/internal.h"

#include "base/bytes.h"

/*  The views follow the journal at a distance: a session that has changed is written as a whole once it has
    been dirty for a while, so that a busy one costs one write for many turns. Its rows go into the batch of
    the turn that is being gathered, and say so (`as_of`): recovery skips for each session the records that
    its rows reflect already.  */

enum {
    REFLECT_BYTES_A_TURN = 256 * 1024,
    REFLECT_BYTES_AT_LAST = 1024 * 1024, /* nobody waits behind it */
    RUN_BYTES_MAX = 1024 * 1024
};

void reflect_dirty (core_t *self, session_t *session)
{
    if (plv_node_listed (&session->dirty))
        return;
    session->dirty_seq = self->seq;
    session->dirty_at_us = self->now.mono_us;
    session->dirty_bytes = self->journal_bytes;
    plv_list_push (&self->dirty, &session->dirty);
}

void reflect_gone (session_t *session, const entry_t *entry)
{
    if (entry->in_view)
        plv_buf_add (&session->gone, &entry->number, sizeof entry->number);
}

static plv_view_t number_key (uint8_t key[8], uint64_t number)
{
    plv_put_u64 (key, number);
    return plv_view (key, 8);
}

static void delete_gone (plv_buf_t *rows, session_t *session)
{
    uint8_t key[8];
    for (size_t at = 0; at < session->gone.size; at += sizeof (uint64_t)) {
        uint64_t number;
        memcpy (&number, session->gone.data + at, sizeof number);
        plv_row_delete (rows, VIEW_ENTRIES, number_key (key, number));
    }
    plv_buf_clear (&session->gone);
}

static void turn_key (plv_buf_t *key, const session_t *session, uint64_t number)
{
    uint8_t tail[8];
    plv_buf_clear (key);
    plv_buf_add_view (key, session->id);
    plv_buf_add_u8 (key, 0);
    plv_buf_add_view (key, number_key (tail, number));
}

static void delete_turns (core_t *self, session_t *session, uint64_t below)
{
    history_t *history = &session->history;
    for (uint64_t number = history->rows_from; number < below && number <= history->written;
         number++) {
        turn_key (&self->scratch, session, number);
        plv_buf_check (&self->scratch);
        plv_row_delete (&self->effects->rows, VIEW_TURNS, plv_buf_view (&self->scratch));
    }
    if (history->rows_from < below)
        history->rows_from = below;
}

static void write_turns (core_t *self, session_t *session)
{
    history_t *history = &session->history;
    uint64_t number = history->written + 1;
    delete_turns (self, session, history_first (history));
    if (number < history_first (history))
        number = history_first (history);
    for (; number < history->next; number++) {
        const history_turn_t *turn = history_get (history, number);
        plv_buf_t value = {0};
        turn_key (&self->scratch, session, number);
        plv_buf_add_u8 (&value, turn->maps);
        plv_buf_add (&value, turn->bytes, turn->size);
        plv_buf_check (&self->scratch);
        plv_buf_check (&value);
        plv_row_put (&self->effects->rows, VIEW_TURNS, plv_buf_view (&self->scratch),
                     plv_buf_view (&value));
        plv_buf_free (&value);
    }
    history->written = history->next - 1;
}

static void write_entries (core_t *self, plv_node_t *list)
{
    for (plv_node_t *node = list->next; node != list; node = node->next) {
        entry_t *entry = PLV_OF (node, entry_t, in_session);
        uint8_t key[8];
        if (!entry->dirty)
            continue;
        plv_buf_clear (&self->scratch);
        entry_write (entry, entry->session->id, &self->scratch);
        plv_buf_check (&self->scratch);
        plv_row_put (&self->effects->rows, VIEW_ENTRIES, number_key (key, entry->number),
                     plv_buf_view (&self->scratch));
        entry->dirty = false;
        entry->in_view = true;
    }
}

static void write_session (core_t *self, session_t *session)
{
    plv_buf_t *rows = &self->effects->rows;
    write_turns (self, session);
    delete_gone (rows, session); /* first: a dead letter that was replayed has its row again */
    write_entries (self, &session->events);
    write_entries (self, &session->replies);
    plv_buf_clear (&self->scratch);
    session_write (session, self->seq, &self->scratch);
    plv_buf_check (&self->scratch);
    plv_row_put (rows, VIEW_SESSIONS, session->id, plv_buf_view (&self->scratch));
    plv_node_remove (&session->dirty);
}

void reflect_session_end (core_t *self, session_t *session)
{
    if (!self->effects)
        return;
    delete_turns (self, session, session->history.next);
    delete_gone (&self->effects->rows, session);
    plv_row_delete (&self->effects->rows, VIEW_SESSIONS, session->id);
}

void reflect_key (core_t *self, const dedup_key_t *key, uint32_t expires_s)
{
    if (self->run.size == 0) {
        self->run_seq = self->seq;
        self->run_at_us = self->now.mono_us;
    }
    dedup_run_add (&self->run, key, expires_s);
}

static void run_written (core_t *self, uint64_t key, plv_view_t run)
{
    uint32_t expires_s = dedup_run_expires (run);
    plv_buf_add (&self->runs, &key, sizeof key);
    plv_buf_add (&self->runs, &expires_s, sizeof expires_s);
    plv_buf_check (&self->runs);
}

void reflect_run_loaded (core_t *self, uint64_t key, plv_view_t run)
{
    run_written (self, key, run);
}

/*  Runs are in the order of their making, so their expiries are too, but for a change of dedup.h; then one
    stays a little longer behind another.  */
static void delete_expired_runs (core_t *self)
{
    enum { RUN_BYTES = sizeof (uint64_t) + sizeof (uint32_t) };
    size_t at = 0;
    while (at + RUN_BYTES <= self->runs.size) {
        uint64_t key;
        uint32_t expires_s;
        uint8_t bytes[8];
        memcpy (&key, self->runs.data + at, sizeof key);
        memcpy (&expires_s, self->runs.data + at + sizeof key, sizeof expires_s);
        if (expires_s >= calm_us (&self->calm, self->now.mono_us) / 1000000)
            break;
        plv_row_delete (&self->effects->rows, VIEW_DEDUP, number_key (bytes, key));
        at += RUN_BYTES;
    }
    if (at) {
        memmove (self->runs.data, self->runs.data + at, self->runs.size - at);
        self->runs.size -= at;
    }
}

static void write_run (core_t *self)
{
    uint8_t key[8];
    plv_buf_check (&self->run);
    plv_row_put (&self->effects->rows, VIEW_DEDUP, number_key (key, self->seq),
                 plv_buf_view (&self->run));
    run_written (self, self->seq, plv_buf_view (&self->run));
    plv_buf_clear (&self->run);
    delete_expired_runs (self);
}

static bool due (const core_t *self, int64_t since_us, uint64_t since_bytes)
{
    const plv_conf_t *conf = self->policy->conf;
    return self->now.mono_us - since_us >= conf->data_reflect_s * 1000000
           || self->journal_bytes - since_bytes >= (uint64_t) conf->data_reflect_mb << 20;
}

static void write_meta (core_t *self)
{
    uint64_t reflected = self->seq;
    plv_node_t *node = plv_list_first (&self->dirty);
    uint8_t value[8];

    if (node && PLV_OF (node, session_t, dirty)->dirty_seq <= reflected)
        reflected = PLV_OF (node, session_t, dirty)->dirty_seq - 1;
    if (self->run.size && self->run_seq <= reflected)
        reflected = self->run_seq - 1;
    plv_put_u64 (value, reflected);
    plv_row_put (&self->effects->rows, VIEW_META, plv_view_str ("reflected"), plv_view (value, 8));
    plv_buf_clear (&self->scratch);
    record_put_number (&self->scratch, self->seq);
    record_put_number (&self->scratch, self->next_number);
    record_put_number (&self->scratch, self->dead_count);
    plv_row_put (&self->effects->rows, VIEW_META, plv_view_str ("counts"),
                 plv_buf_view (&self->scratch));
    plv_put_u64 (value, (uint64_t) calm_us (&self->calm, self->now.mono_us));
    plv_row_put (&self->effects->rows, VIEW_META, plv_view_str ("seen_us"), plv_view (value, 8));
    self->reflected = reflected;
}

static bool session_due (const core_t *self, const session_t *session)
{
    return due (self, session->dirty_at_us, session->dirty_bytes);
}

/*  How many bytes of rows this turn takes, about. One that brings much takes more, or the views would fall behind while
    much comes; a row may be larger than the record that it follows.  */
static size_t most_rows (const core_t *self, bool all)
{
    size_t least = all ? REFLECT_BYTES_AT_LAST : REFLECT_BYTES_A_TURN,
           pace = 2 * self->effects->journal.size;
    return pace > least ? pace : least;
}

void reflect_turn (core_t *self, bool all)
{
    plv_buf_t *rows = &self->effects->rows;
    size_t before = rows->size, most = most_rows (self, all);
    plv_node_t *node;

    if (self->run.size
        && (all || self->run.size >= RUN_BYTES_MAX
            || self->now.mono_us - self->run_at_us >= self->policy->conf->data_reflect_s * 1000000))
        write_run (self);
    while ((node = plv_list_first (&self->dirty)) && rows->size - before < most
           && (all || session_due (self, PLV_OF (node, session_t, dirty))))
        write_session (self, PLV_OF (node, session_t, dirty));
    if (rows->size != before) {
        write_meta (self);
        count (self, COUNTER_REFLECTIONS);
    }
    self->metrics.gauge[GAUGE_JOURNAL_BEHIND_BYTES] =
        node ? (int64_t) (self->journal_bytes - PLV_OF (node, session_t, dirty)->dirty_bytes) : 0;
}

int64_t reflect_next_us (const core_t *self)
{
    int64_t wait_us = self->policy->conf->data_reflect_s * 1000000;
    int64_t next = INT64_MAX;
    plv_node_t *node = plv_list_first (&self->dirty);
    if (node)
        next = PLV_OF (node, session_t, dirty)->dirty_at_us + wait_us;
    if (self->run.size && self->run_at_us + wait_us < next)
        next = self->run_at_us + wait_us;
    return next;
}
