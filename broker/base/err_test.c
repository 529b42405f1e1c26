#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_a_name_and_a_text (void **state)
{
    (void) state;
    for (int code = 0; code < ERR_COUNT_; code++) {
        assert_true (*plv_err_name ((plv_err_t) code));
        assert_true (*plv_err_text ((plv_err_t) code));
    }
    assert_string_equal (plv_err_name (ERR_NOSPC), "NOSPC");
    assert_string_equal (plv_err_text (ERR_NOSPC), "no space left on the device");
    assert_string_equal (plv_err_name ((plv_err_t) 9999), "UNKNOWN");
    assert_non_null (plv_err_text ((plv_err_t) -1));
}

static void a_failure_carries_its_words (void **state)
{
    (void) state;
    plv_fail_t fail;
    assert_int_equal (plv_fail (&fail, ERR_IO, "%s: line %d", "a file", 7), ERR_IO);
    assert_int_equal (fail.code, ERR_IO);
    assert_string_equal (fail.text, "a file: line 7");
    assert_int_equal (plv_fail (NULL, ERR_BUSY, "nobody asks"), ERR_BUSY);
}

static void context_goes_in_front (void **state)
{
    (void) state;
    plv_fail_t fail;
    plv_fail (&fail, ERR_PERM, "open: permission denied");
    assert_int_equal (plv_fail_context (&fail, "store %d", 3), ERR_PERM);
    assert_string_equal (fail.text, "store 3: open: permission denied");
}

static void the_old_text_may_be_an_argument (void **state)
{
    (void) state;
    plv_fail_t fail;
    plv_fail (&fail, ERR_IO, "inner");
    plv_fail (&fail, ERR_CONF, "outer: %s", fail.text);
    assert_string_equal (fail.text, "outer: inner");
}

static void a_long_text_is_cut_between_characters (void **state)
{
    (void) state;
    static const char *const characters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t kind = 0; kind < 3; kind++)
        for (size_t shift = 0; shift < 4; shift++) {
            char text[1024] = "abcd";
            text[shift] = 0;
            while (strlen (text) < 800)
                strcat (text, characters[kind]);
            plv_fail_t fail;
            plv_fail (&fail, ERR_IO, "%s", text);
            size_t width = strlen (characters[kind]);
            assert_true (strlen (fail.text) >= PLV_FAIL_TEXT_BYTES - width);
            assert_int_equal ((strlen (fail.text) - shift) % width, 0);
        }
}

static void errno_values_are_mapped (void **state)
{
    (void) state;
    assert_int_equal (plv_err_of_errno (ENOSPC), ERR_NOSPC);
    assert_int_equal (plv_err_of_errno (EACCES), ERR_PERM);
    assert_int_equal (plv_err_of_errno (EROFS), ERR_PERM);
    assert_int_equal (plv_err_of_errno (ENOENT), ERR_NOENT);
    assert_int_equal (plv_err_of_errno (EADDRINUSE), ERR_BUSY);
    assert_int_equal (plv_err_of_errno (ENOMEM), ERR_NOMEM);
    assert_int_equal (plv_err_of_errno (EIO), ERR_IO);
    assert_int_equal (plv_err_of_errno (123456), ERR_IO);
}

static void a_limit_that_is_reached_can_be_raised (void **state)
{
    (void) state;
    assert_non_null (strstr (plv_errno_advice (EMFILE), "raise the limit on open files"));
    assert_string_equal (plv_errno_advice (EACCES), "");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_code_has_a_name_and_a_text),
        cmocka_unit_test (a_failure_carries_its_words),
        cmocka_unit_test (context_goes_in_front),
        cmocka_unit_test (the_old_text_may_be_an_argument),
        cmocka_unit_test (a_long_text_is_cut_between_characters),
        cmocka_unit_test (errno_values_are_mapped),
        cmocka_unit_test (a_limit_that_is_reached_can_be_raised),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
