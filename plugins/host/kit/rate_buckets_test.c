#include "host/kit/rate_buckets.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const uint8_t seed[16] = {1, 2, 3};

static pal_bucket_t bucket (const char *name, uint32_t count, uint32_t per_ms, uint32_t reserve)
{
    return (pal_bucket_t){
        .name = pal_text (name), .count = count, .per_ms = per_ms, .reserve = reserve};
}

static uint32_t take (rate_buckets_t *self, pal_bucket_t one, pal_urgency_t urgency, int64_t ms)
{
    return rate_buckets_take (self, &one, 1, urgency, ms * 1000);
}

static void test_fills_up (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    pal_bucket_t chat = bucket ("chat", 2, 1000, 0);
    (void) state;
    assert_int_equal (take (self, chat, PAL_FINAL, 0), 0);
    assert_int_equal (take (self, chat, PAL_FINAL, 0), 0);
    assert_int_equal (take (self, chat, PAL_FINAL, 0), 500);
    assert_int_equal (take (self, chat, PAL_FINAL, 200), 300);
    assert_int_equal (take (self, chat, PAL_FINAL, 500), 0);
    assert_int_equal (take (self, chat, PAL_FINAL, 500), 500);
    assert_int_equal (take (self, bucket ("other", 1, 1000, 0), PAL_FINAL, 500), 0);
    rate_buckets_destroy (&self);
}

static void test_reserve (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    pal_bucket_t chat = bucket ("chat", 3, 3000, 1);
    (void) state;
    assert_int_equal (take (self, chat, PAL_CASUAL, 0), 0);
    assert_int_equal (take (self, chat, PAL_CASUAL, 0), 0);
    assert_int_equal (take (self, chat, PAL_CASUAL, 0), 1000);
    assert_int_equal (take (self, chat, PAL_FINAL, 0), 0);
    assert_int_equal (take (self, chat, PAL_FINAL, 0), 1000);
    assert_int_equal (take (self, chat, PAL_CASUAL, 0), 2000);
    rate_buckets_destroy (&self);
}

/*  A reserve of all there is would shut out what is casual for ever.  */
static void test_nonsense (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    (void) state;
    assert_int_equal (take (self, bucket ("all", 2, 1000, 9), PAL_CASUAL, 0), 0);
    assert_int_equal (take (self, bucket ("none", 0, 0, 0), PAL_CASUAL, 0), 0);
    assert_int_equal (take (self, bucket ("none", 0, 0, 0), PAL_CASUAL, 0), 1);
    assert_int_equal (take (self, bucket ("", 1, 10, 0), PAL_CASUAL, 0), 0);
    rate_buckets_destroy (&self);
}

static void test_all_or_none (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    pal_bucket_t both[] = {bucket ("global", 10, 1000, 0), bucket ("chat", 1, 1000, 0)};
    (void) state;
    assert_int_equal (rate_buckets_take (self, both, 2, PAL_FINAL, 0), 0);
    for (int at = 0; at < 5; at++)
        assert_int_equal (rate_buckets_take (self, both, 2, PAL_FINAL, 0), 1000);
    /*  The global one has lost one token, not six.  */
    for (int at = 0; at < 9; at++)
        assert_int_equal (take (self, both[0], PAL_FINAL, 0), 0);
    assert_int_equal (take (self, both[0], PAL_FINAL, 0), 100);
    rate_buckets_destroy (&self);
}

static void test_block (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    (void) state;
    rate_buckets_block (self, pal_text ("chat"), 5000, 0);
    rate_buckets_block (self, pal_text ("chat"), 10, 0); /* does not shorten it */
    assert_int_equal (take (self, bucket ("chat", 9, 1000, 0), PAL_FINAL, 1000), 4000);
    assert_int_equal (take (self, bucket ("chat", 9, 1000, 0), PAL_FINAL, 5000), 0);
    rate_buckets_destroy (&self);
}

static void test_other_limits (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    (void) state;
    for (int at = 0; at < 5; at++)
        assert_int_equal (take (self, bucket ("chat", 5, 5000, 0), PAL_FINAL, 0), 0);
    assert_int_equal (take (self, bucket ("chat", 1, 100, 0), PAL_FINAL, 0), 100);
    assert_int_equal (take (self, bucket ("chat", 1, 100, 0), PAL_FINAL, 100), 0);
    rate_buckets_destroy (&self);
}

/*  A million chats that write once: only those of the last second are known.  */
static void test_idle_are_forgotten (void **state)
{
    rate_buckets_t *self = rate_buckets_new (seed);
    size_t most = 0;
    (void) state;
    for (int at = 0; at < 1000000; at++) {
        char name[32];
        snprintf (name, sizeof name, "chat:%d", at);
        pal_bucket_t both[] = {bucket ("global", 1000, 10, 0), bucket (name, 1, 1000, 0)};
        assert_int_equal (rate_buckets_take (self, both, 2, PAL_FINAL, (int64_t) at * 100), 0);
        most = rate_buckets_count (self) > most ? rate_buckets_count (self) : most;
    }
    assert_true (most < 30000);
    rate_buckets_destroy (&self);
}

/*  Over any time, never more than a bucket full and what came in meanwhile.  */
static void test_never_too_many (void **state)
{
    plv_rng_t rng = plv_rng_seed (7);
    (void) state;
    for (int round = 0; round < 200; round++) {
        rate_buckets_t *self = rate_buckets_new (seed);
        uint32_t count = 1 + (uint32_t) plv_rng_below (&rng, 30);
        uint32_t per_ms = 1 + (uint32_t) plv_rng_below (&rng, 5000);
        int64_t now = 0;
        uint64_t taken = 0;
        for (int at = 0; at < 1000; at++) {
            uint32_t wait = take (self, bucket ("x", count, per_ms, 0), PAL_FINAL, now);
            taken += wait == 0;
            /*  Who waits as long as told is let through.  */
            if (wait && plv_rng_below (&rng, 2)) {
                now += wait;
                assert_int_equal (take (self, bucket ("x", count, per_ms, 0), PAL_FINAL, now), 0);
                taken++;
            }
            now += (int64_t) plv_rng_below (&rng, per_ms / count + 2);
        }
        assert_true ((double) taken <= count + (double) now * count / per_ms + 0.01);
        rate_buckets_destroy (&self);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_fills_up),
        cmocka_unit_test (test_reserve),
        cmocka_unit_test (test_nonsense),
        cmocka_unit_test (test_all_or_none),
        cmocka_unit_test (test_block),
        cmocka_unit_test (test_other_limits),
        cmocka_unit_test (test_idle_are_forgotten),
        cmocka_unit_test (test_never_too_many),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
