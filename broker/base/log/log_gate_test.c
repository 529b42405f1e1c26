#include "base/log/log_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SECOND_US = 1000 * 1000 };

/*  How many of `count` lines at one time are let through; `ret_left_out`: what the first of them told.  */
static unsigned through (plv_log_gate_t *gate, int64_t now_us, unsigned count,
                         uint64_t *ret_left_out)
{
    unsigned open = 0;
    *ret_left_out = 0;
    for (unsigned at = 0; at < count; at++) {
        uint64_t left_out = 0;
        open += plv_log_gate_open (gate, now_us, &left_out);
        *ret_left_out += left_out;
    }
    return open;
}

static void a_burst_and_then_a_steady_rate (void **state)
{
    const int64_t start_us = 7 * SECOND_US;
    plv_log_gate_t gate = {0};
    uint64_t left_out;
    (void) state;
    assert_int_equal (through (&gate, start_us, 5000, &left_out), LOG_GATE_BURST);
    assert_int_equal (left_out, 0);
    assert_int_equal (through (&gate, start_us + SECOND_US, 5000, &left_out), LOG_GATE_PER_S);
    assert_int_equal (left_out, 5000 - LOG_GATE_BURST);
    assert_int_equal (through (&gate, start_us + 3600LL * SECOND_US, 5000, &left_out),
                      LOG_GATE_BURST);
    assert_int_equal (left_out, 5000 - LOG_GATE_PER_S);
}

/*  Who is told again and again reads little else.  */
static void what_was_left_out_is_told_once_a_second (void **state)
{
    plv_log_gate_t gate = {0};
    unsigned told = 0, open = 0;
    uint64_t lines = 0;
    (void) state;
    for (int64_t ms = 0; ms < 10000; ms++) {
        uint64_t left_out;
        unsigned more = through (&gate, SECOND_US + ms * 1000, 10, &left_out);
        told += left_out > 0;
        lines += left_out;
        open += more;
    }
    assert_in_range (told, 8, 10);
    assert_in_range (lines + open, 90000, 100000);
}

static void who_writes_little_is_never_held_up (void **state)
{
    plv_log_gate_t gate = {0};
    uint64_t left_out;
    (void) state;
    for (int64_t second = 1; second < 100; second++) {
        assert_int_equal (through (&gate, second * SECOND_US, LOG_GATE_PER_S, &left_out),
                          LOG_GATE_PER_S);
        assert_int_equal (left_out, 0);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_burst_and_then_a_steady_rate),
        cmocka_unit_test (what_was_left_out_is_told_once_a_second),
        cmocka_unit_test (who_writes_little_is_never_held_up),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
