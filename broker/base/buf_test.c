#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void bytes_come_out_as_they_went_in (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    uint8_t expected[3000];
    for (int at = 0; at < 3000; at++) {
        expected[at] = (uint8_t) (at * 7);
        plv_buf_add_u8 (&buf, expected[at]);
    }
    plv_buf_add (&buf, NULL, 0);
    assert_true (plv_view_equal (plv_buf_view (&buf), plv_view (expected, 3000)));
    assert_true (buf.capacity < 3 * 3000);
    plv_buf_check (&buf);
    plv_buf_free (&buf);
    assert_null (buf.data);
    assert_int_equal (buf.capacity, 0);
}

static void clearing_keeps_the_memory (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    plv_buf_add_view (&buf, plv_view_str ("some text"));
    uint8_t *data = buf.data;
    plv_buf_clear (&buf);
    plv_buf_add_view (&buf, plv_view_str ("more"));
    assert_ptr_equal (buf.data, data);
    assert_true (plv_view_is (plv_buf_view (&buf), "more"));
    plv_buf_free (&buf);
}

static void room_that_cannot_be_had_fails_for_good (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    plv_buf_add_view (&buf, plv_view_str ("kept"));
    assert_false (plv_buf_reserve (&buf, SIZE_MAX - 2));
    assert_true (buf.failed);
    assert_false (plv_buf_reserve (&buf, 1));
    plv_buf_add_view (&buf, plv_view_str ("ignored"));
    assert_true (plv_view_is (plv_buf_view (&buf), "kept"));
    plv_buf_clear (&buf);
    assert_true (plv_buf_reserve (&buf, 1));
    assert_false (plv_buf_grow (&buf, SIZE_MAX / 4 * 3));
    plv_buf_free (&buf);
}

static void reserved_room_is_there (void **state)
{
    (void) state;
    plv_buf_t buf = {0};
    for (size_t more = 1; more < 5000; more = more * 3 + 1) {
        assert_true (plv_buf_reserve (&buf, more));
        assert_true (buf.capacity - buf.size >= more);
        memset (buf.data + buf.size, 'x', more);
        buf.size += more;
    }
    plv_buf_free (&buf);
    plv_buf_free (&buf);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (bytes_come_out_as_they_went_in),
        cmocka_unit_test (clearing_keeps_the_memory),
        cmocka_unit_test (room_that_cannot_be_had_fails_for_good),
        cmocka_unit_test (reserved_room_is_there),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
