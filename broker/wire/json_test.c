#include "wire/json.h"

#include "wire/mp.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void there_and_back (plv_json_kind_t kind, const char *text)
{
    plv_buf_t mp = {0}, json = {0};
    plv_fail_t fail = {0};
    assert_int_equal (plv_json_to_mp (&mp, plv_view_str (text), kind, &fail), ERR_OK);
    assert_true (plv_json_from_mp (&json, plv_buf_view (&mp)));
    assert_int_equal (json.size, strlen (text));
    assert_memory_equal (json.data, text, json.size);
    plv_buf_free (&mp);
    plv_buf_free (&json);
}

static void test_values_survive (void **state)
{
    (void) state;
    there_and_back (PLV_JSON_OBJECT, "{\"a\":[1,-2,0.5,true,null,\"\\u0001\\\"\\\\\"],\"b\":{}}");
    there_and_back (PLV_JSON_ARRAY, "[9007199254740993,1e+300,\"\xc3\xa4\"]");
    there_and_back (PLV_JSON_ANY, "\"text\"");
    there_and_back (PLV_JSON_ANY, "0.1");
    there_and_back (PLV_JSON_ANY, "null");
}

static void refused (plv_json_kind_t kind, const char *text, plv_err_t err)
{
    plv_buf_t mp = {0};
    plv_fail_t fail = {0};
    plv_buf_add_u8 (&mp, 'x');
    assert_int_equal (plv_json_to_mp (&mp, plv_view_str (text), kind, &fail), err);
    assert_int_equal (mp.size, 1); /* nothing appended */
    plv_buf_free (&mp);
}

static void test_bad_text_is_refused (void **state)
{
    (void) state;
    refused (PLV_JSON_OBJECT, "[]", ERR_SYNTAX);
    refused (PLV_JSON_ARRAY, "{}", ERR_SYNTAX);
    refused (PLV_JSON_OBJECT, "1", ERR_SYNTAX);
    refused (PLV_JSON_OBJECT, "{\"a\":1,\"a\":2}", ERR_SYNTAX);
    refused (PLV_JSON_ANY, "", ERR_SYNTAX);
    refused (PLV_JSON_ANY, "1 2", ERR_SYNTAX);
    refused (PLV_JSON_ANY, "\"\xff\"", ERR_SYNTAX);
}

static void test_depth_is_bounded (void **state)
{
    (void) state;
    plv_buf_t text = {0}, mp = {0};
    plv_fail_t fail = {0};
    for (unsigned level = 0; level < 200; level++)
        plv_buf_add_u8 (&text, '[');
    for (unsigned level = 0; level < 200; level++)
        plv_buf_add_u8 (&text, ']');
    assert_int_equal (plv_json_to_mp (&mp, plv_buf_view (&text), PLV_JSON_ARRAY, &fail), ERR_RANGE);
    json_t *value = json_loadb ((const char *) text.data, text.size, 0, NULL);
    assert_false (plv_json_put_value (&mp, value));
    assert_int_equal (mp.size, 0);
    json_decref (value);
    plv_buf_free (&text);
    plv_buf_free (&mp);
}

static void test_what_json_lacks (void **state)
{
    (void) state;
    plv_buf_t mp = {0}, json = {0};
    plv_mp_put_map (&mp, 2);
    plv_mp_put_u64 (&mp, 7); /* a key that is no text */
    plv_mp_put_bin (&mp, plv_view ("\0\xff", 2));
    plv_mp_put_text (&mp, "inf");
    plv_mp_put_double (&mp, 1.0 / 0.0);
    assert_true (plv_json_from_mp (&json, plv_buf_view (&mp)));
    plv_buf_add_u8 (&json, 0);
    assert_string_equal ((const char *) json.data, "{\"7\":\"AP8=\",\"inf\":null}");
    json.size = 0;
    assert_false (plv_json_from_mp (&json, plv_view (mp.data, mp.size - 1)));
    assert_int_equal (json.size, 0);
    plv_buf_free (&mp);
    plv_buf_free (&json);
}

static void test_what_is_no_utf8_is_shown_as_such (void **state)
{
    static const char *const cases[][2] = {
        {"a\xff\"b", "\"a\\ufffd\\\"b\""},
        {"\xe2\x82\xac\xe2\x82", "\"\xe2\x82\xac\\ufffd\\ufffd\""},
        {"\xed\xa0\x80\n", "\"\\ufffd\\ufffd\\ufffd\\n\""},
        {"", "\"\""},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        plv_buf_t json = {0};
        plv_json_put_text (&json, plv_view_str (cases[at][0]));
        assert_true (plv_view_is (plv_buf_view (&json), cases[at][1]));
        plv_buf_free (&json);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_values_survive),
        cmocka_unit_test (test_bad_text_is_refused),
        cmocka_unit_test (test_depth_is_bounded),
        cmocka_unit_test (test_what_json_lacks),
        cmocka_unit_test (test_what_is_no_utf8_is_shown_as_such),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
