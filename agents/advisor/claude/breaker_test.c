#include "advisor/claude/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void opens_after_failures_in_a_row_and_tries_with_one (void **state)
{
    breaker_t breaker = {.most = 2, .pause_us = 100};
    (void) state;
    breaker_bad (&breaker, false, 7, 0);
    breaker_good (&breaker);
    breaker_bad (&breaker, false, 7, 0);
    assert_true (breaker_allows (&breaker, 0));
    breaker_bad (&breaker, false, 8, 10);
    assert_false (breaker_allows (&breaker, 109));
    assert_int_equal (breaker.why, 8);
    assert_true (breaker_allows (&breaker, 110));
    assert_false (breaker_allows (&breaker, 110)); /* one is on its way */
    breaker_bad (&breaker, false, 9, 120);
    assert_false (breaker_allows (&breaker, 219));
    assert_true (breaker_allows (&breaker, 220));
    breaker_good (&breaker);
    assert_true (breaker_allows (&breaker, 220) && breaker_allows (&breaker, 220));
}

static void what_will_not_mend_opens_it_at_once (void **state)
{
    breaker_t breaker = {.most = 100, .pause_us = 100};
    (void) state;
    breaker_bad (&breaker, true, 3, 0);
    assert_false (breaker_allows (&breaker, 99));
}

static void a_try_that_was_cancelled_leaves_room_for_another (void **state)
{
    breaker_t breaker = {.most = 1, .pause_us = 100};
    (void) state;
    breaker_bad (&breaker, false, 3, 0);
    assert_true (breaker_allows (&breaker, 100));
    breaker_unknown (&breaker);
    assert_true (breaker_allows (&breaker, 100));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (opens_after_failures_in_a_row_and_tries_with_one),
        cmocka_unit_test (what_will_not_mend_opens_it_at_once),
        cmocka_unit_test (a_try_that_was_cancelled_leaves_room_for_another),
    };
    return cmocka_run_group_tests_name ("breaker", tests, NULL, NULL);
}
