/*  Disks that fail while the store runs: it says so once, takes nothing more, and keeps what it
    reported.  */

#include "fault.h"
#include "subject.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { BATCHES = 12, BIG_BYTES = 40000 };

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
    fault_end ();
    self->kind->close (self);
    free (self);
    return 0;
}

static plv_err_t open_small (subject_t *self, plv_fail_t *ret_fail)
{
    store_rocksdb_options_t options = {
        .dir = self->dir, .sync = true, .memtable_bytes = 256 * 1024};
    return store_rocksdb_open (&options, &self->store, ret_fail);
}

/*  Appends until a commit fails or `batches` are stored; the last that was reported stored.  */
static uint64_t fill_until_failure (subject_t *self, uint64_t batches, size_t bytes,
                                    plv_fail_t *ret_fail)
{
    uint64_t stored = self->next_seq - 1;
    uint8_t *value = plv_alloc (bytes);
    plv_rng_t rng = plv_rng_seed (bytes);
    for (size_t i = 0; i < bytes; i++) /* nothing that compresses away */
        value[i] = (uint8_t) plv_rng_next (&rng);
    for (uint64_t i = 0; i < batches; i++) {
        store_batch_t batch = {
            .seq = self->next_seq++, .journal = plv_view (value, bytes), .sync = true};
        self->store->vtable->append (self->store, &batch);
        store_done_t done = subject_wait (self->store);
        if (done.type == STORE_FAILED) {
            *ret_fail = done.fail;
            break;
        }
        assert_int_equal (done.type, STORE_STORED);
        assert_int_equal (done.seq, batch.seq);
        stored = done.seq;
    }
    free (value);
    return stored;
}

static void expect_silence (subject_t *self)
{
    store_done_t done;
    store_batch_t batch = {
        .seq = self->next_seq, .journal = plv_view_str ("after the end"), .sync = true};
    self->store->vtable->append (self->store, &batch);
    assert_int_equal (self->store->vtable->next (self->store, &done), STORE_NOTHING);
}

static void expect_kept (subject_t *self, uint64_t stored)
{
    fault_end ();
    store_destroy (&self->store);
    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_true (found->next_seq > stored);
    assert_true (found->journal_count >= stored);
    /*  At most the one that failed is there beyond what was reported.  */
    assert_true (found->next_seq <= stored + 2);
    free (found);
}

static void a_failed_sync_is_final (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fill_until_failure (self, 3, 100, &fail);
    fault_order (FAULT_SYNC, ".log", 1, EIO, true);
    uint64_t stored = fill_until_failure (self, 3, 100, &fail);
    assert_int_equal (stored, 3);
    assert_int_equal (fail.code, ERR_IO);
    assert_non_null (strstr (fail.text, self->dir));
    /*  The disk works again, but what it lost nobody knows.  */
    fault_end ();
    expect_silence (self);
    expect_kept (self, stored);
}

static void a_full_disk_is_named (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fault_order (FAULT_WRITE, ".log", 5, ENOSPC, false);
    uint64_t stored = fill_until_failure (self, BATCHES, 100, &fail);
    assert_true (stored < BATCHES);
    assert_int_equal (fail.code, ERR_NOSPC);
    assert_non_null (strstr (fail.text, "free some space"));
    expect_silence (self);
    expect_kept (self, stored);
}

static void a_flush_that_fails_behind_the_commits_stops_them (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fault_order (FAULT_WRITE, ".sst", 1, EIO, false);
    uint64_t stored = fill_until_failure (self, 2000, BIG_BYTES, &fail);
    assert_true (stored > 3 && stored < 2000);
    assert_int_equal (fail.code, ERR_IO);
    expect_silence (self);
    expect_kept (self, stored);
}

/*  Fails the N-th call, for every N that this history reaches: at opening, while committing, at
    closing.  */
static void every_call_in_turn (subject_t *self, fault_call_t call)
{
    bool reached = true;
    subject_remove_dir (self->dir);
    if (access ("/dev/shm", W_OK)
        == 0) /* hundreds of starts, with real syncs: on a disk of memory */
        snprintf (self->dir, sizeof self->dir, "/dev/shm/palaver-store-%ld", (long) getpid ());
    for (long nth = 1; reached; nth++) {
        plv_fail_t fail = {.code = ERR_OK};
        uint64_t stored = 0;
        self->next_seq = 1;
        fault_order ((int) call, self->dir, nth, EIO, true);
        if (open_small (self, &fail) == ERR_OK) {
            stored = fill_until_failure (self, BATCHES, BIG_BYTES, &fail);
            assert_true (stored == BATCHES || fail.code != ERR_OK);
            store_destroy (&self->store);
        }
        if (fail.code != ERR_OK)
            assert_non_null (strstr (fail.text, self->dir));
        reached = fault_end () >= nth;
        expect_kept (self, stored);
        store_destroy (&self->store);
        subject_remove_dir (self->dir);
    }
}

static void every_sync_in_turn (void **state)
{
    every_call_in_turn (*state, FAULT_SYNC);
}

static void every_write_in_turn (void **state)
{
    every_call_in_turn (*state, FAULT_WRITE);
}

static int fill_small_disk (const char *dir)
{
    subject_t self = {.kind = &subject_rocksdb, .next_seq = 1};
    plv_fail_t fail = {.code = ERR_OK};
    snprintf (self.dir, sizeof self.dir, "%s", dir);
    if (!subject_mount (dir, "size=6m,mode=0700"))
        return SUBJECT_NO_MOUNT;
    if (open_small (&self, &fail))
        return 1;
    uint64_t stored = fill_until_failure (&self, 2000, BIG_BYTES, &fail);
    expect_silence (&self);
    store_destroy (&self.store);
    if (fail.code != ERR_NOSPC) {
        fprintf (stderr, "not ERR_NOSPC: %s\n", fail.text);
        return 2;
    }
    if (stored < 10)
        return 3;
    /*  Starting again gives some space back; with luck it is enough.  */
    if (open_small (&self, &fail) != ERR_OK && fail.code != ERR_NOSPC)
        return 4;
    store_destroy (&self.store);
    if (mount (NULL, dir, NULL, MS_REMOUNT, "size=32m") < 0)
        return 5;
    expect_kept (&self, stored);
    store_destroy (&self.store);
    return 0;
}

static void a_small_disk_fills_up_and_nothing_reported_is_lost (void **state)
{
    subject_t *self = *state;
    int status = subject_join (subject_spawn ("small-disk", self->dir, NULL));
    if (status == SUBJECT_NO_MOUNT)
        print_message ("skipped: no right to mount a file system\n");
    else
        assert_int_equal (status, 0);
}

/*  A child that commits for ever and says what was stored.  */
static int commit_for_ever (const char *dir, bool sync)
{
    subject_t self = {.kind = &subject_rocksdb, .next_seq = 1};
    plv_fail_t fail;
    store_rocksdb_options_t options = {.dir = dir, .sync = sync, .memtable_bytes = 512 * 1024};
    if (store_rocksdb_open (&options, &self.store, &fail))
        return 1;
    for (;;) {
        uint64_t stored = fill_until_failure (&self, 1, self.next_seq % 7 * 3000 + 10, &fail);
        if (write (STDOUT_FILENO, &stored, sizeof stored) != sizeof stored)
            return 1;
    }
}

static void a_killed_process_loses_nothing (void **state)
{
    subject_t *self = *state;
    for (int sync = 0; sync < 2; sync++) {
        int out;
        pid_t pid = subject_spawn (sync ? "commit-sync" : "commit-no-sync", self->dir, &out);
        uint64_t stored = 0, said;
        while (read (out, &said, sizeof said) == sizeof said) {
            stored = said;
            if (said == 400)
                kill (pid, SIGKILL);
        }
        close (out);
        assert_int_equal (subject_join (pid), -1);
        assert_true (stored >= 400);
        expect_kept (self, stored);
        store_destroy (&self->store);
        subject_remove_dir (self->dir);
    }
}

static void a_checkpoint_under_load_holds_all_that_was_stored_before (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    char dir[128];
    snprintf (dir, sizeof dir, "%s/backup", self->dir);
    assert_int_equal (open_small (self, &fail), ERR_OK);
    uint64_t before = fill_until_failure (self, 200, 5000, &fail);
    self->store->vtable->checkpoint (self->store, 1, dir);
    uint64_t after = before;
    for (bool finished = false; !finished;) {
        store_batch_t batch = {
            .seq = self->next_seq++, .journal = plv_view_str ("meanwhile"), .sync = true};
        self->store->vtable->append (self->store, &batch);
        for (store_done_t done = subject_wait (self->store);; done = subject_wait (self->store)) {
            if (done.type == STORE_STORED) {
                after = done.seq;
                break;
            }
            assert_int_equal (done.type, STORE_CHECKPOINTED);
            assert_int_equal (done.fail.code, ERR_OK);
            finished = true;
        }
    }
    assert_true (after > before);
    self->kind->restore (self, dir);
    recovered_t *found = subject_recover (self->store);
    assert_in_range (found->next_seq - 1, before, after);
    assert_int_equal (found->journal_count, found->next_seq - 1);
    free (found);
}

/*  A small batch is committed inside append while the disk is quick; a slow one must not hold
    the loop.  */
static void a_slow_disk_does_not_hold_up_the_caller (void **state)
{
    enum { SYNC_US = 8000, LEARN = 30, ROUNDS = 20 };
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fault_slow_syncs (".log", SYNC_US);
    fill_until_failure (self, LEARN, 100, &fail);
    int prompt = 0;
    for (int i = 0; i < ROUNDS; i++) {
        store_batch_t batch = {
            .seq = self->next_seq++, .journal = plv_view_str ("turn"), .sync = true};
        int64_t begun_us = plv_clock_mono_us ();
        self->store->vtable->append (self->store, &batch);
        prompt += plv_clock_mono_us () - begun_us < SYNC_US / 2;
        store_done_t done = subject_wait (self->store);
        assert_int_equal (done.type, STORE_STORED);
        assert_true (done.commit_us >= SYNC_US);
    }
    fault_slow_syncs (".log", 0);
    assert_true (prompt > ROUNDS / 2);
}

static void forgotten_values_leave_the_disk (void **state)
{
    enum { KEEP = 60, ROUNDS = 2000 };
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    uint8_t *value = plv_alloc (BIG_BYTES);
    plv_rng_t rng = plv_rng_seed (3);
    for (size_t i = 0; i < BIG_BYTES; i++)
        value[i] = (uint8_t) plv_rng_next (&rng);
    assert_int_equal (open_small (self, &fail), ERR_OK);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        plv_buf_t ops = {.data = NULL};
        subject_put_number (&ops, VIEW_META, STORE_META_REFLECTED, i);
        subject_commit (self, plv_view (value, BIG_BYTES), &ops, i > KEEP ? i - KEEP : 0);
        plv_buf_free (&ops);
    }
    /*  Files go behind the commits, within a second or two.  */
    uint64_t bytes, first;
    int64_t deadline = plv_clock_mono_us () + 10 * 1000 * 1000;
    do {
        subject_commit (self, plv_view (value, BIG_BYTES), NULL, ROUNDS - KEEP + 1);
        usleep (10000);
        self->store->vtable->usage (self->store, &bytes, &first);
    } while (bytes > 24 * 1024 * 1024 && plv_clock_mono_us () < deadline);
    free (value);
    print_message ("%ju MB on disk\n", (uintmax_t) (bytes / 1000000));
    assert_true (bytes <= 24 * 1024 * 1024);
    assert_int_equal (first, ROUNDS - KEEP + 1);
    self->kind->restart (self);
    recovered_t *found = subject_recover (self->store);
    assert_int_equal (found->next_seq, self->next_seq);
    free (found);
}

#define FAILURE(test_) cmocka_unit_test_setup_teardown (test_, setup, teardown)

int main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv[0], "small-disk") == 0)
        return fill_small_disk (argv[1]);
    if (argc == 2 && strcmp (argv[0], "commit-sync") == 0)
        return commit_for_ever (argv[1], true);
    if (argc == 2 && strcmp (argv[0], "commit-no-sync") == 0)
        return commit_for_ever (argv[1], false);
    const struct CMUnitTest tests[] = {
        FAILURE (a_failed_sync_is_final),
        FAILURE (a_full_disk_is_named),
        FAILURE (a_flush_that_fails_behind_the_commits_stops_them),
        FAILURE (every_sync_in_turn),
        FAILURE (every_write_in_turn),
        FAILURE (a_small_disk_fills_up_and_nothing_reported_is_lost),
        FAILURE (a_killed_process_loses_nothing),
        FAILURE (a_checkpoint_under_load_holds_all_that_was_stored_before),
        FAILURE (a_slow_disk_does_not_hold_up_the_caller),
        FAILURE (forgotten_values_leave_the_disk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
