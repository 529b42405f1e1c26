#include "host/kit/retry_plan.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define HOUR_US (INT64_C (3600) * 1000000)
#define START_US (INT64_C (472222) * HOUR_US)

static void test_doubles (void **state)
{
    retry_plans_t *self = retry_plans_new ();
    const pal_retry_t retry = {.first_ms = 100, .most_ms = 1000};
    static const uint32_t most[] = {0, 100, 200, 400, 800, 1000, 1000};
    (void) state;
    for (size_t at = 0; at < sizeof most / sizeof *most; at++)
        assert_int_equal (retry_plans_wait (self, "a", &retry, START_US, 0), most[at]);
    assert_int_equal (retry_plans_wait (self, "b", &retry, START_US, 0), 0);
    retry_plans_good (self, "a");
    assert_int_equal (retry_plans_wait (self, "a", &retry, START_US, 0), 0);
    assert_int_equal (retry_plans_wait (self, "a", &retry, START_US, 0), 100);
    retry_plans_destroy (&self);
}

/*  Between the half and the whole, and not all the same.  */
static void test_jitter (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    const pal_retry_t retry = {.first_ms = 1000, .most_ms = 1000};
    uint32_t least = UINT32_MAX, most = 0;
    (void) state;
    for (int at = 0; at < 1000; at++) {
        retry_plans_t *self = retry_plans_new ();
        retry_plans_wait (self, "a", &retry, START_US, plv_rng_next (&rng));
        uint32_t wait = retry_plans_wait (self, "a", &retry, START_US, plv_rng_next (&rng));
        assert_true (wait >= 500 && wait <= 1000);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
        retry_plans_destroy (&self);
    }
    assert_true (least < 520 && most > 980);
}

/*  Whatever the times of the attempts: never more in 24 hours than allowed, also when only what was saved is
    known.  */
static void test_budget (void **state)
{
    enum { ATTEMPTS = 400, PER_DAY = 10 };
    const pal_retry_t retry = {.first_ms = 1, .most_ms = 1, .per_day = PER_DAY};
    int64_t times[ATTEMPTS], now = START_US;
    plv_rng_t rng = plv_rng_seed (3);
    retry_plans_t *self = retry_plans_new ();
    (void) state;
    for (size_t at = 0; at < ATTEMPTS; at++) {
        now += (int64_t) plv_rng_below (&rng, (uint64_t) (4 * HOUR_US));
        now += (int64_t) retry_plans_wait (self, "a", &retry, now, 0) * 1000;
        times[at] = now;
        if (at >= PER_DAY)
            assert_true (times[at] - times[at - PER_DAY] >= 24 * HOUR_US);
        if (plv_rng_below (&rng, 3) == 0) {
            plv_buf_t saved = {0};
            retry_plans_save (self, "a", &saved);
            retry_plans_destroy (&self);
            self = retry_plans_new ();
            retry_plans_load (self, "a", plv_buf_view (&saved));
            plv_buf_free (&saved);
        }
    }
    /*  And not far fewer: 400 attempts, 10 a day of 26 hours.  */
    assert_true (now - START_US < 1200 * HOUR_US);
    retry_plans_destroy (&self);
}

static void test_loaded_late (void **state)
{
    const pal_retry_t retry = {.first_ms = 1, .most_ms = 1, .per_day = 4};
    retry_plans_t *before = retry_plans_new (), *after = retry_plans_new ();
    plv_buf_t saved = {0};
    (void) state;
    for (int at = 0; at < 3; at++)
        retry_plans_wait (before, "a", &retry, START_US, 0);
    retry_plans_save (before, "a", &saved);
    /*  An attempt before the broker has answered counts as well.  */
    assert_int_equal (retry_plans_wait (after, "a", &retry, START_US + HOUR_US, 0), 0);
    retry_plans_load (after, "a", plv_buf_view (&saved));
    assert_int_equal (retry_plans_wait (after, "a", &retry, START_US + HOUR_US, 0),
                      25 * 3600 * 1000 + 1);
    plv_buf_free (&saved);
    retry_plans_destroy (&before);
    retry_plans_destroy (&after);
}

static void test_damaged (void **state)
{
    const pal_retry_t retry = {.first_ms = 5, .most_ms = 5, .per_day = 1};
    retry_plans_t *self = retry_plans_new ();
    uint8_t bytes[120];
    (void) state;
    memset (bytes, 0xff, sizeof bytes);
    retry_plans_load (self, "a", plv_view (bytes, sizeof bytes));
    retry_plans_load (self, "a", plv_view (bytes, 7));
    assert_int_equal (retry_plans_wait (self, "a", &retry, START_US, 0), 0);
    retry_plans_destroy (&self);
}

/*  Who asks again instead of waiting, or in a new process, waits until the same time.  */
static void test_asked_again (void **state)
{
    const pal_retry_t retry = {.first_ms = 1, .most_ms = 1, .per_day = 2};
    retry_plans_t *self = retry_plans_new ();
    (void) state;
    retry_plans_wait (self, "a", &retry, START_US, 0);
    retry_plans_wait (self, "a", &retry, START_US, 0);
    uint32_t first = retry_plans_wait (self, "a", &retry, START_US, 0);
    for (int64_t hour = 1; hour < 20; hour++) {
        plv_buf_t saved = {0};
        uint32_t wait = retry_plans_wait (self, "a", &retry, START_US + hour * HOUR_US, 0);
        assert_in_range (wait, first - hour * 3600000, first - hour * 3600000 + hour + 1);
        retry_plans_save (self, "a", &saved);
        retry_plans_destroy (&self);
        self = retry_plans_new ();
        retry_plans_load (self, "a", plv_buf_view (&saved));
        plv_buf_free (&saved);
    }
    retry_plans_destroy (&self);
}

/*  A clock that was decades ahead does not leave us waiting for them.  */
static void test_clock_was_wrong (void **state)
{
    const pal_retry_t retry = {.first_ms = 5, .most_ms = 5, .per_day = 1};
    retry_plans_t *self = retry_plans_new ();
    (void) state;
    assert_int_equal (retry_plans_wait (self, "a", &retry, 2 * START_US, 0), 0);
    assert_int_equal (retry_plans_wait (self, "a", &retry, START_US, 0), 5);
    assert_true (retry_plans_wait (self, "a", &retry, START_US, 0) > 24 * 3600 * 1000);
    retry_plans_destroy (&self);
}

static void test_many_names (void **state)
{
    const pal_retry_t retry = {.first_ms = 5, .most_ms = 5};
    retry_plans_t *self = retry_plans_new ();
    (void) state;
    for (int at = 0; at < 1000; at++) {
        char name[16];
        snprintf (name, sizeof name, "n%d", at);
        retry_plans_wait (self, name, &retry, START_US, 0);
    }
    assert_int_equal (retry_plans_wait (self, "n3", &retry, START_US, 0), 5);
    retry_plans_destroy (&self);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_doubles),         cmocka_unit_test (test_jitter),
        cmocka_unit_test (test_budget),          cmocka_unit_test (test_loaded_late),
        cmocka_unit_test (test_damaged),         cmocka_unit_test (test_asked_again),
        cmocka_unit_test (test_clock_was_wrong), cmocka_unit_test (test_many_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
