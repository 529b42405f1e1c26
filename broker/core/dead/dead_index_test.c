#include "core/dead/dead_index.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NUMBERS = 4096, ROUNDS = 60000, KINDS = 7 };

static dead_brief_t brief_of (uint64_t number, uint64_t kind)
{
    return (dead_brief_t){
        .number = number, .fingerprint = kind + 1, .dead_us = (int64_t) number * 10};
}

/*  A group that has its newest letter is known whole: a brief's number says when it died.  */
static void compare_ends (const dead_index_t *index, const uint8_t *model, uint64_t kind)
{
    const dead_group_t *group = plv_map_u64_get (&index->groups, kind);
    uint64_t first = 1, last = NUMBERS - 1;
    if (!group || !group->newest)
        return;
    while (model[first] != kind)
        first++;
    while (model[last] != kind)
        last--;
    assert_int_equal (group->first_us, first * 10);
    assert_int_equal (group->last_us, last * 10);
    assert_int_equal (group->newest, last);
}

/*  What the index is to be: one byte a number, 0 or the kind + 1.  */
static void compare (const dead_index_t *index, const uint8_t *model)
{
    dead_cursor_t cursor = dead_index_seek (index, 0);
    uint64_t counts[KINDS + 1] = {0}, groups = 0, count = 0;
    for (uint64_t number = 1; number < NUMBERS; number++) {
        const dead_brief_t *found = dead_index_get (index, number);
        assert_int_equal (found ? found->fingerprint : 0, model[number]);
        counts[model[number]]++;
        if (!model[number])
            continue;
        dead_cursor_t place = dead_index_seek (index, number);
        assert_int_equal (dead_index_before (index, &place), count);
        count++;
        assert_int_equal (dead_index_next (index, &cursor)->number, number);
    }
    assert_null (dead_index_next (index, &cursor));
    assert_int_equal (index->count, count);
    for (uint64_t kind = 1; kind <= KINDS; kind++) {
        const dead_group_t *group = plv_map_u64_get (&index->groups, kind);
        groups += counts[kind] > 0;
        assert_int_equal (group ? group->count : 0, counts[kind]);
        compare_ends (index, model, kind);
    }
    assert_int_equal (index->groups.count, groups);
}

static void test_against_a_model (void **state)
{
    dead_index_t index = {0};
    static uint8_t model[NUMBERS];
    plv_rng_t rng = plv_rng_seed (4);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t number = 1 + plv_rng_below (&rng, NUMBERS - 1);
        bool more = round < ROUNDS / 2 ? plv_rng_below (&rng, 3) > 0 : plv_rng_below (&rng, 5) == 0;
        if (more) {
            dead_brief_t brief = brief_of (number, plv_rng_below (&rng, KINDS));
            dead_index_add (&index, &brief);
            model[number] = (uint8_t) brief.fingerprint;
        } else {
            assert_int_equal (dead_index_remove (&index, number), model[number] != 0);
            model[number] = 0;
        }
        if (round % 3000 == 0)
            compare (&index, model);
    }
    compare (&index, model);
    for (uint64_t number = 1; number < NUMBERS; number++)
        dead_index_remove (&index, number);
    assert_int_equal (index.count, 0);
    assert_int_equal (index.chunk_count, 0);
    assert_int_equal (index.groups.count, 0);
    dead_index_free (&index);
}

static void test_seeking (void **state)
{
    dead_index_t index = {0};
    (void) state;
    dead_cursor_t cursor = dead_index_seek (&index, 1);
    assert_null (dead_index_next (&index, &cursor));
    for (uint64_t number = 10; number <= 30000; number += 10) {
        dead_brief_t brief = brief_of (number, 1);
        dead_index_add (&index, &brief);
    }
    for (uint64_t number = 0; number <= 30000; number++) {
        cursor = dead_index_seek (&index, number);
        uint64_t next = number == 0 ? 10 : (number + 9) / 10 * 10;
        assert_int_equal (dead_index_next (&index, &cursor)->number, next);
    }
    cursor = dead_index_seek (&index, 30001);
    assert_null (dead_index_next (&index, &cursor));
    dead_index_free (&index);
}

static void test_first_and_last (void **state)
{
    dead_index_t index = {0};
    (void) state;
    for (uint64_t number = 1; number <= 3; number++) {
        dead_brief_t brief = brief_of (number, 1);
        brief.dead_us = (int64_t[]){0, 50, 90, 20}[number];
        dead_index_add (&index, &brief);
    }
    const dead_group_t *group = plv_map_u64_get (&index.groups, 2);
    assert_int_equal (group->first_us, 20);
    assert_int_equal (group->last_us, 90);
    assert_int_equal (group->newest, 2);
    dead_index_remove (&index, 1);
    assert_int_equal (group->newest, 2); /* neither the first nor the last death */
    dead_index_remove (&index, 2);
    assert_int_equal (group->count, 1);
    assert_int_equal (group->newest, 0);
    dead_index_free (&index);
}

static void add_at (dead_index_t *index, uint64_t number, int64_t dead_us)
{
    dead_brief_t brief = brief_of (number, 1);
    brief.dead_us = dead_us;
    dead_index_add (index, &brief);
}

static void walk (const dead_index_t *index, plv_map_u64_t *groups)
{
    dead_cursor_t cursor = dead_index_seek (index, 0);
    const dead_brief_t *brief;
    while ((brief = dead_index_next (index, &cursor)))
        dead_groups_add (groups, brief);
}

/*  What is not known of a group since a letter has left is learned by a walk, if it has seen all there is.  */
static void test_learning_from_a_walk (void **state)
{
    dead_index_t index = {0};
    plv_map_u64_t groups = {0};
    (void) state;
    for (uint64_t number = 1; number <= 4; number++)
        add_at (&index, number, (int64_t) number * 10);
    const dead_group_t *group = plv_map_u64_get (&index.groups, 2);
    dead_index_remove (&index, 1); /* the first death */
    assert_int_equal (group->newest, 0);
    add_at (&index, 5, 50);
    assert_int_equal (group->newest, 0); /* the first one is as unknown as before */
    uint64_t removals = index.removals;
    walk (&index, &groups);
    const dead_group_t *found = plv_map_u64_get (&groups, 2);
    add_at (&index, 1, 60);
    dead_index_learn (&index, found, removals); /* it came too late for the walk */
    assert_int_equal (group->newest, 0);
    dead_index_remove (&index, 5);
    dead_index_learn (&index, found, removals); /* as many as it has seen, and others */
    assert_int_equal (group->newest, 0);
    dead_groups_free (&groups);
    groups = (plv_map_u64_t){0};
    walk (&index, &groups);
    dead_index_learn (&index, plv_map_u64_get (&groups, 2), index.removals);
    assert_int_equal (group->first_us, 20);
    assert_int_equal (group->last_us, 60);
    assert_int_equal (group->newest, 1);
    dead_groups_free (&groups);
    dead_index_free (&index);
}

static void test_a_brief_as_a_row (void **state)
{
    plv_buf_t row = {0};
    dead_brief_t again;
    const dead_brief_t brief = {.number = 7,
                                .fingerprint = 0x0123456789abcdef,
                                .dead_us = 1780000000000000,
                                .session = 1,
                                .user = 2,
                                .platform = 0xffffffff,
                                .adapter = 4,
                                .route = 5,
                                .type = 6,
                                .code = 7,
                                .attempts = 65535,
                                .why = DEAD_UNKNOWN,
                                .kind = ENTRY_REPLY};
    (void) state;
    dead_brief_write (&brief, &row);
    assert_true (dead_brief_read (7, plv_buf_view (&row), &again));
    assert_memory_equal (&again, &brief, sizeof brief);
    for (size_t size = 0; size < row.size; size++)
        assert_false (dead_brief_read (7, plv_view (row.data, size), &again));
    row.data[0]++;
    assert_false (dead_brief_read (7, plv_buf_view (&row), &again));
    plv_buf_free (&row);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_against_a_model),  cmocka_unit_test (test_seeking),
        cmocka_unit_test (test_first_and_last),   cmocka_unit_test (test_learning_from_a_walk),
        cmocka_unit_test (test_a_brief_as_a_row),
    };
    return cmocka_run_group_tests_name ("dead_index", tests, NULL, NULL);
}
