#include "core/flow/breaker.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 60000, KINDS = 3, SESSIONS = 12, JOBS = 6, OPEN_US = 100 };

static const breaker_limits_t LIMITS = {.threshold = 5, .open_us = OPEN_US};

static breaker_change_t fails (breaker_t *breaker, uint64_t job, uint64_t session, const char *why,
                               int64_t now_us)
{
    return breaker_failure (breaker, job, session, plv_view_str (why), now_us, &LIMITS);
}

static breaker_change_t open_it (breaker_t *breaker, int64_t now_us)
{
    breaker_change_t change = BREAKER_SAME;
    for (uint64_t session = 1; session <= LIMITS.threshold; session++)
        change = fails (breaker, session, session, "worker_lost", now_us);
    return change;
}

static void test_opens_when_different_sessions_fail_alike (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    for (uint64_t session = 1; session < 5; session++) {
        assert_int_equal (fails (&breaker, session, session, "nack:llm", 0), BREAKER_SAME);
        assert_true (breaker_allows (&breaker));
    }
    assert_int_equal (fails (&breaker, 9, 5, "nack:llm", 7), BREAKER_PAUSED);
    assert_false (breaker_allows (&breaker));
    assert_string_equal (breaker.why, "nack:llm");
    assert_int_equal (breaker.until_us, 107);
    breaker_free (&breaker);
}

static void test_poison_never_opens_it (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal (fails (&breaker, i + 1, i % 4, "worker_lost", 0), BREAKER_SAME);
    breaker_free (&breaker);
}

static void test_failures_of_different_kinds_are_not_alike (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    for (uint64_t session = 1; session < 5; session++) {
        assert_int_equal (fails (&breaker, session, session, "worker_lost", 0), BREAKER_SAME);
        assert_int_equal (fails (&breaker, session, session + 50, "timeout", 0), BREAKER_SAME);
    }
    assert_int_equal (fails (&breaker, 1, 99, "timeout", 0), BREAKER_PAUSED);
    breaker_free (&breaker);
}

static void test_a_success_in_between_begins_anew (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    for (int i = 0; i < 4; i++) {
        for (uint64_t session = 1; session < 5; session++)
            assert_int_equal (fails (&breaker, session, session, "worker_lost", 0), BREAKER_SAME);
        assert_int_equal (breaker_success (&breaker, 77), BREAKER_SAME);
    }
    assert_int_equal (open_it (&breaker, 0), BREAKER_PAUSED);
    breaker_free (&breaker);
}

static void test_one_probe_decides (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    open_it (&breaker, 0);
    assert_int_equal (breaker_tick (&breaker, 99), BREAKER_SAME);
    assert_int_equal (breaker_tick (&breaker, 100), BREAKER_PROBING);
    assert_int_equal (breaker_tick (&breaker, 100), BREAKER_SAME);
    assert_true (breaker_allows (&breaker));
    breaker_sent (&breaker, 50);
    assert_false (breaker_allows (&breaker));
    assert_int_equal (fails (&breaker, 3, 3, "worker_lost", 120), BREAKER_SAME); /* sent before */
    assert_int_equal (fails (&breaker, 50, 3, "timeout", 130), BREAKER_PAUSED);
    assert_string_equal (breaker.why, "timeout");
    assert_int_equal (breaker_tick (&breaker, 229), BREAKER_SAME);
    assert_int_equal (breaker_tick (&breaker, 230), BREAKER_PROBING);
    breaker_sent (&breaker, 51);
    assert_int_equal (breaker_success (&breaker, 51), BREAKER_RESUMED);
    assert_true (breaker_allows (&breaker));
    assert_string_equal (breaker.why, "");
    for (uint64_t session = 1; session < 5; session++)
        assert_int_equal (fails (&breaker, 1, session, "worker_lost", 300), BREAKER_SAME);
    breaker_free (&breaker);
}

static void test_a_probe_without_a_verdict_makes_room_for_another (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    open_it (&breaker, 0);
    breaker_tick (&breaker, 100);
    breaker_sent (&breaker, 50);
    breaker_released (&breaker, 49); /* another job */
    assert_false (breaker_allows (&breaker));
    breaker_released (&breaker, 50);
    assert_true (breaker_allows (&breaker));
    breaker_sent (&breaker, 51);
    assert_false (breaker_allows (&breaker));
    breaker_free (&breaker);
}

static void test_a_job_that_was_on_its_way_is_no_probe (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    open_it (&breaker, 0);
    breaker_sent (&breaker, 40); /* gathered for a batch before the route was paused */
    assert_false (breaker_allows (&breaker));
    breaker_tick (&breaker, 100);
    assert_true (breaker_allows (&breaker));
    breaker_sent (&breaker, 50);
    breaker_sent (&breaker, 51); /* of the same batch */
    assert_int_equal (fails (&breaker, 51, 1, "worker_lost", 110), BREAKER_SAME);
    assert_int_equal (fails (&breaker, 40, 2, "worker_lost", 110), BREAKER_SAME);
    assert_int_equal (fails (&breaker, 50, 3, "worker_lost", 110), BREAKER_PAUSED);
    breaker_free (&breaker);
}

static void test_any_success_closes (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    open_it (&breaker, 0);
    assert_int_equal (breaker_success (&breaker, 4), BREAKER_RESUMED);
    assert_true (breaker_allows (&breaker));
    assert_int_equal (breaker_tick (&breaker, 1000), BREAKER_SAME);
    breaker_free (&breaker);
}

static void test_many_fingerprints_stay_bounded (void **state)
{
    (void) state;
    breaker_t breaker = {0};
    char why[100];
    for (uint64_t i = 0; i < 1000; i++) {
        snprintf (why, sizeof why, "nack:%llu", (unsigned long long) i);
        assert_int_equal (fails (&breaker, 1, i, why, 0), BREAKER_SAME);
        if (i % 50 < 4) /* is kept, since it is hit often enough */
            assert_int_equal (fails (&breaker, 1, i % 50, "known", 0), BREAKER_SAME);
        else if (i % 3 == 0)
            assert_int_equal (fails (&breaker, 1, 0, "known", 0), BREAKER_SAME);
    }
    assert_int_equal (fails (&breaker, 1, 99, "known", 0), BREAKER_PAUSED);
    memset (why, 'x', sizeof why);
    breaker_success (&breaker, 1);
    for (uint64_t session = 1; session <= 5; session++)
        breaker_failure (&breaker, 1, session, plv_view (why, sizeof why), 0, &LIMITS);
    assert_int_equal (breaker.state, BREAKER_OPEN);
    assert_int_equal (strlen (breaker.why), sizeof breaker.why - 1);
    breaker_free (&breaker);
}

/*  The naive model: the states as a table, the failures as a matrix.  */
typedef struct {
    breaker_state_t state;
    int64_t until_us;
    uint64_t probe;
    bool failed[KINDS][SESSIONS];
} model_t;

static breaker_change_t model_success (model_t *self)
{
    breaker_change_t change = self->state == BREAKER_CLOSED ? BREAKER_SAME : BREAKER_RESUMED;
    *self = (model_t){0};
    return change;
}

static breaker_change_t model_failure (model_t *self, uint64_t job, size_t session, size_t kind,
                                       int64_t now_us)
{
    bool opens = self->state == BREAKER_HALF && job == self->probe;
    if (self->state == BREAKER_CLOSED) {
        uint64_t count = 0;
        self->failed[kind][session] = true;
        for (size_t i = 0; i < SESSIONS; i++)
            count += self->failed[kind][i];
        opens = count >= LIMITS.threshold;
    }
    if (!opens)
        return BREAKER_SAME;
    *self = (model_t){.state = BREAKER_OPEN, .until_us = now_us + OPEN_US};
    return BREAKER_PAUSED;
}

static void model_step (breaker_t *breaker, model_t *model, plv_rng_t *rng, int64_t now_us)
{
    static const char *const kinds[KINDS] = {"worker_lost", "timeout", "nack:data_unavailable"};
    uint64_t job = 1 + plv_rng_below (rng, JOBS);
    size_t session = plv_rng_below (rng, SESSIONS), kind = plv_rng_below (rng, KINDS);
    bool due = model->state == BREAKER_OPEN && now_us >= model->until_us;
    switch (plv_rng_below (rng, 16)) {
    case 0:
        assert_int_equal (breaker_success (breaker, job), model_success (model));
        break;
    case 1:
    case 2:
        assert_int_equal (breaker_tick (breaker, now_us), due ? BREAKER_PROBING : BREAKER_SAME);
        if (due)
            *model = (model_t){.state = BREAKER_HALF};
        break;
    case 3:
        breaker_released (breaker, job);
        model->probe = model->probe == job ? 0 : model->probe;
        break;
    case 4:
    case 5:
        if (breaker_allows (breaker)) {
            breaker_sent (breaker, job);
            model->probe = model->state == BREAKER_HALF ? job : 0;
        }
        break;
    default:
        assert_int_equal (fails (breaker, job, session, kinds[kind], now_us),
                          model_failure (model, job, session, kind, now_us));
    }
}

static void test_behaves_like_the_table_of_states (void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        plv_rng_t rng = plv_rng_seed (seed);
        breaker_t breaker = {0};
        model_t model = {0};
        unsigned seen[3] = {0};
        int64_t now_us = 0;
        for (int i = 0; i < STEPS; i++) {
            now_us += (int64_t) plv_rng_below (&rng, 15);
            model_step (&breaker, &model, &rng, now_us);
            assert_int_equal (breaker.state, model.state);
            bool allows =
                model.state == BREAKER_CLOSED || (model.state == BREAKER_HALF && !model.probe);
            assert_int_equal (breaker_allows (&breaker), allows);
            seen[model.state]++;
        }
        for (size_t i = 0; i < 3; i++)
            assert_true (seen[i] > STEPS / 100);
        breaker_free (&breaker);
    }
}

static void test_states_have_names (void **state)
{
    (void) state;
    assert_string_equal (breaker_state_name (BREAKER_CLOSED), "closed");
    assert_string_equal (breaker_state_name (BREAKER_OPEN), "open");
    assert_string_equal (breaker_state_name (BREAKER_HALF), "half-open");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_opens_when_different_sessions_fail_alike),
        cmocka_unit_test (test_poison_never_opens_it),
        cmocka_unit_test (test_failures_of_different_kinds_are_not_alike),
        cmocka_unit_test (test_a_success_in_between_begins_anew),
        cmocka_unit_test (test_one_probe_decides),
        cmocka_unit_test (test_a_probe_without_a_verdict_makes_room_for_another),
        cmocka_unit_test (test_a_job_that_was_on_its_way_is_no_probe),
        cmocka_unit_test (test_any_success_closes),
        cmocka_unit_test (test_many_fingerprints_stay_bounded),
        cmocka_unit_test (test_behaves_like_the_table_of_states),
        cmocka_unit_test (test_states_have_names),
    };
    return cmocka_run_group_tests_name ("breaker", tests, NULL, NULL);
}
