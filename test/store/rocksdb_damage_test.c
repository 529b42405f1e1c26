/*  Files that rot or end in the middle: what was promised is found, or the store refuses; it never goes on without.
    Every byte of the journal has its turn in journal_test.c; here the whole store hears of it.  */

#include "subject.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCHES = 126, FLIPS = 30, CUTS = 20, UNSYNCED = 20, SEGMENT_BYTES = 64 * 1024 };

/*  The child commits and dies without closing, so everything is still in the journal. Every fifth
    batch is not synced by itself, but by the one behind it.  */
static int commit_and_die (const char *dir)
{
    store_t *store = NULL;
    plv_fail_t fail;
    store_rocksdb_options_t options = {.dir = dir, .sync = true, .memtable_bytes = SEGMENT_BYTES};
    if (store_rocksdb_open (&options, &store, &fail))
        return 1;
    plv_rng_t rng = plv_rng_seed (5);
    char *text = plv_alloc (20000);
    for (uint64_t seq = 1; seq <= BATCHES; seq++) {
        size_t size = 20 + plv_rng_below (&rng, seq % 10 ? 900 : 19000);
        for (size_t i = 0; i < size; i++)
            text[i] = (char) ('a' + plv_rng_below (&rng, 26));
        plv_buf_t ops = {.data = NULL};
        plv_row_put (&ops, VIEW_ENTRIES, plv_view (&seq, sizeof seq), plv_view (text, size / 8));
        store_batch_t batch = {.seq = seq,
                               .journal = plv_view (text, size),
                               .ops = plv_buf_view (&ops),
                               .sync = seq % 5 != 0};
        store->vtable->append (store, &batch);
        if (subject_wait (store).type != STORE_STORED)
            return 2;
        plv_buf_free (&ops);
    }
    kill (getpid (), SIGKILL);
    return 3;
}

static void ignore_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) arg, (void) view, (void) key, (void) value;
}

static void ignore_value (void *arg, uint64_t seq, plv_view_t value)
{
    (void) arg, (void) seq, (void) value;
}

static int commit_unsynced_and_die (const char *dir)
{
    store_t *store = NULL;
    plv_fail_t fail;
    uint64_t next_seq;
    char text[400];
    store_recovery_t recovery = {.row = ignore_row, .journal = ignore_value};
    store_rocksdb_options_t options = {.dir = dir, .sync = false, .memtable_bytes = SEGMENT_BYTES};
    if (store_rocksdb_open (&options, &store, &fail)
        || store->vtable->recover (store, &recovery, &next_seq, &fail))
        return 1;
    memset (text, 'u', sizeof text);
    for (uint64_t seq = next_seq; seq < next_seq + UNSYNCED; seq++) {
        store_batch_t batch = {.seq = seq, .journal = plv_view (text, sizeof text)};
        store->vtable->append (store, &batch);
        if (subject_wait (store).type != STORE_STORED)
            return 2;
    }
    kill (getpid (), SIGKILL);
    return 3;
}

static int setup (void **state)
{
    subject_t *self = plv_alloc_zero (1, sizeof *self);
    self->kind = &subject_rocksdb;
    subject_make_dir (self->dir, sizeof self->dir);
    assert_int_equal (subject_join (subject_spawn ("commit-and-die", self->dir, NULL)), -1);
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

static plv_buf_t read_file (const char *path)
{
    plv_buf_t bytes = {.data = NULL};
    uint8_t block[65536];
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    for (ssize_t got; (got = read (fd, block, sizeof block)) > 0;)
        plv_buf_add (&bytes, block, (size_t) got);
    close (fd);
    return bytes;
}

static void write_file (const char *path, plv_view_t bytes)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (write (fd, bytes.data, bytes.size), bytes.size);
    close (fd);
}

/*  The one file of a directory whose name ends (or begins) so.  */
static void find_file (const char *dir, const char *part, char *ret_path, size_t size)
{
    off_t largest = -1;
    DIR *stream = opendir (dir);
    assert_non_null (stream);
    for (struct dirent *entry; (entry = readdir (stream));) {
        char path[400];
        struct stat status;
        snprintf (path, sizeof path, "%s/%s", dir, entry->d_name);
        if (strstr (entry->d_name, part) && stat (path, &status) == 0 && status.st_size > largest) {
            largest = status.st_size;
            snprintf (ret_path, size, "%s", path);
        }
    }
    closedir (stream);
    assert_true (largest > 0);
}

typedef struct {
    char dir[80];
    uint64_t last; /* the last segment that holds records */
} copy_t;

static void segment_path (const copy_t *self, uint64_t number, char *path, size_t size)
{
    snprintf (path, size, "%s/journal/%010ju.journal", self->dir, (uintmax_t) number);
}

static plv_buf_t read_segment (const copy_t *self, uint64_t number)
{
    char path[400];
    segment_path (self, number, path, sizeof path);
    return read_file (path);
}

static void write_segment (const copy_t *self, uint64_t number, const plv_buf_t *bytes)
{
    char path[400];
    segment_path (self, number, path, sizeof path);
    write_file (path, plv_buf_view (bytes));
}

/*  What is not zeros that nobody has written over yet.  */
static size_t used_bytes (const plv_buf_t *bytes)
{
    size_t size = bytes->size;
    while (size && bytes->data[size - 1] == 0)
        size--;
    return size;
}

static void copy_files (const char *from_dir, const char *to_dir)
{
    assert_int_equal (mkdir (to_dir, 0700), 0);
    DIR *stream = opendir (from_dir);
    assert_non_null (stream);
    for (struct dirent *entry; (entry = readdir (stream));) {
        char from[400], to[400];
        if (entry->d_type != DT_REG)
            continue;
        snprintf (from, sizeof from, "%s/%s", from_dir, entry->d_name);
        snprintf (to, sizeof to, "%s/%s", to_dir, entry->d_name);
        plv_buf_t bytes = read_file (from);
        write_file (to, plv_buf_view (&bytes));
        plv_buf_free (&bytes);
    }
    closedir (stream);
}

static uint64_t find_last (const copy_t *self)
{
    enum { HEAD_BYTES = 64 };
    char path[400];
    uint64_t last = 0;
    for (uint64_t number = 1;; number++) {
        segment_path (self, number, path, sizeof path);
        if (access (path, F_OK) < 0)
            break;
        plv_buf_t bytes = read_file (path);
        if (used_bytes (&bytes) > HEAD_BYTES)
            last = number;
        plv_buf_free (&bytes);
    }
    assert_true (last > 0);
    return last;
}

/*  A fresh copy of the store as the child left it.  */
static copy_t copy_store (const subject_t *self)
{
    copy_t copy;
    char from[128], to[128];
    snprintf (copy.dir, sizeof copy.dir, "%s/copy", self->dir);
    subject_remove_dir (copy.dir);
    copy_files (self->dir, copy.dir);
    snprintf (from, sizeof from, "%s/journal", self->dir);
    snprintf (to, sizeof to, "%s/journal", copy.dir);
    copy_files (from, to);
    copy.last = find_last (&copy);
    return copy;
}

static void count_value (void *arg, uint64_t seq, plv_view_t value)
{
    (void) value;
    assert_int_equal (seq, ++*(uint64_t *) arg);
}

/*  How many batches are there; UINT64_MAX: refused, with words that name the directory.  */
static uint64_t open_and_count (const char *dir, plv_fail_t *ret_fail)
{
    store_t *store = NULL;
    uint64_t count = 0, next_seq;
    store_recovery_t recovery = {.row = ignore_row, .journal = count_value, .arg = &count};
    store_rocksdb_options_t options = {.dir = dir, .sync = true, .memtable_bytes = SEGMENT_BYTES};
    ret_fail->code = ERR_OK;
    if (store_rocksdb_open (&options, &store, ret_fail) == ERR_OK)
        store->vtable->recover (store, &recovery, &next_seq, ret_fail);
    store_destroy (&store);
    if (ret_fail->code == ERR_OK)
        return count;
    assert_non_null (strstr (ret_fail->text, dir));
    assert_int_equal (ret_fail->code, ERR_CORRUPT);
    return UINT64_MAX;
}

static void a_flipped_bit_is_refused_and_stays_refused (void **state)
{
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (99);
    size_t refused = 0;
    for (int i = 0; i < FLIPS; i++) {
        plv_fail_t fail;
        copy_t copy = copy_store (self);
        uint64_t number = 1 + plv_rng_below (&rng, copy.last);
        plv_buf_t bytes = read_segment (&copy, number);
        size_t at = plv_rng_below (&rng, used_bytes (&bytes));
        bytes.data[at] ^= (uint8_t) (1u << plv_rng_below (&rng, 8));
        write_segment (&copy, number, &bytes);
        uint64_t count = open_and_count (copy.dir, &fail);
        if (count == UINT64_MAX) {
            refused++;
            assert_non_null (strstr (fail.text, "damaged at byte"));
            /*  The refusal has thrown nothing away: it is the same the next time.  */
            assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
        } else if (count < BATCHES - 2) {
            print_error ("byte %zu of segment %ju: %ju batches are left\n", at, (uintmax_t) number,
                         (uintmax_t) count);
        }
        /*  Nothing follows the last record (and the unsynced one ahead of it) that could prove
            it was whole.  */
        assert_true (count >= BATCHES - 2); /* refused: UINT64_MAX */
        plv_buf_free (&bytes);
    }
    print_message ("%zu of %d flips refused\n", refused, FLIPS);
    assert_true (refused > FLIPS * 8 / 10);
}

static void a_torn_end_is_no_reason_to_refuse (void **state)
{
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (17);
    copy_t copy = copy_store (self);
    plv_buf_t bytes = read_segment (&copy, copy.last);
    size_t used = used_bytes (&bytes);
    for (int i = 0; i < CUTS; i++) {
        plv_fail_t fail;
        size_t most = i % 2 ? 200 : 20000;
        size_t size = used - 1 - plv_rng_below (&rng, most < used - 64 ? most : used - 64);
        plv_buf_t torn = {.data = NULL};
        plv_buf_add (&torn, bytes.data, size);
        /*  Nothing, zeros or garbage where the rest was to be.  */
        for (uint64_t left = i % 3 ? plv_rng_below (&rng, 30000) : 0; left; left--)
            plv_buf_add_u8 (&torn, i % 3 == 1 ? 0 : (uint8_t) plv_rng_next (&rng));
        copy = copy_store (self);
        write_segment (&copy, copy.last, &torn);
        uint64_t count = open_and_count (copy.dir, &fail);
        if (count == UINT64_MAX)
            print_error ("cut at %zu of %zu: %s\n", size, used, fail.text);
        assert_true (count < BATCHES && count > BATCHES - 60);
        plv_buf_free (&torn);
    }
    plv_buf_free (&bytes);
}

/*  A write that never was synced arrived in part: later pages but not earlier ones. And what was
    cut off stays so.  */
static void a_hole_in_what_was_never_synced_is_no_reason_to_refuse (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    int status = subject_join (subject_spawn ("commit-unsynced-and-die", copy.dir, NULL));
    assert_int_equal (status, -1);
    uint64_t last = find_last (&copy);
    plv_buf_t bytes = read_segment (&copy, last);
    bytes.data[used_bytes (&bytes) - 1500] ^= 1;
    write_segment (&copy, last, &bytes);
    plv_buf_free (&bytes);
    uint64_t count = open_and_count (copy.dir, &fail);
    assert_in_range (count, BATCHES, BATCHES + UNSYNCED - 1);
    assert_int_equal (open_and_count (copy.dir, &fail), count);
}

/*  Neither half of the data is enough.  */
static void a_lost_journal_is_refused (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    char path[128];
    copy_t copy = copy_store (self);
    snprintf (path, sizeof path, "%s/journal", copy.dir);
    subject_remove_dir (path);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
    assert_non_null (strstr (fail.text, "lost its journal"));
    assert_int_equal (access (path, F_OK), -1);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
}

static void a_journal_without_views_is_refused (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    char from[128], to[128];
    copy_t copy = copy_store (self);
    subject_remove_dir (copy.dir);
    assert_int_equal (mkdir (copy.dir, 0700), 0);
    snprintf (from, sizeof from, "%s/journal", self->dir);
    snprintf (to, sizeof to, "%s/journal", copy.dir);
    copy_files (from, to);
    for (int i = 0; i < 2; i++) {
        assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
        assert_non_null (strstr (fail.text, "no views"));
    }
}

static void put_journal (const copy_t *copy, const char *from_dir)
{
    char from[128], to[128];
    snprintf (from, sizeof from, "%s/journal", from_dir);
    snprintf (to, sizeof to, "%s/journal", copy->dir);
    subject_remove_dir (to);
    copy_files (from, to);
}

/*  Whose positions are the same, and whose files are whole.  */
static void files_of_another_store_are_refused (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    char other_dir[80], name[128];
    copy_t copy = copy_store (self);
    snprintf (other_dir, sizeof other_dir, "%s.other", self->dir);
    assert_int_equal (subject_join (subject_spawn ("commit-and-die", other_dir, NULL)), -1);
    copy_t other = copy;
    snprintf (other.dir, sizeof other.dir, "%s", other_dir);
    plv_buf_t foreign = read_segment (&other, copy.last), own = read_segment (&copy, copy.last);

    write_segment (&copy, copy.last, &foreign);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
    snprintf (name, sizeof name, "%010ju.journal", (uintmax_t) copy.last);
    assert_non_null (strstr (fail.text, name));
    assert_non_null (strstr (fail.text, "another broker"));
    write_segment (&copy, copy.last, &own);
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);

    put_journal (&copy, other_dir);
    for (int i = 0; i < 2; i++) {
        assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
        assert_non_null (strstr (fail.text, "another broker"));
    }
    put_journal (&copy, self->dir);
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);
    plv_buf_free (&foreign);
    plv_buf_free (&own);
    subject_remove_dir (other_dir);
}

/*  The views were moved to disk, and the journal has lost its end: not a power cut.  */
static void a_journal_that_is_behind_the_views_is_refused (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);
    plv_buf_t bytes = read_segment (&copy, copy.last);
    bytes.data[used_bytes (&bytes) - 1] ^= 1;
    write_segment (&copy, copy.last, &bytes);
    plv_buf_free (&bytes);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
    assert_non_null (strstr (fail.text, "was on disk"));
}

static void expect_found_out (subject_t *self, const char *part, size_t from_end)
{
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    char path[400];
    /*  The first start moves all views into tables.  */
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);
    find_file (copy.dir, part, path, sizeof path);
    plv_buf_t bytes = read_file (path);
    assert_true (bytes.size > from_end);
    bytes.data[bytes.size - 1 - from_end] ^= 4;
    write_file (path, plv_buf_view (&bytes));
    plv_buf_free (&bytes);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
    assert_non_null (strstr (fail.text, "restore the directory from a backup"));
}

static void a_damaged_table_is_refused (void **state)
{
    subject_t *self = *state;
    char path[400];
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);
    find_file (copy.dir, ".sst", path, sizeof path);
    plv_buf_t bytes = read_file (path);
    for (size_t share = 0; share < 10; share++)
        expect_found_out (self, ".sst", bytes.size * share / 10);
    plv_buf_free (&bytes);
}

static void a_damaged_manifest_is_refused (void **state)
{
    subject_t *self = *state;
    expect_found_out (self, "MANIFEST", 300);
    expect_found_out (self, "CURRENT", 2);
}

static void a_lost_table_is_refused (void **state)
{
    subject_t *self = *state;
    char path[400];
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    assert_int_equal (open_and_count (copy.dir, &fail), BATCHES);
    find_file (copy.dir, ".sst", path, sizeof path);
    assert_int_equal (unlink (path), 0);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
}

#define DAMAGE(test_) cmocka_unit_test_setup_teardown (test_, setup, teardown)

int main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv[0], "commit-and-die") == 0)
        return commit_and_die (argv[1]);
    if (argc == 2 && strcmp (argv[0], "commit-unsynced-and-die") == 0)
        return commit_unsynced_and_die (argv[1]);
    const struct CMUnitTest tests[] = {
        DAMAGE (a_flipped_bit_is_refused_and_stays_refused),
        DAMAGE (a_torn_end_is_no_reason_to_refuse),
        DAMAGE (a_hole_in_what_was_never_synced_is_no_reason_to_refuse),
        DAMAGE (a_lost_journal_is_refused),
        DAMAGE (a_journal_without_views_is_refused),
        DAMAGE (files_of_another_store_are_refused),
        DAMAGE (a_journal_that_is_behind_the_views_is_refused),
        DAMAGE (a_damaged_table_is_refused),
        DAMAGE (a_damaged_manifest_is_refused),
        DAMAGE (a_lost_table_is_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
