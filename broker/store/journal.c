#include "store/journal_inside.h"

#include "base/alloc.h"
#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  What nobody waits for is written in pieces of this size, so that the next sync has little to
    do.  */
enum { PUSH_BYTES = 1024 * 1024 };

static int by_number (const void *a, const void *b)
{
    uint64_t left = ((const segment_t *) a)->id.number, right = ((const segment_t *) b)->id.number;
    return (left > right) - (left < right);
}

static plv_err_t list (journal_t *self, plv_fail_t *ret_fail)
{
    if (self->dir_fd < 0)
        return ERR_OK;
    int fd = dup (self->dir_fd);
    DIR *stream = fd < 0 ? NULL : fdopendir (fd);
    if (!stream)
        return journal_errno (self, 0, "reading", ret_fail);
    for (struct dirent *entry; (entry = readdir (stream));) {
        segment_t segment = {.id.number = segment_number (entry->d_name, SEGMENT_SUFFIX)};
        if (segment.id.number)
            journal_push_segment (self, &segment);
        self->free_files += segment_number (entry->d_name, ".free") != 0;
    }
    closedir (stream);
    if (self->count)
        qsort (self->segments, self->count, sizeof *self->segments, by_number);
    return ERR_OK;
}

/*  Where each segment begins. A first record that cannot be read is the end, or damage:
    journal_recover finds out.  */
static plv_err_t look_into (journal_t *self, segment_t *segment, plv_fail_t *ret_fail)
{
    segment_reader_t reader;
    journal_record_t record;
    plv_err_t err = reader_open (&reader, self, segment->id.number, ret_fail);
    if (!err) {
        segment->id = reader.id;
        segment->capacity = reader.size;
        if (reader_next (&reader, true, &record))
            segment->first_seq = record.seq;
        errno = reader.error_number;
        if (reader.error_number)
            err = journal_errno (self, segment->id.number, "reading", ret_fail);
    }
    reader_close (&reader);
    return err;
}

/*  A file that does not say was made by an older release.  */
static plv_err_t note_store (journal_t *self, const segment_id_t *id, plv_fail_t *ret_fail)
{
    if (self->store && id->store && id->store != self->store)
        return journal_damage (self, id->number, 0,
                               "this file belongs to the data of another broker", ret_fail);
    if (id->store)
        self->store = id->store;
    return ERR_OK;
}

static plv_err_t look_at_all (journal_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = list (self, ret_fail);
    for (size_t i = 0; !err && i < self->count; i++) {
        uint64_t number = self->segments[i].id.number;
        if (i && number != self->segments[i - 1].id.number + 1)
            return journal_damage (self, number - 1, 0, "this file is gone", ret_fail);
        err = look_into (self, &self->segments[i], ret_fail);
        if (!err)
            err = note_store (self, &self->segments[i].id, ret_fail);
    }
    while (!err && self->count == 0 && self->store == 0)
        randombytes_buf (&self->store, sizeof self->store);
    return err;
}

plv_err_t journal_open (const journal_options_t *options, journal_t **ret_journal,
                        plv_fail_t *ret_fail)
{
    journal_t *self = plv_alloc_zero (1, sizeof *self);
    plv_err_t err = ERR_OK;
    self->dir = plv_strdup (options->dir);
    self->read_only = options->read_only;
    self->segment_bytes = options->segment_bytes;
    self->next_fd = -1;
    writer_init (&self->writer, options->direct);
    crc32c_init (&self->crc);
    pthread_mutex_init (&self->lock, NULL);
    pthread_cond_init (&self->wake, NULL);
    self->dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0 && errno != ENOENT)
        err = journal_errno (self, 0, "reading", ret_fail);
    else
        err = look_at_all (self, ret_fail);
    if (err)
        journal_destroy (&self);
    else
        *ret_journal = self;
    return err;
}

static void close_file (int fd)
{
    if (fd >= 0)
        close (fd);
}

void journal_destroy (journal_t **self_p)
{
    journal_t *self = *self_p;
    if (!self)
        return;
    if (self->thread_runs) {
        pthread_mutex_lock (&self->lock);
        self->stopping = true;
        pthread_cond_broadcast (&self->wake);
        pthread_mutex_unlock (&self->lock);
        pthread_join (self->thread, NULL);
    }
    writer_free (&self->writer);
    close_file (self->next_fd);
    close_file (self->dir_fd);
    pthread_cond_destroy (&self->wake);
    pthread_mutex_destroy (&self->lock);
    free (self->segments);
    free (self->torn);
    free (self->dir);
    free (self);
    *self_p = NULL;
}

bool journal_has_files (const journal_t *self)
{
    return self->count > 0;
}

bool journal_has_records (const journal_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->segments[i].first_seq)
            return true;
    return false;
}

uint64_t journal_store (const journal_t *self)
{
    return self->store;
}

uint64_t journal_last (const journal_t *self)
{
    return self->last;
}

uint64_t journal_first (const journal_t *self)
{
    return self->first;
}

const char *journal_torn (const journal_t *self)
{
    return self->torn;
}

uint64_t journal_oldest (const journal_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->segments[i].first_seq)
            return self->segments[i].first_seq;
    return 0;
}

uint64_t journal_bytes (journal_t *self, uint64_t first)
{
    uint64_t bytes = 0;
    pthread_mutex_lock (&self->lock);
    for (size_t i = 0; i < self->count; i++) {
        const segment_t *segment = &self->segments[i];
        uint64_t size = segment->end ? segment->end : segment->capacity;
        uint64_t behind = i + 1 == self->count ? self->last + 1 : self->segments[i + 1].first_seq;
        if (first <= segment->first_seq || behind <= segment->first_seq)
            bytes += size;
        else if (first < behind)
            bytes += (uint64_t) ((double) size * (double) (behind - first)
                                 / (double) (behind - segment->first_seq));
    }
    pthread_mutex_unlock (&self->lock);
    return bytes;
}

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

/*  On a disk that is nearly full zeros for the next segment take what room there is, and give it back. The record goes
    to the same place: none of it counts as written yet.  */
static bool write_once_more (journal_t *self, const journal_record_t *record)
{
    if (errno != ENOSPC)
        return false;
    journal_end_zeros (self);
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
