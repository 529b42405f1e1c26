#include "web/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void quoting_escapes_what_json_cannot_hold (void **state)
{
    const pal_text_t text = {"a\"\\\n\t\r\x01\0z\xc3\xa9", 11};
    text_t out = {0};
    (void) state;
    text_add_quoted (&out, text);
    text_add_quoted (&out, pal_text (""));
    const char *wanted = "\"a\\\"\\\\\\n\\t\\r\\u0001\\u0000z\xc3\xa9\"\"\"";
    assert_int_equal (out.size, strlen (wanted));
    assert_memory_equal (out.data, wanted, out.size);
    text_free (&out);
}

static void what_is_no_character_is_shown_as_such (void **state)
{
    static const char *const cases[][2] = {
        {"a\xff", "\"a\xef\xbf\xbd\""},
        {"\x80\"", "\"\xef\xbf\xbd\\\"\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\""},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        text_t out = {0};
        text_add_quoted (&out, pal_text (cases[at][0]));
        assert_true (pal_text_is (text_view (&out), cases[at][1]));
        text_free (&out);
    }
}

static void a_prefix_ends_with_a_whole_character (void **state)
{
    (void) state;
    assert_true (pal_text_is (text_prefix (pal_text ("abc"), 2), "ab"));
    assert_true (pal_text_is (text_prefix (pal_text ("abc"), 3), "abc"));
    assert_true (pal_text_is (text_prefix (pal_text ("a\xe2\x82\xac"), 3), "a"));
    assert_true (pal_text_is (text_prefix (pal_text ("a\xe2\x82\xac"), 4), "a\xe2\x82\xac"));
    assert_int_equal (text_prefix (pal_text ("\x80\x80\x80"), 2).size, 0);
    assert_int_equal (text_prefix (pal_text (""), 2).size, 0);
}

static void a_long_text_grows (void **state)
{
    text_t out = {0};
    (void) state;
    for (int at = 0; at < 10000; at++)
        text_addf (&out, "%04d,", at);
    assert_int_equal (out.size, 50000);
    assert_memory_equal (out.data + 5 * 9999, "9999,", 5);
    assert_false (out.failed);
    text_free (&out);
}

static void ids_are_utf8_without_control_characters (void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"a", true},
        {"a b/c%", true},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"", false},
        {"a\n", false},
        {"\x7f", false},
        {"\x80", false},
        {"\xc0\xaf", false},
        {"\xc3", false},
        {"\xe0\x80\xaf", false},
        {"\xed\xa0\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf0\x80\x80\xaf", false},
        {"\xff", false},
        {"12345678901", false},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
        assert_int_equal (text_is_id (pal_text (cases[at].text), 10), cases[at].good);
}

static void words_of_a_list_come_one_by_one (void **state)
{
    static const char *const EXPECTED[] = {"a", "b=/c", "*", "d"};
    pal_text_t list = pal_text (" a,b=/c ,\t*\n\nd "), word;
    size_t count = 0;
    (void) state;
    for (; text_next_word (&list, &word); count++)
        assert_true (pal_text_is (word, EXPECTED[count]));
    assert_int_equal (count, 4);
    list = pal_text (" ,\n");
    assert_false (text_next_word (&list, &word));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (quoting_escapes_what_json_cannot_hold),
        cmocka_unit_test (what_is_no_character_is_shown_as_such),
        cmocka_unit_test (a_prefix_ends_with_a_whole_character),
        cmocka_unit_test (a_long_text_grows),
        cmocka_unit_test (words_of_a_list_come_one_by_one),
        cmocka_unit_test (ids_are_utf8_without_control_characters),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
