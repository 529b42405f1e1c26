#include "shell/busy_poll.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*  How many of so many commits it looks after, when that finds something or does not.  */
static int looks (busy_poll_t *self, int commits, bool found)
{
    int count = 0;
    for (int i = 0; i < commits; i++)
        if (busy_poll_begins (self)) {
            busy_poll_ended (self, found);
            count++;
        }
    return count;
}

static void test_it_looks_each_time_while_that_finds_something (void **state)
{
    busy_poll_t poll = {0};
    (void) state;
    assert_int_equal (looks (&poll, 1000, true), 1000);
}

static void test_it_looks_ever_more_seldom_when_nothing_comes (void **state)
{
    busy_poll_t poll = {0};
    (void) state;
    assert_int_equal (looks (&poll, 511, false), 9); /* after 1, 2, 4 ... 256 commits */
    assert_in_range (looks (&poll, 256000, false), 999, 1001);
}

static void test_what_it_finds_once_makes_it_look_again (void **state)
{
    busy_poll_t poll = {0};
    (void) state;
    looks (&poll, 100000, false);
    assert_in_range (looks (&poll, 1000, true), 1000 - 255, 1000);
}

static void test_with_one_processor_it_never_looks (void **state)
{
    cpu_set_t all, one;
    busy_poll_t poll;
    (void) state;
    assert_int_equal (sched_getaffinity (0, sizeof all, &all), 0);
    CPU_ZERO (&one);
    for (size_t i = 0; CPU_COUNT (&one) == 0; i++)
        if (CPU_ISSET (i, &all))
            CPU_SET (i, &one);
    assert_int_equal (sched_setaffinity (0, sizeof one, &one), 0);
    busy_poll_init (&poll);
    assert_int_equal (sched_setaffinity (0, sizeof all, &all), 0);
    assert_int_equal (looks (&poll, 1000, true), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_it_looks_each_time_while_that_finds_something),
        cmocka_unit_test (test_it_looks_ever_more_seldom_when_nothing_comes),
        cmocka_unit_test (test_what_it_finds_once_makes_it_look_again),
        cmocka_unit_test (test_with_one_processor_it_never_looks),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
