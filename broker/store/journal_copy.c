#include "store/journal_inside.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  Bytes, never links: a segment is written again once it is forgotten. Every record is checked
    on its way, so a backup never takes damage along.  */

enum { PIECE_BYTES = 1024 * 1024 };

typedef struct {
    const char *dir;
    int dir_fd;
    const journal_meanwhile_t *meanwhile;
} target_t;

static bool copy_bytes (int from, int to, uint64_t size, const journal_meanwhile_t *meanwhile)
{
    uint8_t *piece = plv_alloc (PIECE_BYTES);
    bool good = true;
    for (uint64_t at = 0; good && at < size;) {
        uint64_t want = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
        ssize_t got = pread (from, piece, want, (off_t) at);
        if (got < 0 && errno == EINTR)
            continue;
        good = got > 0 && write_all (to, piece, (size_t) got, at);
        at += got > 0 ? (uint64_t) got : 0;
        if (good && !meanwhile->call (meanwhile->arg)) {
            errno = ECANCELED;
            good = false;
        }
    }
    int error_number = errno;
    free (piece);
    errno = error_number;
    return good;
}

static plv_err_t copy_segment (segment_reader_t *reader, const target_t *target,
                               plv_fail_t *ret_fail)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name (reader->id.number, name);
    int to = openat (target->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    /* the next one may not be a part of the copy */
    bool good = to >= 0 && copy_bytes (reader->fd, to, reader->offset, target->meanwhile)
                && segment_set_followed (reader->journal, to, &reader->id, false)
                && fsync (to) == 0;
    plv_err_t err = good ? ERR_OK
                         : plv_fail (ret_fail, plv_err_of_errno (errno),
                                     "the backup file %s/%s cannot be written: %s", target->dir,
                                     name, strerror (errno));
    if (to >= 0)
        close (to);
    return err;
}

/*  To the record `last`. `*next`: the position that is due, and then the one behind.  */
static plv_err_t find_end (segment_reader_t *reader, uint64_t last, uint64_t *next,
                           plv_fail_t *ret_fail)
{
    const journal_t *journal = reader->journal;
    journal_record_t record;
    uint64_t offset = reader->offset;
    while (*next <= last && reader_next (reader, true, &record) && record.seq == *next) {
        offset = reader->offset;
        ++*next;
    }
    reader->offset = offset;
    errno = reader->error_number;
    if (errno)
        return journal_errno (journal, reader->id.number, "reading", ret_fail);
    char what[80];
    snprintf (what, sizeof what, "position %" PRIu64 " cannot be read", *next);
    return *next > last ? ERR_OK
                        : journal_damage (journal, reader->id.number, offset, what, ret_fail);
}

static plv_err_t copy_next (const journal_t *self, const segment_t *segment, const target_t *target,
                            uint64_t last, plv_fail_t *ret_fail)
{
    segment_reader_t reader;
    uint64_t next = segment->first_seq;
    plv_err_t err = reader_open (&reader, self, segment->id.number, ret_fail);
    if (!err && next)
        err = find_end (&reader, last, &next, ret_fail);
    if (!err)
        err = copy_segment (&reader, target, ret_fail);
    reader_close (&reader);
    return err;
}

/*  False: there are no more.  */
static bool get_segment (journal_t *self, size_t at, segment_t *ret_segment)
{
    pthread_mutex_lock (&self->lock);
    bool there = at < self->count;
    if (there)
        *ret_segment = self->segments[at];
    pthread_mutex_unlock (&self->lock);
    return there;
}

static plv_err_t copy_all (journal_t *self, const target_t *target, uint64_t from, uint64_t last,
                           plv_fail_t *ret_fail)
{
    segment_t segment, behind;
    plv_err_t err = ERR_OK;
    for (size_t at = 0; !err && get_segment (self, at, &segment); at++) {
        uint64_t until = get_segment (self, at + 1, &behind) ? behind.first_seq : 0;
        if (until && until <= from)
            continue;
        if (segment.first_seq > last)
            break;
        err =
            copy_next (self, &segment, target, until && until <= last ? until - 1 : last, ret_fail);
    }
    return err;
}

plv_err_t journal_copy (journal_t *self, const char *dir, uint64_t from, uint64_t last,
                        const journal_meanwhile_t *meanwhile, plv_fail_t *ret_fail)
{
    int to_dir = mkdir (dir, 0700) < 0 ? -1 : open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    target_t target = {.dir = dir, .dir_fd = to_dir, .meanwhile = meanwhile};
    plv_err_t err = to_dir < 0 ? ERR_IO : copy_all (self, &target, from, last, ret_fail);
    if (to_dir < 0 || (!err && fsync (to_dir) < 0))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "the backup %s cannot be made: %s", dir,
                        strerror (errno));
    if (to_dir >= 0)
        close (to_dir);
    return err;
}
