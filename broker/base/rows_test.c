#include "base/rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static plv_buf_t sample (void)
{
    plv_buf_t ops = {0};
    plv_row_put (&ops, VIEW_SESSIONS, plv_view_str ("web_1"), plv_view_str ("head"));
    plv_row_delete (&ops, VIEW_ENTRIES, plv_view ("\0\1", 2));
    plv_row_put (&ops, VIEW_KV, plv_view_str ("k"), plv_view (NULL, 0));
    return ops;
}

static void operations_are_read_as_written (void **state)
{
    (void) state;
    plv_buf_t ops = sample ();
    plv_row_t row;
    size_t at = 0;
    assert_true (plv_row_next (plv_buf_view (&ops), &at, &row));
    assert_int_equal (row.op, ROW_PUT);
    assert_int_equal (row.view, VIEW_SESSIONS);
    assert_true (plv_view_is (row.key, "web_1"));
    assert_true (plv_view_is (row.value, "head"));
    assert_true (plv_row_next (plv_buf_view (&ops), &at, &row));
    assert_int_equal (row.op, ROW_DELETE);
    assert_int_equal (row.view, VIEW_ENTRIES);
    assert_true (plv_view_equal (row.key, plv_view ("\0\1", 2)));
    assert_true (plv_row_next (plv_buf_view (&ops), &at, &row));
    assert_int_equal (row.value.size, 0);
    assert_false (plv_row_next (plv_buf_view (&ops), &at, &row));
    assert_int_equal (at, ops.size);
    plv_buf_free (&ops);
}

static void cut_bytes_stop_the_reader_inside (void **state)
{
    (void) state;
    plv_buf_t ops = sample ();
    for (size_t size = 1; size < ops.size; size++) {
        plv_row_t row;
        size_t at = 0;
        while (plv_row_next (plv_view (ops.data, size), &at, &row))
            continue;
        assert_true (at <= size);
    }
    plv_row_t row;
    size_t at = ops.size + 1;
    assert_false (plv_row_next (plv_buf_view (&ops), &at, &row));
    plv_buf_free (&ops);
}

static void damaged_heads_are_not_followed (void **state)
{
    (void) state;
    static const struct {
        size_t offset;
        uint8_t value;
    } damages[] = {{0, 0}, {0, 3}, {0, ROW_DELETE}, {1, VIEW_COUNT_}, {2, 0xff}, {6, 0xff}};
    for (size_t kind = 0; kind < sizeof damages / sizeof damages[0]; kind++) {
        plv_buf_t ops = sample ();
        ops.data[damages[kind].offset] = damages[kind].value;
        plv_row_t row = {.view = VIEW_DEAD};
        size_t at = 0;
        assert_false (plv_row_next (plv_buf_view (&ops), &at, &row));
        assert_int_equal (at, 0);
        assert_int_equal (row.view, VIEW_DEAD);
        plv_buf_free (&ops);
    }
}

static void views_have_names (void **state)
{
    (void) state;
    assert_string_equal (plv_row_view_name (VIEW_META), "meta");
    assert_string_equal (plv_row_view_name (VIEW_KV), "kv");
    assert_string_equal (plv_row_view_name (VIEW_COUNT_), "unknown");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (operations_are_read_as_written),
        cmocka_unit_test (cut_bytes_stop_the_reader_inside),
        cmocka_unit_test (damaged_heads_are_not_followed),
        cmocka_unit_test (views_have_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
