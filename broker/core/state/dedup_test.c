#include "core/state/dedup.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { IDS = 150000, STEPS = 600000 };

static const uint8_t SECRET[DEDUP_SECRET_BYTES] = "0123456789abcdef";

static dedup_key_t key_of (const dedup_t *dedup, uint64_t number)
{
    char text[32];
    int size = snprintf (text, sizeof text, "message-%llu", (unsigned long long) number);
    return dedup_key (dedup, plv_view_str ("telegram"), plv_view (text, (size_t) size));
}

typedef struct {
    dedup_t *dedup;
    dedup_key_t *keys;
    uint32_t *expires; /* the model: 0 is not there */
    plv_rng_t rng;
    uint32_t now_s;
} world_t;

/*  `crowded`: all keys share a byte, so that they fall into few segments, which grow large.  */
static void world_setup (world_t *self, uint64_t seed, bool crowded)
{
    self->dedup = dedup_new (SECRET, IDS);
    self->keys = calloc (IDS, sizeof *self->keys);
    self->expires = calloc (IDS, sizeof *self->expires);
    self->rng = plv_rng_seed (seed);
    self->now_s = 1000;
    for (uint64_t i = 0; i < IDS; i++) {
        self->keys[i] = key_of (self->dedup, i);
        self->keys[i].bytes[7] = crowded ? 0xff : self->keys[i].bytes[7];
    }
}

static void world_teardown (world_t *self)
{
    dedup_destroy (&self->dedup);
    assert_null (self->dedup);
    dedup_destroy (&self->dedup);
    free (self->keys);
    free (self->expires);
}

static void world_add (world_t *self, size_t id)
{
    uint32_t expires_s = self->now_s + (uint32_t) plv_rng_below (&self->rng, 400);
    bool seen = self->expires[id] > self->now_s;
    assert_int_equal (dedup_add (self->dedup, &self->keys[id], expires_s),
                      seen ? DEDUP_SEEN : DEDUP_ADDED);
    if (!seen)
        self->expires[id] = expires_s;
}

static void world_keep (world_t *self, size_t id)
{
    uint32_t expires_s = self->now_s + (uint32_t) plv_rng_below (&self->rng, 400);
    dedup_keep (self->dedup, &self->keys[id], expires_s);
    if (self->expires[id] < expires_s)
        self->expires[id] = expires_s;
}

static void world_step (world_t *self)
{
    size_t id = plv_rng_below (&self->rng, IDS);
    switch (plv_rng_below (&self->rng, 10)) {
    case 0:
        self->now_s += plv_rng_below (&self->rng, 1000) == 0;
        dedup_sweep (self->dedup, self->now_s);
        break;
    case 1:
        world_keep (self, id);
        break;
    case 2:
    case 3:
        assert_int_equal (dedup_has (self->dedup, &self->keys[id]),
                          self->expires[id] > self->now_s);
        break;
    default:
        world_add (self, id);
    }
}

/*  How many are there by the model, and does the table say the same of each one?  */
static uint64_t world_check (world_t *self)
{
    uint64_t live = 0;
    for (size_t id = 0; id < IDS; id++) {
        bool there = self->expires[id] > self->now_s;
        assert_int_equal (dedup_has (self->dedup, &self->keys[id]), there);
        live += there;
    }
    return live;
}

static void sweep_all (dedup_t *dedup, uint32_t now_s)
{
    for (int i = 0; i < 5000; i++)
        dedup_sweep (dedup, now_s);
}

static void test_behaves_like_a_set_with_expiry (void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        world_t world;
        world_setup (&world, seed, seed % 2);
        dedup_sweep (world.dedup, world.now_s);
        for (int i = 0; i < STEPS; i++) {
            world_step (&world);
            if (i % (STEPS / 4) == 0)
                world_check (&world);
        }
        uint64_t live = world_check (&world);
        assert_true (live > 1000);
        assert_true (dedup_count (world.dedup) >= live);
        sweep_all (world.dedup, world.now_s);
        assert_int_equal (dedup_count (world.dedup), live);
        assert_int_equal (world_check (&world), live);
        world_teardown (&world);
    }
}

enum { CROWD = 1500, MORE = 2000 };

/*  Keys that all fall into one segment, each `salt` others.  */
static void crowd_keys (const dedup_t *dedup, uint64_t salt, dedup_key_t *ret_keys)
{
    for (uint64_t i = 0; i < CROWD; i++) {
        ret_keys[i] = key_of (dedup, salt * CROWD + i);
        memset (ret_keys[i].bytes + 6, 0, 2);
    }
}

static void crowd_fill (dedup_t *dedup, const dedup_key_t *keys, size_t early)
{
    for (size_t i = 0; i < CROWD; i++) {
        uint32_t expires_s = i < 2 ? 100 + 100 * (uint32_t) i : i == early ? 500 : 1000;
        assert_int_equal (dedup_add (dedup, &keys[i], expires_s), DEDUP_ADDED);
    }
}

/*  Half of a segment is swept, then it grows and its keys move: the only one that expires early must be found all the
    same.  */
static void early_one_is_found (uint64_t seed)
{
    dedup_t *dedup = dedup_new (SECRET, CROWD);
    dedup_key_t *keys = calloc (CROWD, sizeof *keys);
    uint64_t left = CROWD - 2 + MORE;
    crowd_keys (dedup, seed, keys);
    crowd_fill (dedup, keys, 2 + seed * 14);
    sweep_all (dedup, 100);
    dedup_sweep (dedup, 200);
    uint64_t before = dedup_bytes (dedup);
    for (uint64_t i = 0; i < MORE; i++) {
        dedup_key_t key = key_of (dedup, ((seed + 1) << 32) + i);
        memset (key.bytes + 6, 0, 2);
        dedup_keep (dedup, &key, 1000);
    }
    assert_true (dedup_bytes (dedup) > before);
    sweep_all (dedup, 200);
    assert_int_equal (dedup_count (dedup), left);
    sweep_all (dedup, 500);
    assert_int_equal (dedup_count (dedup), left - 1);
    free (keys);
    dedup_destroy (&dedup);
}

static void test_the_sweep_misses_nothing (void **state)
{
    (void) state;
    for (uint64_t seed = 0; seed < 100; seed++)
        early_one_is_found (seed);
}

static void test_expired_ones_leave_and_give_their_memory_back (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 1000000);
    uint64_t empty = dedup_bytes (dedup);
    for (uint64_t i = 0; i < IDS; i++) {
        dedup_key_t key = key_of (dedup, i);
        assert_int_equal (dedup_add (dedup, &key, 100 + (uint32_t) (i % 10)), DEDUP_ADDED);
    }
    uint64_t full = dedup_bytes (dedup);
    assert_in_range (full - empty, IDS * 26, IDS * 45);
    for (uint32_t now_s = 100; now_s < 110; now_s++) {
        sweep_all (dedup, now_s);
        assert_int_equal (dedup_count (dedup), IDS / 10 * (109 - now_s));
    }
    assert_int_equal (dedup_bytes (dedup), empty);
    dedup_destroy (&dedup);
}

static void test_full_says_so_until_something_expires (void **state)
{
    (void) state;
    enum { MAX = 5000 };
    dedup_t *dedup = dedup_new (SECRET, MAX);
    dedup_sweep (dedup, 10);
    for (uint64_t i = 0; i < MAX; i++) {
        dedup_key_t key = key_of (dedup, i);
        assert_int_equal (dedup_add (dedup, &key, i == 77 ? 20 : 30), DEDUP_ADDED);
    }
    dedup_key_t more = key_of (dedup, MAX), other = key_of (dedup, MAX + 1),
                old = key_of (dedup, 5);
    assert_int_equal (dedup_add (dedup, &more, 40), DEDUP_FULL);
    assert_false (dedup_has (dedup, &more));
    assert_int_equal (dedup_add (dedup, &old, 40), DEDUP_SEEN); /* at the limit as well */
    dedup_sweep (dedup, 20);
    int tries = 0;
    while (dedup_add (dedup, &more, 40) == DEDUP_FULL)
        assert_true (++tries < 10);
    assert_int_equal (dedup_add (dedup, &other, 40), DEDUP_FULL);
    dedup_set_max (dedup, MAX + 1);
    assert_int_equal (dedup_add (dedup, &other, 40), DEDUP_ADDED);
    dedup_destroy (&dedup);
}

static void test_what_was_accepted_is_kept_above_the_limit (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 2);
    for (uint64_t i = 0; i < 10; i++) {
        dedup_key_t key = key_of (dedup, i);
        assert_int_equal (dedup_is_full (dedup), i >= 2);
        dedup_keep (dedup, &key, 50);
        dedup_keep (dedup, &key, 40); /* the later expiry stays */
    }
    assert_int_equal (dedup_count (dedup), 10);
    dedup_sweep (dedup, 49);
    for (uint64_t i = 0; i < 10; i++) {
        dedup_key_t key = key_of (dedup, i);
        assert_true (dedup_has (dedup, &key));
    }
    dedup_sweep (dedup, 50);
    for (int tries = 0; dedup_is_full (dedup); tries++)
        assert_true (tries < 3);
    dedup_destroy (&dedup);
}

static void test_an_expired_key_can_be_added_again (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 10);
    dedup_key_t key = key_of (dedup, 1);
    dedup_sweep (dedup, 10);
    assert_int_equal (dedup_add (dedup, &key, 11), DEDUP_ADDED);
    assert_true (dedup_has (dedup, &key));
    dedup_sweep (dedup, 11);
    assert_false (dedup_has (dedup, &key));
    assert_int_equal (dedup_add (dedup, &key, 50), DEDUP_ADDED);
    assert_true (dedup_has (dedup, &key));
    assert_int_equal (dedup_count (dedup), 1);
    dedup_destroy (&dedup);
}

static void test_keys_differ_by_adapter_id_and_secret (void **state)
{
    (void) state;
    const uint8_t other_secret[DEDUP_SECRET_BYTES] = "another--secret!";
    dedup_t *dedup = dedup_new (SECRET, 10), *other = dedup_new (other_secret, 10);
    plv_view_t a = plv_view_str ("ab"), b = plv_view_str ("c"), ab = plv_view_str ("a");
    plv_view_t bc = plv_view_str ("bc"), none = plv_view (NULL, 0);
    dedup_key_t keys[] = {
        dedup_key (dedup, a, b),       dedup_key (dedup, ab, bc),  dedup_key (other, a, b),
        dedup_key (dedup, none, none), dedup_key (dedup, a, none), dedup_key (dedup, none, a),
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal (&keys[i], &keys[j], sizeof keys[i]);
    }
    dedup_key_t again = dedup_key (dedup, a, b);
    assert_memory_equal (&again, &keys[0], sizeof again);
    dedup_destroy (&dedup);
    dedup_destroy (&other);
}

static void test_ids_of_any_length_have_keys (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 10);
    char text[1000];
    memset (text, 'x', sizeof text);
    dedup_key_t last = {{0}};
    for (size_t size = 0; size <= sizeof text; size++) {
        dedup_key_t key = dedup_key (dedup, plv_view (text, size / 2), plv_view (text, size));
        assert_memory_not_equal (&key, &last, sizeof key);
        last = key;
    }
    dedup_destroy (&dedup);
}

static void test_a_run_brings_back_what_was_written (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 100); /* loading goes above the limit */
    plv_buf_t run = {0};
    plv_fail_t fail;
    for (uint64_t i = 0; i < 1000; i++) {
        dedup_key_t key = key_of (dedup, i);
        dedup_run_add (&run, &key, 500 + (uint32_t) (i * 7 % 1000));
    }
    assert_int_equal (run.size, DEDUP_RUN_HEAD_BYTES + 1000 * DEDUP_RUN_ENTRY_BYTES);
    assert_int_equal (dedup_run_expires (plv_buf_view (&run)), 1499);
    dedup_sweep (dedup, 1000);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal (dedup_run_read (dedup, plv_buf_view (&run), 1000, &fail), ERR_OK);
        assert_int_equal (dedup_count (dedup), 499); /* the expiries 1001 to 1499 */
    }
    for (uint64_t i = 0; i < 1000; i++) {
        dedup_key_t key = key_of (dedup, i);
        assert_int_equal (dedup_has (dedup, &key), 500 + i * 7 % 1000 > 1000);
    }
    plv_buf_free (&run);
    dedup_destroy (&dedup);
}

static void test_a_later_expiry_wins_when_runs_overlap (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 100);
    dedup_key_t key = key_of (dedup, 1);
    const uint32_t expiries[] = {50, 90, 20};
    for (size_t i = 0; i < 3; i++) {
        plv_buf_t run = {0};
        dedup_run_add (&run, &key, expiries[i]);
        assert_int_equal (dedup_run_read (dedup, plv_buf_view (&run), 10, NULL), ERR_OK);
        plv_buf_free (&run);
    }
    sweep_all (dedup, 89);
    assert_true (dedup_has (dedup, &key));
    sweep_all (dedup, 90);
    assert_false (dedup_has (dedup, &key));
    assert_int_equal (dedup_count (dedup), 0);
    dedup_destroy (&dedup);
}

static void test_bytes_that_are_no_run_are_refused (void **state)
{
    (void) state;
    dedup_t *dedup = dedup_new (SECRET, 100);
    uint8_t bytes[64] = {0xff, 0xff, 0xff, 0xff};
    for (size_t size = 0; size < sizeof bytes; size++) {
        plv_fail_t fail = {0};
        bool good = size == 4 || size == 24 || size == 44;
        plv_err_t err = dedup_run_read (dedup, plv_view (bytes, size), 0, &fail);
        assert_int_equal (err, good ? ERR_OK : ERR_CORRUPT);
        assert_int_equal (dedup_run_expires (plv_view (bytes, size)), good ? UINT32_MAX : 0);
    }
    dedup_destroy (&dedup);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_behaves_like_a_set_with_expiry),
        cmocka_unit_test (test_the_sweep_misses_nothing),
        cmocka_unit_test (test_expired_ones_leave_and_give_their_memory_back),
        cmocka_unit_test (test_full_says_so_until_something_expires),
        cmocka_unit_test (test_what_was_accepted_is_kept_above_the_limit),
        cmocka_unit_test (test_an_expired_key_can_be_added_again),
        cmocka_unit_test (test_keys_differ_by_adapter_id_and_secret),
        cmocka_unit_test (test_ids_of_any_length_have_keys),
        cmocka_unit_test (test_a_run_brings_back_what_was_written),
        cmocka_unit_test (test_a_later_expiry_wins_when_runs_overlap),
        cmocka_unit_test (test_bytes_that_are_no_run_are_refused),
    };
    return cmocka_run_group_tests_name ("dedup", tests, NULL, NULL);
}
