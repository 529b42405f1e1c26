#include "base/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void a_text_that_fits_is_whole (void **state)
{
    char text[16];
    (void) state;
    assert_int_equal (plv_format (text, sizeof text, "%s %u", "abc", 7u), 5);
    assert_string_equal (text, "abc 7");
    assert_int_equal (plv_format (text, sizeof text, "%s", ""), 0);
    assert_string_equal (text, "");
}

static void a_text_that_does_not_fit_is_cut_between_characters (void **state)
{
    static const char *const wide[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x99\x82"};
    (void) state;
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = strlen (wide[i]);
        for (size_t size = 1; size < 20; size++) {
            char text[20];
            size_t made = plv_format (text, size, "a%s%s%s%s", wide[i], wide[i], wide[i], wide[i]);
            size_t room = size - 1 < 1 + 4 * bytes ? size - 1 : 1 + 4 * bytes;
            assert_int_equal (made, room == 0 ? 0 : 1 + (room - 1) / bytes * bytes);
            assert_int_equal (strlen (text), made);
        }
    }
}

static void what_is_no_utf8_does_no_harm (void **state)
{
    char text[4];
    (void) state;
    assert_int_equal (plv_format (text, sizeof text, "%s", "\x80\x80\x80\x80\x80"), 3);
    assert_int_equal (plv_format (text, 1, "%s", "\xff"), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_text_that_fits_is_whole),
        cmocka_unit_test (a_text_that_does_not_fit_is_cut_between_characters),
        cmocka_unit_test (what_is_no_utf8_does_no_harm),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
