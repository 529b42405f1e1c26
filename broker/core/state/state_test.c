#include "core/state/state.h"

#include "base/rng.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t SEED[16] = {1, 2, 3};

enum { ROUNDS = 2000, KEYS = 8, BYTES_MAX = 4096 };

static int64_t get (const plv_buf_t *state, const char *key)
{
    plv_mp_t value;
    int64_t number = -1;
    if (plv_mp_find (state_view (state), key, &value))
        plv_mp_i64 (&value, &number);
    return number;
}

static uint32_t size_of (const plv_buf_t *state)
{
    plv_mp_t reader = plv_mp (state_view (state));
    uint32_t count = 0;
    assert_true (plv_mp_valid (state_view (state), MP_MAP));
    plv_mp_map (&reader, &count);
    return count;
}

static void test_an_empty_state_is_a_map (void **state)
{
    plv_buf_t empty = {0}, patch = {0};
    (void) state;
    assert_int_equal (size_of (&empty), 0);
    plv_mp_put_map (&patch, 0);
    assert_int_equal (state_patch (&empty, plv_buf_view (&patch), SEED, BYTES_MAX, NULL), ERR_OK);
    assert_int_equal (size_of (&empty), 0);
    plv_buf_free (&empty);
    plv_buf_free (&patch);
}

static void test_of_a_key_that_comes_twice_the_last_counts (void **state)
{
    plv_buf_t map = {0}, patch = {0};
    (void) state;
    plv_mp_put_map (&patch, 5);
    plv_mp_pair_i64 (&patch, "a", 1);
    plv_mp_pair_i64 (&patch, "b", 2);
    plv_mp_pair_i64 (&patch, "a", 3);
    plv_mp_pair_i64 (&patch, "c", 4);
    plv_mp_put_text (&patch, "c");
    plv_mp_put_nil (&patch);
    for (int i = 0; i < 2; i++) {
        assert_int_equal (state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL), ERR_OK);
        assert_int_equal (size_of (&map), 2);
        assert_int_equal (get (&map, "a"), 3);
        assert_int_equal (get (&map, "b"), 2);
    }
    plv_buf_free (&map);
    plv_buf_free (&patch);
}

/*  Against an array of what should be there: keys are set, replaced, removed by nil.  */
static void test_patches (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    int64_t model[KEYS];
    plv_buf_t map = {0};
    (void) state;
    memset (model, 0xff, sizeof model);
    for (int round = 0; round < ROUNDS; round++) {
        plv_buf_t pairs = {0}, patch = {0};
        uint32_t count = 0, kept = 0;
        char key[8];
        for (int k = 0; k < KEYS; k++) {
            snprintf (key, sizeof key, "k%d", k);
            if (plv_rng_below (&rng, 3))
                continue;
            count++;
            model[k] = plv_rng_below (&rng, 3) ? (int64_t) plv_rng_below (&rng, 100000) : -1;
            plv_mp_put_text (&pairs, key);
            if (model[k] < 0)
                plv_mp_put_nil (&pairs);
            else
                plv_mp_put_i64 (&pairs, model[k]);
        }
        plv_mp_put_map (&patch, count);
        plv_buf_add_view (&patch, plv_buf_view (&pairs));
        assert_int_equal (state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL), ERR_OK);
        for (int k = 0; k < KEYS; k++) {
            snprintf (key, sizeof key, "k%d", k);
            assert_int_equal (get (&map, key), model[k]);
            kept += model[k] >= 0;
        }
        assert_int_equal (size_of (&map), kept);
        plv_buf_free (&pairs);
        plv_buf_free (&patch);
    }
    plv_buf_free (&map);
}

static void test_the_limit_leaves_it_untouched (void **state)
{
    plv_buf_t map = {0}, patch = {0}, before = {0};
    plv_fail_t fail;
    (void) state;
    plv_mp_put_map (&patch, 1);
    plv_mp_pair_i64 (&patch, "kept", 1);
    assert_int_equal (state_patch (&map, plv_buf_view (&patch), SEED, patch.size, &fail), ERR_OK);
    plv_buf_add_view (&before, plv_buf_view (&map));
    plv_buf_clear (&patch);
    plv_mp_put_map (&patch, 2);
    plv_mp_pair_i64 (&patch, "kept", 2);
    plv_mp_pair_i64 (&patch, "more", 2);
    size_t size = patch.size;
    assert_int_equal (state_patch (&map, plv_buf_view (&patch), SEED, size - 1, &fail), ERR_FULL);
    assert_non_null (strstr (fail.text, "bytes"));
    assert_true (plv_view_equal (plv_buf_view (&map), plv_buf_view (&before)));
    assert_int_equal (state_patch (&map, plv_buf_view (&patch), SEED, size, &fail), ERR_OK);
    assert_int_equal (get (&map, "kept"), 2);
    plv_buf_free (&map);
    plv_buf_free (&patch);
    plv_buf_free (&before);
}

static void test_what_is_no_patch (void **state)
{
    static const char *const refused[] = {"",
                                          "\x80\x80",
                                          "\x90",
                                          "\xc0",
                                          "\x81",
                                          "\x81\xa1k",
                                          "\x81\x01\x02",
                                          "\x81\xa1\xff\x02",
                                          "\x81\xa1k\xa1\xff",
                                          "\x82\xa1k\x01",
                                          "\x81\xa1k\xc1"};
    plv_buf_t map = {0}, patch = {0};
    (void) state;
    plv_mp_put_map (&patch, 1);
    plv_mp_pair_i64 (&patch, "kept", 1);
    state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        plv_fail_t fail;
        assert_int_equal (state_patch (&map, plv_view_str (refused[i]), SEED, BYTES_MAX, &fail),
                          ERR_MSGPACK);
        assert_int_equal (get (&map, "kept"), 1);
        assert_int_equal (size_of (&map), 1);
    }
    plv_buf_free (&map);
    plv_buf_free (&patch);
}

static void subset (const plv_buf_t *map, const char *keys, size_t size, plv_buf_t *ret_subset)
{
    plv_buf_clear (ret_subset);
    state_subset (map, plv_view (keys, size), ret_subset);
}

/*  What a cache key is made of: the same for the same values, another one for others.  */
static void test_subset (void **state)
{
    static const char keys[] = "b\0missing\0a";
    plv_buf_t map = {0}, patch = {0}, one = {0}, other = {0}, expected = {0};
    (void) state;
    plv_mp_put_map (&patch, 3);
    plv_mp_pair_i64 (&patch, "a", 1);
    plv_mp_pair_i64 (&patch, "b", 2);
    plv_mp_pair_i64 (&patch, "c", 3);
    state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL);
    subset (&map, keys, sizeof keys, &one);
    plv_mp_pair_i64 (&expected, "b", 2);
    plv_mp_put_text (&expected, "missing");
    plv_mp_put_nil (&expected);
    plv_mp_pair_i64 (&expected, "a", 1);
    assert_true (plv_view_equal (plv_buf_view (&one), plv_buf_view (&expected)));
    subset (&map, "", 0, &other);
    assert_int_equal (other.size, 0);
    plv_buf_clear (&patch);
    plv_mp_put_map (&patch, 1);
    plv_mp_pair_i64 (&patch, "c", 4);
    state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL);
    subset (&map, keys, sizeof keys, &other);
    assert_true (plv_view_equal (plv_buf_view (&one), plv_buf_view (&other)));
    plv_buf_clear (&patch);
    plv_mp_put_map (&patch, 1);
    plv_mp_pair_i64 (&patch, "a", 9);
    state_patch (&map, plv_buf_view (&patch), SEED, BYTES_MAX, NULL);
    subset (&map, keys, sizeof keys, &other);
    assert_false (plv_view_equal (plv_buf_view (&one), plv_buf_view (&other)));
    plv_buf_free (&map);
    plv_buf_free (&patch);
    plv_buf_free (&one);
    plv_buf_free (&other);
    plv_buf_free (&expected);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_an_empty_state_is_a_map),
        cmocka_unit_test (test_of_a_key_that_comes_twice_the_last_counts),
        cmocka_unit_test (test_patches),
        cmocka_unit_test (test_the_limit_leaves_it_untouched),
        cmocka_unit_test (test_what_is_no_patch),
        cmocka_unit_test (test_subset),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
