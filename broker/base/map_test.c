/*  Both maps against a plain array, through every operation, with keys from a small range so that
    collisions, replacements and removals are frequent.  */
#include "base/map.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 3000, STEPS = 200000 };

typedef struct {
    char text[16];
    bool there;
} item_t;

static void numbers_against_an_array (void **state)
{
    (void) state;
    static item_t items[KEYS];
    memset (items, 0, sizeof items);
    plv_map_u64_t map = {0};
    plv_rng_t rng = plv_rng_seed (1);
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        /*  Keys far apart, in runs, and 0: the bits that differ are high, low, and none.  */
        uint64_t key = plv_rng_below (&rng, KEYS);
        item_t *item = &items[key];
        key = key % 2 ? key << 40 : key;
        void *expected = item->there ? item : NULL;
        assert_ptr_equal (plv_map_u64_get (&map, key), expected);
        bool adds = plv_rng_below (&rng, 2) == 0;
        void *before = adds ? plv_map_u64_put (&map, key, item) : plv_map_u64_remove (&map, key);
        assert_ptr_equal (before, expected);
        count += (size_t) adds;
        count -= (size_t) item->there;
        item->there = adds;
        assert_int_equal (map.count, count);
    }
    size_t seen = 0;
    item_t *item;
    for (size_t at = 0; (item = plv_map_u64_next (&map, &at)); seen++)
        assert_true (item->there);
    assert_int_equal (seen, count);
    plv_map_u64_free (&map);
}

static void bytes_against_an_array (void **state)
{
    (void) state;
    static item_t items[KEYS];
    memset (items, 0, sizeof items);
    for (int at = 0; at < KEYS; at++)
        snprintf (items[at].text, sizeof items[at].text, "%.*d", at % 7, at);
    plv_map_t map;
    plv_map_init (&map, (const uint8_t *) "sixteen bytes ok");
    plv_rng_t rng = plv_rng_seed (2);
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        uint64_t number = plv_rng_below (&rng, KEYS);
        item_t *item = &items[number];
        plv_view_t key = plv_view (item, sizeof item->text - number % 2);
        /*  Two lengths of one text, and one key apiece: the number makes them differ.  */
        snprintf (item->text + 8, 8, "%04d", (int) number);
        void *expected = item->there ? item : NULL;
        assert_ptr_equal (plv_map_get (&map, key), expected);
        bool adds = plv_rng_below (&rng, 2) == 0;
        void *before = adds ? plv_map_put (&map, key, item) : plv_map_remove (&map, key);
        assert_ptr_equal (before, expected);
        count += (size_t) adds;
        count -= (size_t) item->there;
        item->there = adds;
        assert_int_equal (map.count, count);
    }
    size_t seen = 0;
    item_t *item;
    for (size_t at = 0; (item = plv_map_next (&map, &at)); seen++)
        assert_true (item->there);
    assert_int_equal (seen, count);
    plv_map_free (&map);
}

static void an_empty_map_has_nothing (void **state)
{
    (void) state;
    plv_map_u64_t numbers = {0};
    size_t at = 0;
    assert_null (plv_map_u64_get (&numbers, 0));
    assert_null (plv_map_u64_remove (&numbers, 0));
    assert_null (plv_map_u64_next (&numbers, &at));
    plv_map_u64_free (&numbers);

    plv_map_t map;
    plv_map_init (&map, (const uint8_t[16]){0});
    assert_null (plv_map_get (&map, plv_view_str ("")));
    assert_null (plv_map_remove (&map, plv_view_str ("x")));
    assert_null (plv_map_next (&map, &at));
    assert_null (plv_map_put (&map, plv_view_str (""), &map));
    assert_ptr_equal (plv_map_get (&map, plv_view (NULL, 0)), &map);
    plv_map_free (&map);
    plv_map_free (&map);
}

static void a_new_value_brings_its_own_key (void **state)
{
    (void) state;
    plv_map_t map;
    plv_map_init (&map, (const uint8_t[16]){1});
    char first[] = "key";
    char second[] = "key";
    plv_map_put (&map, plv_view_str (first), first);
    assert_ptr_equal (plv_map_put (&map, plv_view_str (second), second), first);
    memset (first, 'x', sizeof first - 1);
    assert_ptr_equal (plv_map_get (&map, plv_view_str ("key")), second);
    assert_int_equal (map.count, 1);
    plv_map_free (&map);
}

static void tables_stay_at_most_three_quarters_full (void **state)
{
    (void) state;
    plv_map_u64_t map = {0};
    for (uint64_t key = 0; key < 100000; key++) {
        plv_map_u64_put (&map, key, &map);
        assert_true (map.count * 4 <= (map.mask + 1) * 3);
    }
    assert_true (map.mask + 1 <= 100000 * 3);
    plv_map_u64_free (&map);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (numbers_against_an_array),
        cmocka_unit_test (bytes_against_an_array),
        cmocka_unit_test (an_empty_map_has_nothing),
        cmocka_unit_test (a_new_value_brings_its_own_key),
        cmocka_unit_test (tables_stay_at_most_three_quarters_full),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
