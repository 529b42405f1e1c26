#include "core/policy/rate.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { USERS = 20, STEPS = 30000, WINDOW_US = 1000 };

static const uint8_t SEED[16] = "fedcba9876543210";

static bool take (rate_t *rate, unsigned user, int64_t now_us, int64_t *ret_retry_us)
{
    char id[16];
    int size = snprintf (id, sizeof id, "%u", user);
    return rate_take (rate, plv_view_str ("web"), plv_view (id, (size_t) size), now_us,
                      ret_retry_us);
}

/*  Brute force: all the times at which a user was let through.  */
typedef struct {
    int64_t times[STEPS];
    size_t count;
} model_t;

static size_t model_in_window (const model_t *self, int64_t now_us)
{
    size_t count = 0;
    while (count < self->count && self->times[self->count - 1 - count] > now_us - WINDOW_US)
        count++;
    return count;
}

static void test_behaves_like_brute_force (void **state)
{
    (void) state;
    model_t *models = malloc (USERS * sizeof *models);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        uint32_t messages = 1 + (uint32_t) plv_rng_below (&rng, 40);
        rate_t *rate = rate_new (SEED, messages, WINDOW_US, 1000);
        for (size_t i = 0; i < USERS; i++)
            models[i].count = 0;
        int64_t now_us = -500; /* times below zero are times too */
        for (int i = 0; i < STEPS; i++) {
            now_us += (int64_t) plv_rng_below (&rng, plv_rng_below (&rng, 2000) ? 4 : 5000);
            unsigned user = (unsigned) plv_rng_below (&rng, 1 + plv_rng_below (&rng, USERS));
            model_t *model = &models[user];
            size_t before = model_in_window (model, now_us);
            int64_t retry_us = -1;
            assert_int_equal (take (rate, user, now_us, &retry_us), before < messages);
            if (before < messages)
                model->times[model->count++] = now_us;
            else
                assert_int_equal (retry_us,
                                  model->times[model->count - messages] + WINDOW_US - now_us);
        }
        rate_destroy (&rate);
        assert_null (rate);
    }
    free (models);
}

static void test_the_time_to_retry_is_exact (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 3, 100, 10);
    int64_t retry_us = 0;
    assert_true (take (rate, 1, 0, &retry_us));
    assert_true (take (rate, 1, 10, &retry_us));
    assert_true (take (rate, 1, 20, &retry_us));
    assert_int_equal (retry_us, 0); /* untouched so far */
    assert_false (take (rate, 1, 30, &retry_us));
    assert_int_equal (retry_us, 70);
    assert_false (take (rate, 1, 99, &retry_us));
    assert_int_equal (retry_us, 1);
    assert_true (take (rate, 1, 100, &retry_us));
    assert_false (take (rate, 1, 109, &retry_us));
    assert_true (take (rate, 1, 110, &retry_us));
    rate_destroy (&rate);
}

static void test_users_and_platforms_do_not_share_a_window (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 1, 100, 10);
    int64_t retry_us;
    assert_true (rate_take (rate, plv_view_str ("ab"), plv_view_str ("c"), 0, &retry_us));
    assert_true (rate_take (rate, plv_view_str ("a"), plv_view_str ("bc"), 0, &retry_us));
    assert_true (rate_take (rate, plv_view_str ("ab"), plv_view_str (""), 0, &retry_us));
    assert_false (rate_take (rate, plv_view_str ("ab"), plv_view_str ("c"), 1, &retry_us));
    rate_destroy (&rate);
}

static void test_idle_users_are_dropped (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 10, 100, 1000000);
    int64_t retry_us;
    for (unsigned user = 0; user < 5000; user++)
        assert_true (take (rate, user, user, &retry_us));
    assert_in_range (rate_users (rate), 99, 102);
    for (int64_t i = 0; i < 100; i++)
        take (rate, 7, 10000 + i * 50, &retry_us);
    assert_int_equal (rate_users (rate), 1);
    rate_destroy (&rate);
}

static void test_the_number_of_users_is_bounded (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 1, 1000000, 50);
    int64_t retry_us;
    for (unsigned user = 0; user < 500; user++) {
        assert_true (take (rate, user, user, &retry_us));
        assert_true (rate_users (rate) <= 50);
    }
    assert_false (take (rate, 499, 500, &retry_us));
    assert_false (take (rate, 450, 500, &retry_us));
    assert_true (take (rate, 449, 500, &retry_us)); /* forgotten */
    rate_destroy (&rate);
}

static void test_limits_can_change (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 8, 100, 10);
    int64_t retry_us = 0;
    for (int i = 0; i < 8; i++)
        assert_true (take (rate, 1, i, &retry_us));
    rate_set_limits (rate, 3, 100);
    assert_false (take (rate, 1, 10, &retry_us));
    assert_int_equal (retry_us, 95); /* the one of time 5 has to leave */
    assert_false (take (rate, 1, 104, &retry_us));
    assert_true (take (rate, 1, 105, &retry_us));
    rate_set_limits (rate, 20, 100);
    for (int i = 0; i < 17; i++)
        assert_true (take (rate, 1, 105, &retry_us));
    assert_false (take (rate, 1, 105, &retry_us));
    rate_set_limits (rate, 20, 10);
    assert_true (take (rate, 1, 115, &retry_us));
    rate_destroy (&rate);
}

static void test_a_clock_that_goes_back_frees_nobody (void **state)
{
    (void) state;
    rate_t *rate = rate_new (SEED, 1, 100, 10);
    int64_t retry_us = 0;
    assert_true (take (rate, 1, 1000, &retry_us));
    assert_false (take (rate, 1, 500, &retry_us));
    assert_int_equal (retry_us, 100);
    assert_false (take (rate, 1, 1099, &retry_us));
    assert_true (take (rate, 1, 1100, &retry_us));
    rate_destroy (&rate);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_behaves_like_brute_force),
        cmocka_unit_test (test_the_time_to_retry_is_exact),
        cmocka_unit_test (test_users_and_platforms_do_not_share_a_window),
        cmocka_unit_test (test_idle_users_are_dropped),
        cmocka_unit_test (test_the_number_of_users_is_bounded),
        cmocka_unit_test (test_limits_can_change),
        cmocka_unit_test (test_a_clock_that_goes_back_frees_nobody),
    };
    return cmocka_run_group_tests_name ("rate", tests, NULL, NULL);
}
