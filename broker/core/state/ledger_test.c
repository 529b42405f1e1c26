#include "core/state/ledger.h"

#include "base/rng.h"
#include "core/state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 300, MUTATIONS = 20000, ATTEMPTS_MOST = 40 };

static plv_view_t any_text (plv_rng_t *rng)
{
    static const char text[] = "worker-7 1.2.3 pid 4711";
    return plv_view (text, plv_rng_below (rng, sizeof text));
}

/*  Every attempt but perhaps the last has ended.  */
static ledger_t any_ledger (plv_rng_t *rng, uint32_t count)
{
    ledger_t ledger = {0};
    for (uint32_t i = 0; i < count; i++) {
        ledger_open (&ledger, (uint16_t) plv_rng_next (rng), (int64_t) plv_rng_next (rng),
                     label_new (any_text (rng)));
        if (i + 1 < count || plv_rng_below (rng, 2))
            ledger_end (&ledger, (how_t) (1 + plv_rng_below (rng, HOW_REPLAYED)),
                        (int64_t) plv_rng_next (rng), any_text (rng), any_text (rng));
    }
    return ledger;
}

static void check_same (const ledger_t *a, const ledger_t *b)
{
    assert_int_equal (a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const attempt_t *one = ledger_at (a, i), *other = ledger_at (b, i);
        assert_int_equal (one->number, other->number);
        assert_int_equal (one->how, other->how);
        assert_int_equal (one->at_us, other->at_us);
        assert_int_equal (one->ended_us, other->ended_us);
        assert_true (plv_view_equal (label_view (one->who), label_view (other->who)));
        assert_true (plv_view_equal (label_view (one->code), label_view (other->code)));
        assert_true (plv_view_equal (label_view (one->why), label_view (other->why)));
    }
}

static bool read_exact (plv_view_t bytes, ledger_t *ret_ledger, size_t *ret_at)
{
    uint8_t *exact = malloc (bytes.size ? bytes.size : 1);
    *ret_at = 0;
    if (bytes.size)
        memcpy (exact, bytes.data, bytes.size);
    bool good = ledger_read (plv_view (exact, bytes.size), ret_at, ret_ledger);
    free (exact);
    return good;
}

static void test_what_is_written_is_read (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        ledger_t ledger = any_ledger (&rng, (uint32_t) plv_rng_below (&rng, ATTEMPTS_MOST)), again;
        plv_buf_t buf = {0};
        size_t at;
        ledger_write (&ledger, &buf);
        assert_true (read_exact (plv_buf_view (&buf), &again, &at));
        assert_int_equal (at, buf.size);
        check_same (&ledger, &again);
        ledger_free (&ledger);
        ledger_free (&again);
        plv_buf_free (&buf);
    }
}

static void test_every_truncation_is_refused (void **state)
{
    plv_rng_t rng = plv_rng_seed (2);
    ledger_t ledger = any_ledger (&rng, ATTEMPTS_MOST), untouched = {.count = 77};
    plv_buf_t buf = {0};
    size_t at;
    (void) state;
    ledger_write (&ledger, &buf);
    for (size_t size = 0; size < buf.size; size++)
        assert_false (read_exact (plv_view (buf.data, size), &untouched, &at));
    assert_int_equal (untouched.count, 77);
    ledger_free (&ledger);
    plv_buf_free (&buf);
}

static void test_mutations_do_no_harm (void **state)
{
    plv_rng_t rng = plv_rng_seed (3);
    ledger_t ledger = any_ledger (&rng, ATTEMPTS_MOST);
    plv_buf_t buf = {0};
    unsigned refused = 0;
    (void) state;
    ledger_write (&ledger, &buf);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = plv_rng_below (&rng, buf.size), read_to;
        uint8_t was = buf.data[at];
        ledger_t again = {0};
        buf.data[at] = (uint8_t) plv_rng_next (&rng);
        refused += !read_exact (plv_buf_view (&buf), &again, &read_to);
        for (uint32_t k = 0; k < again.count; k++)
            assert_true (how_text ((how_t) ledger_at (&again, k)->how)[0] != '?');
        ledger_free (&again);
        buf.data[at] = was;
    }
    assert_true (refused > 0);
    ledger_free (&ledger);
    plv_buf_free (&buf);
}

/*  A count that no bytes stand behind makes nobody allocate for it.  */
static void test_counts_without_attempts (void **state)
{
    static const uint64_t counts[] = {1,          1000,      2 * UINT16_MAX, 2 * UINT16_MAX + 1,
                                      UINT32_MAX, UINT64_MAX};
    (void) state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        plv_buf_t buf = {0};
        ledger_t ledger;
        size_t at;
        record_put_number (&buf, counts[i]);
        assert_false (read_exact (plv_buf_view (&buf), &ledger, &at));
        plv_buf_free (&buf);
    }
}

static void test_an_attempt_ends_once (void **state)
{
    ledger_t ledger = {0};
    (void) state;
    assert_null (ledger_last (&ledger));
    ledger_end (&ledger, HOW_REPLY, 1, plv_view (NULL, 0), plv_view (NULL, 0)); /* there is none */
    ledger_open (&ledger, 1, 10, label_new (plv_view_str ("w")));
    assert_int_equal (ledger_last (&ledger)->how, HOW_OPEN);
    assert_int_equal (ledger_last (&ledger)->ended_us, 0);
    ledger_end (&ledger, HOW_NACK, 20, plv_view_str ("timeout"), plv_view_str ("slow"));
    ledger_end (&ledger, HOW_DIED, 30, plv_view_str ("other"), plv_view_str ("other"));
    assert_int_equal (ledger_last (&ledger)->how, HOW_NACK);
    assert_int_equal (ledger_last (&ledger)->ended_us, 20);
    assert_true (plv_view_is (label_view (ledger_last (&ledger)->code), "timeout"));
    assert_true (plv_view_is (label_view (ledger_last (&ledger)->why), "slow"));
    ledger_open (&ledger, 2, 40, label_new (plv_view_str ("v")));
    assert_int_equal (ledger_last (&ledger)->number, 2);
    assert_int_equal (ledger_at (&ledger, 0)->number, 1);
    ledger_free (&ledger);
    assert_int_equal (ledger.count, 0);
}

/*  Who did it is one text, however many attempts it was given.  */
static void test_labels_are_shared (void **state)
{
    label_t *who = label_new (plv_view_str ("worker"));
    ledger_t one = {0}, other = {0};
    (void) state;
    ledger_open (&one, 1, 1, label_hold (who));
    ledger_open (&other, 1, 1, label_hold (who));
    assert_int_equal (who->holders, 3);
    ledger_free (&one);
    assert_int_equal (who->holders, 2);
    assert_true (plv_view_is (label_view (ledger_last (&other)->who), "worker"));
    label_drop (&who);
    assert_null (who);
    assert_true (plv_view_is (label_view (ledger_last (&other)->who), "worker"));
    ledger_free (&other);
    label_drop (&who); /* NULL is no harm */
    assert_int_equal (label_view (NULL).size, 0);
}

static void test_what_is_charged (void **state)
{
    (void) state;
    assert_true (how_charged (HOW_DIED));
    assert_true (how_charged (HOW_DEADLINE));
    assert_true (how_charged (HOW_NOT_SENT));
    assert_false (how_charged (HOW_RESTART));
    assert_false (how_charged (HOW_LEFT));
    assert_false (how_charged (HOW_UNDELIVERED));
    assert_false (how_charged ((how_t) 200));
    assert_string_equal (how_text (HOW_SILENT), "lease_expired");
    assert_string_equal (how_text ((how_t) 200), "?");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_is_written_is_read),
        cmocka_unit_test (test_every_truncation_is_refused),
        cmocka_unit_test (test_mutations_do_no_harm),
        cmocka_unit_test (test_counts_without_attempts),
        cmocka_unit_test (test_an_attempt_ends_once),
        cmocka_unit_test (test_labels_are_shared),
        cmocka_unit_test (test_what_is_charged),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
