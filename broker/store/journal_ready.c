#include "store/journal_inside.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  The first segments are small, so that little data takes little room.  */
enum { FIRST_BYTES = 4 * 1024 * 1024, FREE_FILES_MAX = 2 };

uint64_t journal_next_bytes (const journal_t *self)
{
    uint64_t bytes = self->count ? self->segments[self->count - 1].capacity * 2 : FIRST_BYTES;
    if (bytes < FIRST_BYTES)
        bytes = FIRST_BYTES;
    return bytes < self->segment_bytes ? bytes : self->segment_bytes;
}

void journal_push_segment (journal_t *self, const segment_t *segment)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 16;
        self->segments = plv_realloc (self->segments, self->capacity * sizeof *self->segments);
    }
    self->segments[self->count++] = *segment;
}

static uint64_t next_number (const journal_t *self)
{
    return self->count ? self->segments[self->count - 1].id.number + 1 : 1;
}

static uint64_t size_of (int fd)
{
    struct stat status;
    return fstat (fd, &status) == 0 ? (uint64_t) status.st_size : 0;
}

void journal_look_ahead (journal_t *self)
{
    if (self->current.end <= self->current.capacity / 4)
        return;
    pthread_mutex_lock (&self->lock);
    if (self->ready == READY_NOT) {
        self->ready = READY_WANTED;
        pthread_cond_broadcast (&self->wake);
    }
    pthread_mutex_unlock (&self->lock);
}

void journal_end_making (journal_t *self)
{
    pthread_mutex_lock (&self->lock);
    while (self->ready == READY_WANTED || self->ready == READY_PUBLISHING)
        pthread_cond_wait (&self->wake, &self->lock);
    pthread_mutex_unlock (&self->lock);
}

/*  Under `lock`, which it leaves while it waits for the disk. What fails here has cost nothing:
    a commit that finds nothing ready asks the disk itself, and says what that says.  */
void journal_make_ready (journal_t *self)
{
    segment_t next = {.end = SEGMENT_HEAD_BYTES};
    uint64_t bytes = journal_next_bytes (self);
    uint64_t written = 0;
    unsigned free_files = self->free_files;
    pthread_mutex_unlock (&self->lock);
    int fd = segment_make (self, bytes, &written);
    pthread_mutex_lock (&self->lock);
    if (fd >= 0 && free_files)
        self->free_files--;
    uint64_t number = next_number (self);
    bool good = false;
    if (fd >= 0 && self->ready == READY_WANTED) {
        self->ready = READY_PUBLISHING;
        pthread_mutex_unlock (&self->lock);
        next.capacity = size_of (fd);
        good = segment_publish (self, fd, SEGMENT_NEXT, number, &next.id);
        pthread_mutex_lock (&self->lock);
    }
    if (!good && fd >= 0)
        close (fd);
    self->next = next;
    self->next_fd = good ? fd : -1;
    self->zeros_at = written < JOURNAL_BLOCK_BYTES ? JOURNAL_BLOCK_BYTES : written;
    self->appended = self->appended_bytes = self->zeros_owed = 0;
    self->ready = good ? READY_YES : READY_NOT;
    pthread_cond_broadcast (&self->wake);
}

void *journal_ready_main (void *arg)
{
    journal_t *self = arg;
    pthread_mutex_lock (&self->lock);
    while (!self->stopping) {
        if (self->ready == READY_WANTED)
            journal_make_ready (self);
        else if (journal_zeros_due (self))
            journal_put_zeros (self);
        else
            pthread_cond_wait (&self->wake, &self->lock);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

/*  Nothing is ready: a file with a head and nothing else. Its commits cost more, but none waits for more of it.  */
static int make_bare (journal_t *self, segment_t *ret_next)
{
    int fd = openat (self->dir_fd, SEGMENT_BARE,
                     O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    *ret_next = (segment_t){.capacity = journal_next_bytes (self), .end = SEGMENT_HEAD_BYTES};
    if (fd >= 0 && segment_publish (self, fd, SEGMENT_BARE, next_number (self), &ret_next->id))
        return fd;
    int error_number = errno;
    if (fd >= 0)
        close (fd);
    errno = error_number;
    return -1;
}

plv_err_t journal_begin_next (journal_t *self, segment_t *ret_next, int *ret_fd,
                              plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    pthread_mutex_lock (&self->lock);
    while (self->ready == READY_PUBLISHING || self->ready == READY_FILLING)
        pthread_cond_wait (&self->wake, &self->lock);
    if (self->ready == READY_YES) {
        *ret_next = self->next;
        *ret_fd = self->next_fd;
        self->next_fd = -1;
        self->ready = READY_NOT;
    } else {
        *ret_fd = make_bare (self, ret_next);
    }
    if (*ret_fd < 0)
        err = journal_errno (self, next_number (self), "writing to", ret_fail);
    else
        journal_push_segment (self, ret_next);
    pthread_mutex_unlock (&self->lock);
    return err;
}

static bool free_file (journal_t *self, uint64_t number)
{
    char from[SEGMENT_NAME_BYTES], to[SEGMENT_NAME_BYTES];
    struct stat status;
    segment_name (number, from);
    snprintf (to, sizeof to, "%010ju.free", (uintmax_t) number);
    bool keep = self->free_files < FREE_FILES_MAX
                && fstatat (self->dir_fd, from, &status, AT_SYMLINK_NOFOLLOW) == 0
                && (uint64_t) status.st_size <= self->segment_bytes;
    if (keep && renameat (self->dir_fd, from, self->dir_fd, to) == 0)
        self->free_files++;
    else if (unlinkat (self->dir_fd, from, 0) < 0)
        return false;
    return fsync (self->dir_fd) == 0;
}

plv_err_t journal_cut (journal_t *self, size_t at, plv_fail_t *ret_fail)
{
    for (; self->count > at; self->count--) {
        uint64_t number = self->segments[self->count - 1].id.number;
        if (!free_file (self, number))
            return journal_errno (self, number, "removing", ret_fail);
    }
    return ERR_OK;
}

static bool is_forgotten (journal_t *self, uint64_t below)
{
    pthread_mutex_lock (&self->lock);
    bool forgotten =
        self->count > 1 && self->segments[1].first_seq && self->segments[1].first_seq <= below;
    pthread_mutex_unlock (&self->lock);
    return forgotten;
}

/*  From the list first: who takes a free file must not find one that is still listed.  */
plv_err_t journal_forget (journal_t *self, uint64_t below, plv_fail_t *ret_fail)
{
    while (is_forgotten (self, below)) {
        pthread_mutex_lock (&self->lock);
        uint64_t number = self->segments[0].id.number;
        self->count--;
        memmove (self->segments, self->segments + 1, self->count * sizeof *self->segments);
        bool good = free_file (self, number);
        pthread_mutex_unlock (&self->lock);
        if (!good)
            return journal_errno (self, number, "removing", ret_fail);
    }
    return ERR_OK;
}
