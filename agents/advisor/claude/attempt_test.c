#include "advisor/claude/attempt.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void the_servers_wait_is_read (void **state)
{
    static const struct {
        const char *milliseconds;
        const char *seconds;
        int64_t us;
    } rows[] = {
        {"", "", 0},
        {"250", "9", 250000},
        {"", "9", 9000000},
        {"", "0.5", 500000},
        {"", "-1", 0},
        {"x", "2", 2000000},
        {"", "soon", 0},
        {"-5", "", 0},
        {"", "Sun, 22 Nov 2026 17:00:10 GMT", 10000000},
        {"", "Sun, 22 Nov 2026 16:00:00 GMT", 0},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal (
            attempt_retry_after (rows[i].milliseconds, rows[i].seconds, 1795366800LL * 1000000),
            rows[i].us);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_servers_wait_is_read),
    };
    return cmocka_run_group_tests_name ("attempt", tests, NULL, NULL);
}
