/*  Disks that fail while the store runs: it says so once, takes nothing more, and keeps what it
    reported.  */

#include "fault.h"
#include "subject.h"

#include "base/alloc.h"
#include "base/bytes.h"
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
    fault_slow_syncs ("", 0);
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
    fault_order (FAULT_SYNC, ".journal", 1, EIO, true);
    uint64_t stored = fill_until_failure (self, 3, 100, &fail);
    assert_int_equal (stored, 3);
    assert_int_equal (fail.code, ERR_IO);
    assert_non_null (strstr (fail.text, self->dir));
    /*  The disk works again, but what it lost nobody knows.  */
    fault_end ();
    expect_silence (self);
    expect_kept (self, stored);
}

/*  Some file systems can say that they write past the system's cache, and then want other blocks for it.  */
static void a_disk_that_wants_other_blocks_is_written_through_the_cache (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    fault_order (FAULT_DIRECT, "journal", 1, EINVAL, false);
    assert_int_equal (open_small (self, &fail), ERR_OK);
    uint64_t stored = fill_until_failure (self, 40, BIG_BYTES, &fail);
    assert_int_equal (stored, 40);
    assert_true (fault_end () > 1); /* of zeros and of records */
    expect_kept (self, stored);
}

static void a_full_disk_is_named (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fault_order (FAULT_WRITE, ".journal", 5, ENOSPC, false);
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

static void skip_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) arg, (void) view, (void) key, (void) value;
}

static void skip_value (void *arg, uint64_t seq, plv_view_t value)
{
    (void) arg, (void) seq, (void) value;
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

enum { LIFE_BYTES = 6000, LIFE_KEEP = 30, LIFE_SEGMENT_BYTES = 32 * 1024 };

/*  Rows that say how often they were written, next to values that are forgotten soon.  */
static void life_batch (uint64_t seq, plv_buf_t *ops)
{
    char key[16];
    plv_buf_clear (ops);
    snprintf (key, sizeof key, "%ju", (uintmax_t) (seq % 7));
    subject_put_number (ops, VIEW_ENTRIES, key, seq);
    subject_put_number (ops, VIEW_META, STORE_META_REFLECTED, seq - 1);
    if (seq % 3 == 0)
        plv_row_delete (ops, VIEW_ENTRIES, plv_view_str ("gone"));
    else
        subject_put_number (ops, VIEW_ENTRIES, "gone", seq);
}

/*  The child goes through everything that a store does: new files, old ones that are used again,
    flushes, backups; and says what is stored.  */
static int live_for_ever (const char *dir)
{
    store_t *store = NULL;
    plv_fail_t fail;
    plv_buf_t ops = {.data = NULL};
    char backup[160];
    static uint8_t value[LIFE_BYTES];
    store_recovery_t recovery = {.row = skip_row, .journal = skip_value};
    store_rocksdb_options_t options = {
        .dir = dir, .sync = true, .memtable_bytes = LIFE_SEGMENT_BYTES};
    uint64_t seq;
    if (store_rocksdb_open (&options, &store, &fail)
        || store->vtable->recover (store, &recovery, &seq, &fail))
        return 1;
    for (bool busy = false;; seq++) {
        life_batch (seq, &ops);
        store_batch_t batch = {.seq = seq,
                               .journal = plv_view (value, seq * 131 % LIFE_BYTES),
                               .ops = plv_buf_view (&ops),
                               .sync = seq % 5 != 0,
                               .drop_below = seq > LIFE_KEEP ? seq - LIFE_KEEP : 0};
        store->vtable->append (store, &batch);
        snprintf (backup, sizeof backup, "%s.%ju", dir, (uintmax_t) seq);
        if (!busy && seq % 40 == 0)
            store->vtable->checkpoint (store, 1, backup);
        busy = busy || seq % 40 == 0;
        for (store_done_t done = {.type = STORE_NOTHING}; done.type != STORE_STORED;) {
            done = subject_wait (store);
            if (done.type == STORE_FAILED || done.fail.code)
                return 2;
            busy = busy && done.type != STORE_CHECKPOINTED;
        }
        if (write (STDOUT_FILENO, &seq, sizeof seq) != sizeof seq)
            return 1;
    }
}

typedef struct {
    uint64_t rows[8]; /* the last one: the one that is sometimes gone */
    uint64_t values;
    uint64_t last;
} life_t;

static void take_life_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    life_t *self = arg;
    if (view == VIEW_ENTRIES)
        self->rows[plv_view_is (key, "gone") ? 7 : key.data[0] - '0'] = plv_get_u64 (value.data);
}

static void take_life_value (void *arg, uint64_t seq, plv_view_t value)
{
    life_t *self = arg;
    assert_int_equal (value.size, seq * 131 % LIFE_BYTES);
    self->values++;
    self->last = seq;
}

/*  The views stand exactly where the last batch has left them.  */
static uint64_t look_at_life (const char *dir, bool read_only)
{
    life_t life = {.values = 0};
    store_t *store = NULL;
    plv_fail_t fail = {.text = ""};
    uint64_t next_seq = 0;
    store_recovery_t recovery = {.row = take_life_row, .journal = take_life_value, .arg = &life};
    store_rocksdb_options_t options = {
        .dir = dir, .sync = true, .read_only = read_only, .memtable_bytes = LIFE_SEGMENT_BYTES};
    if (store_rocksdb_open (&options, &store, &fail)
        || store->vtable->recover (store, &recovery, &next_seq, &fail))
        print_error ("%s: %s\n", dir, fail.text);
    assert_non_null (store);
    uint64_t last = next_seq - 1;
    for (uint64_t seq = last; seq > 0 && seq + 7 > last; seq--)
        assert_int_equal (life.rows[seq % 7], seq);
    if (last)
        assert_int_equal (life.rows[7], last % 3 ? last : 0);
    store_destroy (&store);
    return last;
}

static void remove_backups (const char *dir, uint64_t last, bool look)
{
    for (uint64_t seq = 40; seq <= last + 40; seq += 40) {
        char backup[160], partial[180];
        snprintf (backup, sizeof backup, "%s.%ju", dir, (uintmax_t) seq);
        snprintf (partial, sizeof partial, "%s.partial", backup);
        if (look && access (backup, F_OK) == 0)
            assert_true (look_at_life (backup, false) >= seq - 1);
        subject_remove_dir (backup);
        subject_remove_dir (partial);
    }
}

static void a_process_killed_at_any_moment_loses_nothing (void **state)
{
    enum { LIVES = 25 };
    subject_t *self = *state;
    plv_rng_t rng = plv_rng_seed (31);
    char dir[96];
    uint64_t stored = 0, said;
    snprintf (dir, sizeof dir, "%s/data", self->dir);
    for (int life = 0; life < LIVES; life++) {
        int out;
        pid_t pid = subject_spawn ("live", dir, &out);
        uint64_t until = stored + plv_rng_below (&rng, 150);
        while (read (out, &said, sizeof said) == sizeof said) {
            stored = said;
            if (said >= until) {
                usleep ((useconds_t) plv_rng_below (&rng, 1500)); /* at any moment */
                kill (pid, SIGKILL);
                until = UINT64_MAX;
            }
        }
        close (out);
        assert_int_equal (subject_join (pid), -1);
        if (life % 2)
            assert_in_range (look_at_life (dir, true), stored, stored + 1);
        if (life % 3 == 0) /* else the next life begins where this one ended */
            assert_in_range (look_at_life (dir, false), stored, stored + 1);
        remove_backups (dir, stored, life % 5 == 0);
    }
    assert_true (stored > LIVES * 30);
}

static void a_checkpoint_under_load_holds_all_that_was_stored_before (void **state)
{
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    char dir[128];
    snprintf (dir, sizeof dir, "%s.backup", self->dir);
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

/*  A journal of gigabytes takes a while to copy.  */
static void a_long_backup_holds_up_nobody (void **state)
{
    enum { BYTES = 4 * 1024 * 1024, VALUES = 16 };
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    char dir[128];
    uint8_t *value = plv_alloc_zero (1, BYTES);
    plv_view_t all = plv_view (NULL, 0);
    snprintf (dir, sizeof dir, "%s.backup", self->dir);
    assert_int_equal (open_small (self, &fail), ERR_OK);
    for (int i = 0; i < VALUES; i++)
        subject_commit (self, plv_view (value, BYTES), NULL, 0);
    free (value);
    self->store->vtable->checkpoint (self->store, 1, dir);
    for (uint64_t token = 2; token < 5; token++)
        self->store->vtable->scan (self->store, token, VIEW_META, all, all, 1);
    for (uint64_t token = 2; token < 5; token++) {
        store_done_t done = subject_wait (self->store);
        assert_int_equal (done.type, STORE_ROWS);
        assert_int_equal (done.token, token);
        plv_buf_free (&done.rows);
    }
    store_done_t done = subject_wait (self->store);
    assert_int_equal (done.type, STORE_CHECKPOINTED);
    assert_int_equal (done.fail.code, ERR_OK);
    self->kind->restore (self, dir);
    recovered_t *found = subject_recover (self->store);
    assert_int_equal (found->next_seq, VALUES + 1);
    free (found);
}

enum { COMMITS = 20 };

/*  How many of these small batches were still under way when append came back.  */
static int given_away (subject_t *self, unsigned sync_us, bool alone)
{
    int count = 0;
    fault_slow_syncs (".journal", sync_us);
    for (int i = 0; i < COMMITS; i++) {
        store_batch_t batch = {.seq = self->next_seq++,
                               .journal = plv_view_str ("turn"),
                               .sync = true,
                               .alone = alone};
        int64_t begun_us = plv_clock_mono_us ();
        self->store->vtable->append (self->store, &batch);
        count += plv_clock_mono_us () - begun_us < sync_us / 2;
        store_done_t done = subject_wait (self->store);
        assert_int_equal (done.type, STORE_STORED);
        assert_true (done.commit_us >= sync_us);
    }
    fault_slow_syncs (".journal", 0);
    return count;
}

/*  A small batch is committed inside append while the disk is quick; a slow one must not hold
    the loop, unless nobody else needs it.  */
static void a_slow_disk_does_not_hold_up_the_caller (void **state)
{
    enum { SLOW_US = 2000, HANGING_US = 40000, LEARN = 30 };
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    assert_int_equal (open_small (self, &fail), ERR_OK);
    fault_slow_syncs (".journal", SLOW_US);
    fill_until_failure (self, LEARN, 100, &fail);
    assert_true (given_away (self, SLOW_US, false) > COMMITS / 2);
    assert_true (given_away (self, SLOW_US, true) < COMMITS / 2);
    fault_slow_syncs (".journal", HANGING_US);
    fill_until_failure (self, LEARN, 100, &fail);
    assert_true (given_away (self, HANGING_US, true) > COMMITS / 2);
}

/*  Who trades the last moments before a power cut for speed waits for no sync: not while the views are moved to disk,
    nor where a file of the journal ends, nor while the helper syncs what came before.  */
static void without_sync_the_caller_waits_for_none (void **state)
{
    enum { SLOW_US = 100000, BATCHES_BEYOND_A_FLUSH = 45, BYTES = 8 * 1024 };
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = self->dir, .memtable_bytes = 256 * 1024};
    plv_buf_t ops = {.data = NULL};
    uint8_t *value = plv_alloc_zero (1, BYTES);
    plv_row_put (&ops, VIEW_ENTRIES, plv_view_str ("key"), plv_view (value, BYTES));
    assert_int_equal (store_rocksdb_open (&options, &self->store, &fail), ERR_OK);
    fault_slow_syncs (self->dir, SLOW_US);
    uint32_t slowest_us = 0;
    for (int i = 0; i < BATCHES_BEYOND_A_FLUSH; i++) {
        store_batch_t batch = {.seq = self->next_seq++, .ops = plv_buf_view (&ops), .sync = true};
        int64_t begun_us = plv_clock_mono_us ();
        self->store->vtable->append (self->store, &batch);
        assert_in_range (plv_clock_mono_us () - begun_us, 0, SLOW_US / 2);
        store_done_t done = subject_wait (self->store);
        assert_int_equal (done.type, STORE_STORED);
        slowest_us = done.commit_us > slowest_us ? done.commit_us : slowest_us;
    }
    assert_true (slowest_us >= SLOW_US); /* there was one to wait for */
    plv_buf_free (&ops);
    free (value);
}

/*  The files of the store are no part of the backup: when these fail, nothing more is taken, and both are told why.  */
static void a_backup_that_meets_a_broken_disk_ends_the_store (void **state)
{
    static const struct {
        fault_call_t call;
        const char *part;
    } orders[] = {{FAULT_SYNC, ".journal"}, {FAULT_WRITE, ".sst"}};
    subject_t *self = *state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        plv_fail_t fail = {.code = ERR_OK}, failed = {.code = ERR_OK}, backup = {.code = ERR_OK};
        plv_buf_t ops = {.data = NULL};
        char dir[128];
        snprintf (dir, sizeof dir, "%s.backup", self->dir);
        self->next_seq = 1;
        assert_int_equal (open_small (self, &fail), ERR_OK);
        subject_put_number (&ops, VIEW_ENTRIES, "key", 1);
        store_batch_t batch = {.seq = self->next_seq++,
                               .journal = plv_view_str ("not synced"),
                               .ops = plv_buf_view (&ops)};
        self->store->vtable->append (self->store, &batch);
        assert_int_equal (subject_wait (self->store).type, STORE_STORED);
        fault_order ((int) orders[i].call, orders[i].part, 1, EIO, true);
        self->store->vtable->checkpoint (self->store, 1, dir);
        for (int answers = 0; answers < 2; answers++) {
            store_done_t done = subject_wait (self->store);
            *(done.type == STORE_FAILED ? &failed : &backup) = done.fail;
        }
        fault_end ();
        assert_int_equal (failed.code, ERR_IO);
        assert_string_equal (failed.text, backup.text);
        assert_non_null (strstr (failed.text, "Input/output error"));
        expect_silence (self);
        assert_int_not_equal (access (dir, F_OK), 0);
        plv_buf_free (&ops);
        store_destroy (&self->store);
        subject_remove_dir (self->dir);
    }
}

/*  The store goes on, and the place is free again.  */
static void a_backup_that_has_no_room_says_what_it_needs (void **state)
{
    static const struct {
        const char *part;
        int error_number;
        plv_err_t code;
    } orders[] = {{".backup.partial/data/journal/", ENOSPC, ERR_NOSPC},
                  {".backup.partial/data/journal/", EACCES, ERR_PERM}};
    subject_t *self = *state;
    plv_fail_t fail = {.code = ERR_OK};
    char dir[128], partial[160];
    snprintf (dir, sizeof dir, "%s.backup", self->dir);
    snprintf (partial, sizeof partial, "%s.partial", dir);
    assert_int_equal (open_small (self, &fail), ERR_OK);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        fill_until_failure (self, 3, 100, &fail);
        fault_order (FAULT_WRITE, orders[i].part, 1, orders[i].error_number, true);
        self->store->vtable->checkpoint (self->store, 1, dir);
        store_done_t done = subject_wait (self->store);
        assert_true (fault_end () > 0);
        assert_int_equal (done.type, STORE_CHECKPOINTED);
        assert_int_equal (done.fail.code, orders[i].code);
        assert_non_null (strstr (done.fail.text, dir));
        assert_non_null (strstr (done.fail.text, "give a place for it"));
        assert_null (strstr (done.fail.text, "start again"));
        assert_int_not_equal (access (partial, F_OK), 0);
    }
    self->store->vtable->checkpoint (self->store, 1, "/nowhere/at/all");
    store_done_t done = subject_wait (self->store);
    assert_non_null (strstr (done.fail.text, "make the directory above it first"));
    uint64_t next = self->next_seq;
    assert_int_equal (fill_until_failure (self, 3, 100, &fail), next + 2);
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
    if (argc == 2 && strcmp (argv[0], "live") == 0)
        return live_for_ever (argv[1]);
    const struct CMUnitTest tests[] = {
        FAILURE (a_failed_sync_is_final),
        FAILURE (a_disk_that_wants_other_blocks_is_written_through_the_cache),
        FAILURE (a_full_disk_is_named),
        FAILURE (a_flush_that_fails_behind_the_commits_stops_them),
        FAILURE (every_sync_in_turn),
        FAILURE (every_write_in_turn),
        FAILURE (a_small_disk_fills_up_and_nothing_reported_is_lost),
        FAILURE (a_killed_process_loses_nothing),
        FAILURE (a_process_killed_at_any_moment_loses_nothing),
        FAILURE (a_checkpoint_under_load_holds_all_that_was_stored_before),
        FAILURE (a_long_backup_holds_up_nobody),
        FAILURE (a_slow_disk_does_not_hold_up_the_caller),
        FAILURE (without_sync_the_caller_waits_for_none),
        FAILURE (a_backup_that_meets_a_broken_disk_ends_the_store),
        FAILURE (a_backup_that_has_no_room_says_what_it_needs),
        FAILURE (forgotten_values_leave_the_disk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
