#include "store/error.h"
#include "store/journal_inside.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  Where the records end.  */
typedef struct {
    journal_t *journal;
    size_t at; /* the segment that holds the last one */
    segment_reader_t reader;
    uint64_t next;     /* the position that cannot be read */
    uint64_t offset;   /* where it would be */
    uint64_t synced;   /* what the last record says of those before it */
    uint64_t known;    /* what the views say was on disk */
    uint64_t promised; /* what records behind the end say */
    bool torn;         /* there is something behind the end, */
    size_t torn_at;    /* in this segment first */
} walk_t;

static plv_err_t read_failed (const walk_t *self, plv_fail_t *ret_fail)
{
    errno = self->reader.error_number;
    return journal_errno (self->journal, self->reader.id.number, "reading", ret_fail);
}

static plv_err_t walk_segment (walk_t *self, plv_fail_t *ret_fail)
{
    journal_t *journal = self->journal;
    journal_record_t record;
    plv_err_t err =
        reader_open (&self->reader, journal, journal->segments[self->at].id.number, ret_fail);
    if (err)
        return err;
    self->offset = self->reader.offset;
    while (reader_next (&self->reader, true, &record) && record.seq == self->next) {
        self->next++;
        self->offset = self->reader.offset;
        self->synced = record.synced;
        journal->last = record.seq;
        journal->first = record.first;
    }
    journal->segments[self->at].end = self->offset;
    self->reader.offset = self->offset;
    return self->reader.error_number ? read_failed (self, ret_fail) : ERR_OK;
}

static plv_err_t walk (walk_t *self, plv_fail_t *ret_fail)
{
    const journal_t *journal = self->journal;
    for (;;) {
        plv_err_t err = walk_segment (self, ret_fail);
        bool more = self->at + 1 < journal->count
                    && journal->segments[self->at + 1].first_seq == self->next;
        if (err || !more)
            return err;
        reader_close (&self->reader);
        self->at++;
    }
}

static void take_evidence (walk_t *self)
{
    journal_record_t record;
    self->torn = self->torn || reader_is_torn (&self->reader);
    while (reader_search (&self->reader, &record)) {
        self->torn = true;
        if (record.synced > self->promised)
            self->promised = record.synced;
    }
}

/*  Which file is it that has lost something? The one that is cut short, unless it was full.  */
static plv_err_t refuse (const walk_t *self, size_t evidence_at, plv_fail_t *ret_fail)
{
    const segment_t *segments = self->journal->segments;
    char what[160];
    snprintf (what, sizeof what,
              "the journal can be read up to position %" PRIu64 " only, but %" PRIu64
              " was on disk",
              self->next - 1, self->promised);
    bool whole = evidence_at > self->at && !segments[self->at + 1].first_seq;
    return whole ? journal_damage (self->journal, segments[self->at + 1].id.number,
                                   SEGMENT_HEAD_BYTES, what, ret_fail)
                 : journal_damage (self->journal, segments[self->at].id.number, self->offset, what,
                                   ret_fail);
}

/*  Every record behind the end is looked for, at every place.  */
static plv_err_t weigh (walk_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    self->torn_at = self->at;
    for (size_t at = self->at; !err && at < self->journal->count; at++) {
        if (at > self->at) {
            reader_close (&self->reader);
            err = reader_open (&self->reader, self->journal, self->journal->segments[at].id.number,
                               ret_fail);
        }
        if (!err && !self->torn)
            self->torn_at = at;
        if (!err)
            take_evidence (self);
        if (!err && self->reader.error_number)
            err = read_failed (self, ret_fail);
        if (!err && self->promised >= self->next)
            err = refuse (self, at, ret_fail);
    }
    if (err || self->known < self->next)
        return err;
    self->promised = self->known;
    return refuse (self, self->torn ? self->torn_at : self->at, ret_fail);
}

/*  The first place in the last segment that no sync is known to have reached.  */
static uint64_t unsynced_offset (walk_t *self)
{
    journal_record_t record;
    segment_reader_t reader;
    plv_fail_t fail;
    uint64_t offset = SEGMENT_HEAD_BYTES;
    if (!reader_open (&reader, self->journal, self->journal->segments[self->at].id.number, &fail))
        while (offset < self->offset && reader_next (&reader, false, &record)
               && record.seq <= self->synced)
            offset = reader.offset;
    reader_close (&reader);
    return offset;
}

/*  A sync that failed before the last stop has left pages that look clean and are not on disk:
    what was read is written once more.  */
static bool write_again (int fd, uint64_t from, uint64_t to)
{
    enum { PIECE_BYTES = 256 * 1024 };
    uint8_t *piece = plv_alloc (PIECE_BYTES);
    bool good = true;
    while (good && from < to) {
        uint64_t size = to - from < PIECE_BYTES ? to - from : PIECE_BYTES;
        ssize_t got = pread (fd, piece, size, (off_t) from);
        good = got > 0 && write_all (fd, piece, (size_t) got, from);
        from += got > 0 ? (uint64_t) got : 0;
    }
    free (piece);
    return good && fdatasync (fd) == 0;
}

/*  The last segment to write on; -1: errno says why.  */
static int open_again (walk_t *self)
{
    const journal_t *journal = self->journal;
    char name[SEGMENT_NAME_BYTES];
    segment_name (journal->current.id.number, name);
    int fd = openat (journal->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || write_again (fd, unsynced_offset (self), self->offset))
        return fd;
    int error_number = errno;
    close (fd);
    errno = error_number;
    return -1;
}

/*  Before those behind it go: one that says that they are there is not the last.  */
static plv_err_t make_last (walk_t *self, plv_fail_t *ret_fail)
{
    segment_t *segment = &self->journal->segments[self->at];
    char name[SEGMENT_NAME_BYTES];
    if (!segment->id.followed)
        return ERR_OK;
    segment_name (segment->id.number, name);
    int fd = openat (self->journal->dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && segment_set_followed (self->journal, fd, &segment->id, false)
                && fdatasync (fd) == 0;
    plv_err_t err =
        good ? ERR_OK : journal_errno (self->journal, segment->id.number, "writing to", ret_fail);
    if (fd >= 0)
        close (fd);
    segment->id.followed = false;
    return err;
}

/*  The last segment is written on, unless something lies behind its end: records of now could
    meet those there and make them look valid.  */
static plv_err_t go_on (walk_t *self, plv_fail_t *ret_fail)
{
    journal_t *journal = self->journal;
    plv_err_t err = make_last (self, ret_fail);
    if (!err)
        err = journal_cut (journal, self->at + 1, ret_fail);
    if (!err && !journal->segments[self->at].first_seq) {
        journal->roll_due = true;
        return journal_cut (journal, self->at, ret_fail);
    }
    if (err)
        return err;
    journal->current = journal->segments[self->at];
    journal->roll_due = self->torn;
    int fd = open_again (self);
    if (fd < 0 || !writer_enter (&journal->writer, fd, self->offset))
        return journal_errno (journal, journal->current.id.number, "writing to", ret_fail);
    return ERR_OK;
}

static plv_err_t make_dir (journal_t *self, plv_fail_t *ret_fail)
{
    if (self->dir_fd >= 0)
        return ERR_OK;
    if (mkdir (self->dir, 0700) < 0 && errno != EEXIST)
        return journal_errno (self, 0, "making", ret_fail);
    self->dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent =
        self->dir_fd < 0 ? -1 : openat (self->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    plv_err_t err =
        parent < 0 || fsync (parent) < 0 ? journal_errno (self, 0, "making", ret_fail) : ERR_OK;
    if (parent >= 0)
        close (parent);
    return err;
}

static plv_err_t start (journal_t *self, plv_fail_t *ret_fail)
{
    if (self->count == 0 || self->roll_due) {
        pthread_mutex_lock (&self->lock);
        self->ready = READY_WANTED;
        journal_make_ready (self);
        if (self->count == 0) /* small, and nobody waits yet */
            journal_put_all_zeros (self);
        pthread_mutex_unlock (&self->lock);
    }
    plv_err_t err = self->count == 0 ? journal_roll (self, ret_fail) : ERR_OK;
    int error = err ? 0 : pthread_create (&self->thread, NULL, journal_ready_main, self);
    if (error)
        err = store_no_thread (ret_fail, error);
    self->thread_runs = !err;
    if (!err)
        journal_look_ahead (self);
    return err;
}

static plv_err_t find_end (walk_t *self, uint64_t from, plv_fail_t *ret_fail)
{
    const journal_t *journal = self->journal;
    while (self->at + 1 < journal->count && journal->segments[self->at + 1].first_seq
           && journal->segments[self->at + 1].first_seq <= from)
        self->at++;
    self->next = journal->segments[self->at].first_seq;
    if (self->next > from)
        return plv_fail (ret_fail, ERR_CORRUPT, "the journal %s misses position %" PRIu64 ": %s",
                         journal->dir, from, STORE_RESTORE);
    if (self->next == 0)
        self->next = from;
    plv_err_t err = walk (self, ret_fail);
    if (!err)
        err = weigh (self, ret_fail);
    if (!err && self->torn)
        self->journal->torn =
            journal_place (journal, journal->segments[self->at].id.number, self->offset);
    return err;
}

plv_err_t journal_recover (journal_t *self, uint64_t from, uint64_t known, plv_fail_t *ret_fail)
{
    walk_t walk = {.journal = self, .reader.fd = -1, .known = known};
    plv_err_t err = self->count ? find_end (&walk, from, ret_fail) : ERR_OK;
    reader_close (&walk.reader);
    if (err || self->read_only)
        return err;
    err = make_dir (self, ret_fail);
    if (err)
        return err;
    (void) !unlinkat (self->dir_fd, SEGMENT_NEXT, 0);
    (void) !unlinkat (self->dir_fd, SEGMENT_BARE, 0);
    if (self->count)
        err = go_on (&walk, ret_fail);
    return err ? err : start (self, ret_fail);
}
