#include "advisor/offline/project.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void compounds_as_a_year_does (void **state)
{
    (void) state;
    assert_float_equal (project (1000, 0, 12, 6), 1060, 0.001);
    assert_float_equal (project (1000, 0, 24, 6), 1123.6, 0.001);
    assert_float_equal (project (1000, 0, 120, 0), 1000, 0.001);
    assert_float_equal (project (1000, 0, 12, -10.2), 898, 0.001);
    assert_float_equal (project (1000, 0, 0, 6), 1000, 0.001);
}

static void adds_what_comes_again (void **state)
{
    (void) state;
    assert_float_equal (project (100, 1, 12, 0), 1200, 0.001);
    assert_float_equal (project (100, 12, 36, 0), 300, 0.001);
    assert_float_equal (project (100, 12, 24, 10), 231, 0.001);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (compounds_as_a_year_does),
        cmocka_unit_test (adds_what_comes_again),
    };
    return cmocka_run_group_tests_name ("project", tests, NULL, NULL);
}
