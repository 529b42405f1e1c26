/*  What lies in the next file of the journal before records come: room that is reserved, then zeros.  */

#include "fault.h"
#include "journal_world.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENT_BYTES = 1024 * 1024 };

static int setup (void **state)
{
    journal_world_setup (state);
    journal_world_t *self = *state;
    self->segment_bytes = SEGMENT_BYTES;
    self->direct = true;
    return 0;
}

/*  Each byte of a value is the low one of its position.  */
static void append (journal_world_t *self, uint64_t from, uint64_t count, size_t size)
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

static void expect_values (journal_world_t *self, uint64_t last, size_t size)
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

static void the_first_file_is_written_before_it_is_used (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    assert_int_equal (journal_world_hole (self, 1), SEGMENT_BYTES);
}

static void the_next_file_is_written_while_nothing_is_committed (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    append (self, 1, 40, 10000); /* more than a quarter */
    journal_world_wait (self, 2, SEGMENT_BYTES);
}

/*  A commit of every size, none of them at the pace of the thread that puts zeros there.  */
static void zeros_never_meet_a_record (void **state)
{
    const size_t sizes[] = {700, 5000, 60000};
    journal_world_t *self = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t count = 6 * SEGMENT_BYTES / sizes[i];
        snprintf (self->data, sizeof self->data, "%s/%zu", self->dir, i);
        assert_int_equal (journal_world_reopen (self), 0);
        append (self, 1, count, sizes[i]);
        expect_values (self, count, sizes[i]);
        assert_int_equal (journal_world_reopen (self), count);
        expect_values (self, count, sizes[i]);
        assert_true (journal_world_hole (self, 5) > 0);
    }
}

/*  The file is full, and the thread is not done with the next one.  */
static void a_record_waits_for_zeros_that_are_on_their_way (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    fault_slow_syncs ("0000000002.journal", 500000);
    append (self, 1, 40, 10000);
    journal_world_wait (self, 2, SEGMENT_BYTES);
    append (self, 41, 65, 10000); /* all but the last one fit */
    fault_slow_syncs ("0000000002.journal", 0);
    append (self, 106, 135, 10000);
    assert_int_equal (journal_world_reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  Not every file system can reserve room: then zeros take it, before the file is used.  */
static void where_no_room_can_be_reserved_zeros_take_it (void **state)
{
    journal_world_t *self = *state;
    fault_order (FAULT_RESERVE, "next.tmp", 1, EOPNOTSUPP, false);
    journal_world_reopen (self);
    append (self, 1, 40, 10000);
    journal_world_wait (self, 2, 1);
    assert_int_equal (journal_world_hole (self, 2), SEGMENT_BYTES);
    append (self, 41, 200, 10000);
    assert_true (fault_end () >= 2);
    assert_int_equal (journal_world_reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  No room to reserve is no reason to stop.  */
static void without_room_ahead_it_goes_on (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    fault_order (FAULT_RESERVE, "next.tmp", 1, ENOSPC, false);
    append (self, 1, 240, 10000);
    assert_true (fault_end () >= 1);
    assert_int_equal (journal_world_reopen (self), 240);
    expect_values (self, 240, 10000);
}

/*  A stop comes while the next file holds few zeros: it is used again, and the rest comes then.  */
static void a_file_that_was_never_used_gets_the_zeros_it_lacks (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    fault_order (FAULT_WRITE, "0000000002.journal", 1, EIO, false);
    append (self, 1, 40, 10000);
    journal_world_wait (self, 2, 1);
    int64_t before = journal_world_hole (self, 2);
    journal_destroy (&self->journal);
    fault_end ();
    assert_true (before < SEGMENT_BYTES);
    assert_int_equal (journal_world_reopen (self), 40);
    journal_world_wait (self, 2, SEGMENT_BYTES);
}

/*  What the disk says to zeros is nobody's trouble: room that is reserved reads as zeros all the same.  */
static void zeros_that_fail_do_no_harm (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    fault_order (FAULT_DIRECT, "0000000002.journal", 1, EIO, true);
    append (self, 1, 40, 10000);
    journal_world_wait (self, 2, 1);
    append (self, 41, 20, 10000);
    fault_end ();
    append (self, 61, 180, 10000);
    assert_int_equal (journal_world_reopen (self), 240);
    expect_values (self, 240, 10000);
}

#define ZEROS(test_) cmocka_unit_test_setup_teardown (test_, setup, journal_world_teardown)

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
