/*  Covers the header-only parts: view, bytes, list, and limits (whose checks are at compile time).  */
#include "base/bytes.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void views_compare_by_bytes (void **state)
{
    (void) state;
    assert_true (plv_view_is (plv_view ("abc", 3), "abc"));
    assert_false (plv_view_is (plv_view ("abc", 2), "abc"));
    assert_true (plv_view_equal (plv_view (NULL, 0), plv_view_str ("")));
    assert_true (plv_view_equal (plv_view_str (NULL), plv_view ("x", 0)));
    assert_false (plv_view_equal (plv_view ("a\0b", 3), plv_view ("a\0c", 3)));
}

static void numbers_are_in_network_order (void **state)
{
    (void) state;
    uint8_t bytes[9] = {0};
    plv_put_u16 (bytes + 1, 0x0102);
    assert_memory_equal (bytes + 1, "\1\2", 2);
    plv_put_u32 (bytes + 1, 0x01020304);
    assert_memory_equal (bytes + 1, "\1\2\3\4", 4);
    plv_put_u64 (bytes + 1, 0x0102030405060708);
    assert_memory_equal (bytes + 1, "\1\2\3\4\5\6\7\10", 8);
    assert_int_equal (plv_get_u16 (bytes + 1), 0x0102);
    assert_int_equal (plv_get_u32 (bytes + 1), 0x01020304);
    assert_true (plv_get_u64 (bytes + 1) == 0x0102030405060708);
}

typedef struct {
    int number;
    plv_node_t node;
} item_t;

static void a_list_keeps_its_order (void **state)
{
    (void) state;
    plv_node_t head;
    item_t items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    plv_list_init (&head);
    assert_true (plv_list_empty (&head));
    assert_null (plv_list_pop (&head));
    plv_list_push (&head, &items[1].node);
    plv_list_push (&head, &items[2].node);
    plv_list_push_front (&head, &items[0].node);
    for (int number = 0; number < 3; number++)
        assert_int_equal (PLV_OF (plv_list_pop (&head), item_t, node)->number, number);
    assert_true (plv_list_empty (&head));
}

static void removing_twice_does_no_harm (void **state)
{
    (void) state;
    plv_node_t head;
    item_t items[3] = {0};
    plv_list_init (&head);
    assert_false (plv_node_listed (&items[0].node));
    for (int at = 0; at < 3; at++)
        plv_list_push (&head, &items[at].node);
    assert_true (plv_node_listed (&items[1].node));
    plv_node_remove (&items[1].node);
    plv_node_remove (&items[1].node);
    assert_false (plv_node_listed (&items[1].node));
    assert_ptr_equal (plv_list_pop (&head), &items[0].node);
    assert_ptr_equal (plv_list_pop (&head), &items[2].node);
    assert_null (plv_list_first (&head));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (views_compare_by_bytes),
        cmocka_unit_test (numbers_are_in_network_order),
        cmocka_unit_test (a_list_keeps_its_order),
        cmocka_unit_test (removing_twice_does_no_harm),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
