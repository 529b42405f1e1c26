#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_numbers_are_those_of_the_published_generator (void **state)
{
    (void) state;
    /*  xoshiro256** from the state 1, 2, 3, 4: the first result is 2 * 5 rotated by 7, times 9.  */
    plv_rng_t rng = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (size_t at = 0; at < sizeof expected / sizeof expected[0]; at++)
        assert_true (plv_rng_next (&rng) == expected[at]);
    /*  splitmix64 from 0 begins with this number.  */
    assert_true (plv_rng_seed (0).word[0] == 0xe220a8397b1dcdaf);
}

static void one_seed_is_one_sequence (void **state)
{
    (void) state;
    plv_rng_t one = plv_rng_seed (42);
    plv_rng_t same = plv_rng_seed (42);
    plv_rng_t other = plv_rng_seed (43);
    int differ = 0;
    for (int at = 0; at < 1000; at++) {
        uint64_t word = plv_rng_next (&one);
        assert_true (word == plv_rng_next (&same));
        differ += word != plv_rng_next (&other);
    }
    assert_int_equal (differ, 1000);
}

static void a_bound_is_kept_and_filled_evenly (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (7);
    int seen[10] = {0};
    for (int at = 0; at < 100000; at++) {
        uint64_t number = plv_rng_below (&rng, 10);
        assert_true (number < 10);
        seen[number]++;
    }
    for (int at = 0; at < 10; at++)
        assert_in_range (seen[at], 9500, 10500);
    assert_int_equal (plv_rng_below (&rng, 1), 0);
    uint64_t large = (UINT64_C (1) << 63) + 1;
    for (int at = 0; at < 1000; at++)
        assert_true (plv_rng_below (&rng, large) < large);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_numbers_are_those_of_the_published_generator),
        cmocka_unit_test (one_seed_is_one_sequence),
        cmocka_unit_test (a_bound_is_kept_and_filled_evenly),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
