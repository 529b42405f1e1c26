#include "core/policy/cache.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 60, STEPS = 40000, VALUE_BYTES = 400, TTL_US = 500 };

static const uint8_t SEED[16] = "0123456789abcdef";

static cache_t *cache_of (size_t entries, size_t bytes)
{
    cache_limits_t limits = {.ttl_us = TTL_US, .entries = entries, .bytes = bytes};
    return cache_new (SEED, &limits);
}

static bool get_is (cache_t *cache, const char *key, int64_t now_us, const char *expected)
{
    plv_view_t value;
    if (!cache_get (cache, plv_view_str (key), now_us, &value))
        return false;
    assert_true (plv_view_is (value, expected));
    return true;
}

static void put (cache_t *cache, const char *key, const char *value, int64_t now_us)
{
    cache_put (cache, plv_view_str (key), plv_view_str (value), now_us);
}

/*  The naive model: an array; the order of use is a number.  */
typedef struct {
    bool there;
    int64_t expires_us;
    uint64_t used;
    size_t size;
    uint8_t fill;
} model_entry_t;

typedef struct {
    model_entry_t entries[KEYS];
    size_t base; /* what an answer costs beside its bytes, as the cache counts it */
    size_t entries_max;
    size_t bytes_max;
    uint64_t clock;
} model_t;

static size_t model_key (uint64_t number, char *ret_key)
{
    return (size_t) snprintf (ret_key, 32, "key %llu", (unsigned long long) number);
}

static size_t model_cost (const model_t *self, size_t number)
{
    char key[32];
    return self->base + model_key (number, key) + self->entries[number].size;
}

static void model_totals (const model_t *self, size_t *ret_count, size_t *ret_bytes)
{
    *ret_count = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < KEYS; i++) {
        *ret_count += self->entries[i].there;
        *ret_bytes += self->entries[i].there ? model_cost (self, i) : 0;
    }
}

static void model_put (model_t *self, size_t number, size_t size, uint8_t fill, int64_t now_us)
{
    self->entries[number].there = false;
    self->entries[number].size = size;
    size_t count, bytes, cost = model_cost (self, number);
    if (cost > self->bytes_max)
        return;
    for (;;) {
        model_totals (self, &count, &bytes);
        if (count + 1 <= self->entries_max && bytes + cost <= self->bytes_max)
            break;
        size_t oldest = KEYS;
        for (size_t i = 0; i < KEYS; i++) {
            if (self->entries[i].there
                && (oldest == KEYS || self->entries[i].used < self->entries[oldest].used))
                oldest = i;
        }
        self->entries[oldest].there = false;
    }
    self->entries[number] = (model_entry_t){.there = true,
                                            .expires_us = now_us + TTL_US,
                                            .used = ++self->clock,
                                            .size = size,
                                            .fill = fill};
}

static void assert_get (cache_t *cache, model_t *model, size_t number, int64_t now_us)
{
    char key[32];
    plv_view_t value;
    model_entry_t *entry = &model->entries[number];
    plv_view_t view = plv_view (key, model_key (number, key));
    entry->there = entry->there && now_us < entry->expires_us;
    assert_int_equal (cache_get (cache, view, now_us, &value), entry->there);
    if (!entry->there)
        return;
    entry->used = ++model->clock;
    assert_int_equal (value.size, entry->size);
    for (size_t i = 0; i < value.size; i++)
        assert_int_equal (value.data[i], entry->fill);
}

static void run_model (uint64_t seed, size_t entries_max, size_t bytes_max)
{
    plv_rng_t rng = plv_rng_seed (seed);
    cache_t *cache = cache_of (entries_max, bytes_max);
    model_t model = {.entries_max = entries_max, .bytes_max = bytes_max};
    put (cache, "k", "v", 0);
    model.base = cache_bytes (cache) - 2;
    cache_clear (cache);
    assert_int_equal (cache_bytes (cache), 0);
    int64_t now_us = 0;
    for (int i = 0; i < STEPS; i++) {
        uint8_t value[VALUE_BYTES];
        char key[32];
        size_t number = plv_rng_below (&rng, KEYS), count, bytes;
        now_us += (int64_t) plv_rng_below (&rng, 12);
        if (plv_rng_below (&rng, 3) == 0) {
            size_t size = plv_rng_below (&rng, plv_rng_below (&rng, 2) ? VALUE_BYTES : 20);
            memset (value, i & 0xff, sizeof value);
            cache_put (cache, plv_view (key, model_key (number, key)), plv_view (value, size),
                       now_us);
            model_put (&model, number, size, (uint8_t) i, now_us);
        } else {
            assert_get (cache, &model, number, now_us);
        }
        model_totals (&model, &count, &bytes);
        assert_int_equal (cache_count (cache), count);
        assert_int_equal (cache_bytes (cache), bytes);
    }
    cache_destroy (&cache);
    assert_null (cache);
}

static void test_behaves_like_the_model (void **state)
{
    (void) state;
    run_model (1, 10, 1000000);
    run_model (2, 1000, 3000);
    run_model (3, 12, 4000);
    run_model (4, 1, 350);
}

static void test_an_answer_lives_for_its_time (void **state)
{
    (void) state;
    cache_t *cache = cache_of (10, 10000);
    put (cache, "q", "answer", 1000);
    assert_true (get_is (cache, "q", 1000 + TTL_US - 1, "answer"));
    assert_false (get_is (cache, "q", 1000 + TTL_US, "answer"));
    assert_int_equal (cache_count (cache), 0);
    put (cache, "q", "new", 3000);
    put (cache, "q", "newer", 3100);
    assert_true (get_is (cache, "q", 3000 + TTL_US, "newer"));
    assert_int_equal (cache_count (cache), 1);
    cache_destroy (&cache);
}

static void test_lower_limits_hold_at_once (void **state)
{
    (void) state;
    cache_t *cache = cache_of (10, 10000);
    char key[2] = "a";
    for (; key[0] < 'k'; key[0]++)
        put (cache, key, key, 0);
    assert_int_equal (cache_count (cache), 10);
    assert_true (get_is (cache, "a", 1, "a")); /* now the one used last */
    cache_set_limits (cache, &(cache_limits_t){.ttl_us = 9, .entries = 2, .bytes = 10000});
    assert_int_equal (cache_count (cache), 2);
    assert_true (get_is (cache, "a", 1, "a"));
    assert_true (get_is (cache, "j", 1, "j"));
    cache_set_limits (cache, &(cache_limits_t){.ttl_us = 9, .entries = 2, .bytes = 1});
    assert_int_equal (cache_count (cache), 0);
    put (cache, "a", "too much", 0);
    assert_int_equal (cache_count (cache), 0);
    cache_set_limits (cache, &(cache_limits_t){.ttl_us = 9, .entries = 0, .bytes = 10000});
    put (cache, "a", "b", 0);
    assert_int_equal (cache_count (cache), 0);
    cache_destroy (&cache);
}

static bool same_key (uint32_t route, const char *text, const char *subset, uint32_t other_route,
                      const char *other_text, const char *other_subset)
{
    plv_buf_t a = {0}, b = {0};
    cache_key (&a, route, plv_view_str (text), plv_view_str (subset));
    cache_key (&b, other_route, plv_view_str (other_text), plv_view_str (other_subset));
    bool same = plv_view_equal (plv_buf_view (&a), plv_buf_view (&b));
    plv_buf_free (&a);
    plv_buf_free (&b);
    return same;
}

static void test_keys_of_questions (void **state)
{
    (void) state;
    assert_true (same_key (1, "Which ETF?", "s", 1, "  which\n\tETF?  ", "s"));
    assert_true (same_key (1, "ÉPARGNE", "", 1, "épargne", ""));
    assert_false (same_key (1, "which etf?", "s", 2, "which etf?", "s"));
    assert_false (same_key (1, "which etf?", "s", 1, "which etf?", "S"));
    assert_false (same_key (1, "which etf?", "", 1, "which etf", ""));
    assert_false (same_key (1, "which etf", "", 1, "whichetf", ""));
    assert_false (same_key (1, "bc", "a", 1, "c", "ab")); /* where the state ends is a part of it */
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_behaves_like_the_model),
        cmocka_unit_test (test_an_answer_lives_for_its_time),
        cmocka_unit_test (test_lower_limits_hold_at_once),
        cmocka_unit_test (test_keys_of_questions),
    };
    return cmocka_run_group_tests_name ("cache", tests, NULL, NULL);
}
