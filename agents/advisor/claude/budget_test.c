#include "advisor/claude/budget.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND_US ((int64_t) 1000000)
#define DAY_US (86400 * SECOND_US)

static char path[64];

static int set_up (void **state)
{
    (void) state;
    snprintf (path, sizeof path, "/tmp/palaver-budget-XXXXXX");
    int file = mkstemp (path);
    return file < 0 ? -1 : close (file);
}

static int tear_down (void **state)
{
    (void) state;
    return unlink (path);
}

static budget_t *begin (int64_t most)
{
    budget_t *budget = NULL;
    plv_fail_t fail;
    assert_int_equal (budget_new (path, most, &budget, &fail), ERR_OK);
    return budget;
}

/*  A call that is over a second later.  */
static bool reserve (budget_t *budget, int64_t most, int64_t now_us, budget_hold_t *ret_hold)
{
    const budget_call_t call = {.most = most, .until_us = now_us + SECOND_US};
    return budget_reserve (budget, &call, now_us, ret_hold);
}

static void a_limit_is_never_passed_and_a_new_day_begins_anew (void **state)
{
    budget_t *budget = begin (100);
    budget_hold_t hold;
    (void) state;
    assert_true (reserve (budget, 60, 5, &hold));
    assert_false (reserve (budget, 60, 5, &hold));
    budget_settle (budget, &hold, 30, 7, 5);
    assert_true (reserve (budget, 70, 5, &hold));
    assert_false (reserve (budget, 1, 5, &hold));
    assert_true (reserve (budget, 100, 5 + DAY_US, &hold));
    budget_destroy (&budget);
    assert_null (budget);
}

static void a_reservation_of_yesterday_is_not_given_back_to_today (void **state)
{
    budget_t *budget = begin (100);
    budget_hold_t yesterday, today;
    (void) state;
    assert_true (reserve (budget, 70, 5, &yesterday));
    assert_true (reserve (budget, 100, 5 + DAY_US, &today));
    budget_settle (budget, &yesterday, 50, 7, 5 + DAY_US);
    assert_int_equal (budget_today (budget, 5 + DAY_US).spent, 100);
    assert_false (reserve (budget, 1, 5 + DAY_US, &yesterday));
    budget_settle (budget, &today, 60, 7, 5 + DAY_US);
    assert_int_equal (budget_today (budget, 5 + DAY_US).spent, 60);
    budget_destroy (&budget);
}

static void what_was_spent_outlives_the_process (void **state)
{
    budget_t *budget = begin (100);
    budget_hold_t hold;
    (void) state;
    assert_true (reserve (budget, 80, 5, &hold));
    budget_settle (budget, &hold, 75, 1234, 5);
    budget_destroy (&budget);
    budget = begin (100);
    budget_day_t day = budget_today (budget, 5);
    assert_int_equal (day.spent, 75);
    assert_int_equal (day.tokens, 1234);
    assert_int_equal (day.calls, 1);
    assert_false (reserve (budget, 26, 5, &hold));
    assert_true (reserve (budget, 25, 5, &hold));
    budget_destroy (&budget);
}

/*  A process that is killed with a call under way.  */
static void die_with (const budget_call_t *call, int64_t now_us)
{
    pid_t child = fork ();
    int status;
    if (child == 0) {
        budget_hold_t hold;
        budget_t *budget = begin (100);
        budget_reserve (budget, call, now_us, &hold);
        raise (SIGKILL);
    }
    assert_true (child > 0 && waitpid (child, &status, 0) == child && WIFSIGNALED (status));
}

static void what_the_dead_reserved_comes_back_but_for_the_request (void **state)
{
    const budget_call_t call = {.most = 80, .least = 15, .until_us = 5 + SECOND_US};
    budget_hold_t hold;
    (void) state;
    die_with (&call, 5);
    budget_t *budget = begin (100);
    assert_int_equal (budget_today (budget, 5 + SECOND_US).spent, 80);
    assert_false (reserve (budget, 21, 5 + SECOND_US, &hold));
    assert_int_equal (budget_today (budget, 6 + SECOND_US).spent, 15);
    assert_true (reserve (budget, 85, 6 + SECOND_US, &hold));
    assert_false (reserve (budget, 1, 6 + SECOND_US, &hold));
    budget_destroy (&budget);
}

static void what_a_killed_writer_left_behind_the_end_is_not_read (void **state)
{
    FILE *file = fopen (path, "w");
    (void) state;
    fputs ("day 0 microdollars 80 tokens 0 calls 0 held 1\n"
           "held 1 microdollars 20 until 9\n"
           "held 1 microdollars 20 until 9\n",
           file);
    fclose (file);
    budget_t *budget = begin (100);
    assert_int_equal (budget_today (budget, 10).spent, 60);
    budget_destroy (&budget);
}

static void a_call_that_ends_late_is_paid_for_once (void **state)
{
    const budget_call_t call = {.most = 80, .least = 15, .until_us = 5 + SECOND_US};
    budget_hold_t late, other;
    budget_t *budget = begin (100);
    (void) state;
    assert_true (budget_reserve (budget, &call, 5, &late));
    assert_true (reserve (budget, 20, 6 + SECOND_US, &other));
    assert_int_equal (budget_today (budget, 6 + SECOND_US).spent, 35);
    budget_settle (budget, &late, 50, 7, 6 + SECOND_US);
    assert_int_equal (budget_today (budget, 6 + SECOND_US).spent, 70);
    budget_settle (budget, &other, 1, 7, 6 + SECOND_US);
    assert_int_equal (budget_today (budget, 6 + 9 * SECOND_US).spent, 51);
    budget_destroy (&budget);
}

static void more_calls_than_have_room_are_paid_for_all_the_same (void **state)
{
    enum { CALLS = 600 };
    static budget_hold_t holds[CALLS];
    budget_t *budget = begin (CALLS);
    (void) state;
    for (size_t i = 0; i < CALLS; i++)
        assert_true (reserve (budget, 1, 5, &holds[i]));
    assert_false (reserve (budget, 1, 5, &holds[0]));
    for (size_t i = 0; i < CALLS; i++)
        budget_settle (budget, &holds[i], 0, 1, 5);
    assert_int_equal (budget_today (budget, 5).spent, 0);
    budget_destroy (&budget);
}

static void several_processes_share_one_limit (void **state)
{
    enum { PROCESSES = 4, TRIES = 100, MOST = 150 };
    int taken = 0;
    (void) state;
    for (int i = 0; i < PROCESSES; i++) {
        if (fork () == 0) {
            budget_t *budget = begin (MOST);
            budget_hold_t hold;
            int mine = 0;
            for (int k = 0; k < TRIES; k++)
                mine += reserve (budget, 1, 5, &hold);
            _exit (mine);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true (wait (&status) > 0 && WIFEXITED (status));
        taken += WEXITSTATUS (status);
    }
    assert_int_equal (taken, MOST);
}

static void a_file_that_cannot_be_written_any_more_counts_in_memory (void **state)
{
    struct rlimit before, none;
    budget_t *budget = begin (100);
    budget_hold_t hold;
    (void) state;
    assert_true (reserve (budget, 10, 5, &hold));
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &none), 0);
    bool first = reserve (budget, 60, 5, &hold), second = reserve (budget, 60, 5, &hold);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_true (first);
    assert_false (second);
    assert_false (reserve (budget, 60, 5, &hold)); /* and writes it again */
    budget_destroy (&budget);
    budget = begin (100);
    assert_int_equal (budget_today (budget, 5).spent, 70);
    budget_destroy (&budget);
}

static void a_damaged_file_counts_as_empty_and_no_file_as_memory (void **state)
{
    plv_fail_t fail = {0};
    budget_t *budget = NULL;
    budget_hold_t hold;
    FILE *file = fopen (path, "w");
    (void) state;
    fputs ("something else\n", file);
    fclose (file);
    budget = begin (10);
    assert_true (reserve (budget, 10, 5, &hold));
    budget_destroy (&budget);
    assert_int_equal (budget_new ("/no/such/folder/x", 10, &budget, &fail), ERR_NOENT);
    assert_int_equal (budget_new (NULL, 0, &budget, &fail), ERR_OK);
    assert_true (reserve (budget, INT64_MAX / 4, 5, &hold));
    budget_destroy (&budget);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST (a_limit_is_never_passed_and_a_new_day_begins_anew),
        TEST (a_reservation_of_yesterday_is_not_given_back_to_today),
        TEST (what_was_spent_outlives_the_process),
        TEST (what_the_dead_reserved_comes_back_but_for_the_request),
        TEST (what_a_killed_writer_left_behind_the_end_is_not_read),
        TEST (a_call_that_ends_late_is_paid_for_once),
        TEST (more_calls_than_have_room_are_paid_for_all_the_same),
        TEST (several_processes_share_one_limit),
        TEST (a_file_that_cannot_be_written_any_more_counts_in_memory),
        TEST (a_damaged_file_counts_as_empty_and_no_file_as_memory),
    };
    return cmocka_run_group_tests_name ("budget", tests, NULL, NULL);
}
