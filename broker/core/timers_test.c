#include "core/timers.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { OWNERS = 300, STEPS = 20000, MANY = 1000000 };

/*  What a timer is embedded in, and what the naive model knows of it.  */
typedef struct {
    char before[3];
    core_timer_t timer;
    bool set;
    int64_t at_us;
    uint64_t order;
} owner_t;

static owner_t *model_first (owner_t *owners, int64_t now_us)
{
    owner_t *first = NULL;
    for (size_t i = 0; i < OWNERS; i++) {
        owner_t *owner = &owners[i];
        if (!owner->set || owner->at_us > now_us)
            continue;
        if (!first || owner->at_us < first->at_us
            || (owner->at_us == first->at_us && owner->order < first->order))
            first = owner;
    }
    return first;
}

static void step (core_timers_t *timers, owner_t *owners, plv_rng_t *rng, uint64_t order)
{
    owner_t *owner = &owners[plv_rng_below (rng, OWNERS)];
    /* few different times, so that equal ones are common */
    int64_t at_us = (int64_t) plv_rng_below (rng, 40) - 20;
    switch (plv_rng_below (rng, 4)) {
    case 0:
    case 1:
        timers_set (timers, &owner->timer, at_us);
        *owner = (owner_t){.timer = owner->timer, .set = true, .at_us = at_us, .order = order};
        break;
    case 2:
        timers_cancel (timers, &owner->timer);
        owner->set = false;
        break;
    default: {
        owner_t *expected = model_first (owners, at_us);
        core_timer_t *timer = timers_pop (timers, at_us);
        assert_ptr_equal (timer, expected ? &expected->timer : NULL);
        if (timer) {
            assert_ptr_equal (PLV_OF (timer, owner_t, timer), expected);
            expected->set = false;
        }
    }
    }
}

static void test_behaves_like_a_sorted_list (void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        core_timers_t timers = {0};
        owner_t *owners = calloc (OWNERS, sizeof *owners);
        for (uint64_t i = 0; i < STEPS; i++) {
            step (&timers, owners, &rng, i);
            owner_t *first = model_first (owners, INT64_MAX);
            assert_int_equal (timers_next (&timers), first ? first->at_us : INT64_MAX);
        }
        for (size_t i = 0; i < OWNERS; i++)
            assert_int_equal (timers_is_set (&owners[i].timer), owners[i].set);
        timers_free (&timers);
        free (owners);
    }
}

static void test_equal_times_come_in_the_order_of_setting (void **state)
{
    (void) state;
    core_timers_t timers = {0};
    core_timer_t timer[100] = {0};
    for (size_t i = 0; i < 100; i++)
        timers_set (&timers, &timer[i], 7);
    timers_set (&timers, &timer[0], 7); /* set again: behind all others */
    for (size_t i = 1; i < 100; i++)
        assert_ptr_equal (timers_pop (&timers, 7), &timer[i]);
    assert_ptr_equal (timers_pop (&timers, 7), &timer[0]);
    assert_null (timers_pop (&timers, INT64_MAX));
    timers_free (&timers);
}

static void test_nothing_is_due_before_its_time (void **state)
{
    (void) state;
    core_timers_t timers = {0};
    core_timer_t timer = {.kind = 9};
    assert_int_equal (timers_next (&timers), INT64_MAX);
    timers_cancel (&timers, &timer);
    timers_set (&timers, &timer, 100);
    assert_null (timers_pop (&timers, 99));
    assert_true (timers_is_set (&timer));
    assert_ptr_equal (timers_pop (&timers, 100), &timer);
    assert_false (timers_is_set (&timer));
    assert_int_equal (timer.kind, 9);
    timers_free (&timers);
}

static void test_a_million_timers (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (42);
    core_timers_t timers = {0};
    core_timer_t *all = calloc (MANY, sizeof *all);
    for (size_t i = 0; i < MANY; i++)
        timers_set (&timers, &all[i], (int64_t) plv_rng_below (&rng, 1u << 30));
    for (size_t i = 0; i < MANY; i += 2)
        timers_cancel (&timers, &all[i]);
    int64_t last = 0;
    size_t count = 0;
    core_timer_t *timer;
    while ((timer = timers_pop (&timers, INT64_MAX))) {
        assert_true (timer->at_us >= last);
        assert_true ((size_t) (timer - all) % 2 == 1);
        last = timer->at_us;
        count++;
    }
    assert_int_equal (count, MANY / 2);
    timers_free (&timers);
    free (all);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_behaves_like_a_sorted_list),
        cmocka_unit_test (test_equal_times_come_in_the_order_of_setting),
        cmocka_unit_test (test_nothing_is_due_before_its_time),
        cmocka_unit_test (test_a_million_timers),
    };
    return cmocka_run_group_tests_name ("timers", tests, NULL, NULL);
}
