/*  What lies in the next file of the journal before records come: room that is reserved, then zeros.  */

#include "fault.h"
#include "subject.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 1024 * 1024, WAIT_US_MAX = 30000000 };

typedef struct {
    char dir[64], data[80];
    journal_t *journal;
} world_t;

static int setup (void **state)
{
    world_t *self = plv_alloc_zero (1, sizeof *self);
    subject_make_dir (self->dir, sizeof self->dir);
    snprintf (self->data, sizeof self->data, "%s/journal", self->dir);
    *state = self;
    return 0;
}

static int teardown (void **state)
{
    world_t *self = *state;
    fault_end ();
    journal_destroy (&self->journal);
    subject_remove_dir (self->dir);
    free (self);
    return 0;
}

/*  Opens it again; the last position that was found.  */
static uint64_t reopen (world_t *self)
{
    const journal_options_t options = {
        .dir = self->data, .direct = true, .segment_bytes = SEGMENT_BYTES};
    plv_fail_t fail = {.text = ""};
    journal_destroy (&self->journal);
    if (journal_open (&options, &self->journal, &fail)
        || journal_recover (self->journal, 1, 0, &fail))
        fail_msg ("%s", fail.text);
    return journal_last (self->journal);
}

/*  Each byte of a value is the low one of its position.  */
static void append (world_t *self, uint64_t from, uint64_t count, size_t size)
{
    uint8_t *value = plv_alloc (size);
    plv_fail_t fail;
    for (uint64_t seq = from; seq < from + count; seq++) {
        memset (value, (int) (seq & 0xff), size);
        const journal_record_t record = {
            .seq = seq, .synced = seq - 1, .first = 1, .journal = plv_view (value, size)};
        assert_int_equal (journal_append (self->journal, &record, &fail), ERR_OK);
        assert_int_equal (journal_sync (self->journal, &fail), ERR_OK);
    }
    free (value);
}

static void expect_values (world_t *self, uint64_t last, size_t size)
{
    journal_cursor_t cursor;
    journal_record_t record;
    uint64_t due = 1;
    journal_cursor (self->journal, 1, last, &cursor);
    for (; journal_next (&cursor, &record); due++) {
        assert_int_equal (record.seq, due);
        assert_int_equal (record.journal.size, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal (record.journal.data[i], due & 0xff);
    }
    assert_int_equal (cursor.fail.code, ERR_OK);
    assert_int_equal (due, last + 1);
    journal_cursor_end (&cursor);
}

/*  Where the first byte lies that nobody ever wrote; -1: there is no such file.  */
static off_t first_hole (const world_t *self, unsigned number)
{
    char path[128];
    snprintf (path, sizeof path, "%s/%010u.journal", self->data, number);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    off_t at = lseek (fd, 0, SEEK_HOLE);
    assert_true (at >= 0);
    close (fd);
    return at;
}

static void wait_for_hole (const world_t *self, unsigned number, off_t at)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t deadline_us = plv_clock_mono_us () + WAIT_US_MAX;
    while (first_hole (self, number) < at) {
        if (plv_clock_mono_us () > deadline_us)
            fail_msg ("file %u is written up to byte %jd only", number,
                      (intmax_t) first_hole (self, number));
        nanosleep (&pause, NULL);
    }
}

static void the_first_file_is_written_before_it_is_used (void **state)
{
    world_t *self = *state;
    reopen (self);
    assert_int_equal (first_hole (self, 1), SEGMENT_BYTES);
}

static void the_next_file_is_written_while_nothing_is_committed (void **state)
{
    world_t *self = *state;
    reopen (self);
    append (self, 1, 40, 10000); /* more than a quarter */
    wait_for_hole (self, 2, SEGMENT_BYTES);
}

/*  A commit of every size, none of them at the pace of the thread that puts zeros there.  */
static void zeros_never_meet_a_record (void **state)
{
    const size_t sizes[] = {700, 5000, 60000};
    world_t *self = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t count = 6 * SEGMENT_BYTES / sizes[i];
        journal_destroy (&self->journal);
        subject_remove_dir (self->dir);
        subject_make_dir (self->dir, sizeof self->dir);
        snprintf (self->data, sizeof self->data, "%s/journal", self->dir);
        assert_int_equal (reopen (self), 0);
        append (self, 1, count, sizes[i]);
        expect_values (self, count, sizes[i]);
        assert_int_equal (reopen (self), count);
        expect_values (self, count, sizes[i]);
        assert_true (first_hole (self, 5) > 0);
    }
}

/*  The file is full, and the thread is not done with the next one.  */
static void a_record_waits_for_zeros_that_are_on_their_way (void **state)
{
    world_t *self = *state;
    reopen (self);
    fault_slow_syncs ("0000000002.journal", 500000);
    append (self, 1, 40, 10000);
    wait_for_hole (self, 2, SEGMENT_BYTES);
    append (self, 41, 70, 10000);
    fault_slow_syncs ("0000000002.journal", 0);
    append (self, 111, 130, 10000);
    assert_int_equal (reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  Not every file system can reserve room: then zeros take it, before the file is used.  */
static void where_no_room_can_be_reserved_zeros_take_it (void **state)
{
    world_t *self = *state;
    fault_order (FAULT_RESERVE, "next.tmp", 1, EOPNOTSUPP, false);
    reopen (self);
    append (self, 1, 40, 10000);
    wait_for_hole (self, 2, 1);
    assert_int_equal (first_hole (self, 2), SEGMENT_BYTES);
    append (self, 41, 200, 10000);
    assert_true (fault_end () >= 2);
    assert_int_equal (reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  No room to reserve is no reason to stop.  */
static void without_room_ahead_it_goes_on (void **state)
{
    world_t *self = *state;
    reopen (self);
    fault_order (FAULT_RESERVE, "next.tmp", 1, ENOSPC, false);
    append (self, 1, 240, 10000);
    assert_true (fault_end () >= 1);
    assert_int_equal (reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  A stop comes while the next file holds few zeros: it is used again, and the rest comes then.  */
static void a_file_that_was_never_used_gets_the_zeros_it_lacks (void **state)
{
    world_t *self = *state;
    reopen (self);
    fault_order (FAULT_WRITE, "0000000002.journal", 1, EIO, false);
    append (self, 1, 40, 10000);
    wait_for_hole (self, 2, 1);
    off_t before = first_hole (self, 2);
    journal_destroy (&self->journal);
    fault_end ();
    assert_true (before < SEGMENT_BYTES);
    assert_int_equal (reopen (self), 40);
    wait_for_hole (self, 2, SEGMENT_BYTES);
}

/*  What the disk says to zeros is nobody's trouble: room that is reserved reads as zeros all the same.  */
static void zeros_that_fail_do_no_harm (void **state)
{
    world_t *self = *state;
    reopen (self);
    fault_order (FAULT_DIRECT, "0000000002.journal", 1, EIO, true);
    append (self, 1, 40, 10000);
    wait_for_hole (self, 2, 1);
    append (self, 41, 20, 10000);
    fault_end ();
    append (self, 61, 180, 10000);
    assert_int_equal (reopen (self), 240);
    expect_values (self, 240, 10000);
}

#define ZEROS(test_) cmocka_unit_test_setup_teardown (test_, setup, teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        ZEROS (the_first_file_is_written_before_it_is_used),
        ZEROS (the_next_file_is_written_while_nothing_is_committed),
        ZEROS (zeros_never_meet_a_record),
        ZEROS (a_record_waits_for_zeros_that_are_on_their_way),
        ZEROS (where_no_room_can_be_reserved_zeros_take_it),
        ZEROS (without_room_ahead_it_goes_on),
        ZEROS (a_file_that_was_never_used_gets_the_zeros_it_lacks),
        ZEROS (zeros_that_fail_do_no_harm),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
