/*  The terms of a route, for whatever is answered: by an agent, from the cache, or by a fallback.  */

#include "fixture.h"

#include <stdio.h>

#define BASE                                                                                       \
    "delivery = { not_after_s = 3600; }; rate_limit = { on = false; }; data = { reflect_s = 1; };" \
    "routes = ( { name = \"r\"; service = \"advisor\"; "

static fixture_t *start (const char *terms)
{
    char conf[FX_CONF_BYTES];
    snprintf (conf, sizeof conf, "%s%s } );", BASE, terms);
    return fx_new (conf);
}

/*  An answer that is delivered.  */
static void answer (fixture_t *fx, uint32_t web, uint32_t worker, const char *session)
{
    fx_say (fx, web, session, "hello");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_forget (fx, worker);
    fx_forget (fx, web);
}

/*  What was not delivered before the adapter left is late when it is back.  */
static void expect_late (fixture_t *fx, uint32_t web)
{
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 1);
    fx_bye (fx, web);
    fx_time (fx, 2000);
    web = fx_adapter (fx, "web");
    fx_expect_nothing (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 0);
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_LATE), 1);
}

static void test_a_cached_answer_is_late_by_its_route (void **state)
{
    fixture_t *fx = start ("cache = true; not_after_s = 1;");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    answer (fx, web, worker, "web_1");
    fx_say (fx, web, "web_2", "hello");
    assert_int_equal (fx_count (fx, COUNTER_CACHE_HITS), 1);
    expect_late (fx, web);
    fx_destroy (&fx);
}

static void test_a_fallback_is_late_by_its_route (void **state)
{
    fixture_t *fx = start ("not_after_s = 1;");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "hello");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    expect_late (fx, web);
    fx_destroy (&fx);
}

/*  A session that a dead letter holds gets no later answers, wherever they might come from.  */
static void test_a_held_session_is_not_answered_from_the_cache (void **state)
{
    fixture_t *fx = start ("cache = true; on_dead = \"park\";");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    answer (fx, web, worker, "web_1");
    fx_say (fx, web, "web_2", "another");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_forget (fx, web);
    fx_forget (fx, worker);
    fx_say (fx, web, "web_2", "hello");
    fx_expect_nothing (fx, web);
    fx_expect_nothing (fx, worker);
    fx_control (fx, tool, "sessions.unpark", "session", 0, "web_2");
    fx_expect (fx, worker, VERB_JOB);
    fx_destroy (&fx);
}

static uint32_t serve (fixture_t *fx, const char *service, uint8_t incarnation, uint64_t batch)
{
    uint32_t worker = fx_peer (fx);
    fx_hello (fx, worker, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = service,
                            .service = service,
                            .credit = 4,
                            .incarnation = incarnation,
                            .batch = batch,
                            .batch_wait_ms = 5000});
    fx_forget (fx, worker);
    return worker;
}

/*  What a worker's batch has gathered goes to those whom the route names now.  */
static void test_a_batch_holds_what_its_worker_serves (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), advisor = serve (fx, "advisor", 5, 3),
             clerk = serve (fx, "clerk", 6, 0);
    fx_say (fx, web, "web_1", "hello");
    fx_expect_nothing (fx, advisor); /* until there are three, or for five seconds */
    fx_reload (fx, "rate_limit = { on = false; };"
                   "routes = ( { name = \"r\"; service = \"clerk\"; } );");
    fx_time (fx, 1);
    uint64_t lease = fx_job (fx, clerk);
    fx_reply (fx, clerk, lease, "hi");
    fx_expect_number (fx, web, VERB_DELIVER);
    fx_time (fx, 5000);
    fx_expect_nothing (fx, advisor);
    fx_destroy (&fx);
}

/*  What the agent before has answered is no answer of the one that the route leads to now.  */
static void test_an_answer_of_the_agent_before_is_not_cached (void **state)
{
    fixture_t *fx = start ("cache = true;");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), before = fx_worker (fx, 4), now = fx_peer (fx);
    fx_hello (
        fx, now, FROM_WORKER,
        &(fx_hello_t){
            .role = "agent", .name = "w", .service = "newer", .credit = 4, .incarnation = 99});
    fx_expect (fx, now, VERB_WELCOME);
    fx_say (fx, web, "web_1", "hello");
    uint64_t lease = fx_job (fx, before);
    fx_reload (fx, "rate_limit = { on = false; }; "
                   "routes = ( { name = \"r\"; service = \"newer\"; cache = true; } );");
    fx_reply (fx, before, lease, "hi");
    fx_expect (fx, before, VERB_COMMITTED);
    fx_say (fx, web, "web_2", "hello");
    fx_reply (fx, now, fx_job (fx, now), "hi from the newer one");
    assert_int_equal (fx_count (fx, COUNTER_CACHE_HITS), 0);
    fx_say (fx, web, "web_3", "hello");
    assert_int_equal (fx_count (fx, COUNTER_CACHE_HITS), 1);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_cached_answer_is_late_by_its_route),
        cmocka_unit_test (test_a_fallback_is_late_by_its_route),
        cmocka_unit_test (test_a_held_session_is_not_answered_from_the_cache),
        cmocka_unit_test (test_an_answer_of_the_agent_before_is_not_cached),
        cmocka_unit_test (test_a_batch_holds_what_its_worker_serves),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
