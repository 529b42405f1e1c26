#include "core/ask/fate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { EVENT = 7, REPLY = 9, FALLBACK = 11, OTHER = 100 };

/*  One record: its type, the entry, and the reply that it makes.  */
typedef struct {
    record_type_t type;
    uint64_t number, reply;
} step_t;

static fate_t take (const step_t *steps, size_t count)
{
    fate_t fate = {.number = EVENT};
    for (size_t i = 0; i < count; i++) {
        record_t record = {.type = steps[i].type,
                           .number = steps[i].number,
                           .reply = steps[i].reply,
                           .attempt = 1,
                           .at_us = (int64_t) (i + 1) * 1000};
        assert_true (fate_take (&fate, &record));
        record.number = OTHER;
        fate_t before = fate;
        assert_false (fate_take (&fate, &record));
        assert_memory_equal (&before, &fate, sizeof fate);
    }
    return fate;
}

#define CHECK_FATE(expected_, ...)                                                                 \
    do {                                                                                           \
        const step_t steps[] = {__VA_ARGS__};                                                      \
        fate = take (steps, sizeof steps / sizeof *steps);                                         \
        assert_int_equal (fate.outcome, (expected_));                                              \
    } while (0)

static void test_how_it_may_go (void **state)
{
    fate_t fate;
    (void) state;
    CHECK_FATE (FATE_PENDING, {RECORD_ACCEPT, EVENT, 0}, {RECORD_ATTEMPT, EVENT, 0},
                {RECORD_ATTEMPT_END, EVENT, 0});
    CHECK_FATE (FATE_DELIVERING, {RECORD_ACCEPT, EVENT, 0}, {RECORD_REPLY, EVENT, REPLY},
                {RECORD_ATTEMPT, REPLY, 0});
    assert_int_equal (fate.attempts, 0);
    CHECK_FATE (FATE_DELIVERED, {RECORD_ACCEPT, EVENT, 0}, {RECORD_ATTEMPT, EVENT, 0},
                {RECORD_REPLY, EVENT, REPLY}, {RECORD_ATTEMPT, REPLY, 0}, {RECORD_SENT, REPLY, 0});
    assert_int_equal (fate.dispatched_us, 2000);
    assert_int_equal (fate.answered_us, 3000);
    assert_int_equal (fate.settled_us, 5000);
    CHECK_FATE (FATE_SILENT, {RECORD_ACCEPT, EVENT, 0}, {RECORD_REPLY, EVENT, 0});
    CHECK_FATE (FATE_SUPERSEDED, {RECORD_ACCEPT, EVENT, 0}, {RECORD_SUPERSEDED, EVENT, 0});
}

static void test_dead_letters (void **state)
{
    fate_t fate;
    (void) state;
    CHECK_FATE (FATE_DEAD, {RECORD_ACCEPT, EVENT, 0}, {RECORD_DEAD, EVENT, FALLBACK});
    assert_false (fate.told);
    CHECK_FATE (FATE_DEAD, {RECORD_ACCEPT, EVENT, 0}, {RECORD_DEAD, EVENT, FALLBACK},
                {RECORD_ATTEMPT, FALLBACK, 0}, {RECORD_SENT, FALLBACK, 0});
    assert_true (fate.told);
    assert_int_equal (fate.letter, EVENT);
    CHECK_FATE (FATE_DEAD, {RECORD_ACCEPT, EVENT, 0}, {RECORD_REPLY, EVENT, REPLY},
                {RECORD_DEAD, REPLY, 0});
    assert_int_equal (fate.letter, REPLY);
    CHECK_FATE (FATE_DELIVERING, {RECORD_ACCEPT, EVENT, 0}, {RECORD_REPLY, EVENT, REPLY},
                {RECORD_DEAD, REPLY, 0}, {RECORD_REPLAY, REPLY, 0});
    CHECK_FATE (FATE_PENDING, {RECORD_ACCEPT, EVENT, 0}, {RECORD_DEAD, EVENT, FALLBACK},
                {RECORD_RESEND, EVENT, 0}, {RECORD_SENT, FALLBACK, 0});
    assert_int_equal (fate.letter, 0);
    CHECK_FATE (FATE_DISCARDED, {RECORD_ACCEPT, EVENT, 0}, {RECORD_DEAD, EVENT, 0},
                {RECORD_DISCARD, EVENT, 0});
}

/*  The journal may have forgotten how it began.  */
static void test_a_beginning_that_is_missing (void **state)
{
    fate_t fate = {.number = EVENT};
    (void) state;
    assert_int_equal (fate.outcome, FATE_UNKNOWN);
    CHECK_FATE (FATE_DELIVERED, {RECORD_REPLY, EVENT, REPLY}, {RECORD_SENT, REPLY, 0});
    assert_int_equal (fate.accepted_us, 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_how_it_may_go),
        cmocka_unit_test (test_dead_letters),
        cmocka_unit_test (test_a_beginning_that_is_missing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
