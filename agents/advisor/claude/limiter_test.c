#include "advisor/claude/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_is_on_its_way_has_its_share (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    assert_int_equal (limiter_take (&limiter, 10, 10, 0), 0);
    limiter_done (&limiter, 10, 10);
    limiter_told (&limiter, LIMIT_REQUESTS, 2, 0, 5000000);
    assert_int_equal (limiter_take (&limiter, 10, 10, 100), 0);
    assert_int_equal (limiter_take (&limiter, 10, 10, 100), 0);
    assert_int_equal (limiter_take (&limiter, 10, 10, 100), 5000000);
    limiter_done (&limiter, 10, 10);
    limiter_told (&limiter, LIMIT_REQUESTS, 1, 0, 5000000);
    assert_int_equal (limiter_take (&limiter, 10, 10, 100),
                      5000000); /* the second may be counted or not */
    limiter_done (&limiter, 10, 10);
    limiter_told (&limiter, LIMIT_REQUESTS, 1, 0, 5000000);
    assert_int_equal (limiter_take (&limiter, 10, 10, 100), 0);
    assert_int_equal (limiter_take (&limiter, 10, 10, 5000000), 0); /* a new window */
}

static void tokens_count_too (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    limiter_told (&limiter, LIMIT_INPUT, 100, 0, 9000000);
    limiter_told (&limiter, LIMIT_OUTPUT, 1000, 0, 8000000);
    assert_int_equal (limiter_take (&limiter, 101, 10, 0), 9000000);
    assert_int_equal (limiter_take (&limiter, 50, 900, 0), 0);
    assert_int_equal (limiter_take (&limiter, 50, 900, 0), 8000000);
    limiter_done (&limiter, 50, 900); /* it used less than it might have */
    limiter_told (&limiter, LIMIT_OUTPUT, 950, 0, 8000000);
    assert_int_equal (limiter_take (&limiter, 50, 900, 0), 0);
    limiter_done (&limiter, 50, 900);
    limiter_told (&limiter, LIMIT_OUTPUT, 1, 0, 8000000);
    assert_int_equal (limiter_take (&limiter, 50, 900, 8500000), 0); /* its window is over */
}

static void a_later_window_counts_anew (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    limiter_told (&limiter, LIMIT_REQUESTS, 0, 0, 5000000);
    limiter_told (&limiter, LIMIT_REQUESTS, 3, 0, 65000000);
    limiter_told (&limiter, LIMIT_REQUESTS, 0, 0, 5000000); /* late news of the first */
    assert_int_equal (limiter_take (&limiter, 1, 1, 0), 0);
}

static void a_new_window_is_not_run_into_by_all_who_waited (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    limiter_told (&limiter, LIMIT_REQUESTS, 0, 2, 5000000);
    assert_int_equal (limiter_take (&limiter, 1, 1, 0), 5000000);
    assert_int_equal (limiter_take (&limiter, 1, 1, 5000000), 0);
    assert_int_equal (limiter_take (&limiter, 1, 1, 5000000), 0);
    int64_t again = limiter_take (&limiter, 1, 1, 5000000);
    assert_in_range (again, 5000001, 6000000);
    limiter_done (&limiter, 1, 1);
    limiter_told (&limiter, LIMIT_REQUESTS, 0, 2, 9000000);
    assert_int_equal (limiter_take (&limiter, 1, 1, again), 9000000);
}

static void what_no_window_holds_goes_alone (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    limiter_told (&limiter, LIMIT_INPUT, 10, 10, 5000000);
    assert_int_equal (limiter_take (&limiter, 50, 1, 5000000), 0);
    assert_true (limiter_take (&limiter, 50, 1, 5000000) > 5000000);
}

static void closed_is_closed_for_all (void **state)
{
    limiter_t limiter = {0};
    (void) state;
    limiter_close (&limiter, 700);
    limiter_close (&limiter, 300);
    assert_int_equal (limiter_take (&limiter, 1, 1, 0), 700);
    assert_int_equal (limiter_take (&limiter, 1, 1, 700), 0);
}

static void times_are_read (void **state)
{
    int64_t us = 0;
    (void) state;
    assert_true (limiter_time ("2026-11-22T17:00:00Z", &us));
    assert_int_equal (us, 1795366800LL * 1000000);
    assert_true (limiter_time ("2026-11-22T17:00:00.250z", &us));
    assert_int_equal (us, 1795366800LL * 1000000 + 250000);
    assert_true (limiter_time ("2026-11-22T19:00:00+02:00", &us));
    assert_int_equal (us, 1795366800LL * 1000000);
    assert_false (limiter_time ("", &us));
    assert_false (limiter_time ("tomorrow", &us));
    assert_false (limiter_time ("2026-11-22T17:00:00", &us));
    assert_false (limiter_time ("2026-11-22T17:00:00+2", &us));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_on_its_way_has_its_share),
        cmocka_unit_test (tokens_count_too),
        cmocka_unit_test (a_later_window_counts_anew),
        cmocka_unit_test (a_new_window_is_not_run_into_by_all_who_waited),
        cmocka_unit_test (what_no_window_holds_goes_alone),
        cmocka_unit_test (closed_is_closed_for_all),
        cmocka_unit_test (times_are_read),
    };
    return cmocka_run_group_tests_name ("limiter", tests, NULL, NULL);
}
