#include "store/journal_inside.h"

#include "base/clock.h"
#include "base/wait.h"

#include <fcntl.h>
#include <unistd.h>

/*  A block that was never written costs a commit more than one that was: with its sync the file system notes that it is
    one now. So blocks of the next segment are filled with zeros. But zeros take the disk from the commits, byte for
    byte, and each sync waits for those that are on their way. Measured (ext4, a virtual disk that takes 130
    microseconds for a sync, 2 workers; round trips a second, and p99 in milliseconds):

        under way    bytes a commit     zeros beforehand    while it works    never
                1               700       1730    0.9         1728    2.7      1708    0.9
                8              3000       8046    2.9         7596    6.8      6404    5.8
               32             10000      26820    1.8        20810    6.2     22823    2.7
              256             50000      64454               51918            62739

    What is done beforehand is best. Small commits are worth zeros at their own pace, and large ones are not. The pace
    is that of the last three quarters of a segment, while one twice as large is filled.  */
enum { LARGE_BYTES = 8 * 1024 /* of a commit */, PACE = 3 };

/*  Zeros go out in pieces, each on the disk before the next: a commit's sync fits in between. A commit that wants the
    segment waits for a few of them at most.  */
enum { LOOK_US = 5000, PIECE_BYTES = 128 * 1024, LOOK_BYTES_MAX = 4 * PIECE_BYTES };

/*  Where they have to go through the system's cache, in small runs of pages: of a larger write it may make one
    large page, and would count all of it as written whenever a commit touches it. Page by page they cost an eighth
    of the broker's time under load; in runs of four little.  */
enum { RUN_BYTES = 16 * 1024 };

static bool fill_cached (int fd, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[RUN_BYTES];
    uint64_t pushed = from;
    while (from < to) {
        uint64_t room = RUN_BYTES - from % RUN_BYTES;
        uint64_t size = to - from < room ? to - from : room;
        if (!write_all (fd, zeros, size, from))
            return false;
        from += size;
        if (from - pushed >= PIECE_BYTES) {
            sync_file_range (fd, (off_t) pushed, (off_t) (from - pushed),
                             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE
                                 | SYNC_FILE_RANGE_WAIT_AFTER);
            pushed = from;
        }
    }
    return true;
}

/*  Past the system's cache: nobody reads these zeros, and to copy them there took a sixth of the broker's time under
    load. Not every file system can do it; returns how far it came.  */
static uint64_t fill_past_cache (int fd, uint64_t from, uint64_t to)
{
    static _Alignas(JOURNAL_BLOCK_BYTES) uint8_t zeros[PIECE_BYTES];
    if (!segment_set_direct (fd, true))
        return from;
    while (from < to) {
        uint64_t size = to - from < PIECE_BYTES ? to - from : PIECE_BYTES;
        if (!write_all (fd, zeros, size, from))
            break;
        from += size;
    }
    segment_set_direct (fd, false);
    return from;
}

bool zeros_fill (int fd, uint64_t from, uint64_t to)
{
    from -= from % JOURNAL_BLOCK_BYTES;
    to += -to % JOURNAL_BLOCK_BYTES;
    return fill_cached (fd, fill_past_cache (fd, from, to), to);
}

/*  How many bytes of zeros the disk has time for, after what was committed since the look before. Under `lock`.  */
static uint64_t allowance (journal_t *self)
{
    uint64_t bytes = self->appended_bytes, records = self->appended;
    self->appended_bytes = self->appended = 0;
    if (records == 0)
        return LOOK_BYTES_MAX;
    if (bytes / records >= LARGE_BYTES)
        return 0;
    uint64_t owed = self->zeros_owed + PACE * bytes, whole = owed - owed % PIECE_BYTES;
    self->zeros_owed = owed - whole;
    return whole < LOOK_BYTES_MAX ? whole : LOOK_BYTES_MAX;
}

/*  Under `lock`, which it leaves meanwhile: nobody takes the segment until its state says that it is ready again. What
    fails costs nothing: its blocks are reserved.  */
static void fill_some (journal_t *self, uint64_t bytes)
{
    uint64_t from = self->zeros_at, rest = self->next.capacity - from;
    uint64_t to = from + (bytes < rest ? bytes : rest);
    int fd = self->next_fd;
    self->ready = READY_FILLING;
    pthread_mutex_unlock (&self->lock);
    bool good = zeros_fill (fd, from, to);
    if (good && to == self->next.capacity)
        good = fdatasync (fd) == 0;
    pthread_mutex_lock (&self->lock);
    self->zeros_at = good ? to : self->next.capacity;
    self->ready = READY_YES;
    pthread_cond_broadcast (&self->wake);
}

bool journal_zeros_due (const journal_t *self)
{
    return self->ready == READY_YES && self->zeros_at < self->next.capacity;
}

void journal_put_all_zeros (journal_t *self)
{
    if (journal_zeros_due (self))
        fill_some (self, self->next.capacity);
}

void journal_put_zeros (journal_t *self)
{
    plv_wait_until (&self->wake, &self->lock, plv_clock_mono_us () + LOOK_US);
    uint64_t bytes = self->stopping || !journal_zeros_due (self) ? 0 : allowance (self);
    if (bytes)
        fill_some (self, bytes);
}
