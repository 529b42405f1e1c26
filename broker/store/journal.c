#include "store/journal_inside.h"

#include "base/alloc.h"
#include "base/wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (!err && self->count && self->segments[self->count - 1].id.followed)
        return journal_damage (self, self->segments[self->count - 1].id.number + 1, 0,
                               "this file is gone", ret_fail);
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
    plv_wait_init (&self->wake);
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
