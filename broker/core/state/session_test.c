#include "core/state/session.h"

#include "base/rng.h"
#include "core/state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 500, MUTATIONS = 20000, ENTRIES = 30 };

static plv_view_t any_text (plv_rng_t *rng)
{
    static const char text[] = "somebody on some platform";
    return plv_view (text, plv_rng_below (rng, sizeof text));
}

static session_t *any_session (plv_rng_t *rng)
{
    session_t *session = session_new (plv_view_str ("web_1"), any_text (rng), any_text (rng));
    session->created_us = (int64_t) plv_rng_next (rng);
    session->active_us = (int64_t) plv_rng_next (rng);
    session->message_count = plv_rng_next (rng);
    session->parked_by = plv_rng_next (rng);
    plv_buf_add_view (&session->state, any_text (rng));
    for (uint64_t turns = plv_rng_below (rng, 30); turns; turns--)
        history_add (&session->history, plv_view_str ("turn"), 1, 5);
    return session;
}

static plv_err_t read_exact (plv_view_t bytes, session_t **ret_session)
{
    uint8_t *exact = malloc (bytes.size ? bytes.size : 1);
    plv_fail_t fail;
    if (bytes.size)
        memcpy (exact, bytes.data, bytes.size);
    plv_err_t err =
        session_read (plv_view_str ("web_1"), plv_view (exact, bytes.size), ret_session, &fail);
    free (exact);
    return err;
}

static void test_what_is_written_is_read (void **state)
{
    plv_rng_t rng = plv_rng_seed (1);
    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        session_t *session = any_session (&rng), *again;
        plv_buf_t row = {0};
        session_write (session, 99, &row);
        assert_int_equal (read_exact (plv_buf_view (&row), &again), ERR_OK);
        assert_int_equal (again->as_of, 99);
        assert_true (plv_view_is (again->id, "web_1"));
        assert_true (plv_view_equal (again->user_id, session->user_id));
        assert_true (plv_view_equal (again->platform, session->platform));
        assert_int_equal (again->created_us, session->created_us);
        assert_int_equal (again->active_us, session->active_us);
        assert_int_equal (again->message_count, session->message_count);
        assert_int_equal (again->parked_by, session->parked_by);
        assert_true (plv_view_equal (plv_buf_view (&again->state), plv_buf_view (&session->state)));
        /* the turns come in rows of their own: the next one to come is the first that is kept */
        assert_int_equal (again->history.next, history_first (&session->history));
        assert_int_equal (again->history.written, session->history.next - 1);
        session_destroy (&session);
        session_destroy (&again);
        plv_buf_free (&row);
    }
}

static void test_damaged_rows (void **state)
{
    plv_rng_t rng = plv_rng_seed (2);
    session_t *session = any_session (&rng), *again = NULL;
    plv_buf_t row = {0};
    unsigned refused = 0;
    (void) state;
    session_write (session, UINT64_MAX, &row);
    for (size_t size = 0; size < row.size; size++)
        assert_int_equal (read_exact (plv_view (row.data, size), &again), ERR_CORRUPT);
    assert_null (again);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = plv_rng_below (&rng, row.size);
        uint8_t was = row.data[at];
        row.data[at] ^= (uint8_t) (1u << plv_rng_below (&rng, 8));
        plv_err_t err = read_exact (plv_buf_view (&row), &again);
        assert_true (err == ERR_OK || err == ERR_CORRUPT);
        assert_true (at != 0 || err == ERR_CORRUPT); /* the format */
        refused += err == ERR_CORRUPT;
        session_destroy (&again);
        row.data[at] = was;
    }
    assert_true (refused > 0);
    session_destroy (&session);
    plv_buf_free (&row);
}

/*  As an earlier release wrote it.  */
static void test_a_row_of_before (void **state)
{
    session_t *session =
                  session_new (plv_view_str ("web_1"), plv_view_str ("ann"), plv_view_str ("web")),
              *again = NULL;
    plv_buf_t row = {0};
    (void) state;
    session->live = false;
    session_write (session, 5, &row);
    row.data[0] = 1;
    row.size -= 3; /* not live, not closing, no adapter */
    assert_int_equal (read_exact (plv_buf_view (&row), &again), ERR_OK);
    assert_true (again->live);
    assert_int_equal (again->closing, 0);
    assert_null (again->adapter);
    session_destroy (&session);
    session_destroy (&again);
    plv_buf_free (&row);
}

/*  What the broker announced stays in its place: a letter that is sent again comes behind it, whichever of them
    is put in first.  */
static void test_announcements_stay_in_front (void **state)
{
    static const struct {
        uint64_t number;
        uint8_t flags;
    } entries[] = {{50, ENTRY_CLOSES},
                   {51, ENTRY_OPENS},
                   {10, ENTRY_REPLAYED},
                   {11, ENTRY_REPLAYED | ENTRY_OPENS},
                   {52, 0}};
    enum { COUNT = sizeof entries / sizeof *entries };
    static const size_t orders[][COUNT] = {{0, 1, 2, 3, 4}, {2, 3, 0, 1, 4}, {0, 1, 4, 3, 2}};
    (void) state;
    for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
        session_t *session =
            session_new (plv_view_str ("web_1"), plv_view_str ("u"), plv_view_str ("web"));
        for (size_t i = 0; i < COUNT; i++) {
            entry_t *entry = entry_new (ENTRY_EVENT, entries[orders[order][i]].number,
                                        plv_view_str ("e"), plv_view_str ("b"));
            entry->flags = entries[orders[order][i]].flags;
            session_add (session, entry);
        }
        size_t place = 0;
        for (plv_node_t *node = session->events.next; node != &session->events; node = node->next)
            assert_int_equal (PLV_OF (node, entry_t, in_session)->number, entries[place++].number);
        assert_int_equal (place, COUNT);
        session_destroy (&session);
    }
}

static void check_order (const plv_node_t *list, uint32_t count)
{
    uint64_t last = 0;
    uint32_t found = 0;
    for (const plv_node_t *node = list->next; node != list; node = node->next, found++) {
        const entry_t *entry = PLV_OF (node, entry_t, in_session);
        assert_true (entry->number > last);
        last = entry->number;
    }
    assert_int_equal (found, count);
}

/*  A dead letter that is sent again goes back to where it was: before what was accepted after it.  */
static void test_entries_stand_in_the_order_of_acceptance (void **state)
{
    plv_rng_t rng = plv_rng_seed (3);
    session_t *session =
        session_new (plv_view_str ("web_1"), plv_view_str ("u"), plv_view_str ("web"));
    uint64_t numbers[ENTRIES];
    uint32_t events = 0;
    (void) state;
    assert_true (session_quiet (session));
    for (uint64_t i = 0; i < ENTRIES; i++)
        numbers[i] = i + 1;
    for (uint64_t i = ENTRIES - 1; i > 0; i--) {
        uint64_t other = plv_rng_below (&rng, i + 1), number = numbers[i];
        numbers[i] = numbers[other];
        numbers[other] = number;
    }
    for (uint64_t i = 0; i < ENTRIES; i++) {
        entry_kind_t kind = numbers[i] % 3 ? ENTRY_EVENT : ENTRY_REPLY;
        entry_t *entry = entry_new (kind, numbers[i], plv_view_str ("e"), plv_view_str ("b"));
        session_add (session, entry);
        assert_ptr_equal (entry->session, session);
        events += kind == ENTRY_EVENT;
        assert_int_equal (session->event_count, events);
        assert_false (session_quiet (session));
    }
    check_order (&session->events, events);
    check_order (&session->replies, ENTRIES - events);
    session_destroy (&session);
    assert_null (session);
    session_destroy (&session);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_what_is_written_is_read),
        cmocka_unit_test (test_damaged_rows),
        cmocka_unit_test (test_a_row_of_before),
        cmocka_unit_test (test_announcements_stay_in_front),
        cmocka_unit_test (test_entries_stand_in_the_order_of_acceptance),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
