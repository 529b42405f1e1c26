#include "core/calm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t SECOND_US = 1000000, HOUR_US = INT64_C (3600000000),
                     YEAR_US = 365 * 24 * INT64_C (3600000000),
                     BEGIN_US = INT64_C (1800000000000000);

/*  A wall clock and a monotonic one, and what is believed.  */
typedef struct {
    calm_t calm;
    int64_t mono_us;
    int64_t wall_us;
    int64_t moved_us;
} clocks_t;

static void pass (clocks_t *self, int64_t us)
{
    self->mono_us += us;
    self->wall_us += us;
    self->moved_us += calm_pass (&self->calm, self->mono_us, self->wall_us);
}

static void jump (clocks_t *self, int64_t us)
{
    self->wall_us += us;
    pass (self, SECOND_US);
}

/*  What the wall clock is ahead of the believed time by.  */
static int64_t ahead (const clocks_t *self)
{
    return self->wall_us - calm_us (&self->calm, self->mono_us);
}

static clocks_t begin (int64_t seen_us)
{
    clocks_t clocks = {.mono_us = 7 * SECOND_US, .wall_us = BEGIN_US};
    calm_start (&clocks.calm, clocks.mono_us, clocks.wall_us, seen_us);
    return clocks;
}

static void test_a_clock_that_is_set_is_followed (void **state)
{
    clocks_t clocks = begin (0);
    (void) state;
    assert_int_equal (ahead (&clocks), 0);
    for (int i = 0; i < 100; i++) {
        jump (&clocks, i % 2 ? -60 * SECOND_US : 70 * SECOND_US);
        assert_int_equal (ahead (&clocks), 0);
    }
    assert_int_equal (clocks.moved_us, 0);
}

static void test_a_jump_that_does_not_stand_makes_nothing_old (void **state)
{
    clocks_t clocks = begin (0);
    (void) state;
    for (int i = 0; i < 10; i++) {
        jump (&clocks, 10 * YEAR_US);
        pass (&clocks, HOUR_US / 2);
        assert_int_equal (ahead (&clocks), 10 * YEAR_US);
        jump (&clocks, -10 * YEAR_US);
        assert_int_equal (ahead (&clocks), 0);
        pass (&clocks, HOUR_US);
    }
    assert_int_equal (clocks.moved_us, 0);
}

static void test_one_that_stands_is_believed_after_an_hour (void **state)
{
    clocks_t clocks = begin (0);
    (void) state;
    jump (&clocks, YEAR_US);
    for (int i = 0; i < 59; i++)
        pass (&clocks, 60 * SECOND_US);
    assert_int_equal (ahead (&clocks), YEAR_US);
    pass (&clocks, 60 * SECOND_US);
    assert_int_equal (ahead (&clocks), 0);
    assert_int_equal (clocks.moved_us, YEAR_US);
}

static void test_a_clock_that_is_behind_makes_nothing_old (void **state)
{
    clocks_t clocks = begin (0);
    (void) state;
    jump (&clocks, -20 * YEAR_US);
    assert_int_equal (ahead (&clocks), -20 * YEAR_US);
    assert_int_equal (calm_least_us (&clocks.calm, clocks.mono_us, clocks.wall_us), clocks.wall_us);
    jump (&clocks, 20 * YEAR_US);
    assert_int_equal (ahead (&clocks), 0);
    jump (&clocks, -20 * YEAR_US);
    pass (&clocks, HOUR_US);
    assert_int_equal (clocks.moved_us, -20 * YEAR_US);
}

/*  The monotonic clock stands while a machine sleeps.  */
static void test_a_machine_that_sleeps_now_and_then_is_not_left_behind (void **state)
{
    clocks_t clocks = begin (0);
    (void) state;
    for (int i = 0; i < 100; i++) {
        jump (&clocks, 8 * HOUR_US);
        for (int minutes = 0; minutes < 20; minutes++)
            pass (&clocks, 60 * SECOND_US);
        assert_in_range (ahead (&clocks), 0, 8 * 8 * HOUR_US);
    }
}

static void test_a_jump_while_the_broker_was_away (void **state)
{
    (void) state;
    clocks_t clocks = begin (BEGIN_US - 60 * SECOND_US);
    assert_int_equal (ahead (&clocks), 0);
    clocks = begin (BEGIN_US - YEAR_US);
    assert_int_equal (ahead (&clocks), YEAR_US);
    pass (&clocks, HOUR_US);
    assert_int_equal (ahead (&clocks), 0);
    clocks = begin (BEGIN_US + YEAR_US);
    assert_int_equal (ahead (&clocks), -YEAR_US);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_clock_that_is_set_is_followed),
        cmocka_unit_test (test_a_jump_that_does_not_stand_makes_nothing_old),
        cmocka_unit_test (test_one_that_stands_is_believed_after_an_hour),
        cmocka_unit_test (test_a_clock_that_is_behind_makes_nothing_old),
        cmocka_unit_test (test_a_machine_that_sleeps_now_and_then_is_not_left_behind),
        cmocka_unit_test (test_a_jump_while_the_broker_was_away),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
