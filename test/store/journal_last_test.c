/*  Which of the journal's files is the last one: one that is gone is missed.  */

#include "journal_world.h"

#include "store/journal_inside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_BYTES = 1000 };

static void append (journal_world_t *self, unsigned count)
{
    static const uint8_t value[VALUE_BYTES] = {1};
    plv_fail_t fail;
    for (; count; count--) {
        uint64_t last = journal_last (self->journal);
        const journal_record_t record = {.seq = last + 1,
                                         .synced = last,
                                         .first = 1,
                                         .journal = plv_view (value, sizeof value),
                                         .ops = plv_view (value, 0)};
        assert_int_equal (journal_append (self->journal, &record, &fail), ERR_OK);
        assert_int_equal (journal_sync (self->journal, &fail), ERR_OK);
    }
}

static void begin_another (journal_world_t *self)
{
    plv_fail_t fail;
    assert_int_equal (journal_roll (self->journal, &fail), ERR_OK);
}

static bool move (const journal_world_t *self, uint64_t number, bool back)
{
    char name[SEGMENT_NAME_BYTES], path[160], aside[168];
    segment_name (number, name);
    snprintf (path, sizeof path, "%s/%s", self->data, name);
    snprintf (aside, sizeof aside, "%s.aside", path);
    return back ? rename (aside, path) == 0 : rename (path, aside) == 0;
}

/*  However little is in it. One that was made ready behind it holds nothing, and is missed by nobody.  */
static void one_that_is_gone_is_refused (void **state)
{
    journal_world_t *self = *state;
    plv_fail_t fail = {.text = ""};
    journal_world_reopen (self);
    append (self, 3);
    begin_another (self);
    append (self, 1);
    journal_destroy (&self->journal);
    move (self, 3, false);
    assert_int_equal (journal_world_reopen (self), 4);
    journal_destroy (&self->journal);
    move (self, 3, false);
    assert_true (move (self, 2, false));
    for (int i = 0; i < 2; i++) {
        assert_int_equal (journal_world_open (self, false, 1, &fail), ERR_CORRUPT);
        assert_non_null (strstr (fail.text, "0000000002.journal is damaged"));
        assert_non_null (strstr (fail.text, "this file is gone"));
    }
    assert_true (move (self, 2, true));
    assert_int_equal (journal_world_reopen (self), 4);
}

/*  The one behind it was begun, and nothing has come to be in it when the broker stops.  */
static void one_that_is_the_last_again_says_so (void **state)
{
    journal_world_t *self = *state;
    journal_world_reopen (self);
    append (self, 3);
    for (int life = 0; life < 3; life++) {
        begin_another (self);
        assert_int_equal (journal_world_reopen (self), 3);
        journal_destroy (&self->journal);
        move (self, 2, false);
        assert_int_equal (journal_world_reopen (self), 3);
    }
    append (self, 3);
    assert_int_equal (journal_world_reopen (self), 6);
}

static bool go_on (void *arg)
{
    (void) arg;
    return true;
}

/*  A backup ends where it was asked for, in whatever file that is.  */
static void the_last_one_of_a_copy_says_so (void **state)
{
    journal_world_t *self = *state, copy = {.segment_bytes = self->segment_bytes};
    const journal_meanwhile_t meanwhile = {.call = go_on};
    plv_fail_t fail = {.text = ""};
    journal_world_reopen (self);
    append (self, 3);
    begin_another (self);
    append (self, 1);
    snprintf (copy.data, sizeof copy.data, "%s/copy", self->dir);
    assert_int_equal (journal_copy (self->journal, copy.data, 1, 3, &meanwhile, &fail), ERR_OK);
    assert_int_equal (journal_world_reopen (&copy), 3);
    append (&copy, 1);
    assert_int_equal (journal_world_reopen (&copy), 4);
    journal_destroy (&copy.journal);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (one_that_is_gone_is_refused, journal_world_setup,
                                         journal_world_teardown),
        cmocka_unit_test_setup_teardown (one_that_is_the_last_again_says_so, journal_world_setup,
                                         journal_world_teardown),
        cmocka_unit_test_setup_teardown (the_last_one_of_a_copy_says_so, journal_world_setup,
                                         journal_world_teardown),
    };
    return cmocka_run_group_tests_name ("journal_last", tests, NULL, NULL);
}
