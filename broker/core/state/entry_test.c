#include "core/state/entry.h"

#include "base/limits.h"
#include "base/rng.h"
#include "core/dead/dead.h"
#include "core/state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 300, MUTATIONS = 20000, NUMBER = 4711 };

static plv_view_t any_bytes (plv_rng_t *rng, size_t most)
{
    static const char bytes[600] = "an envelope, a body, a result";
    return plv_view (bytes, plv_rng_below (rng, most + 1));
}

static entry_t *any_entry (plv_rng_t *rng)
{
    entry_t *entry = entry_new ((entry_kind_t) plv_rng_below (rng, 2), NUMBER, any_bytes (rng, 200),
                                any_bytes (rng, 600));
    entry->state = (uint8_t) plv_rng_below (rng, 4);
    entry->flags = (uint8_t) plv_rng_below (rng, 16);
    entry->holder_incarnation = plv_id_make (1, plv_rng_next (rng));
    entry->attempts = (uint16_t) plv_rng_next (rng);
    entry->charged = (uint16_t) plv_rng_next (rng);
    entry->accepted_us = (int64_t) plv_rng_next (rng);
    entry->until_us = (int64_t) plv_rng_next (rng);
    entry->not_after_us = (int64_t) plv_rng_next (rng);
    entry->route = label_new (any_bytes (rng, NAME_BYTES_MAX));
    for (uint64_t steps = plv_rng_below (rng, 5); steps; steps--)
        steps_add (&entry->steps, any_bytes (rng, 20), any_bytes (rng, 100));
    for (uint64_t attempts = plv_rng_below (rng, 4); attempts; attempts--) {
        ledger_open (&entry->ledger, (uint16_t) attempts, 5, label_new (any_bytes (rng, 30)));
        ledger_end (&entry->ledger, HOW_NACK, 9, any_bytes (rng, 30), any_bytes (rng, 30));
    }
    return entry;
}

static plv_err_t read_exact (plv_view_t bytes, entry_t **ret_entry, char ret_session[300])
{
    uint8_t *exact = malloc (bytes.size ? bytes.size : 1);
    plv_view_t session;
    plv_fail_t fail;
    if (bytes.size)
        memcpy (exact, bytes.data, bytes.size);
    plv_err_t err = entry_read (NUMBER, plv_view (exact, bytes.size), ret_entry, &session, &fail);
    if (!err)
        snprintf (ret_session, 300, PLV_VIEW_FMT, PLV_VIEW_ARG (session));
    free (exact);
    return err;
}

/*  Steps as a job gets them: as many as are said, and no more.  */
static void check_steps (const entry_t *entry)
{
    plv_view_t name, result;
    uint32_t steps = 0;
    for (size_t at = 0; steps_next (&entry->steps, &at, &name, &result);)
        steps++;
    assert_int_equal (steps, entry->steps.count);
}

static void check_written_same (const entry_t *a, const entry_t *b)
{
    plv_buf_t one = {0}, other = {0};
    entry_write (a, plv_view_str ("s"), &one);
    entry_write (b, plv_view_str ("s"), &other);
    assert_true (plv_view_equal (plv_buf_view (&one), plv_buf_view (&other)));
    plv_buf_free (&one);
    plv_buf_free (&other);
}

static void check_same (const entry_t *a, const entry_t *b)
{
    assert_int_equal (a->number, b->number);
    assert_int_equal (a->kind, b->kind);
    assert_int_equal (a->state, b->state);
    assert_int_equal (a->flags, b->flags);
    assert_int_equal (a->attempts, b->attempts);
    assert_int_equal (a->charged, b->charged);
    assert_int_equal (a->accepted_us, b->accepted_us);
    assert_int_equal (a->until_us, b->until_us);
    assert_int_equal (a->not_after_us, b->not_after_us);
    assert_memory_equal (&a->holder_incarnation, &b->holder_incarnation,
                         sizeof a->holder_incarnation);
    assert_true (plv_view_equal (label_view (a->route), label_view (b->route)));
    assert_true (plv_view_equal (entry_envelope (a), entry_envelope (b)));
    assert_true (plv_view_equal (entry_body (a), entry_body (b)));
    assert_int_equal (a->ledger.count, b->ledger.count);
    check_steps (b);
    check_written_same (a, b);
}

static void test_what_is_written_is_read (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        entry_t *entry = any_entry (&rng), *again;
        plv_buf_t buf = {0};
        char session[300];
        entry_write (entry, plv_view_str ("web_42"), &buf);
        assert_int_equal (read_exact (plv_buf_view (&buf), &again, session), ERR_OK);
        assert_string_equal (session, "web_42");
        check_same (entry, again);
        entry_destroy (&entry);
        entry_destroy (&again);
        plv_buf_free (&buf);
    }
}

static void test_every_truncation_is_refused (void **state)
{
    plv_rng_t rng = plv_rng_seed (2);
    (void) state;
    for (int round = 0; round < 20; round++) {
        entry_t *entry = any_entry (&rng), *again = NULL;
        plv_buf_t buf = {0};
        char session[300];
        entry_write (entry, plv_view_str ("web_42"), &buf);
        for (size_t size = 0; size < buf.size; size++)
            assert_int_equal (read_exact (plv_view (buf.data, size), &again, session), ERR_CORRUPT);
        assert_null (again);
        entry_destroy (&entry);
        plv_buf_free (&buf);
    }
}

static void test_mutations_do_no_harm (void **state)
{
    plv_rng_t rng = plv_rng_seed (3);
    entry_t *entry = any_entry (&rng);
    plv_buf_t buf = {0};
    unsigned refused = 0;
    (void) state;
    entry_write (entry, plv_view_str ("web_42"), &buf);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = plv_rng_below (&rng, buf.size);
        uint8_t was = buf.data[at];
        entry_t *again = NULL;
        char session[300];
        buf.data[at] = (uint8_t) plv_rng_next (&rng);
        plv_err_t err = read_exact (plv_buf_view (&buf), &again, session);
        assert_true (err == ERR_OK || err == ERR_CORRUPT);
        refused += err == ERR_CORRUPT;
        if (!err) {
            assert_true (again->state <= ENTRY_BACKOFF && again->kind <= ENTRY_REPLY);
            check_steps (again);
        }
        entry_destroy (&again);
        buf.data[at] = was;
    }
    assert_true (refused > 0);
    entry_destroy (&entry);
    plv_buf_free (&buf);
}

static void check_byte_refused (size_t at, uint8_t value)
{
    entry_t *entry = entry_new (ENTRY_EVENT, NUMBER, plv_view_str ("e"), plv_view_str ("b")),
            *again = NULL;
    plv_buf_t buf = {0};
    char session[300];
    entry_write (entry, plv_view_str ("s"), &buf);
    buf.data[at] = value;
    assert_int_equal (read_exact (plv_buf_view (&buf), &again, session), ERR_CORRUPT);
    assert_null (again);
    entry_destroy (&entry);
    plv_buf_free (&buf);
}

static void test_unknown_format_kind_and_state (void **state)
{
    (void) state;
    check_byte_refused (0, 0);
    check_byte_refused (0, 2);
    check_byte_refused (1, ENTRY_REPLY + 1);
    check_byte_refused (2, ENTRY_BACKOFF + 1);
    check_byte_refused (2, 255);
}

static plv_view_t step (const entry_t *entry, const char *wanted)
{
    plv_view_t result = {0};
    return steps_find (&entry->steps, plv_view_str (wanted), &result) ? result
                                                                      : plv_view_str ("(none)");
}

static void test_a_step_is_saved_again (void **state)
{
    entry_t *entry = entry_new (ENTRY_EVENT, 1, plv_view_str ("e"), plv_view_str ("b"));
    (void) state;
    steps_add (&entry->steps, plv_view_str ("one"), plv_view_str ("1"));
    steps_add (&entry->steps, plv_view_str ("two"), plv_view_str ("2"));
    steps_add (&entry->steps, plv_view_str ("three"), plv_view_str ("3"));
    steps_add (&entry->steps, plv_view_str ("two"), plv_view_str ("zwei"));
    assert_int_equal (entry->steps.count, 3);
    check_steps (entry);
    assert_true (plv_view_is (step (entry, "one"), "1"));
    assert_true (plv_view_is (step (entry, "two"), "zwei"));
    assert_true (plv_view_is (step (entry, "three"), "3"));
    assert_true (plv_view_is (step (entry, "tw"), "(none)"));
    steps_add (&entry->steps, plv_view_str ("one"), plv_view (NULL, 0));
    assert_int_equal (entry->steps.count, 3);
    assert_int_equal (step (entry, "one").size, 0);
    entry_destroy (&entry);
    assert_null (entry);
    entry_destroy (&entry);
}

static void test_a_body_is_replaced (void **state)
{
    entry_t *entry = entry_new (ENTRY_EVENT, 1, plv_view_str ("envelope"), plv_view_str ("body"));
    (void) state;
    entry_set_body (entry, plv_view_str ("a longer body than before"));
    entry_set_body (entry, plv_view_str ("short"));
    assert_true (plv_view_is (entry_envelope (entry), "envelope"));
    assert_true (plv_view_is (entry_body (entry), "short"));
    entry_destroy (&entry);
}

static void test_a_lease_names_entry_and_attempt (void **state)
{
    entry_t entry = {.number = 0x123456789a, .attempts = 7};
    (void) state;
    uint64_t first = entry_lease (&entry);
    assert_int_equal (entry_of_lease (first), entry.number);
    entry.attempts = ATTEMPTS_MAX;
    assert_int_equal (entry_of_lease (entry_lease (&entry)), entry.number);
    assert_int_not_equal (entry_lease (&entry), first);
}

/*  Dead letters: a head, and the entry whole.  */
static plv_err_t read_dead (plv_view_t row, dead_t *ret_dead, entry_t **ret_entry)
{
    uint8_t *exact = malloc (row.size ? row.size : 1);
    plv_fail_t fail;
    if (row.size)
        memcpy (exact, row.data, row.size);
    plv_err_t err = dead_read (NUMBER, plv_view (exact, row.size), ret_dead, ret_entry, &fail);
    if (!err) { /* the views may be read while the row is there */
        assert_true (ret_dead->code.size < 100 && ret_dead->words.size < 1000);
        assert_true (dead_reason (ret_dead->why) != NULL && dead_outcome (ret_dead->why) != NULL);
    }
    free (exact);
    return err;
}

static void test_dead_letters (void **state)
{
    plv_rng_t rng = plv_rng_seed (5);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        entry_t *entry = any_entry (&rng), *again;
        plv_buf_t row = {0};
        plv_fail_t fail;
        dead_t dead = {
            .why = (dead_why_t) (1 + plv_rng_below (&rng, DEAD_UNKNOWN)),
            .at_us = (int64_t) plv_rng_next (&rng),
            .parks = plv_rng_below (&rng, 2),
            .code = plv_view_str ("timeout"),
            .words = any_bytes (&rng, 40),
            .session = plv_view_str ("web_1"),
        };
        dead_t read;
        dead_write (&dead, entry, &row);
        assert_int_equal (dead_read (NUMBER, plv_buf_view (&row), &read, &again, &fail), ERR_OK);
        assert_int_equal (read.why, dead.why);
        assert_int_equal (read.at_us, dead.at_us);
        assert_int_equal (read.parks, dead.parks);
        assert_true (plv_view_equal (read.code, dead.code)
                     && plv_view_equal (read.words, dead.words));
        assert_true (plv_view_is (read.session, "web_1"));
        check_same (entry, again);
        entry_destroy (&again);
        for (size_t size = 0; round < 10 && size < row.size; size++)
            assert_int_equal (read_dead (plv_view (row.data, size), &read, &again), ERR_CORRUPT);
        entry_destroy (&entry);
        plv_buf_free (&row);
    }
}

static void test_damaged_dead_letters (void **state)
{
    plv_rng_t rng = plv_rng_seed (6);
    entry_t *entry = any_entry (&rng);
    plv_buf_t row = {0};
    dead_t dead = {.why = DEAD_ATTEMPTS, .code = plv_view_str ("c"), .words = plv_view_str ("w")};
    (void) state;
    dead_write (&dead, entry, &row);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = plv_rng_below (&rng, row.size);
        uint8_t was = row.data[at];
        entry_t *again = NULL;
        row.data[at] ^= (uint8_t) (1u << plv_rng_below (&rng, 8));
        plv_err_t err = read_dead (plv_buf_view (&row), &dead, &again);
        assert_true (err == ERR_CORRUPT || again);
        assert_true (at != 0 || err == ERR_CORRUPT); /* the format */
        entry_destroy (&again);
        row.data[at] = was;
    }
    entry_destroy (&entry);
    plv_buf_free (&row);
    assert_string_equal (dead_reason (DEAD_EXPIRED), "expired");
    assert_string_equal (dead_outcome (DEAD_PERMANENT), "failed");
    assert_string_equal (dead_reason ((dead_why_t) 0), "?");
    assert_string_equal (dead_outcome ((dead_why_t) 99), "?");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_is_written_is_read),
        cmocka_unit_test (test_every_truncation_is_refused),
        cmocka_unit_test (test_mutations_do_no_harm),
        cmocka_unit_test (test_unknown_format_kind_and_state),
        cmocka_unit_test (test_a_step_is_saved_again),
        cmocka_unit_test (test_a_body_is_replaced),
        cmocka_unit_test (test_a_lease_names_entry_and_attempt),
        cmocka_unit_test (test_dead_letters),
        cmocka_unit_test (test_damaged_dead_letters),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
