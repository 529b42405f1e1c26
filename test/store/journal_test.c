/*  The journal by itself: what it finds again, what it cuts off, and what it refuses.  */

#include "fault.h"
#include "journal_world.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool direct; /* past the system's cache, and through it after every second opening */

enum { VALUE_BYTES_MAX = 3000 };

/*  Opens it again, past the system's cache and through it in turns.  */
static plv_err_t try_open (journal_world_t *self, bool read_only, uint64_t from,
                           plv_fail_t *ret_fail)
{
    self->direct = direct && !self->direct;
    return journal_world_open (self, read_only, from, ret_fail);
}

/*  The last position that was found.  */
static uint64_t reopen (journal_world_t *self)
{
    self->direct = direct && !self->direct;
    return journal_world_reopen (self);
}

/*  `what` is part of the words, and so is the file.  */
static void expect_refusal (journal_world_t *self, uint64_t number, const char *what)
{
    plv_fail_t fail = {.code = ERR_OK, .text = ""};
    char name[40];
    snprintf (name, sizeof name, "%010ju.journal", (uintmax_t) number);
    for (int read_only = 1; read_only >= 0; read_only--) { /* it is the same the next time */
        plv_err_t err = try_open (self, read_only, 1, &fail);
        if (err != ERR_CORRUPT || !strstr (fail.text, name) || !strstr (fail.text, what))
            print_error ("%d: %s, not %s of %s\n", (int) err, fail.text, what, name);
        assert_int_equal (err, ERR_CORRUPT);
        assert_non_null (strstr (fail.text, name));
        assert_non_null (strstr (fail.text, what));
    }
}

static size_t value_of (uint64_t seq, uint64_t kind, uint8_t *bytes, size_t size)
{
    plv_rng_t rng = plv_rng_seed (seq * 1000 + kind);
    if (size == 0)
        size = plv_rng_below (&rng, VALUE_BYTES_MAX);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t) plv_rng_next (&rng);
    return size;
}

/*  `kind` says which of several lives this value is of; size 0: any.  */
static plv_err_t try_append (journal_world_t *self, uint64_t kind, size_t size, bool sync)
{
    plv_fail_t fail;
    uint8_t bytes[VALUE_BYTES_MAX];
    uint64_t seq = self->next_seq;
    size = value_of (seq, kind, bytes, size);
    journal_record_t record = {.seq = seq,
                               .synced = self->synced,
                               .first = 1,
                               .journal = plv_view (bytes, size / 2),
                               .ops = plv_view (bytes + size / 2, size - size / 2)};
    plv_err_t err = journal_append (self->journal, &record, &fail);
    if (!err && sync)
        err = journal_sync (self->journal, &fail);
    if (err)
        return err;
    self->next_seq++;
    if (sync)
        self->synced = seq;
    return ERR_OK;
}

static void append (journal_world_t *self, uint64_t count, uint64_t kind, size_t size, bool sync)
{
    for (; count; count--)
        assert_int_equal (try_append (self, kind, size, sync), ERR_OK);
}

/*  Every position from `from` to `last` is there, as it was appended in the life `kind`.  */
static void expect_values (journal_world_t *self, uint64_t from, uint64_t last, uint64_t kind,
                           size_t size)
{
    journal_cursor_t cursor;
    journal_record_t record;
    uint64_t due = from;
    journal_cursor (self->journal, from, last, &cursor);
    while (journal_next (&cursor, &record)) {
        uint8_t bytes[VALUE_BYTES_MAX];
        size_t expected = value_of (due, kind, bytes, size);
        assert_int_equal (record.seq, due++);
        assert_int_equal (record.journal.size + record.ops.size, expected);
        assert_memory_equal (record.journal.data, bytes, record.journal.size);
        assert_memory_equal (record.ops.data, bytes + record.journal.size, record.ops.size);
    }
    if (cursor.fail.code)
        print_error ("%s\n", cursor.fail.text);
    assert_int_equal (cursor.fail.code, ERR_OK);
    assert_int_equal (due, last + 1);
    journal_cursor_end (&cursor);
}

static int open_segment (const journal_world_t *self, uint64_t number)
{
    char path[128];
    journal_world_path (self, number, path, sizeof path);
    int fd = open (path, O_RDWR | O_CLOEXEC);
    assert_true (fd >= 0);
    return fd;
}

static plv_buf_t read_segment (const journal_world_t *self, uint64_t number)
{
    plv_buf_t bytes = {.data = NULL};
    uint8_t block[4096];
    int fd = open_segment (self, number);
    for (ssize_t got; (got = read (fd, block, sizeof block)) > 0;)
        plv_buf_add (&bytes, block, (size_t) got);
    close (fd);
    return bytes;
}

static void write_segment (const journal_world_t *self, uint64_t number, plv_view_t bytes)
{
    int fd = open_segment (self, number);
    assert_int_equal (pwrite (fd, bytes.data, bytes.size, 0), bytes.size);
    assert_int_equal (ftruncate (fd, (off_t) bytes.size), 0);
    close (fd);
}

static bool exists (const journal_world_t *self, uint64_t number)
{
    char path[128];
    journal_world_path (self, number, path, sizeof path);
    return access (path, F_OK) == 0;
}

static void flip (const journal_world_t *self, uint64_t number, uint64_t at, int bit)
{
    int fd = open_segment (self, number);
    uint8_t byte;
    assert_int_equal (pread (fd, &byte, 1, (off_t) at), 1);
    byte ^= (uint8_t) (1u << bit);
    assert_int_equal (pwrite (fd, &byte, 1, (off_t) at), 1);
    close (fd);
}

/*  Where record `index` (from 0) of a segment of equal records begins.  */
static uint64_t place (uint64_t index, size_t size)
{
    uint64_t bytes = (RECORD_HEAD_BYTES + size + 7) / 8 * 8;
    return SEGMENT_HEAD_BYTES + index * bytes;
}

static void what_was_appended_is_there (void **state)
{
    journal_world_t *self = *state;
    assert_int_equal (reopen (self), 0);
    for (int round = 1; round <= 6; round++) {
        append (self, 17, 0, 0, round % 2);
        uint64_t last = self->next_seq - 1;
        expect_values (self, 1, last, 0, 0);
        expect_values (self, last / 2, last, 0, 0);
        assert_int_equal (reopen (self), last);
        expect_values (self, 1, last, 0, 0);
    }
    assert_true (exists (self, 9));
}

static void a_record_larger_than_a_segment_has_one_of_its_own (void **state)
{
    enum { BYTES = 100000 };
    journal_world_t *self = *state;
    plv_fail_t fail;
    uint8_t *bytes = plv_alloc_zero (1, BYTES);
    reopen (self);
    append (self, 3, 0, 0, true);
    journal_record_t record = {
        .seq = self->next_seq++, .synced = 3, .first = 1, .journal = plv_view (bytes, BYTES)};
    assert_int_equal (journal_append (self->journal, &record, &fail), ERR_OK);
    assert_int_equal (journal_sync (self->journal, &fail), ERR_OK);
    self->synced = 4;
    append (self, 3, 0, 0, true);
    assert_int_equal (reopen (self), 7);
    expect_values (self, 5, 7, 0, 0);
    journal_cursor_t cursor;
    journal_cursor (self->journal, 4, 4, &cursor);
    assert_true (journal_next (&cursor, &record));
    assert_int_equal (record.journal.size, BYTES);
    journal_cursor_end (&cursor);
    free (bytes);
}

static void torn_at_every_byte_of_the_last_record (void **state)
{
    enum { SIZE = 200, COUNT = 5 };
    journal_world_t *self = *state;
    reopen (self);
    append (self, COUNT, 0, SIZE, true);
    journal_destroy (&self->journal);
    plv_buf_t whole = read_segment (self, 1);
    uint64_t begin = place (COUNT - 1, SIZE), end = place (COUNT, SIZE);
    for (uint64_t cut = begin; cut < end; cut++) {
        plv_buf_t torn = {.data = NULL};
        plv_buf_add (&torn, whole.data, cut);
        for (uint64_t at = cut; at < whole.size; at++) /* zeros, garbage, or the file ends */
            if (cut % 3 != 2)
                plv_buf_add_u8 (&torn, cut % 3 ? (uint8_t) (at * 37) : 0);
        subject_remove_dir (self->data);
        reopen (self);
        journal_destroy (&self->journal);
        write_segment (self, 1, plv_buf_view (&torn));
        plv_buf_free (&torn);
        assert_int_equal (reopen (self), COUNT - 1);
        const char *said = journal_torn (self->journal);
        if (said)
            assert_non_null (strstr (said, ".journal at byte "));
        else /* not even its head is there, and what is has no meaning */
            assert_true (cut < begin + RECORD_HEAD_BYTES || cut % 3 == 2);
        append (self, 2, 1, SIZE, true);
        assert_int_equal (journal_last (self->journal), COUNT + 1);
        expect_values (self, 1, COUNT - 1, 0, SIZE);
        expect_values (self, COUNT, COUNT + 1, 1, SIZE);
        assert_int_equal (reopen (self), COUNT + 1);
        expect_values (self, COUNT, COUNT + 1, 1, SIZE);
    }
    plv_buf_free (&whole);
}

/*  Records that nobody was promised lie behind a hole, and the next ones are of the same size:
    the old ones must not be joined to them.  */
static void what_was_cut_off_never_comes_back (void **state)
{
    enum { SIZE = 200, KEPT = 6 };
    journal_world_t *self = *state;
    reopen (self);
    append (self, 5, 0, SIZE, true);
    append (self, 5, 0, SIZE, false);
    journal_destroy (&self->journal);
    flip (self, 1, place (KEPT, SIZE) + 60, 0);
    assert_int_equal (reopen (self), KEPT);
    append (self, 1, 1, SIZE, true);
    assert_int_equal (reopen (self), KEPT + 1);
    expect_values (self, 1, KEPT, 0, SIZE);
    expect_values (self, KEPT + 1, KEPT + 1, 1, SIZE);
    append (self, 3, 1, SIZE, true);
    assert_int_equal (reopen (self), KEPT + 4);
    expect_values (self, KEPT + 1, KEPT + 4, 1, SIZE);
}

/*  The same over the end of a segment.  */
static void a_hole_cuts_off_later_segments_too (void **state)
{
    enum { SIZE = 1000 };
    journal_world_t *self = *state;
    reopen (self);
    append (self, 5, 0, SIZE, true);
    append (self, 60, 0, SIZE, false);
    journal_destroy (&self->journal);
    assert_true (exists (self, 4));
    flip (self, 1, place (8, SIZE) + 60, 0);
    assert_int_equal (reopen (self), 8);
    append (self, 40, 1, SIZE, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal (reopen (self), 48);
        expect_values (self, 1, 8, 0, SIZE);
        expect_values (self, 9, 48, 1, SIZE);
    }
}

static void a_flipped_bit_in_any_field_is_refused (void **state)
{
    enum { SIZE = 100 };
    journal_world_t *self = *state;
    char where[64];
    reopen (self);
    append (self, 10, 0, SIZE, true);
    journal_destroy (&self->journal);
    uint64_t begin = place (4, SIZE);
    snprintf (where, sizeof where, "damaged at byte %ju", (uintmax_t) begin);
    for (uint64_t at = begin; at < begin + RECORD_HEAD_BYTES + SIZE; at++) {
        int bit = (int) (at % 8);
        flip (self, 1, at, bit);
        expect_refusal (self, 1, where);
        flip (self, 1, at, bit);
    }
    for (uint64_t at = 0; at < SEGMENT_HEAD_BYTES; at++) {
        flip (self, 1, at, 2);
        expect_refusal (self, 1, "damaged at byte 0");
        flip (self, 1, at, 2);
    }
    assert_int_equal (reopen (self), 10);
}

/*  Nothing follows the last one that could prove it was whole.  */
static void a_flipped_bit_in_the_last_record_cuts_it_off (void **state)
{
    enum { SIZE = 100 };
    journal_world_t *self = *state;
    reopen (self);
    append (self, 10, 0, SIZE, true);
    journal_destroy (&self->journal);
    for (int at = 0; at < RECORD_HEAD_BYTES; at++) {
        flip (self, 1, place (9, SIZE) + (uint64_t) at, 3);
        plv_fail_t fail;
        assert_int_equal (try_open (self, true, 1, &fail), ERR_OK);
        assert_int_equal (journal_last (self->journal), 9);
        journal_destroy (&self->journal);
        flip (self, 1, place (9, SIZE) + (uint64_t) at, 3);
    }
    assert_int_equal (reopen (self), 10);
}

static uint64_t used_bytes (const journal_world_t *self, uint64_t number)
{
    plv_buf_t bytes = read_segment (self, number);
    size_t size = bytes.size;
    while (size && bytes.data[size - 1] == 0)
        size--;
    plv_buf_free (&bytes);
    return size;
}

/*  In segments of records of all sizes, of which every fifth is synced by the one behind it alone.  */
static void a_flipped_bit_anywhere_is_refused_or_costs_the_end_alone (void **state)
{
    enum { FLIPS = 2000, RECORDS = 126, AT_END = 2 };
    journal_world_t *self = *state;
    plv_rng_t rng = plv_rng_seed (99);
    plv_fail_t fail;
    size_t refused = 0;
    reopen (self);
    for (int i = 1; i <= RECORDS; i++)
        append (self, 1, 0, 0, i % 5 != 0);
    journal_destroy (&self->journal);
    uint64_t segments = 0;
    while (exists (self, segments + 1) && used_bytes (self, segments + 1) > SEGMENT_HEAD_BYTES)
        segments++;
    assert_true (segments > 5);
    for (int i = 0; i < FLIPS; i++) {
        uint64_t number = 1 + plv_rng_below (&rng, segments);
        uint64_t at = plv_rng_below (&rng, used_bytes (self, number));
        int bit = (int) plv_rng_below (&rng, 8);
        flip (self, number, at, bit);
        if (try_open (self, true, 1, &fail) == ERR_OK)
            assert_in_range (journal_last (self->journal), RECORDS - AT_END, RECORDS);
        else {
            refused++;
            assert_int_equal (fail.code, ERR_CORRUPT);
            assert_non_null (strstr (fail.text, "damaged at byte"));
        }
        journal_destroy (&self->journal);
        flip (self, number, at, bit);
    }
    assert_int_equal (reopen (self), RECORDS);
    expect_values (self, 1, RECORDS, 0, 0);
    print_message ("%zu of %d flips refused\n", refused, FLIPS);
    assert_true (refused > FLIPS * 8 / 10);
}

static void fill_segments (journal_world_t *self, uint64_t segments)
{
    reopen (self);
    while (!exists (self, segments))
        append (self, 1, 0, 1000, true);
    append (self, 3, 0, 1000, true);
}

static void a_segment_that_is_gone_or_empty_is_refused (void **state)
{
    journal_world_t *self = *state;
    char path[128], aside[160];
    fill_segments (self, 5);
    journal_destroy (&self->journal);
    for (uint64_t number = 1; number <= 3; number++) {
        journal_world_path (self, number, path, sizeof path);
        snprintf (aside, sizeof aside, "%s.aside", path);
        assert_int_equal (rename (path, aside), 0);
        if (number == 1) { /* nobody knows that there was one, but for the position */
            plv_fail_t fail;
            assert_int_equal (try_open (self, false, 1, &fail), ERR_CORRUPT);
            assert_non_null (strstr (fail.text, "misses position 1"));
        } else {
            expect_refusal (self, number, "gone");
        }
        int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true (fd >= 0);
        close (fd);
        expect_refusal (self, number, "damaged at byte 0");
        assert_int_equal (rename (aside, path), 0);
    }
    assert_true (reopen (self) > 10);
}

static void the_first_record_of_a_later_segment_is_damaged (void **state)
{
    journal_world_t *self = *state;
    fill_segments (self, 4);
    journal_destroy (&self->journal);
    flip (self, 3, SEGMENT_HEAD_BYTES + 50, 1);
    expect_refusal (self, 3, "damaged at byte 64");
}

static void a_newer_release_wrote_it (void **state)
{
    journal_world_t *self = *state;
    crc32c_t crc;
    uint8_t head[SEGMENT_HEAD_BYTES];
    plv_fail_t fail;
    reopen (self);
    append (self, 1, 0, 0, true);
    journal_destroy (&self->journal);
    plv_buf_t bytes = read_segment (self, 1);
    memcpy (head, bytes.data, sizeof head);
    head[15]++; /* the version, and the checksum from there on */
    crc32c_init (&crc);
    uint32_t sum = crc32c_of (&crc, plv_view (head + 12, sizeof head - 12));
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t) (sum >> (24 - 8 * i));
    memcpy (bytes.data, head, sizeof head);
    write_segment (self, 1, plv_buf_view (&bytes));
    plv_buf_free (&bytes);
    assert_int_equal (try_open (self, false, 1, &fail), ERR_SCHEMA);
    assert_non_null (strstr (fail.text, "newer release"));
}

/*  No record vouches for the others, but the views do: whoever repairs the file finds all of it.  */
static void a_refusal_leaves_the_files_as_they_are (void **state)
{
    enum { SIZE = 1000, LAST = 80 };
    journal_world_t *self = *state;
    plv_fail_t fail = {.text = ""};
    reopen (self);
    append (self, LAST, 0, SIZE, false);
    journal_destroy (&self->journal);
    assert_true (exists (self, 5));
    flip (self, 2, SEGMENT_HEAD_BYTES + 60, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal (try_open (self, false, LAST + 1, &fail), ERR_CORRUPT);
        assert_non_null (strstr (fail.text, "0000000002.journal is damaged at byte 64"));
    }
    flip (self, 2, SEGMENT_HEAD_BYTES + 60, 0);
    assert_int_equal (reopen (self), LAST);
    expect_values (self, 1, LAST, 0, SIZE);
}

static bool go_on (void *arg)
{
    ++*(int *) arg;
    return true;
}

static plv_err_t copy_journal (journal_world_t *self, const char *dir, uint64_t from, uint64_t last,
                               plv_fail_t *ret_fail)
{
    int pieces = 0;
    journal_meanwhile_t meanwhile = {go_on, &pieces};
    plv_err_t err = journal_copy (self->journal, dir, from, last, &meanwhile, ret_fail);
    assert_true (err || pieces > 0);
    return err;
}

/*  Bytes of an earlier use lie behind the end of a file that is used again; they begin where the
    records of now end.  */
static void a_recycled_file_shows_nothing_of_its_past (void **state)
{
    enum { SIZE = 1000, ROUNDS = 12 };
    journal_world_t *self = *state;
    plv_fail_t fail;
    reopen (self);
    uint64_t stale = 0;
    for (int round = 0; round < ROUNDS; round++) {
        append (self, 40, 0, SIZE, true);
        uint64_t last = self->next_seq - 1;
        assert_int_equal (journal_forget (self->journal, last - 5, &fail), ERR_OK);
        expect_values (self, last - 5, last, 0, SIZE);
        /*  As if the machine stopped here.  */
        journal_destroy (&self->journal);
        assert_int_equal (try_open (self, false, last - 5, &fail), ERR_OK);
        assert_int_equal (journal_last (self->journal), last);
        self->synced = last;
        for (uint64_t number = 1; number < 200; number++) {
            if (!exists (self, number))
                continue;
            plv_buf_t bytes = read_segment (self, number);
            stale += bytes.data[bytes.size - 1000] != 0;
            plv_buf_free (&bytes);
        }
    }
    assert_true (stale > 0);
    assert_false (exists (self, 1));
}

/*  Bytes that this thread had the disk read. Another one of the journal makes the next file ready meanwhile, for which
    the file system may read where it has room.  */
static uint64_t disk_reads (void)
{
    char line[80];
    uint64_t bytes = UINT64_MAX;
    FILE *io = fopen ("/proc/thread-self/io", "r");
    assert_non_null (io);
    while (bytes == UINT64_MAX && fgets (line, sizeof line, io))
        sscanf (line, "read_bytes: %ju", (uintmax_t *) &bytes);
    fclose (io);
    assert_true (bytes != UINT64_MAX);
    return bytes;
}

/*  A file that waited long for its use is in no cache. A record that ends within one of its blocks
    must not have the rest of it read.  */
static void a_record_needs_nothing_read_from_the_disk (void **state)
{
    enum { SIZE = 1000, RECORD_BYTES = 40 + SIZE, RECORDS = 200, BLOCK_BYTES = 4096 };
    journal_world_t *self = *state;
    char path[160];
    self->segment_bytes = 64 + RECORDS * RECORD_BYTES;
    reopen (self);
    append (self, RECORDS, 0, SIZE, true); /* the first segment is full */
    journal_world_wait (self, 2, 1);
    append (self, 1, 0, SIZE, true);
    journal_world_path (self, 2, path, sizeof path);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    uint64_t before = disk_reads ();
    for (uint64_t end = 64 + RECORD_BYTES; end < RECORDS * RECORD_BYTES; end += RECORD_BYTES) {
        uint64_t behind = (end + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
        assert_int_equal (posix_fadvise (fd, (off_t) behind, 0, POSIX_FADV_DONTNEED), 0);
        append (self, 1, 0, SIZE, true);
    }
    assert_int_equal (disk_reads (), before);
    close (fd);
}

static uint64_t count_bytes (const journal_world_t *self)
{
    char command[160];
    uint64_t kb = 0;
    snprintf (command, sizeof command, "du -sk --apparent-size '%s'", self->data);
    FILE *out = popen (command, "r");
    assert_non_null (out);
    assert_int_equal (fscanf (out, "%ju", (uintmax_t *) &kb), 1);
    pclose (out);
    return kb * 1024;
}

static void what_is_forgotten_leaves_the_disk (void **state)
{
    journal_world_t *self = *state;
    plv_fail_t fail;
    reopen (self);
    for (int round = 0; round < 50; round++) {
        append (self, 20, 0, 1000, true);
        assert_int_equal (journal_forget (self->journal, self->next_seq - 1, &fail), ERR_OK);
    }
    /*  The one in use, the next one, two to be used again, and one on its way.  */
    assert_true (count_bytes (self) <= 6 * self->segment_bytes);
}

/*  No room for zeros is no reason to stop; no room for a record is one.  */
static void a_full_disk_hurts_only_when_room_is_needed (void **state)
{
    journal_world_t *self = *state;
    reopen (self);
    append (self, 1, 0, 1000, true);
    fault_order (FAULT_WRITE, "next.tmp", 1, ENOSPC, false);
    append (self, 100, 0, 1000, true);
    assert_true (fault_end () > 0);
    fault_order (FAULT_WRITE, self->data, 1, ENOSPC, false);
    assert_int_equal (try_append (self, 0, 1000, true), ERR_NOSPC);
    fault_end ();
    assert_int_equal (try_append (self, 0, 1000, true),
                      ERR_NOSPC); /* final, whatever room there is now */
    uint64_t last = self->next_seq - 1;
    assert_int_equal (reopen (self), last);
    expect_values (self, 1, last, 0, 1000);
}

/*  However far the last segment was filled before a stop, the next one is ready when it is full.  */
static void a_restart_makes_the_next_segment_ready (void **state)
{
    journal_world_t *self = *state;
    reopen (self);
    append (self, 10, 0, 1000, true);
    reopen (self);
    journal_world_wait (self, 2, 1);
    append (self, 20, 0, 1000, true);
    assert_int_equal (reopen (self), 30);
    expect_values (self, 1, 30, 0, 1000);
}

/*  Nearly full: what the zeros for the next segment could not use is there for a record a moment later.  */
static void a_record_waits_for_the_room_that_zeros_take (void **state)
{
    journal_world_t *self = *state;
    reopen (self);
    fault_slow_syncs ("next.tmp", 200000);
    append (self, 6, 0, 1000, true); /* more than a quarter: the next one is being made */
    fault_order (FAULT_WRITE, ".journal", 1, ENOSPC, true);
    append (self, 1, 0, 1000, true);
    assert_true (fault_end () > 1);
    fault_slow_syncs ("next.tmp", 0);
    append (self, 20, 0, 1000, true);
    assert_int_equal (reopen (self), 27);
    expect_values (self, 1, 27, 0, 1000);
}

static void a_sync_that_failed_is_never_tried_again (void **state)
{
    journal_world_t *self = *state;
    reopen (self);
    append (self, 3, 0, 0, true);
    fault_order (FAULT_SYNC, ".journal", 1, EIO, true);
    assert_int_equal (try_append (self, 0, 0, true), ERR_IO);
    assert_int_equal (try_append (self, 0, 0, true), ERR_IO);
    assert_int_equal (fault_end (), 1);
}

static void a_copy_holds_what_was_asked_for (void **state)
{
    journal_world_t *self = *state, copy = {.journal = NULL};
    plv_fail_t fail;
    fill_segments (self, 5);
    uint64_t last = self->next_seq - 1;
    snprintf (copy.data, sizeof copy.data, "%s/copy", self->dir);
    append (self, 7, 0, 1000, true);
    assert_int_equal (copy_journal (self, copy.data, 20, last, &fail), ERR_OK);
    assert_int_equal (try_open (&copy, false, 20, &fail), ERR_OK);
    assert_int_equal (journal_last (copy.journal), last);
    expect_values (&copy, 20, last, 0, 1000);
    copy.synced = last;
    append (&copy, 40, 1, 1000, true);
    assert_int_equal (try_open (&copy, false, 20, &fail), ERR_OK);
    expect_values (&copy, last + 1, last + 40, 1, 1000);
    journal_destroy (&copy.journal);
    expect_values (self, 1, last + 7, 0, 1000);
}

static void a_copy_does_not_take_damage_along (void **state)
{
    journal_world_t *self = *state;
    plv_fail_t fail;
    char dir[128];
    fill_segments (self, 4);
    snprintf (dir, sizeof dir, "%s/copy", self->dir);
    flip (self, 2, SEGMENT_HEAD_BYTES + 3000, 1);
    assert_int_equal (copy_journal (self, dir, 1, self->next_seq - 1, &fail), ERR_CORRUPT);
    assert_non_null (strstr (fail.text, "0000000002.journal is damaged at byte"));
}

/*  Nobody vouches for old records when the journal is opened far behind them: the cursor finds
    out.  */
static void damage_in_an_old_segment_is_found_when_it_is_read (void **state)
{
    journal_world_t *self = *state;
    plv_fail_t fail;
    journal_cursor_t cursor;
    journal_record_t record;
    fill_segments (self, 5);
    uint64_t last = self->next_seq - 1;
    flip (self, 2, SEGMENT_HEAD_BYTES + 3000, 1);
    assert_int_equal (try_open (self, false, last, &fail), ERR_OK);
    journal_cursor (self->journal, 1, last, &cursor);
    while (journal_next (&cursor, &record))
        ;
    assert_int_equal (cursor.fail.code, ERR_CORRUPT);
    assert_non_null (strstr (cursor.fail.text, "0000000002.journal is damaged at byte"));
    journal_cursor_end (&cursor);
}

/*  A segment without zeros grows with each record.  */
static void reading_goes_on_in_a_segment_that_has_grown (void **state)
{
    journal_world_t *self = *state;
    journal_cursor_t cursor;
    journal_record_t record;
    reopen (self);
    fault_order (FAULT_WRITE, "next.tmp", 1, ENOSPC, false);
    append (self, 40, 0, 1000, true);
    for (int round = 0; round < 20; round++) {
        uint64_t last = self->next_seq - 1;
        journal_cursor (self->journal, last, last, &cursor);
        assert_true (journal_next (&cursor, &record));
        append (self, 9, 0, 1000, true);
        journal_go_on (&cursor, last + 9);
        for (uint64_t due = last + 1; due <= last + 9; due++) {
            assert_true (journal_next (&cursor, &record));
            assert_int_equal (record.seq, due);
        }
        assert_int_equal (cursor.fail.code, ERR_OK);
        journal_cursor_end (&cursor);
    }
    fault_end ();
}

#define JOURNAL(test_)                                                                             \
    cmocka_unit_test_setup_teardown (test_, journal_world_setup, journal_world_teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL (what_was_appended_is_there),
        JOURNAL (a_record_larger_than_a_segment_has_one_of_its_own),
        JOURNAL (torn_at_every_byte_of_the_last_record),
        JOURNAL (what_was_cut_off_never_comes_back),
        JOURNAL (a_hole_cuts_off_later_segments_too),
        JOURNAL (a_flipped_bit_in_any_field_is_refused),
        JOURNAL (a_flipped_bit_in_the_last_record_cuts_it_off),
        JOURNAL (a_flipped_bit_anywhere_is_refused_or_costs_the_end_alone),
        JOURNAL (a_segment_that_is_gone_or_empty_is_refused),
        JOURNAL (the_first_record_of_a_later_segment_is_damaged),
        JOURNAL (a_newer_release_wrote_it),
        JOURNAL (a_refusal_leaves_the_files_as_they_are),
        JOURNAL (a_recycled_file_shows_nothing_of_its_past),
        JOURNAL (a_record_needs_nothing_read_from_the_disk),
        JOURNAL (what_is_forgotten_leaves_the_disk),
        JOURNAL (a_full_disk_hurts_only_when_room_is_needed),
        JOURNAL (a_restart_makes_the_next_segment_ready),
        JOURNAL (a_record_waits_for_the_room_that_zeros_take),
        JOURNAL (a_sync_that_failed_is_never_tried_again),
        JOURNAL (a_copy_holds_what_was_asked_for),
        JOURNAL (a_copy_does_not_take_damage_along),
        JOURNAL (damage_in_an_old_segment_is_found_when_it_is_read),
        JOURNAL (reading_goes_on_in_a_segment_that_has_grown),
    };
    int failed = cmocka_run_group_tests_name ("through the cache", tests, NULL, NULL);
    direct = true;
    return failed + cmocka_run_group_tests_name ("past the cache, in turns", tests, NULL, NULL);
}
