/*  Which of the journal's files is the last one: one that is gone is missed.  */

#include "subject.h"

#include "base/alloc.h"
#include "store/journal_inside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 16 * 1024, VALUE_BYTES = 1000 };

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
    journal_destroy (&self->journal);
    subject_remove_dir (self->dir);
    free (self);
    return 0;
}

static plv_err_t try_open (world_t *self, plv_fail_t *ret_fail)
{
    const journal_options_t options = {
        .dir = self->data, .direct = true, .segment_bytes = SEGMENT_BYTES};
    journal_destroy (&self->journal);
    plv_err_t err = journal_open (&options, &self->journal, ret_fail);
    if (!err)
        err = journal_recover (self->journal, 1, 0, ret_fail);
    if (err)
        journal_destroy (&self->journal);
    return err;
}

/*  Opens it again; the last position that was found.  */
static uint64_t reopen (world_t *self)
{
    plv_fail_t fail = {.text = ""};
    if (try_open (self, &fail))
        fail_msg ("%s", fail.text);
    return journal_last (self->journal);
}

static void append (world_t *self, unsigned count)
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

static void begin_another (world_t *self)
{
    plv_fail_t fail;
    assert_int_equal (journal_roll (self->journal, &fail), ERR_OK);
}

static bool move (const world_t *self, uint64_t number, bool back)
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
    world_t *self = *state;
    plv_fail_t fail = {.text = ""};
    reopen (self);
    append (self, 3);
    begin_another (self);
    append (self, 1);
    journal_destroy (&self->journal);
    move (self, 3, false);
    assert_int_equal (reopen (self), 4);
    journal_destroy (&self->journal);
    move (self, 3, false);
    assert_true (move (self, 2, false));
    for (int i = 0; i < 2; i++) {
        assert_int_equal (try_open (self, &fail), ERR_CORRUPT);
        assert_non_null (strstr (fail.text, "0000000002.journal is damaged"));
        assert_non_null (strstr (fail.text, "this file is gone"));
    }
    assert_true (move (self, 2, true));
    assert_int_equal (reopen (self), 4);
}

/*  The one behind it was begun, and nothing has come to be in it when the broker stops.  */
static void one_that_is_the_last_again_says_so (void **state)
{
    world_t *self = *state;
    reopen (self);
    append (self, 3);
    for (int life = 0; life < 3; life++) {
        begin_another (self);
        assert_int_equal (reopen (self), 3);
        journal_destroy (&self->journal);
        move (self, 2, false);
        assert_int_equal (reopen (self), 3);
    }
    append (self, 3);
    assert_int_equal (reopen (self), 6);
}

static bool go_on (void *arg)
{
    (void) arg;
    return true;
}

/*  A backup ends where it was asked for, in whatever file that is.  */
static void the_last_one_of_a_copy_says_so (void **state)
{
    world_t *self = *state, copy = {.journal = NULL};
    const journal_meanwhile_t meanwhile = {.call = go_on};
    plv_fail_t fail = {.text = ""};
    reopen (self);
    append (self, 3);
    begin_another (self);
    append (self, 1);
    snprintf (copy.data, sizeof copy.data, "%s/copy", self->dir);
    assert_int_equal (journal_copy (self->journal, copy.data, 1, 3, &meanwhile, &fail), ERR_OK);
    assert_int_equal (reopen (&copy), 3);
    append (&copy, 1);
    assert_int_equal (reopen (&copy), 4);
    journal_destroy (&copy.journal);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (one_that_is_gone_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (one_that_is_the_last_again_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown (the_last_one_of_a_copy_says_so, setup, teardown),
    };
    return cmocka_run_group_tests_name ("journal_last", tests, NULL, NULL);
}
