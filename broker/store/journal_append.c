#include "store/journal_inside.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*  What nobody waits for is written in pieces of this size, so that the next sync has little to
    do.  */
enum { PUSH_BYTES = 1024 * 1024 };

/*  The tail of the writer holds whole records only: each takes a multiple of eight bytes.  */
static bool write_record (journal_t *self, const journal_record_t *record)
{
    static const uint8_t ZEROS[RECORD_ALIGN];
    uint8_t head[RECORD_HEAD_BYTES];
    uint64_t size = sizeof head + record->journal.size + record->ops.size;
    record_head_put (&self->crc, &self->current.id, record, head);
    const plv_view_t parts[] = {
        plv_view (head, sizeof head),
        record->journal,
        record->ops,
        plv_view (ZEROS, record_bytes (record) - size),
    };
    return writer_append (&self->writer, self->current.end, parts, sizeof parts / sizeof *parts);
}

/*  On a disk that is nearly full the next segment may take what room there is, and give it back. The record goes
    to the same place: none of it counts as written yet.  */
static bool write_once_more (journal_t *self, const journal_record_t *record)
{
    if (errno != ENOSPC)
        return false;
    journal_end_making (self);
    return write_record (self, record);
}

/*  A record that is larger than a segment has one of its own.  */
bool journal_has_room (const journal_t *self, uint64_t bytes)
{
    const segment_t *current = &self->current;
    bool fits = current->end + bytes <= current->capacity || current->end == SEGMENT_HEAD_BYTES;
    return self->writer.fd >= 0 && !self->roll_due && fits;
}

static void note_appended (journal_t *self, const journal_record_t *record)
{
    segment_t *current = &self->current;
    uint64_t before = current->end;
    current->end += record_bytes (record);
    if (!current->first_seq)
        current->first_seq = record->seq;
    pthread_mutex_lock (&self->lock);
    self->segments[self->count - 1] = *current;
    self->last = record->seq;
    self->first = record->first;
    self->appended++;
    self->appended_bytes += current->end - before;
    pthread_mutex_unlock (&self->lock);
    self->unsynced += current->end - before;
    if (before <= current->capacity / 4)
        journal_look_ahead (self);
}

static void push (journal_t *self)
{
    uint64_t size = self->unsynced - self->pushed;
    sync_file_range (self->writer.fd, (off_t) (self->current.end - size), (off_t) size,
                     SYNC_FILE_RANGE_WRITE);
    self->pushed = self->unsynced;
}

/*  What failed first is why nothing more is taken: whoever asks next is told the same.  */
static plv_err_t fail_before (const journal_t *self, plv_fail_t *ret_fail)
{
    *ret_fail = self->failed;
    return self->failed.code;
}

static plv_err_t fail_now (journal_t *self, plv_err_t err, const plv_fail_t *fail)
{
    if (err)
        self->failed = *fail;
    return err;
}

plv_err_t journal_sync (journal_t *self, plv_fail_t *ret_fail)
{
    if (self->failed.code)
        return fail_before (self, ret_fail);
    if (self->unsynced == 0)
        return ERR_OK;
    if (fdatasync (self->writer.fd) < 0)
        return fail_now (self, journal_errno (self, self->current.id.number, "syncing", ret_fail),
                         ret_fail);
    self->unsynced = self->pushed = 0;
    return ERR_OK;
}

/*  The segment is whole, and says that it is not the last any more.  */
static plv_err_t leave (journal_t *self, plv_fail_t *ret_fail)
{
    if (self->writer.fd < 0)
        return ERR_OK;
    if (!segment_set_followed (self, self->writer.fd, &self->current.id, true))
        return journal_errno (self, self->current.id.number, "writing to", ret_fail);
    self->unsynced += SEGMENT_HEAD_BYTES;
    return journal_sync (self, ret_fail);
}

plv_err_t journal_roll (journal_t *self, plv_fail_t *ret_fail)
{
    segment_t next;
    int fd;
    plv_err_t err = journal_begin_next (self, &next, &fd, ret_fail);
    if (err)
        return err;
    err = leave (self, ret_fail);
    if (err) {
        close (fd);
        return err;
    }
    self->roll_due = false;
    self->current = next;
    return writer_enter (&self->writer, fd, next.end)
               ? ERR_OK
               : journal_errno (self, next.id.number, "reading", ret_fail);
}

plv_err_t journal_append (journal_t *self, const journal_record_t *record, plv_fail_t *ret_fail)
{
    CHECK (record->journal.size <= UINT32_MAX && record->ops.size <= UINT32_MAX,
           "batch %ju has %zu and %zu bytes", (uintmax_t) record->seq, record->journal.size,
           record->ops.size);
    if (self->failed.code)
        return fail_before (self, ret_fail);
    plv_err_t err = ERR_OK;
    if (!journal_has_room (self, record_bytes (record)))
        err = journal_roll (self, ret_fail);
    if (!err && !write_record (self, record) && !write_once_more (self, record))
        err = journal_errno (self, self->current.id.number, "writing to", ret_fail);
    if (err)
        return fail_now (self, err, ret_fail);
    note_appended (self, record);
    if (self->unsynced - self->pushed >= PUSH_BYTES)
        push (self);
    return ERR_OK;
}
