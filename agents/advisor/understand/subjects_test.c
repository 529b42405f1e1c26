#include "advisor/understand/subjects.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static subject_set_t subjects_of (const char *text)
{
    static words_t words;
    static marks_t marks;
    words_read (&words, plv_view_str (text));
    phrases_find (&words, &marks);
    return subjects_find (&words, &marks);
}

static void are_found_in_a_message (void **state)
{
    (void) state;
    assert_int_equal (subjects_of ("How are ETFs taxed?"), SUBJECT_BIT (SUBJECT_TAX));
    assert_int_equal (subjects_of ("credit card debt, and insurance"),
                      SUBJECT_BIT (SUBJECT_DEBT) | SUBJECT_BIT (SUBJECT_INSURANCE));
    assert_int_equal (subjects_of ("I want to invest for 10 years"), 0);
    assert_int_equal (subjects_of (""), 0);
}

static void kinds_of_products_are_none (void **state)
{
    (void) state;
    assert_int_equal (subjects_of ("mortgage bonds"), 0);
    assert_int_equal (subjects_of ("insurance stocks"), 0);
    assert_int_equal (subjects_of ("tax free bonds"), 0);
    assert_int_equal (subjects_of ("a mortgage"), SUBJECT_BIT (SUBJECT_LOAN));
}

static void despair_comes_before_everything (void **state)
{
    (void) state;
    subject_set_t set = subjects_of ("I lost everything, taxes too, and want to die");
    assert_int_equal (subjects_sole (set), SUBJECT_CRISIS);
    assert_int_equal (subjects_sole (SUBJECT_BIT (SUBJECT_TAX)), SUBJECT_COUNT_);
    assert_non_null (strstr (subject_text (SUBJECT_CRISIS), "112"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (are_found_in_a_message),
        cmocka_unit_test (kinds_of_products_are_none),
        cmocka_unit_test (despair_comes_before_everything),
    };
    return cmocka_run_group_tests_name ("subjects", tests, NULL, NULL);
}
