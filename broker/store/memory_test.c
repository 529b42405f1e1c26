#include "store/memory.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup (void **state)
{
    *state = store_memory_new ();
    return 0;
}

static int teardown (void **state)
{
    store_destroy ((store_t **) state);
    return 0;
}

static void append (store_t *store, uint64_t seq, bool sync, const plv_buf_t *ops)
{
    store_batch_t batch = {.seq = seq,
                           .journal = plv_view_str ("turn"),
                           .ops = ops ? plv_buf_view (ops) : plv_view (NULL, 0),
                           .sync = sync};
    store->vtable->append (store, &batch);
}

static store_done_type_t next (store_t *store, store_done_t *ret_done)
{
    return store->vtable->next (store, ret_done);
}

typedef struct {
    uint64_t last;
    size_t rows;
} found_t;

static void count_row (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value)
{
    (void) key, (void) value;
    ((found_t *) arg)->rows += view != VIEW_META;
}

static void note_value (void *arg, uint64_t seq, plv_view_t value)
{
    (void) value;
    assert_int_equal (seq, ++((found_t *) arg)->last);
}

static found_t look (store_t *store, uint64_t *ret_next)
{
    found_t found = {.last = 0};
    store_recovery_t recovery = {.row = count_row, .journal = note_value, .arg = &found};
    plv_fail_t fail;
    assert_int_equal (store->vtable->recover (store, &recovery, ret_next, &fail), ERR_OK);
    return found;
}

static void nothing_is_stored_before_the_test_says_so (void **state)
{
    store_t *store = *state;
    store_done_t done;
    append (store, 1, true, NULL);
    assert_int_equal (memory_pending (store), 1);
    assert_int_equal (next (store, &done), STORE_NOTHING);
    memory_commit (store);
    assert_int_equal (memory_pending (store), 0);
    assert_int_equal (next (store, &done), STORE_STORED);
    assert_int_equal (done.seq, 1);
    memory_commit (store);
    assert_int_equal (next (store, &done), STORE_NOTHING);
}

static void a_crash_loses_what_was_under_way_only (void **state)
{
    store_t *store = *state;
    store_done_t done;
    uint64_t seq;
    append (store, 1, false, NULL);
    memory_commit (store);
    append (store, 2, true, NULL);
    memory_crash (store, false);
    assert_int_equal (next (store, &done), STORE_NOTHING);
    assert_int_equal (look (store, &seq).last, 1);
    assert_int_equal (seq, 2);
    append (store, 2, true, NULL);
    memory_commit (store);
    assert_int_equal (next (store, &done), STORE_STORED);
}

static void a_power_cut_goes_back_to_the_last_sync (void **state)
{
    store_t *store = *state;
    plv_buf_t ops = {.data = NULL};
    uint64_t seq;
    plv_row_put (&ops, VIEW_KV, plv_view_str ("k"), plv_view_str ("old"));
    plv_row_put (&ops, VIEW_TURNS, plv_view_str ("t"), plv_view_str ("turn"));
    append (store, 1, true, &ops);
    memory_commit (store);
    plv_buf_clear (&ops);
    plv_row_put (&ops, VIEW_KV, plv_view_str ("k"), plv_view_str ("new"));
    plv_row_put (&ops, VIEW_KV, plv_view_str ("k"), plv_view_str ("newer"));
    plv_row_delete (&ops, VIEW_TURNS, plv_view_str ("t"));
    plv_row_put (&ops, VIEW_TURNS, plv_view_str ("t2"), plv_view_str ("turn"));
    append (store, 2, false, &ops);
    memory_commit (store);
    memory_crash (store, true);
    found_t found = look (store, &seq);
    assert_int_equal (found.last, 1);
    assert_int_equal (found.rows, 2);
    assert_int_equal (seq, 2);

    store_done_t done;
    plv_row_t row;
    size_t at = 0;
    store->vtable->scan (store, 3, VIEW_KV, plv_view_str (""), plv_view_str (""), 0);
    assert_int_equal (next (store, &done), STORE_ROWS);
    assert_true (plv_row_next (plv_buf_view (&done.rows), &at, &row));
    assert_true (plv_view_is (row.value, "old"));
    plv_buf_free (&done.rows);

    append (store, 2, false, &ops);
    memory_commit (store);
    memory_sync (store);
    memory_crash (store, true);
    assert_int_equal (look (store, &seq).last, 2);
    plv_buf_free (&ops);
}

static void a_later_sync_carries_the_earlier_along (void **state)
{
    store_t *store = *state;
    uint64_t seq;
    append (store, 1, false, NULL);
    memory_commit (store);
    store_done_t done;
    assert_int_equal (next (store, &done), STORE_STORED);
    append (store, 2, true, NULL);
    memory_commit (store);
    memory_crash (store, true);
    assert_int_equal (look (store, &seq).last, 2);
}

static void a_failure_is_reported_once_and_is_final (void **state)
{
    store_t *store = *state;
    store_done_t done;
    uint64_t seq;
    for (uint64_t kept = 0; kept < 2; kept++) {
        append (store, 1, true, NULL);
        memory_fail (store, ERR_NOSPC, "the disk is full", kept);
        assert_int_equal (next (store, &done), STORE_FAILED);
        assert_int_equal (done.fail.code, ERR_NOSPC);
        assert_string_equal (done.fail.text, "the disk is full");
        append (store, 2, true, NULL);
        assert_int_equal (memory_pending (store), 0);
        memory_commit (store);
        assert_int_equal (next (store, &done), STORE_NOTHING);
        memory_crash (store, true);
        assert_int_equal (look (store, &seq).last, kept);
        assert_int_equal (seq, kept + 1);
    }
}

static void there_is_nothing_to_restore_from_an_unknown_name (void **state)
{
    assert_null (memory_restore (*state, "/never/made"));
}

#define WITH_STORE(test_) cmocka_unit_test_setup_teardown (test_, setup, teardown)

int main (void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE (nothing_is_stored_before_the_test_says_so),
        WITH_STORE (a_crash_loses_what_was_under_way_only),
        WITH_STORE (a_power_cut_goes_back_to_the_last_sync),
        WITH_STORE (a_later_sync_carries_the_earlier_along),
        WITH_STORE (a_failure_is_reported_once_and_is_final),
        WITH_STORE (there_is_nothing_to_restore_from_an_unknown_name),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
