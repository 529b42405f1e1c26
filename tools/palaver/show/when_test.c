#include "palaver/show/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t now_us = INT64_C (1769846400000000); /* 2026-01-31T08:00:00Z */

static int64_t at (const char *text)
{
    int64_t us = -1;
    if (!when_read (text, now_us, &us))
        fail_msg ("%s", text);
    return us;
}

static void ago (void **state)
{
    (void) state;
    assert_int_equal (at ("0s"), now_us);
    assert_int_equal (at ("90s"), now_us - 90000000);
    assert_int_equal (at ("15m"), now_us - INT64_C (900000000));
    assert_int_equal (at ("2h"), now_us - INT64_C (7200000000));
    assert_int_equal (at ("3d"), now_us - INT64_C (259200000000));
    assert_int_equal (at ("1w"), now_us - INT64_C (604800000000));
}

static void on_the_clock (void **state)
{
    (void) state;
    assert_int_equal (at ("2026-01-31"), now_us - INT64_C (28800000000));
    assert_int_equal (at ("2026-01-31T08:00:00Z"), now_us);
    assert_int_equal (at ("2028-02-29"), at ("2028-03-01") - INT64_C (86400000000));
    assert_int_equal (at ("2026-01-31 08:00:00Z"), now_us);
    assert_int_equal (at ("2026-01-31t08:00:00.25z"), now_us + 250000);
    assert_int_equal (at ("2026-01-31T08:00:00.123456Z"), now_us + 123456);
    assert_int_equal (at ("2026-01-31T10:30:00+02:30"), now_us);
    assert_int_equal (at ("2026-01-31T03:00:00-05:00"), now_us);
}

static void nonsense (void **state)
{
    static const char *const texts[] = {
        "",
        "h",
        "-2h",
        "2",
        "2hh",
        "2 h",
        "yesterday",
        "2026-1-31",
        "2026-13-01",
        "2026-02-29",
        "2026-06-31",
        "2026-06-31T08:00:00Z",
        "26-01-31",
        "2026-01-31T08:00",
        "2026-01-31T08:00:00",
        "2026-01-31T08:00:00.Z",
        "2026-01-31T08:00:00+2",
        "2026-01-31T08:00:00Zulu",
        "99999999999999999999w",
        "999999999999w",
    };
    int64_t us = 7;
    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (when_read (texts[i], now_us, &us))
            fail_msg ("%s", texts[i]);
    assert_int_equal (us, 7);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (ago),
        cmocka_unit_test (on_the_clock),
        cmocka_unit_test (nonsense),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
