#include "shell/busy_poll.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void wait_long (busy_poll_t *self, int times)
{
    while (times--)
        busy_poll_waited (self, 101);
}

/*  Skips where there is one CPU only: see the test below.  */
static busy_poll_t bounded (void)
{
    busy_poll_t self;
    cpu_set_t cpus;
    sched_getaffinity (0, sizeof cpus, &cpus);
    if (CPU_COUNT (&cpus) == 1)
        skip ();
    busy_poll_bound (&self, 100);
    return self;
}

static void it_sleeps_until_inputs_come_fast (void **state)
{
    (void) state;
    busy_poll_t self = bounded ();
    assert_int_equal (busy_poll_us (&self), 0);
    wait_long (&self, 3);
    assert_int_equal (busy_poll_us (&self), 0);
    busy_poll_waited (&self, 100);
    assert_int_equal (busy_poll_us (&self), 100);
}

static void a_slow_input_between_quick_ones_changes_nothing (void **state)
{
    (void) state;
    busy_poll_t self = bounded ();
    for (int i = 0; i < 10; i++) {
        busy_poll_waited (&self, 20);
        wait_long (&self, 3);
        assert_int_equal (busy_poll_us (&self), 100);
    }
    wait_long (&self, 1);
    assert_int_equal (busy_poll_us (&self), 0);
}

static void who_forbids_it_is_obeyed (void **state)
{
    (void) state;
    busy_poll_t self;
    busy_poll_bound (&self, 0);
    busy_poll_waited (&self, 0);
    assert_int_equal (busy_poll_us (&self), 0);
}

static void with_one_cpu_the_peers_come_first (void **state)
{
    (void) state;
    busy_poll_t self;
    cpu_set_t before, one;
    sched_getaffinity (0, sizeof before, &before);
    CPU_ZERO (&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT (&one); cpu++)
        if (CPU_ISSET (cpu, &before))
            CPU_SET (cpu, &one);
    assert_int_equal (sched_setaffinity (0, sizeof one, &one), 0);
    busy_poll_bound (&self, 100);
    assert_int_equal (sched_setaffinity (0, sizeof before, &before), 0);
    busy_poll_waited (&self, 1);
    assert_int_equal (busy_poll_us (&self), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (it_sleeps_until_inputs_come_fast),
        cmocka_unit_test (a_slow_input_between_quick_ones_changes_nothing),
        cmocka_unit_test (who_forbids_it_is_obeyed),
        cmocka_unit_test (with_one_cpu_the_peers_come_first),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
