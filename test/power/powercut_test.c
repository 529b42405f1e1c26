/*  What is reported stored is there after the power has gone: with sync always, without it not.
    The program starts itself as the victim, watched by powercut_preload.c, which is linked in.  */

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "store/store.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BATCHES_MAX = 4000, BATCH_BYTES_MAX = 60000, MEMTABLE_BYTES = 1024 * 1024 };

static size_t batch_bytes (uint64_t seq)
{
    plv_rng_t rng = plv_rng_seed (seq);
    return plv_rng_below (&rng, 4) ? 1 + plv_rng_below (&rng, 3000)
                                   : plv_rng_below (&rng, BATCH_BYTES_MAX);
}

static void batch_fill (uint64_t seq, uint8_t *bytes, size_t size)
{
    plv_rng_t rng = plv_rng_seed (seq * 31);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t) plv_rng_next (&rng);
}

static bool reflects (uint64_t seq)
{
    return seq % 50 == 0;
}

/*  Views follow the journal as in the broker: every fiftieth batch writes a row for each one
    before it.  */
static void batch_ops (plv_buf_t *ops, uint64_t seq)
{
    uint8_t key[8], value[8];
    plv_buf_clear (ops);
    if (!reflects (seq))
        return;
    for (uint64_t i = seq - 49; i <= seq; i++) {
        plv_put_u64 (key, i);
        plv_put_u64 (value, i * 7);
        plv_row_put (ops, VIEW_ENTRIES, plv_view (key, 8), plv_view (value, 8));
    }
    plv_row_put (ops, VIEW_META, plv_view_str (STORE_META_REFLECTED), plv_view (key, 8));
}

static void wait_stored (store_t *store)
{
    store_done_t done;
    struct pollfd wait = {.fd = store->vtable->fd (store), .events = POLLIN};
    while (store->vtable->next (store, &done) == STORE_NOTHING)
        poll (&wait, 1, 1000);
    if (done.type != STORE_STORED) {
        fprintf (stderr, "%s\n", done.fail.text);
        exit (3);
    }
}

/*  Commits until the power goes, and says on stdout after each commit which one was reported
    stored.  */
static int be_the_victim (const char *dir, bool sync, uint64_t batches)
{
    store_t *store = NULL;
    plv_fail_t fail;
    plv_buf_t ops = {.data = NULL};
    uint8_t *bytes = plv_alloc (BATCH_BYTES_MAX);
    store_rocksdb_options_t options = {.dir = dir, .sync = sync, .memtable_bytes = MEMTABLE_BYTES};
    if (store_rocksdb_open (&options, &store, &fail)) {
        fprintf (stderr, "%s\n", fail.text);
        return 3;
    }
    for (uint64_t seq = 1; seq <= batches; seq++) {
        size_t size = batch_bytes (seq);
        batch_fill (seq, bytes, size);
        batch_ops (&ops, seq);
        store_batch_t batch = {.seq = seq,
                               .journal = plv_view (bytes, size),
                               .ops = plv_buf_view (&ops),
                               .sync = true,
                               .drop_below = seq > 400 ? seq - 400 : 0};
        store->vtable->append (store, &batch);
        wait_stored (store);
        if (write (STDOUT_FILENO, &seq, sizeof seq) != sizeof seq)
            return 3;
    }
    kill (getpid (), SIGUSR2);
    for (;;)
        pause ();
}

typedef struct {
    char dir[64], disk[80], data[96], image[80], found_dir[96];
    uint64_t reported; /* the last batch that was reported stored before the cut */
    uint64_t found;
    uint64_t rows;
} cut_t;

static void remove_all (const char *dir)
{
    char command[128];
    snprintf (command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal (system (command), 0);
}

static void run_victim (cut_t *self, bool sync, uint64_t cut_at, uint64_t seed, uint64_t batches)
{
    int ends[2], status;
    char cut_text[32], seed_text[32], batches_text[32];
    snprintf (self->dir, sizeof self->dir, "/tmp/palaver-power-XXXXXX");
    assert_non_null (mkdtemp (self->dir));
    /*  The store makes its own directory on the disk: that must survive too.  */
    snprintf (self->disk, sizeof self->disk, "%s/disk", self->dir);
    snprintf (self->data, sizeof self->data, "%s/data", self->disk);
    snprintf (self->image, sizeof self->image, "%s/image", self->dir);
    snprintf (self->found_dir, sizeof self->found_dir, "%s/data", self->image);
    snprintf (cut_text, sizeof cut_text, "%ju", (uintmax_t) cut_at);
    snprintf (seed_text, sizeof seed_text, "%ju", (uintmax_t) seed);
    snprintf (batches_text, sizeof batches_text, "%ju", (uintmax_t) batches);
    assert_int_equal (pipe (ends), 0);
    pid_t pid = fork ();
    if (pid == 0) {
        dup2 (ends[1], STDOUT_FILENO);
        close (ends[0]);
        close (ends[1]);
        setenv ("POWER_DIR", self->disk, 1);
        setenv ("POWER_IMAGE", self->image, 1);
        setenv ("POWER_CUT", cut_text, 1);
        setenv ("POWER_SEED", seed_text, 1);
        execl ("/proc/self/exe", "victim", self->data, sync ? "sync" : "nosync", batches_text,
               (char *) NULL);
        _exit (127);
    }
    close (ends[1]);
    uint64_t seq;
    self->reported = 0;
    while (read (ends[0], &seq, sizeof seq) == sizeof seq)
        self->reported = seq;
    close (ends[0]);
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}

static void check_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    cut_t *self = arg;
    if (view == VIEW_META && plv_view_is (key, STORE_META_REFLECTED)) {
        self->found = plv_get_u64 (value.data);
    } else if (view == VIEW_ENTRIES) {
        assert_int_equal (plv_get_u64 (value.data), plv_get_u64 (key.data) * 7);
        self->rows++;
    }
}

static void check_journal (void *arg, uint64_t seq, plv_view_t value)
{
    cut_t *self = arg;
    static uint8_t bytes[BATCH_BYTES_MAX];
    assert_int_equal (seq, self->found + 1);
    assert_int_equal (value.size, batch_bytes (seq));
    batch_fill (seq, bytes, value.size);
    assert_memory_equal (bytes, value.data, value.size);
    self->found = seq;
}

/*  Opens what the cut left; an early cut may have left nothing at all.  */
static void look (cut_t *self)
{
    store_t *store = NULL;
    plv_fail_t fail = {.code = ERR_OK};
    store_rocksdb_options_t options = {.dir = self->found_dir, .sync = true};
    self->found = self->rows = 0;
    if (store_rocksdb_open (&options, &store, &fail))
        print_error ("reported %ju: %s\n", (uintmax_t) self->reported, fail.text);
    assert_int_equal (fail.code, ERR_OK);
    store_recovery_t recovery = {.row = check_row, .journal = check_journal, .arg = self};
    uint64_t next_seq;
    if (store->vtable->recover (store, &recovery, &next_seq, &fail))
        print_error ("reported %ju: %s\n", (uintmax_t) self->reported, fail.text);
    assert_int_equal (fail.code, ERR_OK);
    /*  A batch whole or not at all: the views stand exactly where META says.  */
    assert_int_equal (self->rows, self->found / 50 * 50);
    if (self->found)
        assert_int_equal (next_seq, self->found + 1);
    store_destroy (&store);
}

static int rounds (void)
{
    const char *text = getenv ("PALAVER_POWER_ROUNDS");
    return text ? atoi (text) : 12;
}

static void with_sync_nothing_reported_is_lost (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (4711);
    for (int round = 0; round < rounds (); round++) {
        cut_t cut;
        uint64_t at = 1 + plv_rng_below (&rng, round % 3 ? 1500 : 30);
        run_victim (&cut, true, at, round % 4 ? plv_rng_next (&rng) % 1000000 + 1 : 0, BATCHES_MAX);
        look (&cut);
        print_message ("cut at sync %ju: reported %ju, found %ju\n", (uintmax_t) at,
                       (uintmax_t) cut.reported, (uintmax_t) cut.found);
        assert_true (cut.found >= cut.reported);
        assert_true (cut.found <= cut.reported + 1);
        remove_all (cut.dir);
    }
}

/*  Whatever is left of an unsynced log, it opens, and holds the first batches without a gap.  */
static void without_sync_the_last_moments_are_lost (void **state)
{
    (void) state;
    uint64_t lost = 0;
    for (uint64_t round = 0; round < (uint64_t) rounds (); round++) {
        cut_t cut;
        run_victim (&cut, false, 0, round % 4 ? round : 0, 100 + round * 60);
        look (&cut);
        print_message ("without sync: reported %ju, found %ju\n", (uintmax_t) cut.reported,
                       (uintmax_t) cut.found);
        lost += cut.reported - cut.found;
        remove_all (cut.dir);
    }
    assert_true (lost > 0);
}

int main (int argc, char **argv)
{
    if (argc == 4 && strcmp (argv[0], "victim") == 0)
        return be_the_victim (argv[1], strcmp (argv[2], "sync") == 0, strtoull (argv[3], NULL, 10));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (with_sync_nothing_reported_is_lost),
        cmocka_unit_test (without_sync_the_last_moments_are_lost),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
