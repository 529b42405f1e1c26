#include "shell/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void numbers_begin_anew_but_for_those_of_who_is_there (void **state)
{
    plv_map_u64_t taken = {0};
    (void) state;
    assert_int_equal (number_after (0, &taken), 1);
    plv_map_u64_put (&taken, 1, &taken);
    plv_map_u64_put (&taken, 2, &taken);
    plv_map_u64_put (&taken, UINT32_MAX, &taken);
    assert_int_equal (number_after (UINT32_MAX - 2, &taken), UINT32_MAX - 1);
    assert_int_equal (number_after (UINT32_MAX - 1, &taken), 3);
    plv_map_u64_free (&taken);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (numbers_begin_anew_but_for_those_of_who_is_there),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
