#include "palaver/show/json.h"

#include "wire/mp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void is (plv_buf_t *value, bool shown, const char *expected)
{
    plv_buf_t out = {0};
    if (shown)
        json_put_shown (&out, plv_buf_view (value));
    else
        json_put (&out, plv_buf_view (value));
    plv_buf_add_u8 (&out, '\0');
    assert_string_equal ((const char *) out.data, expected);
    plv_buf_free (&out);
    plv_buf_free (value);
}

static void plain_values (void **state)
{
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_array (&value, 7);
    plv_mp_put_nil (&value);
    plv_mp_put_bool (&value, true);
    plv_mp_put_u64 (&value, UINT64_MAX);
    plv_mp_put_i64 (&value, INT64_MIN);
    plv_mp_put_text (&value, "x");
    plv_mp_put_map (&value, 0);
    plv_mp_put_bin (&value, plv_view ("\x00\xff\x10\x20", 4));
    is (&value, false,
        "[null,true,18446744073709551615,-9223372036854775808,\"x\",{},\"AP8QIA==\"]");
}

static void numbers_are_short_and_exact (void **state)
{
    static const double numbers[] = {0.1, 1.5, 1e300, 1.0 / 3, NAN, INFINITY};
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_array (&value, 6);
    for (size_t i = 0; i < 6; i++)
        plv_mp_put_double (&value, numbers[i]);
    is (&value, false, "[0.1,1.5,1e+300,0.3333333333333333,null,null]");
}

static void texts_are_escaped (void **state)
{
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_text (&value, "a\"b\\c\nd\033e\x7f\xc2\x9b\xc3\xa4");
    is (&value, false, "\"a\\\"b\\\\c\\nd\\u001be\\u007f\\u009b\xc3\xa4\"");
    plv_mp_put_text (&value, "pay \xe2\x80\xae"
                             "001 to \xe2\x81\xa6"
                             "ann \xe2\x80\x8d");
    is (&value, false, "\"pay \\u202e001 to \\u2066ann \xe2\x80\x8d\"");
    plv_mp_put_str (&value, plv_view ("a\xff", 2));
    is (&value, false, "\"a\\ufffd\"");
}

static void times_are_shown_as_such (void **state)
{
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_map (&value, 4);
    plv_mp_put_text (&value, "dead_us");
    plv_mp_put_i64 (&value, 1700000000123456);
    plv_mp_put_text (&value, "ended_us");
    plv_mp_put_i64 (&value, 0);
    plv_mp_put_text (&value, "timestamp");
    plv_mp_put_i64 (&value, 1700000000000000);
    plv_mp_put_text (&value, "body");
    plv_mp_put_map (&value, 1);
    plv_mp_put_text (&value, "timestamp");
    plv_mp_put_i64 (&value, 5);
    is (&value, true,
        "{\"dead\":\"2023-11-14T22:13:20.123456Z\",\"ended\":null,\"timestamp\":\"2023-11-14T22:13:20."
        "000000Z\",\"body\":{\"timestamp\":5}}");
}

static void odd_keys_are_texts (void **state)
{
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_map (&value, 2);
    plv_mp_put_u64 (&value, 7);
    plv_mp_put_bool (&value, false);
    plv_mp_put_bin (&value, plv_view ("k", 1));
    plv_mp_put_nil (&value);
    is (&value, false, "{\"7\":false,\"\\\"aw==\\\"\":null}");
}

static void what_is_broken_is_null (void **state)
{
    plv_buf_t value = {0};
    (void) state;
    plv_mp_put_array (&value, 3);
    plv_mp_put_nil (&value);
    is (&value, false, "null");
    is (&value, true, "null");
    for (int depth = 0; depth < 100; depth++)
        plv_mp_put_array (&value, 1);
    plv_mp_put_nil (&value);
    is (&value, false, "null");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (plain_values),       cmocka_unit_test (numbers_are_short_and_exact),
        cmocka_unit_test (texts_are_escaped),  cmocka_unit_test (times_are_shown_as_such),
        cmocka_unit_test (odd_keys_are_texts), cmocka_unit_test (what_is_broken_is_null),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
