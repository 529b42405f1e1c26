#include "palaver/show/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void line_is (const char *text, size_t columns, const char *expected)
{
    plv_buf_t out = {0};
    text_put_line (&out, plv_view_str (text), columns);
    plv_buf_add_u8 (&out, '\0');
    assert_string_equal ((const char *) out.data, expected);
    plv_buf_free (&out);
}

static void time_is (int64_t us, bool exact, const char *expected)
{
    char text[TEXT_TIME_BYTES];
    text_time (us, exact, text);
    assert_string_equal (text, expected);
}

static void times_are_rfc_3339 (void **state)
{
    (void) state;
    time_is (0, true, "");
    time_is (1700000000123456, false, "2023-11-14T22:13:20Z");
    time_is (1700000000123456, true, "2023-11-14T22:13:20.123456Z");
    time_is (1700000000000001, true, "2023-11-14T22:13:20.000001Z");
    time_is (-1, true, "1969-12-31T23:59:59.999999Z");
    time_is (INT64_MIN, true, "-290308-12-21T19:59:05.224192Z");
}

static void put_is (void (*put) (plv_buf_t *out, int64_t number), int64_t number,
                    const char *expected)
{
    plv_buf_t out = {0};
    put (&out, number);
    plv_buf_add_u8 (&out, '\0');
    assert_string_equal ((const char *) out.data, expected);
    plv_buf_free (&out);
}

static void amounts_are_in_the_unit_that_suits (void **state)
{
    (void) state;
    put_is (text_put_span, 0, "0 s");
    put_is (text_put_span, 59, "59 s");
    put_is (text_put_span, 60, "1 min");
    put_is (text_put_span, 187, "3 min 7 s");
    put_is (text_put_span, 3600 * 53 + 59, "2 d 5 h");
    put_is (text_put_bytes, 0, "0 B");
    put_is (text_put_bytes, 1023, "1023 B");
    put_is (text_put_bytes, 1258291, "1.2 MiB");
    put_is (text_put_bytes, INT64_MAX, "8388608.0 TiB");
}

static void what_moves_a_cursor_is_a_blank (void **state)
{
    (void) state;
    line_is ("a\033[2Jb", 0, "a [2Jb");
    line_is ("a\nb\tc\r", 0, "a b c ");
    line_is ("a\xc2\x9b"
             "31mb",
             0, "a 31mb");
    line_is ("a\x7f", 0, "a ");
    line_is ("user\xe2\x80\xaegpj.exe", 0, "user gpj.exe");
}

static void what_is_no_utf8_is_a_question_mark (void **state)
{
    (void) state;
    line_is ("a\xff\xc3z", 0, "a??z");
}

static void long_texts_are_cut_at_columns (void **state)
{
    (void) state;
    line_is ("abcdef", 6, "abcdef");
    line_is ("abcdefg", 6, "abc...");
    line_is ("\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 5, "\xe4\xb8\xad...");
    line_is ("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 4, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f");
    line_is ("abcdef", 2, "..");
}

static void widths_are_columns (void **state)
{
    (void) state;
    assert_int_equal (text_width (plv_view_str ("abc")), 3);
    assert_int_equal (text_width (plv_view_str ("\xc3\xa4")), 1);
    assert_int_equal (text_width (plv_view_str ("\xe4\xb8\xad")), 2);
    assert_int_equal (text_width (plv_view_str ("e\xcc\x81")), 1);
    assert_int_equal (text_width (plv_view (NULL, 0)), 0);
}

static void lines_are_kept_and_indented (void **state)
{
    plv_buf_t out = {0};
    (void) state;
    text_put_lines (&out, plv_view_str ("one\ntwo\x1b"), 2);
    plv_buf_add_u8 (&out, '\0');
    assert_string_equal ((const char *) out.data, "one\n  two ");
    plv_buf_free (&out);
}

static int begin (void **state)
{
    (void) state;
    text_begin ();
    return 0;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (times_are_rfc_3339),
        cmocka_unit_test (amounts_are_in_the_unit_that_suits),
        cmocka_unit_test (what_moves_a_cursor_is_a_blank),
        cmocka_unit_test (what_is_no_utf8_is_a_question_mark),
        cmocka_unit_test (long_texts_are_cut_at_columns),
        cmocka_unit_test (widths_are_columns),
        cmocka_unit_test (lines_are_kept_and_indented),
    };
    return cmocka_run_group_tests (tests, begin, NULL);
}
