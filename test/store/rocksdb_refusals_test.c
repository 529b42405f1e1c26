/*  Directories that the store does not open, and what it says then; and what a start leaves behind.  */

#include "subject.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static plv_fail_t try_open (const char *dir, bool read_only)
{
    store_t *store = NULL;
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = dir, .sync = true, .read_only = read_only};
    plv_err_t err = store_rocksdb_open (&options, &store, &fail);
    assert_int_equal (err, fail.code);
    assert_int_equal (store == NULL, err != ERR_OK);
    store_destroy (&store);
    return fail;
}

/*  Refused with this code, and the words name the directory and what to do.  */
static void expect_refusal (plv_fail_t fail, plv_err_t code, const char *where, const char *advice)
{
    if (fail.code != code || !strstr (fail.text, where) || !strstr (fail.text, advice))
        print_error ("%s: %s\n", plv_err_name (fail.code), fail.text);
    assert_int_equal (fail.code, code);
    assert_non_null (strstr (fail.text, where));
    assert_non_null (strstr (fail.text, advice));
}

static int setup (void **state)
{
    subject_t *self = plv_alloc_zero (1, sizeof *self);
    self->kind = &subject_rocksdb;
    self->next_seq = 1;
    subject_make_dir (self->dir, sizeof self->dir);
    *state = self;
    return 0;
}

static int teardown (void **state)
{
    subject_t *self = *state;
    self->kind->close (self);
    free (self);
    return 0;
}

static void fill_store (subject_t *self)
{
    plv_buf_t ops = {.data = NULL};
    self->kind->restart (self);
    subject_put (&ops, VIEW_TURNS, "t", "turn");
    subject_commit (self, plv_view_str ("one"), &ops, 0);
    plv_buf_free (&ops);
    store_destroy (&self->store);
}

static void a_missing_directory_is_made_private (void **state)
{
    subject_t *self = *state;
    char dir[128];
    struct stat status;
    snprintf (dir, sizeof dir, "%s/state/palaver", self->dir);
    assert_int_equal (try_open (dir, false).code, ERR_OK);
    assert_int_equal (stat (dir, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0700);
    snprintf (dir, sizeof dir, "%s/state", self->dir);
    assert_int_equal (stat (dir, &status), 0);
    assert_int_equal (status.st_mode & 07777, 0700);
}

static void a_reader_makes_nothing (void **state)
{
    subject_t *self = *state;
    char dir[128];
    snprintf (dir, sizeof dir, "%s/none", self->dir);
    expect_refusal (try_open (dir, true), ERR_NOENT, dir, "cannot be opened");
    assert_int_equal (access (dir, F_OK), -1);
    expect_refusal (try_open (self->dir, true), ERR_NOENT, self->dir, "name its directory");
}

static void a_file_is_no_directory (void **state)
{
    subject_t *self = *state;
    char path[128];
    snprintf (path, sizeof path, "%s/file", self->dir);
    close (open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    plv_fail_t fail = try_open (path, false);
    assert_int_not_equal (fail.code, ERR_OK);
    assert_non_null (strstr (fail.text, path));
}

static void a_directory_open_to_others_is_refused (void **state)
{
    subject_t *self = *state;
    chmod (self->dir, 0750);
    expect_refusal (try_open (self->dir, false), ERR_PERM, self->dir, "chmod 700");
    chmod (self->dir, 0701);
    expect_refusal (try_open (self->dir, false), ERR_PERM, self->dir, "chmod 700");
    chmod (self->dir, 0700);
    assert_int_equal (try_open (self->dir, false).code, ERR_OK);
    chmod (self->dir, 0701); /* who may read it may look at it */
    assert_int_equal (try_open (self->dir, true).code, ERR_OK);
    chmod (self->dir, 0700);
}

static void somebody_elses_directory_is_refused (void **state)
{
    subject_t *self = *state;
    if (geteuid () != 0) {
        print_message ("skipped: only root can give a directory away\n");
        return;
    }
    assert_int_equal (chown (self->dir, NOBODY, NOBODY), 0);
    expect_refusal (try_open (self->dir, false), ERR_PERM, self->dir, "chown");
}

static void a_directory_that_cannot_be_written_is_refused (void **state)
{
    subject_t *self = *state;
    if (geteuid () == 0) {
        assert_int_equal (chown (self->dir, NOBODY, NOBODY), 0);
        assert_int_equal (seteuid (NOBODY), 0);
    }
    chmod (self->dir, 0500);
    plv_fail_t fail = try_open (self->dir, false);
    if (getuid () == 0)
        assert_int_equal (seteuid (0), 0);
    expect_refusal (fail, ERR_PERM, self->dir, "not writable");
}

/*  The child: a store on a disk that then becomes read-only.  */
static int on_read_only_disk (const char *dir)
{
    store_t *store = NULL;
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = dir, .sync = true};
    if (!subject_mount (dir, "size=16m,mode=0700"))
        return SUBJECT_NO_MOUNT;
    if (store_rocksdb_open (&options, &store, &fail))
        return 1;
    store_destroy (&store);
    if (mount (NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return 2;
    if (store_rocksdb_open (&options, &store, &fail) != ERR_PERM
        || !strstr (fail.text, "not writable"))
        return 3;
    options.read_only = true;
    if (store_rocksdb_open (&options, &store, &fail))
        return 4;
    store_destroy (&store);
    return 0;
}

static void a_read_only_disk_is_refused_but_can_be_read (void **state)
{
    subject_t *self = *state;
    int status = subject_join (subject_spawn ("read-only-disk", self->dir, NULL));
    if (status == SUBJECT_NO_MOUNT)
        print_message ("skipped: no right to mount a file system\n");
    else
        assert_int_equal (status, 0);
}

static void a_second_daemon_is_refused_by_pid (void **state)
{
    subject_t *self = *state;
    char pid[32];
    snprintf (pid, sizeof pid, "process %ld", (long) getpid ());
    self->kind->restart (self);
    expect_refusal (try_open (self->dir, false), ERR_BUSY, self->dir, pid);
    expect_refusal (try_open (self->dir, true), ERR_BUSY, self->dir, pid);
    store_destroy (&self->store);
    assert_int_equal (try_open (self->dir, false).code, ERR_OK);
}

static void a_newer_schema_is_refused (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    uint8_t newer[4];
    plv_put_u32 (newer, STORE_SCHEMA + 1);
    self->kind->restart (self);
    plv_row_put (&ops, VIEW_META, plv_view_str (STORE_META_SCHEMA), plv_view (newer, sizeof newer));
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);
    store_destroy (&self->store);
    expect_refusal (try_open (self->dir, false), ERR_SCHEMA, self->dir, "newer release");
    expect_refusal (try_open (self->dir, true), ERR_SCHEMA, self->dir, "newer release");
}

static void an_older_layout_is_refused (void **state)
{
    subject_t *self = *state;
    plv_buf_t ops = {.data = NULL};
    uint8_t older[4];
    plv_put_u32 (older, STORE_SCHEMA - 1);
    self->kind->restart (self);
    plv_row_put (&ops, VIEW_META, plv_view_str (STORE_META_SCHEMA), plv_view (older, sizeof older));
    subject_commit (self, plv_view (NULL, 0), &ops, 0);
    plv_buf_free (&ops);
    store_destroy (&self->store);
    /*  There was no journal beside it.  */
    char journal[128];
    snprintf (journal, sizeof journal, "%s/journal", self->dir);
    subject_remove_dir (journal);
    expect_refusal (try_open (self->dir, false), ERR_SCHEMA, self->dir, "older release");
    expect_refusal (try_open (self->dir, true), ERR_SCHEMA, self->dir, "older release");
    assert_int_equal (access (journal, F_OK), -1);
}

static void a_view_of_a_newer_release_is_refused (void **state)
{
    subject_t *self = *state;
    char *error = NULL;
    fill_store (self);
    size_t count;
    rocksdb_options_t *options = rocksdb_options_create ();
    char **names = rocksdb_list_column_families (options, self->dir, &count, &error);
    assert_null (error);
    const rocksdb_options_t *each[32];
    rocksdb_column_family_handle_t *handles[33];
    for (size_t i = 0; i < count; i++)
        each[i] = options;
    rocksdb_t *db = rocksdb_open_column_families (
        options, self->dir, (int) count, (const char *const *) names, each, handles, &error);
    assert_null (error);
    handles[count] = rocksdb_create_column_family (db, options, "crystal", &error);
    assert_null (error);
    for (size_t i = 0; i <= count; i++)
        rocksdb_column_family_handle_destroy (handles[i]);
    rocksdb_close (db);
    rocksdb_list_column_families_destroy (names, count);
    rocksdb_options_destroy (options);
    expect_refusal (try_open (self->dir, false), ERR_SCHEMA, self->dir, "\"crystal\"");
}

static void the_loss_of_current_does_not_begin_anew (void **state)
{
    subject_t *self = *state;
    char path[128];
    fill_store (self);
    assert_int_equal (try_open (self->dir, false).code, ERR_OK);
    snprintf (path, sizeof path, "%s/CURRENT", self->dir);
    assert_int_equal (unlink (path), 0);
    expect_refusal (try_open (self->dir, false), ERR_CORRUPT, self->dir, "restore");
}

static size_t count_files (const char *dir)
{
    size_t count = 0;
    DIR *stream = opendir (dir);
    assert_non_null (stream);
    while (readdir (stream))
        count++;
    closedir (stream);
    return count;
}

static void a_reader_reads_all_and_leaves_no_trace (void **state)
{
    subject_t *self = *state;
    fill_store (self);
    size_t files = count_files (self->dir);
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = self->dir, .read_only = true};
    assert_int_equal (store_rocksdb_open (&options, &self->store, &fail), ERR_OK);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (found->rows, "turns/t=turn");
    assert_string_equal (found->journal, "1=one");
    free (found);
    store_batch_t batch = {.seq = 2, .journal = plv_view_str ("two"), .sync = true};
    self->store->vtable->append (self->store, &batch);
    store_done_t done = subject_wait (self->store);
    assert_int_equal (done.type, STORE_FAILED);
    expect_refusal (done.fail, ERR_PERM, self->dir, "reading only");
    store_destroy (&self->store);
    assert_int_equal (count_files (self->dir), files);
}

/*  The child: rows that are put and deleted, some of them on disk in the views, some in the
    journal only, and no goodbye.  */
static int commit_rows_and_die (const char *dir)
{
    subject_t self = {.kind = &subject_rocksdb, .next_seq = 1};
    snprintf (self.dir, sizeof self.dir, "%s", dir);
    for (int life = 0; life < 2; life++) {
        plv_buf_t ops = {.data = NULL};
        self.kind->restart (&self);
        subject_put (&ops, VIEW_DEAD, "a", life ? "a2" : "a1");
        subject_put (&ops, VIEW_DEAD, "b", "b1");
        subject_put (&ops, VIEW_DEAD, life ? "d" : "c", "new");
        subject_put (&ops, VIEW_TURNS, life ? "t2" : "t1", "turn");
        subject_commit (&self, plv_view_str (life ? "two" : "one"), &ops, 0);
        plv_buf_clear (&ops);
        if (life)
            plv_row_delete (&ops, VIEW_DEAD, plv_view_str ("b"));
        subject_commit (&self, plv_view (NULL, 0), &ops, 0);
        plv_buf_free (&ops);
    }
    kill (getpid (), SIGKILL);
    return 3;
}

static void a_reader_sees_what_a_crash_left_in_the_journal (void **state)
{
    static const struct {
        const char *from, *to, *expected;
    } cases[] = {{"", "", "a=a2 c=new d=new"}, {"a", "b", "a=a2"}, {"b", "d", "c=new"}};
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    char text[256];
    assert_int_equal (subject_join (subject_spawn ("rows-and-die", self->dir, NULL)), -1);
    size_t files = count_files (self->dir);
    store_rocksdb_options_t options = {.dir = self->dir, .read_only = true};
    assert_int_equal (store_rocksdb_open (&options, &self->store, &fail), ERR_OK);
    recovered_t *found = subject_recover (self->store);
    assert_string_equal (found->rows, "turns/t1=turn turns/t2=turn");
    assert_string_equal (found->journal, "1=one 3=two");
    assert_int_equal (found->next_seq, 5);
    free (found);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plv_buf_t rows = subject_scan (self, VIEW_DEAD, cases[i].from, cases[i].to, 0, NULL);
        assert_string_equal (subject_text (plv_buf_view (&rows), false, text, sizeof text),
                             cases[i].expected);
        plv_buf_free (&rows);
    }
    plv_buf_t rows = subject_scan_journal (self, 2, UINT64_MAX, 0, NULL);
    assert_string_equal (subject_text (plv_buf_view (&rows), true, text, sizeof text), "3=two");
    plv_buf_free (&rows);
    store_destroy (&self->store);
    assert_int_equal (count_files (self->dir), files);
}

/*  A broker that starts again and again with nothing to do in between, as in a loop of crashes.  */
static void starts_leave_nothing_behind (void **state)
{
    enum { STARTS = 6 };
    subject_t *self = *state;
    fill_store (self);
    assert_int_equal (try_open (self->dir, false).code, ERR_OK);
    assert_int_equal (try_open (self->dir, false).code, ERR_OK);
    size_t files = count_files (self->dir);
    for (int i = 0; i < STARTS; i++)
        assert_int_equal (try_open (self->dir, false).code, ERR_OK);
    assert_int_equal (count_files (self->dir), files);
}

#define REFUSAL(test_) cmocka_unit_test_setup_teardown (test_, setup, teardown)

int main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv[0], "read-only-disk") == 0)
        return on_read_only_disk (argv[1]);
    if (argc == 2 && strcmp (argv[0], "rows-and-die") == 0)
        return commit_rows_and_die (argv[1]);
    const struct CMUnitTest tests[] = {
        REFUSAL (a_missing_directory_is_made_private),
        REFUSAL (a_reader_makes_nothing),
        REFUSAL (a_file_is_no_directory),
        REFUSAL (a_directory_open_to_others_is_refused),
        REFUSAL (somebody_elses_directory_is_refused),
        REFUSAL (a_directory_that_cannot_be_written_is_refused),
        REFUSAL (a_read_only_disk_is_refused_but_can_be_read),
        REFUSAL (a_second_daemon_is_refused_by_pid),
        REFUSAL (a_newer_schema_is_refused),
        REFUSAL (an_older_layout_is_refused),
        REFUSAL (a_view_of_a_newer_release_is_refused),
        REFUSAL (the_loss_of_current_does_not_begin_anew),
        REFUSAL (a_reader_reads_all_and_leaves_no_trace),
        REFUSAL (a_reader_sees_what_a_crash_left_in_the_journal),
        REFUSAL (starts_leave_nothing_behind),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
