/*  Replies that are older than their not_after when they could be sent, and what else comes by the thousand: it is done
    a part at a time.  */

#include "fixture.h"

#include <stdio.h>

static fixture_t *late (const char *conf, uint32_t *ret_web)
{
    fixture_t *fx = fx_new (conf);
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_gone (fx, web);
    fx_reply (fx, worker, lease, "hi");
    fx_time (fx, 2000);
    *ret_web = fx_adapter (fx, "web");
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_LATE), 1);
    return fx;
}

static void test_a_late_reply_is_dropped (void **state)
{
    uint32_t web;
    fixture_t *fx = late ("delivery = { not_after_s = 1; };", &web);
    (void) state;
    fx_expect_nothing (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 0);
    fx_destroy (&fx);
}

static void test_a_late_reply_is_marked (void **state)
{
    uint32_t web;
    fixture_t *fx = late ("delivery = { not_after_s = 1; late = \"mark\"; };", &web);
    plv_mp_t value;
    plv_view_t metadata;
    bool marked = false;
    (void) state;
    plv_frame_t frame = fx_expect (fx, web, VERB_DELIVER);
    assert_true (plv_mp_find (frame.arg[3].bytes, "metadata", &value)
                 && plv_mp_skip (&value, &metadata));
    assert_true (plv_mp_find (metadata, "late", &value) && plv_mp_bool (&value, &marked) && marked);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

enum { MANY = 4000 };

/*  So many sessions with an answer each that nobody was there to deliver, and that are late now.  */
static fixture_t *many_late (void)
{
    fixture_t *fx = fx_new ("delivery = { not_after_s = 1; }; rate_limit = { on = false; };");
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    char session[32];
    for (int i = 0; i < MANY; i++) {
        snprintf (session, sizeof session, "web_%d", i);
        fx_say (fx, web, session, "x");
    }
    fx_gone (fx, web);
    for (int i = 0; i < MANY; i++) {
        fx_reply (fx, worker, fx_job (fx, worker), "hi");
        fx_expect (fx, worker, VERB_COMMITTED);
    }
    fx_bye (fx, worker);
    fx_time (fx, 2000);
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), MANY);
    return fx;
}

static void expect_the_rest_to_die (fixture_t *fx)
{
    assert_in_range (fx_gauge (fx, GAUGE_OUTBOX), 1, MANY - 1);
    fx_time (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), MANY);
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_LATE), MANY);
    fx_destroy (&fx);
}

static void test_many_late_replies_die_a_part_at_a_time (void **state)
{
    (void) state;
    fixture_t *fx = many_late ();
    uint32_t web = fx_adapter (fx, "web");
    fx_expect_nothing (fx, web);
    expect_the_rest_to_die (fx);
}

static void test_many_late_replies_die_a_part_at_a_time_after_a_restart (void **state)
{
    (void) state;
    fixture_t *fx = many_late ();
    fx_restart (fx);
    uint32_t tool = fx_tool (fx);
    fx_expect_nothing (fx, tool);
    expect_the_rest_to_die (fx);
}

#define ROUTE_OF(service)                                                                          \
    "rate_limit = { on = false; }; routes = ( { name = \"" service "\"; service = \"" service      \
    "\"; platform = \"" service "\"; } );"

/*  Events that wait, one behind the other in some sessions; then their route is taken out of the configuration.  */
static fixture_t *many_without_route (void)
{
    fixture_t *fx = fx_new (ROUTE_OF ("web"));
    uint32_t web = fx_adapter (fx, "web");
    char session[32];
    for (int i = 0; i < MANY; i++) {
        snprintf (session, sizeof session, "web_%d", i % 8);
        fx_say (fx, web, session, "x");
    }
    fx_bye (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), MANY);
    return fx;
}

static void test_events_of_a_route_that_is_gone_die_a_part_at_a_time (void **state)
{
    (void) state;
    fixture_t *fx = many_without_route ();
    fx_reload (fx, ROUTE_OF ("other"));
    assert_in_range (fx_gauge (fx, GAUGE_PENDING_EVENTS), 1, MANY - 1);
    fx_time (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), MANY);
    fx_destroy (&fx);
}

/*  Each has a text that its row in the views does not make smaller.  */
static void test_a_stop_keeps_many_sessions_a_part_at_a_time (void **state)
{
    fixture_t *fx = fx_new ("rate_limit = { on = false; };");
    uint32_t web = fx_adapter (fx, "web");
    char session[32], text[2001] = "";
    size_t most;
    (void) state;
    memset (text, 'x', sizeof text - 1);
    for (int i = 0; i < MANY; i++) {
        snprintf (session, sizeof session, "web_%d", i);
        fx_say (fx, web, session, text);
    }
    fx_forget (fx, web);
    assert_in_range (fx_stop (fx, &most), 2, MANY / 10);
    assert_in_range (most, 1, MANY * sizeof text / 4);
    fx_expect (fx, web, VERB_BYE);
    fx_restart (fx);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), MANY);
    fx_destroy (&fx);
}

/*  Each turn brings more than a part: the views keep the distance that conf says all the same.  */
static void test_the_views_keep_pace_with_large_turns (void **state)
{
    enum { TURNS = 16, EACH = 500 };
    fixture_t *fx = fx_new ("rate_limit = { on = false; }; data = { reflect_s = 1; };");
    uint32_t web = fx_adapter (fx, "web");
    char session[32], text[2001] = "";
    (void) state;
    memset (text, 'x', sizeof text - 1);
    for (int i = 0; i < TURNS * EACH; i++) {
        fx->busy = true;
        snprintf (session, sizeof session, "web_%d", i);
        fx_publish (fx, web, (uint64_t) i + 1, &(fx_event_t){.session = session, .text = text});
        fx->busy = false;
        if (i % EACH == EACH - 1) {
            fx_time (fx, 1000);
            fx_forget (fx, web);
        }
    }
    assert_in_range (fx_gauge (fx, GAUGE_JOURNAL_BEHIND_BYTES), 0, 3 * EACH * sizeof text);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_late_reply_is_dropped),
        cmocka_unit_test (test_a_late_reply_is_marked),
        cmocka_unit_test (test_many_late_replies_die_a_part_at_a_time),
        cmocka_unit_test (test_many_late_replies_die_a_part_at_a_time_after_a_restart),
        cmocka_unit_test (test_events_of_a_route_that_is_gone_die_a_part_at_a_time),
        cmocka_unit_test (test_the_views_keep_pace_with_large_turns),
        cmocka_unit_test (test_a_stop_keeps_many_sessions_a_part_at_a_time),
    };
    return cmocka_run_group_tests_name ("late", tests, NULL, NULL);
}
