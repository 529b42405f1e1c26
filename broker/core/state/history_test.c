#include "core/state/history.h"

#include "base/limits.h"
#include "base/rng.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 3000, TURNS_MOST = 2000 };

/*  A turn that says its number, as one map or two.  */
static void add (history_t *history, uint64_t number, bool answered, uint32_t limit)
{
    plv_buf_t turn = {0};
    char said[32];
    snprintf (said, sizeof said, "turn %llu", (unsigned long long) number);
    uint8_t maps =
        history_encode (&turn, plv_view_str (said), (int64_t) number,
                        answered ? plv_view_str ("yes") : plv_view (NULL, 0), (int64_t) number + 1);
    assert_int_equal (maps, answered ? 2 : 1);
    history_add (history, plv_buf_view (&turn), maps, limit);
    plv_buf_free (&turn);
}

static bool says (plv_view_t turn, uint64_t number)
{
    char said[32];
    snprintf (said, sizeof said, "turn %llu", (unsigned long long) number);
    return plv_view_is (plv_mp_find_str (turn, "text"), said);
}

/*  Exactly the turns first .. next - 1 are there, each with its own words.  */
static void check_kept (const history_t *history, uint64_t first, uint64_t next)
{
    assert_int_equal (history_first (history), first);
    assert_int_equal (history->next, next);
    assert_null (history_get (history, first - 1));
    assert_null (history_get (history, next));
    for (uint64_t number = first; number < next; number++) {
        const history_turn_t *turn = history_get (history, number);
        assert_non_null (turn);
        assert_true (says (plv_view (turn->bytes, turn->size), number));
    }
}

static void test_the_last_ones_are_kept (void **state)
{
    (void) state;
    for (uint32_t limit = 0; limit <= 9; limit++) {
        history_t history = {0};
        for (uint64_t number = 1; number <= 40; number++) {
            add (&history, number, number % 2, limit);
            check_kept (&history, number > limit ? number - limit + 1 : 1, number + 1);
        }
        history_free (&history);
    }
}

/*  The limit is another one at every turn: never more than it allows, never less than there was and still fits.  */
static void test_limits_that_change (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    history_t history = {0};
    uint64_t first = 1;
    (void) state;
    for (uint64_t number = 1; number <= TURNS_MOST; number++) {
        uint32_t limit =
            plv_rng_below (&rng, 10) ? (uint32_t) plv_rng_below (&rng, 12) : HISTORY_TURNS_MAX;
        add (&history, number, plv_rng_below (&rng, 2), limit);
        if (number + 1 - first > limit)
            first = number + 1 - limit;
        check_kept (&history, first, number + 1);
    }
    history_free (&history);
}

static uint32_t written (const history_t *history, uint32_t turns, plv_buf_t *buf)
{
    plv_mp_t reader;
    uint32_t maps = 0;
    plv_buf_clear (buf);
    history_write (history, turns, buf);
    assert_true (plv_mp_valid (plv_buf_view (buf), MP_ARRAY));
    reader = plv_mp (plv_buf_view (buf));
    assert_true (plv_mp_array (&reader, &maps));
    return maps;
}

static void test_a_job_gets_the_last_turns_in_order (void **state)
{
    history_t history = {0};
    plv_buf_t buf = {0};
    (void) state;
    assert_int_equal (written (&history, 10, &buf), 0);
    for (uint64_t number = 1; number <= 6; number++)
        add (&history, number, number != 5, 4); /* kept: 3, 4, 5 (unanswered), 6 */
    assert_int_equal (written (&history, 0, &buf), 0);
    assert_int_equal (written (&history, 1, &buf), 2);
    assert_int_equal (written (&history, 2, &buf), 3);
    assert_int_equal (written (&history, HISTORY_TURNS_MAX, &buf), 7);
    plv_mp_t reader = plv_mp (plv_buf_view (&buf));
    plv_view_t map;
    uint32_t maps;
    plv_mp_array (&reader, &maps);
    for (uint64_t number = 3; number <= 6; number++) {
        assert_true (plv_mp_skip (&reader, &map) && says (map, number));
        assert_true (plv_view_is (plv_mp_find_str (map, "role"), "user"));
        if (number == 5)
            continue;
        assert_true (plv_mp_skip (&reader, &map)
                     && plv_view_is (plv_mp_find_str (map, "text"), "yes"));
        assert_true (plv_view_is (plv_mp_find_str (map, "role"), "assistant"));
    }
    assert_true (plv_mp_done (&reader));
    plv_buf_free (&buf);
    history_free (&history);
}

static void add_big (history_t *history, size_t size)
{
    char *text = malloc (size);
    plv_buf_t turn = {0};
    memset (text, 'a', size);
    uint8_t maps = history_encode (&turn, plv_view (text, size), 1, plv_view (NULL, 0), 1);
    history_add (history, plv_buf_view (&turn), maps, 20);
    plv_buf_free (&turn);
    free (text);
}

/*  What does not fit into a job stays behind: the oldest turns, and those before one that is too large.  */
static void test_a_job_has_a_bound_in_bytes (void **state)
{
    enum { HEAD_BYTES = 5 };
    history_t history = {0};
    plv_buf_t buf = {0};
    (void) state;
    for (int i = 0; i < 5; i++)
        add_big (&history, HISTORY_BYTES_MAX / 3);
    assert_int_equal (written (&history, 20, &buf), 2); /* each is a little more than a third */
    assert_true (buf.size <= HISTORY_BYTES_MAX + HEAD_BYTES);
    add_big (&history, HISTORY_BYTES_MAX);
    assert_int_equal (written (&history, 20, &buf), 0);
    add (&history, 7, true, 20);
    assert_int_equal (written (&history, 20, &buf), 2);
    plv_buf_free (&buf);
    history_free (&history);
}

/*  Turns of very different sizes take each other's places.  */
static void test_memory_is_used_again (void **state)
{
    plv_rng_t rng = plv_rng_seed (2);
    history_t history = {0};
    (void) state;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = plv_rng_below (&rng, 5000);
        add_big (&history, size);
        const history_turn_t *turn = history_get (&history, history.next - 1);
        assert_true (turn->size > size && turn->capacity >= turn->size
                     && turn->capacity <= 2 * turn->size);
    }
    history_free (&history);
    assert_null (history.ring);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_last_ones_are_kept),
        cmocka_unit_test (test_limits_that_change),
        cmocka_unit_test (test_a_job_gets_the_last_turns_in_order),
        cmocka_unit_test (test_a_job_has_a_bound_in_bytes),
        cmocka_unit_test (test_memory_is_used_again),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
