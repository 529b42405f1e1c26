/*  Files that rot or end in the middle: what was promised is found, or the store refuses; it
    never goes on without.  */

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

enum { BATCHES = 126, FLIPS = 150, CUTS = 60 };

/*  The child commits and dies without closing, so everything is still in the log. Every fifth
    batch is not synced by itself, but by the one behind it.  */
static int commit_and_die (const char *dir)
{
    store_t *store = NULL;
    plv_fail_t fail;
    store_rocksdb_options_t options = {.dir = dir, .sync = true};
    if (store_rocksdb_open (&options, &store, &fail))
        return 1;
    plv_rng_t rng = plv_rng_seed (5);
    char *text = plv_alloc (20000);
    for (uint64_t seq = 1; seq <= BATCHES; seq++) {
        size_t size = 20 + plv_rng_below (&rng, seq % 10 ? 900 : 19000);
        for (size_t i = 0; i < size; i++)
            text[i] = (char) ('a' + plv_rng_below (&rng, 26));
        store_batch_t batch = {
            .seq = seq, .journal = plv_view ((uint8_t *) text, size), .sync = seq % 5 != 0};
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
    char log[400];
} copy_t;

/*  A fresh copy of the store as the child left it.  */
static copy_t copy_store (const subject_t *self)
{
    copy_t copy;
    snprintf (copy.dir, sizeof copy.dir, "%s/copy", self->dir);
    subject_remove_dir (copy.dir);
    assert_int_equal (mkdir (copy.dir, 0700), 0);
    DIR *stream = opendir (self->dir);
    assert_non_null (stream);
    for (struct dirent *entry; (entry = readdir (stream));) {
        char from[400], to[400];
        if (entry->d_type != DT_REG)
            continue;
        snprintf (from, sizeof from, "%s/%s", self->dir, entry->d_name);
        snprintf (to, sizeof to, "%s/%s", copy.dir, entry->d_name);
        plv_buf_t bytes = read_file (from);
        write_file (to, plv_buf_view (&bytes));
        plv_buf_free (&bytes);
    }
    closedir (stream);
    find_file (copy.dir, ".log", copy.log, sizeof copy.log);
    return copy;
}

static void skip_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) arg, (void) view, (void) key, (void) value;
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
    store_recovery_t recovery = {.row = skip_row, .journal = count_value, .arg = &count};
    store_rocksdb_options_t options = {.dir = dir, .sync = true};
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
        plv_buf_t log = read_file (copy.log);
        size_t at = plv_rng_below (&rng, log.size);
        log.data[at] ^= (uint8_t) (1u << plv_rng_below (&rng, 8));
        write_file (copy.log, plv_buf_view (&log));
        uint64_t count = open_and_count (copy.dir, &fail);
        if (count == UINT64_MAX) {
            refused++;
            assert_non_null (strstr (fail.text, "damaged at byte"));
            /*  The refusal has thrown nothing away: it is the same the next time.  */
            assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
        } else if (count < BATCHES - 2) {
            print_error ("byte %zu of %zu: %ju batches are left\n", at, log.size,
                         (uintmax_t) count);
        }
        /*  Nothing follows the last record (and the unsynced one ahead of it) that could prove
            it was whole.  */
        assert_true (count >= BATCHES - 2); /* refused: UINT64_MAX */
        plv_buf_free (&log);
    }
    print_message ("%zu of %d flips refused\n", refused, FLIPS);
    assert_true (refused > FLIPS * 8 / 10);
}

/*  A length that lies: RocksDB takes it for the end of the file and would drop the rest of the
    block.  */
static void a_length_that_reaches_beyond_the_end_is_refused (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    plv_buf_t log = read_file (copy.log);
    size_t block = (log.size - 1) / 32768 * 32768;
    log.data[block + 5] ^= 0x70;
    write_file (copy.log, plv_buf_view (&log));
    plv_buf_free (&log);
    assert_int_equal (open_and_count (copy.dir, &fail), UINT64_MAX);
}

static void a_torn_end_is_no_reason_to_refuse (void **state)
{
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (17);
    copy_t copy = copy_store (self);
    plv_buf_t log = read_file (copy.log);
    for (int i = 0; i < CUTS; i++) {
        plv_fail_t fail;
        size_t size = log.size - 1 - plv_rng_below (&rng, i % 2 ? 200 : 20000);
        plv_buf_t torn = {.data = NULL};
        plv_buf_add (&torn, log.data, size);
        /*  Nothing, zeros or garbage where the rest was to be.  */
        for (uint64_t left = i % 3 ? plv_rng_below (&rng, 30000) : 0; left; left--)
            plv_buf_add_u8 (&torn, i % 3 == 1 ? 0 : (uint8_t) plv_rng_next (&rng));
        copy = copy_store (self);
        write_file (copy.log, plv_buf_view (&torn));
        uint64_t count = open_and_count (copy.dir, &fail);
        if (count == UINT64_MAX)
            print_error ("cut at %zu of %zu: %s\n", size, log.size, fail.text);
        assert_true (count <= BATCHES && count > BATCHES - 60);
        plv_buf_free (&torn);
    }
    plv_buf_free (&log);
}

/*  A write that never was synced arrived in part: later pages but not earlier ones.  */
static void a_hole_in_what_was_never_synced_is_no_reason_to_refuse (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    store_t *store = NULL;
    uint64_t count = 0, next_seq;
    store_recovery_t recovery = {.row = skip_row, .journal = count_value, .arg = &count};
    store_rocksdb_options_t options = {.dir = copy.dir, .sync = false};
    assert_int_equal (store_rocksdb_open (&options, &store, &fail), ERR_OK);
    assert_int_equal (store->vtable->recover (store, &recovery, &next_seq, &fail), ERR_OK);
    for (uint64_t seq = next_seq; seq < next_seq + 20; seq++) {
        store_batch_t batch = {.seq = seq, .journal = plv_view_str ("not on disk yet")};
        store->vtable->append (store, &batch);
        assert_int_equal (subject_wait (store).type, STORE_STORED);
    }
    store_destroy (&store);
    find_file (copy.dir, ".log", copy.log, sizeof copy.log);
    plv_buf_t log = read_file (copy.log);
    log.data[log.size / 2] ^= 1;
    write_file (copy.log, plv_buf_view (&log));
    plv_buf_free (&log);
    count = open_and_count (copy.dir, &fail);
    assert_in_range (count, BATCHES, BATCHES + 19);
}

static void expect_found_out (subject_t *self, const char *part, size_t from_end)
{
    plv_fail_t fail;
    copy_t copy = copy_store (self);
    char path[400];
    /*  The first start moves everything from the log into a table.  */
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
    const struct CMUnitTest tests[] = {
        DAMAGE (a_flipped_bit_is_refused_and_stays_refused),
        DAMAGE (a_length_that_reaches_beyond_the_end_is_refused),
        DAMAGE (a_torn_end_is_no_reason_to_refuse),
        DAMAGE (a_hole_in_what_was_never_synced_is_no_reason_to_refuse),
        DAMAGE (a_damaged_table_is_refused),
        DAMAGE (a_damaged_manifest_is_refused),
        DAMAGE (a_lost_table_is_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
