#include "subject.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_US = 10 * 1000 * 1000 };

void subject_make_dir (char *ret_dir, size_t size)
{
    const char *parent = getenv ("PALAVER_TEST_DIR");
    snprintf (ret_dir, size, "%s/palaver-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null (mkdtemp (ret_dir));
}

static void remove_at (int parent, const char *name)
{
    int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir (fd);
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR)
            remove_at (fd, entry->d_name);
        else
            unlinkat (fd, entry->d_name, 0);
    }
    if (stream)
        closedir (stream);
    unlinkat (parent, name, AT_REMOVEDIR);
}

void subject_remove_dir (const char *dir)
{
    char backup[128];
    snprintf (backup, sizeof backup, "%s.backup", dir);
    remove_at (AT_FDCWD, backup);
    chmod (dir, 0700);
    remove_at (AT_FDCWD, dir);
}

pid_t subject_spawn (const char *role, const char *dir, int *ret_out)
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    pid_t pid = fork ();
    if (pid == 0) {
        if (ret_out)
            dup2 (ends[1], STDOUT_FILENO);
        close (ends[0]);
        close (ends[1]);
        execl ("/proc/self/exe", role, dir, (char *) NULL);
        _exit (127);
    }
    close (ends[1]);
    if (ret_out)
        *ret_out = ends[0];
    else
        close (ends[0]);
    return pid;
}

int subject_join (pid_t pid)
{
    int status;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

bool subject_mount (const char *dir, const char *options)
{
    return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
           && mount ("palaver-test", dir, "tmpfs", 0, options) == 0;
}

void subject_put (plv_buf_t *ops, plv_row_view_t view, const char *key, const char *value)
{
    plv_row_put (ops, view, plv_view_str (key), plv_view_str (value));
}

void subject_put_number (plv_buf_t *ops, plv_row_view_t view, const char *key, uint64_t value)
{
    uint8_t bytes[8];
    plv_put_u64 (bytes, value);
    plv_row_put (ops, view, plv_view_str (key), plv_view (bytes, sizeof bytes));
}

store_done_t subject_wait (store_t *store)
{
    store_done_t done = {.type = STORE_NOTHING};
    int64_t deadline = plv_clock_mono_us () + WAIT_US;
    struct pollfd wait = {.fd = store->vtable->fd (store), .events = POLLIN};
    while (store->vtable->next (store, &done) == STORE_NOTHING && plv_clock_mono_us () < deadline)
        if (wait.fd >= 0)
            poll (&wait, 1, 1000);
    assert_int_not_equal (done.type, STORE_NOTHING);
    return done;
}

void subject_commit (subject_t *self, plv_view_t journal, const plv_buf_t *ops, uint64_t drop_below)
{
    store_batch_t batch = {.seq = self->next_seq++,
                           .journal = journal,
                           .ops = ops ? plv_buf_view (ops) : plv_view (NULL, 0),
                           .sync = true,
                           .drop_below = drop_below};
    self->store->vtable->append (self->store, &batch);
    self->kind->settle (self);
    store_done_t done = subject_wait (self->store);
    if (done.type == STORE_FAILED)
        print_error ("%s\n", done.fail.text);
    assert_int_equal (done.type, STORE_STORED);
    assert_int_equal (done.seq, batch.seq);
    assert_int_equal (done.batches, 1);
}

void subject_commit_text (subject_t *self, const char *journal)
{
    subject_commit (self, plv_view_str (journal), NULL, 0);
}

static plv_buf_t wait_rows (subject_t *self, bool *ret_more)
{
    store_done_t done = subject_wait (self->store);
    assert_int_equal (done.type, STORE_ROWS);
    assert_int_equal (done.token, self->token);
    assert_int_equal (done.fail.code, ERR_OK);
    if (ret_more)
        *ret_more = done.more;
    return done.rows;
}

plv_buf_t subject_scan (subject_t *self, plv_row_view_t view, const char *from, const char *to,
                        uint32_t limit, bool *ret_more)
{
    self->store->vtable->scan (self->store, ++self->token, view, plv_view_str (from),
                               plv_view_str (to), limit);
    return wait_rows (self, ret_more);
}

plv_buf_t subject_scan_journal (subject_t *self, uint64_t from, uint64_t to, uint32_t limit,
                                bool *ret_more)
{
    self->store->vtable->scan_journal (self->store, ++self->token, from, to, limit);
    return wait_rows (self, ret_more);
}

static void add_text (char *buffer, size_t size, const char *name, plv_view_t value)
{
    size_t at = strlen (buffer);
    snprintf (buffer + at, size - at, "%s%s=" PLV_VIEW_FMT, at ? " " : "", name,
              PLV_VIEW_ARG (value));
}

const char *subject_text (plv_view_t rows, bool journal, char *buffer, size_t size)
{
    plv_row_t row;
    size_t at = 0;
    *buffer = '\0';
    while (plv_row_next (rows, &at, &row)) {
        char name[128];
        if (journal)
            snprintf (name, sizeof name, "%ju", (uintmax_t) plv_get_u64 (row.key.data));
        else
            snprintf (name, sizeof name, PLV_VIEW_FMT, PLV_VIEW_ARG (row.key));
        add_text (buffer, size, name, row.value);
    }
    assert_int_equal (at, rows.size);
    return buffer;
}

static void take_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    recovered_t *self = arg;
    if (view == VIEW_META) {
        if (plv_view_is (key, STORE_META_SCHEMA))
            self->schema = plv_get_u32 (value.data);
        else if (plv_view_is (key, STORE_META_SECRET))
            self->secret_bytes = value.size;
        return;
    }
    char name[128];
    snprintf (name, sizeof name, "%s/" PLV_VIEW_FMT, plv_row_view_name (view), PLV_VIEW_ARG (key));
    add_text (self->rows, sizeof self->rows, name, value);
    self->row_count++;
}

static void take_journal (void *arg, uint64_t seq, plv_view_t value)
{
    recovered_t *self = arg;
    char name[32];
    snprintf (name, sizeof name, "%ju", (uintmax_t) seq);
    add_text (self->journal, sizeof self->journal, name, value);
    self->journal_count++;
}

recovered_t *subject_recover (store_t *store)
{
    recovered_t *self = plv_alloc_zero (1, sizeof *self);
    store_recovery_t recovery = {.row = take_row, .journal = take_journal, .arg = self};
    plv_fail_t fail = {.code = ERR_OK};
    if (store->vtable->recover (store, &recovery, &self->next_seq, &fail))
        print_error ("%s\n", fail.text);
    assert_int_equal (fail.code, ERR_OK);
    return self;
}
