#include "core/flow/backoff.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_within (int64_t initial, int64_t max, unsigned attempt, int64_t delay)
{
    plv_rng_t rng = plv_rng_seed (attempt + 1u);
    for (int i = 0; i < 200; i++) {
        int64_t wait = backoff_us (initial, max, attempt, &rng);
        assert_true (wait >= delay - delay / 2);
        assert_true (wait <= delay);
    }
}

static void test_doubles_up_to_the_longest (void **state)
{
    (void) state;
    int64_t delay = 1000;
    for (unsigned attempt = 1; attempt < 40; attempt++) {
        assert_within (1000, 60000, attempt, delay);
        delay = delay * 2 < 60000 ? delay * 2 : 60000;
    }
    assert_within (1000, 60000, 0, 1000);
}

static void test_no_attempt_overflows (void **state)
{
    (void) state;
    const unsigned attempts[] = {1, 2, 31, 32, 33, 62, 63, 64, 65, 1000, UINT_MAX - 1, UINT_MAX};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        unsigned attempt = attempts[i];
        int64_t delay = attempt > 62 ? INT64_MAX : (int64_t) 1 << (attempt - 1);
        assert_within (1, INT64_MAX, attempt, attempt == 63 ? (int64_t) 1 << 62 : delay);
        assert_within (INT64_MAX, INT64_MAX, attempt, INT64_MAX);
    }
}

static void test_odd_arguments_still_give_a_wait (void **state)
{
    (void) state;
    assert_within (0, 0, 1, 1);
    assert_within (-5, -5, 9, 1);
    assert_within (500, 100, 1, 100);
}

static void test_the_wait_is_spread (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (3);
    int low = 0;
    for (int i = 0; i < 1000; i++)
        low += backoff_us (1000000, 1000000, 1, &rng) < 750000;
    assert_in_range (low, 400, 600);
}

static void test_the_same_seed_gives_the_same_waits (void **state)
{
    (void) state;
    plv_rng_t a = plv_rng_seed (8), b = plv_rng_seed (8);
    for (unsigned attempt = 1; attempt < 20; attempt++)
        assert_int_equal (backoff_us (1000, 90000, attempt, &a),
                          backoff_us (1000, 90000, attempt, &b));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_doubles_up_to_the_longest),
        cmocka_unit_test (test_no_attempt_overflows),
        cmocka_unit_test (test_odd_arguments_still_give_a_wait),
        cmocka_unit_test (test_the_wait_is_spread),
        cmocka_unit_test (test_the_same_seed_gives_the_same_waits),
    };
    return cmocka_run_group_tests_name ("backoff", tests, NULL, NULL);
}
