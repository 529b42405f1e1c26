#include "base/near.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static size_t distance (const char *a, const char *b)
{
    size_t there = plv_near_distance (plv_view_str (a), plv_view_str (b));
    assert_int_equal (plv_near_distance (plv_view_str (b), plv_view_str (a)), there);
    return there;
}

static void a_distance_counts_changes (void **state)
{
    (void) state;
    assert_int_equal (distance ("", ""), 0);
    assert_int_equal (distance ("", "abc"), 3);
    assert_int_equal (distance ("messages", "messages"), 0);
    assert_int_equal (distance ("mesages", "messages"), 1);
    assert_int_equal (distance ("mesasges", "messages"), 1);
    assert_int_equal (distance ("massagas", "messages"), 2);
    assert_int_equal (distance ("kitten", "sitting"), 3);
    assert_int_equal (distance ("Level", "level"), 0);
    assert_int_equal (distance ("Elvel", "level"), 1);
}

static void a_long_name_is_never_near (void **state)
{
    (void) state;
    char text[NEAR_NAME_BYTES_MAX + 2];
    memset (text, 'a', sizeof text);
    plv_view_t fits = plv_view (text, NEAR_NAME_BYTES_MAX);
    plv_view_t long_name = plv_view (text, sizeof text - 1);
    assert_int_equal (plv_near_distance (fits, fits), 0);
    assert_int_equal (plv_near_distance (fits, long_name), NEAR_NAME_BYTES_MAX + 1);
}

static plv_view_t nearest (const char *typed)
{
    plv_near_t near = plv_near (plv_view_str (typed));
    plv_near_offer (&near, plv_view_str ("debug"));
    plv_near_offer (&near, plv_view_str ("info"));
    plv_near_offer (&near, plv_view_str ("warn"));
    plv_near_offer (&near, plv_view_str ("error"));
    return near.best;
}

static void the_nearest_name_wins_or_none (void **state)
{
    (void) state;
    assert_true (plv_view_is (nearest ("debgu"), "debug"));
    assert_true (plv_view_is (nearest ("warning"), "warn"));
    assert_true (plv_view_is (nearest ("INFO"), "info"));
    assert_true (plv_view_is (nearest ("WARNING"), "warn"));
    assert_true (plv_view_is (nearest ("errors"), "error"));
    assert_int_equal (nearest ("loud").size, 0);
    assert_int_equal (nearest ("").size, 0);
    assert_int_equal (nearest ("x").size, 0);
}

static void an_offer_may_say_its_own_cost (void **state)
{
    (void) state;
    plv_near_t near = plv_near (plv_view_str ("agents.messages"));
    plv_near_offer_at (&near, plv_view_str ("rate_limit.messages"), 2);
    plv_near_offer_at (&near, plv_view_str ("other"), 3);
    assert_true (plv_view_is (near.best, "rate_limit.messages"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_distance_counts_changes),
        cmocka_unit_test (a_long_name_is_never_near),
        cmocka_unit_test (the_nearest_name_wins_or_none),
        cmocka_unit_test (an_offer_may_say_its_own_cost),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
