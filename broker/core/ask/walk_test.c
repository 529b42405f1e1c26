#include "core/ask/walk.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { VALUES = 3000, FIRST = 700, TOKEN = 5, ROUNDS = 200 };

/*  A journal: some values make numbers, some make none, some positions hold no value at all, and the oldest are
    forgotten.  */
typedef struct {
    plv_buf_t values[VALUES]; /* by position; empty: none */
    int64_t wall_us[VALUES];
    uint64_t makes[VALUES]; /* the first number that it makes; 0: none */
    uint64_t next_number;
} world_t;

static void write_value (world_t *self, uint64_t seq, unsigned makes, int64_t wall_us)
{
    plv_buf_t *value = &self->values[seq];
    self->wall_us[seq] = wall_us;
    record_begin (value, wall_us);
    record_write (value, &(record_t){.type = RECORD_STORED, .number = seq - 1, .at_us = wall_us});
    record_write (value, &(record_t){.type = RECORD_SENT, .number = 1, .at_us = wall_us});
    for (unsigned i = 0; i < makes; i++) {
        uint64_t number = self->next_number++;
        if (i == 0)
            self->makes[seq] = number;
        record_t record = {.type = RECORD_ACCEPT, .number = number, .at_us = wall_us};
        if (number % 3 == 0)
            record = (record_t){.type = RECORD_REPLY, .number = 1, .reply = number};
        record_write (value, &record);
    }
    plv_buf_check (value);
}

static world_t *world_new (uint64_t seed)
{
    world_t *self = plv_alloc_zero (1, sizeof *self);
    plv_rng_t rng = plv_rng_seed (seed);
    int64_t wall_us = 1000000;
    bool sparse = seed % 2;
    self->next_number = 1;
    for (uint64_t seq = 1; seq < VALUES; seq++) {
        wall_us += (int64_t) plv_rng_below (&rng, 50);
        if (plv_rng_below (&rng, 8) == 0)
            continue;
        unsigned makes =
            sparse && plv_rng_below (&rng, 30) ? 0 : (unsigned) plv_rng_below (&rng, 4);
        write_value (self, seq, makes, wall_us);
    }
    return self;
}

static void world_destroy (world_t *self)
{
    for (int i = 0; i < VALUES; i++)
        plv_buf_free (&self->values[i]);
    free (self);
}

/*  What a store answers to the one scan in `effects`.  */
static bool answer (const world_t *self, const effects_t *effects, plv_buf_t *rows)
{
    assert_int_equal (effects->scan_count, 1);
    const effects_scan_t *scan = &effects->scans[0];
    assert_true (scan->journal && scan->token == TOKEN && scan->limit > 0);
    uint32_t count = 0;
    plv_buf_clear (rows);
    uint64_t seq = scan->from_seq < FIRST ? FIRST : scan->from_seq;
    for (; seq < scan->to_seq && seq < VALUES; seq++) {
        uint8_t key[8];
        if (!self->values[seq].size)
            continue;
        if (count++ == scan->limit)
            return true;
        plv_put_u64 (key, seq);
        plv_row_put (rows, VIEW_META, plv_view (key, sizeof key),
                     plv_buf_view (&self->values[seq]));
    }
    plv_buf_check (rows);
    return false;
}

/*  Seeks, and returns the position at which reading would begin; how many probes it took.  */
static unsigned seek (const world_t *self, walk_t *walk, walk_by_t by, uint64_t wanted)
{
    effects_t effects;
    plv_buf_t rows = {0};
    unsigned probes = 0;
    effects_init (&effects);
    walk_begin (walk, VALUES);
    walk_seek (walk, by, wanted);
    while (walk_seeking (walk)) {
        effects_clear (&effects);
        assert_true (walk_ask (walk, TOKEN, &effects));
        answer (self, &effects, &rows);
        walk_probed (walk, plv_buf_view (&rows));
        assert_true (++probes < 400);
    }
    plv_buf_free (&rows);
    effects_free (&effects);
    return probes;
}

/*  Whoever reads on from there meets what is sought, and not much before it.  */
static void check_place (const walk_t *walk, uint64_t at)
{
    uint64_t begins = walk->at < FIRST ? FIRST : walk->at;
    assert_true (begins <= at && begins + 64 > at);
}

static void test_seeking (void **state)
{
    walk_t walk;
    plv_rng_t rng = plv_rng_seed (3);
    (void) state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        world_t *world = world_new (seed);
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t at = FIRST + plv_rng_below (&rng, VALUES - FIRST);
            if (!world->values[at].size)
                continue;
            seek (world, &walk, WALK_TO_TIME, (uint64_t) world->wall_us[at]);
            check_place (&walk, at);
            if (!world->makes[at])
                continue;
            seek (world, &walk, WALK_TO_NUMBER, world->makes[at]);
            check_place (&walk, at);
        }
        world_destroy (world);
    }
}

static void test_what_is_forgotten_or_not_there_yet (void **state)
{
    walk_t walk;
    (void) state;
    world_t *world = world_new (2);
    seek (world, &walk, WALK_TO_NUMBER, 1);
    assert_true (walk.at <= FIRST);
    seek (world, &walk, WALK_TO_TIME, 0);
    assert_true (walk.at <= FIRST);
    seek (world, &walk, WALK_TO_NUMBER, UINT64_MAX);
    assert_true (walk.at > VALUES - 100);
    seek (world, &walk, WALK_TO_TIME, UINT64_MAX);
    assert_true (walk.at > VALUES - 100);
    world_destroy (world);
}

/*  Every value once and in order, whatever the size of the pieces.  */
static void test_reading (void **state)
{
    effects_t effects;
    walk_t walk;
    record_reader_t value;
    plv_buf_t rows = {0};
    uint64_t seq, expected = FIRST, pieces = 0;
    (void) state;
    world_t *world = world_new (1);
    effects_init (&effects);
    walk_begin (&walk, VALUES);
    assert_false (walk_seeking (&walk));
    for (; effects_clear (&effects), walk_ask (&walk, TOKEN, &effects); pieces++) {
        bool more = answer (world, &effects, &rows);
        for (size_t at = 0; walk_next (&walk, plv_buf_view (&rows), &at, &value, &seq);
             expected++) {
            while (!world->values[expected].size)
                expected++;
            assert_int_equal (seq, expected);
            assert_int_equal (value.wall_us, world->wall_us[seq]);
        }
        walk_took (&walk, plv_buf_view (&rows), more);
    }
    while (expected < VALUES && !world->values[expected].size)
        expected++;
    assert_int_equal (expected, VALUES);
    assert_int_equal (walk.first, FIRST + !world->values[FIRST].size);
    assert_true (pieces > 1);
    plv_buf_free (&rows);
    effects_free (&effects);
    world_destroy (world);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_seeking),
        cmocka_unit_test (test_what_is_forgotten_or_not_there_yet),
        cmocka_unit_test (test_reading),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
