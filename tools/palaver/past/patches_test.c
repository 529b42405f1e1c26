#include "palaver/past/patches.h"

#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/*  {"key": number}, or {"key": nil} for a number below 0.  */
static plv_view_t patch (plv_buf_t *buf, const char *key, int number)
{
    plv_buf_clear (buf);
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, key);
    if (number < 0)
        plv_mp_put_nil (buf);
    else
        plv_mp_put_i64 (buf, number);
    return plv_buf_view (buf);
}

static int64_t number_of (plv_view_t map, const char *key)
{
    plv_mp_t value;
    int64_t number;
    return plv_mp_find (map, key, &value) && plv_mp_i64 (&value, &number) ? number : -1;
}

static void test_the_last_change_of_a_key_counts (void **state)
{
    patches_t patches;
    plv_buf_t buf[5] = {{0}}, map = {0};
    uint32_t pairs;
    (void) state;
    patches_begin (&patches);
    patches_add (&patches, patch (&buf[0], "goal", 1));
    patches_add (&patches, patch (&buf[1], "years", 10));
    patches_add (&patches, patch (&buf[2], "goal", 2));
    patches_add (&patches, patch (&buf[3], "gone", 3));
    patches_add (&patches, patch (&buf[4], "gone", -1));
    patches_write (&patches, &map);
    plv_mp_t reader = plv_mp (plv_buf_view (&map));
    assert_true (plv_mp_map (&reader, &pairs) && pairs == 2);
    assert_int_equal (number_of (plv_buf_view (&map), "goal"), 2);
    assert_int_equal (number_of (plv_buf_view (&map), "years"), 10);
    patches_free (&patches);
    plv_buf_free (&map);
    for (size_t i = 0; i < sizeof buf / sizeof *buf; i++)
        plv_buf_free (&buf[i]);
}

static void test_what_is_no_patch_changes_nothing (void **state)
{
    static const uint8_t text[] = {0xa1, 'x'}, cut[] = {0x82, 0xa1, 'x'}, none[] = {0x80};
    patches_t patches;
    plv_buf_t map = {0};
    (void) state;
    patches_begin (&patches);
    patches_add (&patches, plv_view (NULL, 0));
    patches_add (&patches, plv_view (text, sizeof text));
    patches_add (&patches, plv_view (cut, sizeof cut));
    patches_add (&patches, plv_view (none, sizeof none));
    patches_write (&patches, &map);
    assert_int_equal (map.size, 1);
    assert_int_equal (map.data[0], 0x80);
    patches_free (&patches);
    plv_buf_free (&map);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_last_change_of_a_key_counts),
        cmocka_unit_test (test_what_is_no_patch_changes_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
