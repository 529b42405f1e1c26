#include "core/state/kv.h"

#include "base/limits.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t seed[16] = {1, 2, 3};
static uint8_t large[KV_VALUE_BYTES_MAX + 1];

static plv_view_t t (const char *text)
{
    return plv_view_str (text);
}

static void assert_kept (const kv_t *kv, const char *owner, const char *key, const char *value)
{
    plv_view_t found;
    assert_int_equal (kv_get (kv, t (owner), t (key), &found), value != NULL);
    if (value)
        assert_true (plv_view_is (found, value));
}

static void test_each_has_its_own (void **state)
{
    kv_t *kv = kv_new (seed);
    (void) state;
    assert_kept (kv, "web", "k", NULL);
    kv_put (kv, t ("web"), t ("k"), t ("1"));
    kv_put (kv, t ("slack"), t ("k"), t ("22"));
    kv_put (kv, t ("web"), t ("k"), t ("333"));
    kv_put (kv, t ("web"), t ("empty"), t (""));
    assert_kept (kv, "web", "k", "333");
    assert_kept (kv, "web", "empty", "");
    assert_kept (kv, "slack", "k", "22");
    assert_kept (kv, "slack", "empty", NULL);
    assert_int_equal (kv_count (kv), 3);
    assert_int_equal (kv_bytes (kv), 4 + 5 + 3);
    assert_true (kv_remove (kv, t ("web"), t ("k")));
    assert_false (kv_remove (kv, t ("web"), t ("k")));
    assert_false (kv_remove (kv, t ("nobody"), t ("k")));
    assert_kept (kv, "slack", "k", "22");
    assert_true (kv_remove (kv, t ("slack"), t ("k")));
    assert_true (kv_remove (kv, t ("web"), t ("empty")));
    assert_int_equal (kv_count (kv), 0);
    assert_int_equal (kv_bytes (kv), 0);
    kv_destroy (&kv);
    assert_null (kv);
}

static void listed (const kv_t *kv, const char *prefix, const char *after, const char *expected)
{
    plv_view_t key = t (after), value;
    char text[256] = "";
    size_t at = 0;
    while (kv_next (kv, t ("web"), t (prefix), &key, &value))
        at += (size_t) snprintf (text + at, sizeof text - at, PLV_VIEW_FMT " ", PLV_VIEW_ARG (key));
    assert_string_equal (text, expected);
}

static void test_keys_in_order_by_prefix (void **state)
{
    static const char *const keys[] = {"b", "a/2", "a", "c", "a/10", "a/1", "b/1"};
    kv_t *kv = kv_new (seed);
    (void) state;
    listed (kv, "", "", "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        kv_put (kv, t ("web"), t (keys[i]), t (keys[i]));
    kv_put (kv, t ("other"), t ("a/3"), t (""));
    listed (kv, "", "", "a a/1 a/10 a/2 b b/1 c ");
    listed (kv, "a/", "", "a/1 a/10 a/2 ");
    listed (kv, "a/", "a/10", "a/2 ");
    listed (kv, "a/", "a/11", "a/2 ");
    listed (kv, "a/", "a", "a/1 a/10 a/2 ");
    listed (kv, "a/", "b", "");
    listed (kv, "c", "c", "");
    listed (kv, "d", "", "");
    kv_destroy (&kv);
}

static plv_err_t check (const kv_t *kv, const char *owner, plv_view_t key, size_t bytes,
                        const char *words)
{
    plv_fail_t fail = {0};
    plv_err_t err = kv_check (kv, t (owner), key, plv_view (large, bytes), &fail);
    if (err)
        assert_non_null (strstr (fail.text, words));
    return err;
}

static void test_limits (void **state)
{
    kv_t *kv = kv_new (seed);
    char key[16];
    (void) state;
    assert_int_equal (check (kv, "web", t (""), 0, "1 to 255"), ERR_RANGE);
    assert_int_equal (check (kv, "web", plv_view (large, KV_KEY_BYTES_MAX), 0, ""), ERR_OK);
    assert_int_equal (check (kv, "web", plv_view (large, KV_KEY_BYTES_MAX + 1), 0, "1 to 255"),
                      ERR_RANGE);
    assert_int_equal (check (kv, "web", t ("k"), KV_VALUE_BYTES_MAX, ""), ERR_OK);
    assert_int_equal (check (kv, "web", t ("k"), KV_VALUE_BYTES_MAX + 1, "65536"), ERR_RANGE);
    for (int i = 0; i < KV_KEYS_MAX; i++) {
        snprintf (key, sizeof key, "%d", i);
        kv_put (kv, t ("many"), t (key), t ("x"));
    }
    assert_int_equal (check (kv, "many", t ("more"), 0, "10000 keys"), ERR_FULL);
    assert_int_equal (check (kv, "many", t ("77"), 5, ""), ERR_OK);
    for (int i = 0; kv_bytes (kv) < 4u * KV_ADAPTER_BYTES_MAX - KV_VALUE_BYTES_MAX; i++) {
        const char *owner = (const char *[]){"a", "b", "c", "d"}[i % 4];
        snprintf (key, sizeof key, "%d", i);
        if (check (kv, owner, t (key), KV_VALUE_BYTES_MAX, "") != ERR_OK)
            break;
        kv_put (kv, t (owner), t (key), plv_view (large, KV_VALUE_BYTES_MAX));
    }
    assert_int_equal (check (kv, "a", t ("more"), KV_VALUE_BYTES_MAX, "an adapter keeps"),
                      ERR_FULL);
    assert_int_equal (check (kv, "a", t ("0"), KV_VALUE_BYTES_MAX, ""), ERR_OK); /* in its place */
    assert_int_equal (check (kv, "e", t ("k"), KV_VALUE_BYTES_MAX, ""), ERR_OK);
    for (int i = 0; check (kv, "e", t ("k"), KV_VALUE_BYTES_MAX, "all adapters") == ERR_OK; i++) {
        snprintf (key, sizeof key, "%d", i);
        kv_put (kv, t ("e"), t (key), plv_view (large, KV_VALUE_BYTES_MAX));
    }
    assert_in_range (kv_bytes (kv), KV_BYTES_MAX - 2 * KV_VALUE_BYTES_MAX, KV_BYTES_MAX);
    kv_destroy (&kv);
}

enum { KEYS = 200, ROUNDS = 20000 };

/*  Against an array that is indexed by the key.  */
static void test_as_an_array_would (void **state)
{
    plv_rng_t rng = plv_rng_seed (3);
    kv_t *kv = kv_new (seed), *same = kv_new (seed);
    unsigned model[KEYS] = {0};
    char key[24], value[24];
    (void) state;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        size_t place = plv_rng_below (&rng, KEYS);
        snprintf (key, sizeof key, "%03zu", place);
        snprintf (value, sizeof value, "%u", i);
        if (plv_rng_below (&rng, 3)) {
            kv_put (kv, t ("web"), t (key), t (value));
            model[place] = i;
        } else {
            assert_int_equal (kv_remove (kv, t ("web"), t (key)), model[place] != 0);
            model[place] = 0;
        }
    }
    plv_view_t at = {0}, found;
    for (size_t place = KEYS; place-- > 0;) {
        snprintf (key, sizeof key, "%03zu", place);
        snprintf (value, sizeof value, "%u", model[place]);
        if (model[place])
            kv_put (same, t ("web"), t (key), t (value));
    }
    for (size_t place = 0; place < KEYS; place++) {
        snprintf (value, sizeof value, "%u", model[place]);
        if (!model[place])
            continue;
        assert_true (kv_next (kv, t ("web"), t (""), &at, &found));
        assert_true (plv_view_is (found, value));
    }
    assert_false (kv_next (kv, t ("web"), t (""), &at, &found));
    assert_true (kv_digest (kv) == kv_digest (same));
    kv_put (same, t ("web"), t ("new"), t ("x"));
    assert_false (kv_digest (kv) == kv_digest (same));
    kv_destroy (&kv);
    kv_destroy (&same);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_each_has_its_own),
        cmocka_unit_test (test_keys_in_order_by_prefix),
        cmocka_unit_test (test_limits),
        cmocka_unit_test (test_as_an_array_would),
    };
    return cmocka_run_group_tests_name ("kv", tests, NULL, NULL);
}
