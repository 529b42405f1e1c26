#include "telegram/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { KEYS = 300, STEPS = 20000 };

static void is_what_an_array_is (void **state)
{
    ids_t ids = {0};
    int64_t model[KEYS] = {0}, value;
    unsigned chance = 7;
    (void) state;
    for (int step = 0; step < STEPS; step++) {
        chance = chance * 1103515245 + 12345;
        int at = (int) (chance >> 16) % KEYS;
        int64_t key = (at + 1) * INT64_C (-1001234567);
        if (step % 3 == 0) {
            ids_remove (&ids, key);
            model[at] = 0;
        } else {
            assert_true (ids_put (&ids, key, step));
            model[at] = step;
        }
        size_t count = 0;
        for (int other = 0; step % 100 == 0 && other < KEYS; other++) {
            bool known = ids_get (&ids, (other + 1) * INT64_C (-1001234567), &value);
            assert_int_equal (known, model[other] != 0);
            assert_true (!known || value == model[other]);
            count += known;
        }
        assert_true (step % 100 != 0 || count == ids.count);
    }
    assert_false (ids_put (&ids, 0, 1));
    assert_false (ids_get (&ids, 0, NULL));
    ids_free (&ids);
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (is_what_an_array_is)};
    return cmocka_run_group_tests (tests, NULL, NULL);
}
