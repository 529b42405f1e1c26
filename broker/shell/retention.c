#include "shell/internal.h"

#include "base/bytes.h"
#include "core/state/record.h"

/*  The journal below what the views reflect is kept as a record of what has been: until it is too old, or too
    large. It goes in pieces of a 64th, the oldest first, so that what goes is never much more than must.  */

enum { CHECK_IDLE_US = 30000000, CHECK_BUSY_US = 1000000, PIECES = 64 };

static uint64_t piece_end (broker_t *self, uint64_t first)
{
    uint64_t reflected = core_reflected (self->core);
    if (reflected <= first)
        return 0;
    uint64_t piece = (reflected - first) / PIECES;
    return first + (piece ? piece : 1);
}

void retention_step (broker_t *self, core_now_t now)
{
    retention_t *retention = &self->retention;
    uint64_t first;
    if (now.mono_us < retention->next_us || retention->asked)
        return;
    retention->next_us = now.mono_us + CHECK_IDLE_US;
    self->store->vtable->usage (self->store, &retention->bytes, &first);
    core_metrics (self->core)->gauge[GAUGE_STORE_BYTES] = (int64_t) retention->bytes;
    retention->candidate = piece_end (self, first);
    if (retention->candidate == 0)
        return;
    retention->asked = true;
    self->store->vtable->scan_journal (self->store, RETENTION_TOKEN, retention->candidate,
                                       retention->candidate + 1, 1);
}

static const char *why_drop (broker_t *self, int64_t written_us)
{
    const plv_conf_t *conf = core_conf (self->core);
    if (self->retention.bytes > (uint64_t) conf->data_retain_mb << 20)
        return "size";
    if (written_us && core_calm_us (self->core) - written_us > conf->data_retain_h * 3600 * 1000000)
        return "age";
    return NULL;
}

bool retention_answer (broker_t *self, store_done_t *done)
{
    core_now_t now = broker_now ();
    record_reader_t reader = {0};
    plv_row_t row;
    size_t at = 0;
    self->retention.asked = false;
    if (plv_row_next (plv_buf_view (&done->rows), &at, &row))
        record_open (row.value, &reader, NULL);
    const char *why = why_drop (self, reader.wall_us);
    if (!why)
        return false;
    self->retention.drop_below = self->retention.candidate;
    self->retention.next_us = now.mono_us + CHECK_BUSY_US;
    plv_log (self->log, LOG_JOURNAL_DROPPED, F_INT ("below", (int64_t) self->retention.candidate),
             F_STR ("why", why));
    return true;
}
