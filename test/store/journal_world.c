#include "journal_world.h"

#include "fault.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { SMALL_BYTES = 16 * 1024, WAIT_US_MAX = 30000000 };

int journal_world_setup (void **state)
{
    journal_world_t *self = plv_alloc_zero (1, sizeof *self);
    subject_make_dir (self->dir, sizeof self->dir);
    snprintf (self->data, sizeof self->data, "%s/journal", self->dir);
    self->segment_bytes = SMALL_BYTES;
    *state = self;
    return 0;
}

int journal_world_teardown (void **state)
{
    journal_world_t *self = *state;
    fault_end ();
    journal_destroy (&self->journal);
    subject_remove_dir (self->dir);
    free (self);
    return 0;
}

plv_err_t journal_world_open (journal_world_t *self, bool read_only, uint64_t from,
                              plv_fail_t *ret_fail)
{
    const journal_options_t options = {.dir = self->data,
                                       .read_only = read_only,
                                       .direct = self->direct,
                                       .segment_bytes = self->segment_bytes};
    journal_destroy (&self->journal);
    plv_err_t err = journal_open (&options, &self->journal, ret_fail);
    if (!err)
        err = journal_recover (self->journal, from, from - 1, ret_fail);
    if (err)
        journal_destroy (&self->journal);
    else
        self->next_seq = journal_last (self->journal) + 1;
    return err;
}

uint64_t journal_world_reopen (journal_world_t *self)
{
    plv_fail_t fail = {.text = ""};
    if (journal_world_open (self, false, 1, &fail))
        fail_msg ("%s", fail.text);
    self->synced = self->next_seq - 1;
    return self->synced;
}

void journal_world_path (const journal_world_t *self, uint64_t number, char *path, size_t size)
{
    snprintf (path, size, "%s/%010ju.journal", self->data, (uintmax_t) number);
}

int64_t journal_world_hole (const journal_world_t *self, uint64_t number)
{
    char path[128];
    journal_world_path (self, number, path, sizeof path);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    off_t at = lseek (fd, 0, SEEK_HOLE);
    assert_true (at >= 0);
    close (fd);
    return at;
}

/*  Whatever is written or renamed there makes `events` readable.  */
static int watch (const journal_world_t *self)
{
    int events = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
    assert_true (events >= 0);
    assert_true (inotify_add_watch (events, self->data, IN_MODIFY | IN_MOVED_TO) >= 0);
    return events;
}

void journal_world_wait (const journal_world_t *self, uint64_t number, int64_t at)
{
    char seen[4096];
    int64_t deadline_us = plv_clock_mono_us () + WAIT_US_MAX;
    struct pollfd events = {.fd = watch (self), .events = POLLIN};
    while (journal_world_hole (self, number) < at) {
        int64_t rest_us = deadline_us - plv_clock_mono_us ();
        if (rest_us <= 0 || poll (&events, 1, (int) (rest_us / 1000 + 1)) == 0)
            fail_msg ("file %ju is written up to byte %jd, not %jd", (uintmax_t) number,
                      (intmax_t) journal_world_hole (self, number), (intmax_t) at);
        while (read (events.fd, seen, sizeof seen) > 0)
            continue;
    }
    close (events.fd);
}
