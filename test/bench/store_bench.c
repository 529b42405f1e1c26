/*  store_bench -- what a commit costs, for the choice of the store's options

        store_bench [--seconds 10] [--bytes 96000] [--rows 4] [--rate 100] [--memtable 64]
                    [--no-sync]
                    [--random] [--keep 0] [--dir /tmp/store_bench] [--think 0] [--entries 0]

    Commits batches of `bytes` of journal and `rows` small view rows, one after the other as the
    broker does (append, wait on the descriptor, next), at most `rate` MB/s (0: as fast as it goes),
    `think` microseconds of work between append and wait. With `entries`, first that many rows of
    700 bytes are written, and the time to read them all back after a crash-like stop is a line of
    its own. The journal is chat-like text, or random bytes; with `keep` (MB) older values are
    forgotten. Prints one line:

        commits/s  MB/s  p50 p99 p99.9 max (us)  written/journal  cpu us/commit  restart ms

    `written/journal` is write_bytes of /proc/self/io by the journal's bytes: what the disk was
    given, log, flushes and compactions together.  */

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/rng.h"
#include "store/store.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct {
    double seconds, rate_mb;
    size_t bytes, rows, memtable_mb, keep_mb, entries;
    int64_t think_us;
    bool sync, random;
    const char *dir;
} wanted_t;

typedef struct {
    uint32_t *us;
    size_t count, capacity;
} samples_t;

static void add_sample (samples_t *self, int64_t us)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 65536;
        self->us = plv_realloc (self->us, self->capacity * sizeof *self->us);
    }
    self->us[self->count++] = (uint32_t) us;
}

static int by_size (const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
    return (left > right) - (left < right);
}

static uint32_t percentile (const samples_t *self, double share)
{
    return self->count ? self->us[(size_t) ((double) (self->count - 1) * share)] : 0;
}

static uint64_t written_bytes (void)
{
    uint64_t bytes = 0;
    char line[128];
    FILE *file = fopen ("/proc/self/io", "r");
    while (file && fgets (line, sizeof line, file))
        if (strncmp (line, "write_bytes:", 12) == 0)
            bytes = strtoull (line + 12, NULL, 10);
    if (file)
        fclose (file);
    return bytes;
}

static double cpu_us (void)
{
    struct rusage usage;
    getrusage (RUSAGE_SELF, &usage);
    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
           + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/*  Text that compresses about as chat does: words of a small vocabulary between numbers.  */
static void fill (uint8_t *bytes, size_t size, plv_rng_t *rng, bool random)
{
    static const char *const words[] = {"which ",   "fund ",    "has ",   "the ",    "lowest ",
                                        "fees ",    "for ",     "a ",     "ten ",    "year ",
                                        "horizon ", "and ",     "should", " I sell", " bonds ",
                                        "now? ",    "thanks, ", "please "};
    for (size_t at = 0; at < size;) {
        uint64_t dice = plv_rng_next (rng);
        if (random || dice % 4 == 0) {
            size_t room = size - at < sizeof dice ? size - at : sizeof dice;
            memcpy (bytes + at, &dice, room);
            at += room;
        } else {
            const char *word = words[dice / 4 % (sizeof words / sizeof *words)];
            for (; *word && at < size; word++)
                bytes[at++] = (uint8_t) *word;
        }
    }
}

static store_t *open_store (const wanted_t *wanted)
{
    store_t *store = NULL;
    plv_fail_t fail;
    store_rocksdb_options_t options = {.dir = wanted->dir,
                                       .sync = wanted->sync,
                                       .memtable_bytes = wanted->memtable_mb * 1024 * 1024};
    if (store_rocksdb_open (&options, &store, &fail)) {
        fprintf (stderr, "%s\n", fail.text);
        exit (1);
    }
    return store;
}

static void wait_stored (store_t *store)
{
    store_done_t done;
    struct pollfd wait = {.fd = store->vtable->fd (store), .events = POLLIN};
    while (store->vtable->next (store, &done) == STORE_NOTHING)
        poll (&wait, 1, -1);
    if (done.type != STORE_STORED) {
        fprintf (stderr, "%s\n", done.fail.text);
        exit (1);
    }
}

static void fill_ops (plv_buf_t *ops, const wanted_t *wanted, uint64_t seq, plv_rng_t *rng)
{
    plv_buf_clear (ops);
    uint8_t key[16], value[200];
    fill (value, sizeof value, rng, wanted->random);
    for (size_t i = 0; i < wanted->rows; i++) {
        plv_put_u64 (key, plv_rng_below (rng, 100000));
        plv_put_u64 (key + 8, seq);
        plv_row_put (ops, VIEW_TURNS, plv_view (key, sizeof key), plv_view (value, sizeof value));
    }
    plv_put_u64 (key, seq);
    if (seq % 64 == 0)
        plv_row_put (ops, VIEW_META, plv_view_str (STORE_META_REFLECTED), plv_view (key, 8));
    plv_buf_check (ops);
}

static uint64_t run (const wanted_t *wanted, store_t *store, samples_t *samples)
{
    plv_rng_t rng = plv_rng_seed (7);
    size_t pool_bytes = 8 * 1024 * 1024 + wanted->bytes;
    uint8_t *pool = plv_alloc (pool_bytes);
    fill (pool, pool_bytes, &rng, wanted->random);
    plv_buf_t ops = {.data = NULL};
    uint64_t seq = 0, keep = wanted->keep_mb * 1024 * 1024 / wanted->bytes;
    int64_t begun_us = plv_clock_mono_us (), end_us = begun_us + (int64_t) (wanted->seconds * 1e6);
    for (int64_t now_us; (now_us = plv_clock_mono_us ()) < end_us;) {
        double due_us = wanted->rate_mb > 0 ? (double) (seq * wanted->bytes) / wanted->rate_mb : 0;
        if ((double) (now_us - begun_us) < due_us) {
            usleep (50);
            continue;
        }
        seq++;
        fill_ops (&ops, wanted, seq, &rng);
        store_batch_t batch = {
            .seq = seq,
            .journal =
                plv_view (pool + plv_rng_below (&rng, pool_bytes - wanted->bytes), wanted->bytes),
            .ops = plv_buf_view (&ops),
            .sync = true,
            .drop_below = keep && seq > keep ? seq - keep : 0};
        int64_t append_us = plv_clock_mono_us ();
        store->vtable->append (store, &batch);
        for (int64_t until = append_us + wanted->think_us; plv_clock_mono_us () < until;)
            ;
        wait_stored (store);
        add_sample (samples, plv_clock_mono_us () - append_us);
    }
    plv_buf_free (&ops);
    free (pool);
    return seq;
}

static void ignore_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) arg, (void) view, (void) key, (void) value;
}

static void ignore_journal (void *arg, uint64_t seq, plv_view_t value)
{
    (void) arg, (void) seq, (void) value;
}

static int64_t restart_ms (const wanted_t *wanted)
{
    int64_t begun_us = plv_clock_mono_us ();
    store_t *store = open_store (wanted);
    store_recovery_t recovery = {.row = ignore_row, .journal = ignore_journal};
    uint64_t next_seq;
    plv_fail_t fail;
    if (store->vtable->recover (store, &recovery, &next_seq, &fail))
        fprintf (stderr, "%s\n", fail.text);
    int64_t ms = (plv_clock_mono_us () - begun_us) / 1000;
    store_destroy (&store);
    return ms;
}

static void count_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) key, (void) value;
    *(uint64_t *) arg += view == VIEW_ENTRIES;
}

/*  A million pending messages: how long a start takes.  */
static void measure_entries (const wanted_t *wanted)
{
    enum { ROW_BYTES = 700, BATCH_ROWS = 200 };
    plv_rng_t rng = plv_rng_seed (9);
    plv_buf_t ops = {.data = NULL};
    uint8_t key[8], value[ROW_BYTES];
    store_t *store = open_store (wanted);
    uint64_t seq = 0;
    for (uint64_t entry = 0; entry < wanted->entries;) {
        plv_buf_clear (&ops);
        for (int i = 0; i < BATCH_ROWS; i++, entry++) {
            fill (value, sizeof value, &rng, wanted->random);
            plv_put_u64 (key, entry);
            plv_row_put (&ops, VIEW_ENTRIES, plv_view (key, sizeof key),
                         plv_view (value, sizeof value));
        }
        store_batch_t batch = {.seq = ++seq, .ops = plv_buf_view (&ops)};
        store->vtable->append (store, &batch);
        wait_stored (store);
    }
    plv_buf_free (&ops);
    store_destroy (&store);
    int64_t begun_us = plv_clock_mono_us ();
    store = open_store (wanted);
    int64_t opened_us = plv_clock_mono_us ();
    uint64_t rows = 0, next_seq;
    store_recovery_t recovery = {.row = count_row, .journal = ignore_journal, .arg = &rows};
    plv_fail_t fail;
    if (store->vtable->recover (store, &recovery, &next_seq, &fail))
        fprintf (stderr, "%s\n", fail.text);
    printf ("%ju entries of %d bytes: opened in %jd ms, read back in %jd ms\n", (uintmax_t) rows,
            ROW_BYTES, (intmax_t) (opened_us - begun_us) / 1000,
            (intmax_t) (plv_clock_mono_us () - opened_us) / 1000);
    store_destroy (&store);
}

static wanted_t read_arguments (int argc, char **argv)
{
    static const struct option names[] = {
        {"seconds", 1, NULL, 's'}, {"bytes", 1, NULL, 'b'},    {"rows", 1, NULL, 'o'},
        {"rate", 1, NULL, 'r'},    {"memtable", 1, NULL, 'm'}, {"no-sync", 0, NULL, 'n'},
        {"dir", 1, NULL, 'd'},     {"random", 0, NULL, 'x'},   {"entries", 1, NULL, 'e'},
        {"keep", 1, NULL, 'k'},    {"think", 1, NULL, 't'},    {NULL, 0, NULL, 0},
    };
    wanted_t wanted = {.seconds = 10,
                       .bytes = 96000,
                       .rows = 4,
                       .rate_mb = 100,
                       .sync = true,
                       .dir = "/tmp/store_bench"};
    for (int option; (option = getopt_long (argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 's':
            wanted.seconds = atof (optarg);
            break;
        case 'b':
            wanted.bytes = strtoul (optarg, NULL, 10);
            break;
        case 'o':
            wanted.rows = strtoul (optarg, NULL, 10);
            break;
        case 'r':
            wanted.rate_mb = atof (optarg);
            break;
        case 'm':
            wanted.memtable_mb = strtoul (optarg, NULL, 10);
            break;
        case 'k':
            wanted.keep_mb = strtoul (optarg, NULL, 10);
            break;
        case 'e':
            wanted.entries = strtoul (optarg, NULL, 10);
            break;
        case 't':
            wanted.think_us = atoi (optarg);
            break;
        case 'n':
            wanted.sync = false;
            break;
        case 'x':
            wanted.random = true;
            break;
        case 'd':
            wanted.dir = optarg;
            break;
        default:
            exit (2);
        }
    }
    return wanted;
}

int main (int argc, char **argv)
{
    wanted_t wanted = read_arguments (argc, argv);
    if (access (wanted.dir, F_OK) == 0) {
        fprintf (stderr, "%s exists already: remove it, or name another with --dir\n", wanted.dir);
        return 2;
    }
    if (wanted.entries) {
        measure_entries (&wanted);
        return 0;
    }
    samples_t samples = {.us = NULL};
    store_t *store = open_store (&wanted);
    uint64_t written = written_bytes ();
    double cpu = cpu_us ();
    int64_t begun_us = plv_clock_mono_us ();
    uint64_t commits = run (&wanted, store, &samples);
    double seconds = (double) (plv_clock_mono_us () - begun_us) / 1e6;
    uint64_t bytes, first;
    store->vtable->usage (store, &bytes, &first);
    store_destroy (&store);
    written = written_bytes () - written;
    cpu = (cpu_us () - cpu) / (double) commits;
    qsort (samples.us, samples.count, sizeof *samples.us, by_size);
    printf ("%8.0f commits/s %7.1f MB/s  p50 %u p99 %u p99.9 %u max %u us  written/journal %.2f  "
            "cpu %.0f us/commit  on disk %ju MB from %ju  restart %jd ms\n",
            (double) commits / seconds, (double) (commits * wanted.bytes) / seconds / 1e6,
            percentile (&samples, 0.5), percentile (&samples, 0.99), percentile (&samples, 0.999),
            percentile (&samples, 1), (double) written / (double) (commits * wanted.bytes), cpu,
            (uintmax_t) (bytes / 1000000), (uintmax_t) first, (intmax_t) restart_ms (&wanted));
    free (samples.us);
    return 0;
}
