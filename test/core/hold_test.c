/*  What operators hold up: routes that are paused, workers that are drained.  */

#include "fixture.h"

#define CONF                                                                                        \
    "agents = { heartbeat_ms = 1000; timeout_ms = 5000; backoff_ms = 100; backoff_max_ms = 400; };" \
    "rate_limit = { on = false; }; data = { reflect_s = 1; }; breaker = { threshold = 2; open_s = 3; };"
#define ROUTES                                                                                     \
    "routes = ( { name = \"one\"; service = \"advisor\"; platform = \"web\"; },"                   \
    " { name = \"two\"; service = \"advisor\"; } );"

static fixture_t *start (void)
{
    fixture_t *fx = fx_new (CONF ROUTES);
    fx->check_recovery = true;
    return fx;
}

static plv_view_t hold_as (fixture_t *fx, uint32_t tool, const char *command, const char *route,
                           const char *who, const char *why)
{
    plv_buf_t *buf = fx_control_begin (fx, command, 3);
    fx_put_text (buf, "route", route);
    fx_put_text (buf, "who", who);
    fx_put_text (buf, "reason", why);
    fx_send (fx, tool, FROM_TOOL);
    return fx_expect_result (fx, tool, "ok");
}

static bool changed (plv_view_t body)
{
    plv_mp_t value;
    bool yes;
    assert_true (plv_mp_find (body, "changed", &value) && plv_mp_bool (&value, &yes));
    return yes;
}

static bool hold (fixture_t *fx, uint32_t tool, const char *command, const char *route)
{
    return changed (hold_as (fx, tool, command, route, "ann", "stale prices"));
}

static plv_view_t route (fixture_t *fx, uint32_t tool, uint32_t index)
{
    fx_control (fx, tool, "routes.list", NULL, 0, NULL);
    return fx_item (fx_expect_result (fx, tool, "ok"), "items", index);
}

static bool says (plv_view_t map, const char *key, const char *text)
{
    return plv_view_is (plv_mp_find_str (map, key), text);
}

static void check_paused (fixture_t *fx, uint32_t tool, uint64_t waiting)
{
    plv_view_t shown = route (fx, tool, 0);
    assert_true (says (shown, "paused_by", "ann") && says (shown, "why", "stale prices"));
    assert_int_equal (fx_number (shown, "waiting"), waiting);
    assert_true (fx_number (shown, "paused_us") > 0);
    assert_int_equal (fx_gauge (fx, GAUGE_ROUTES_PAUSED), 1);
}

static void test_a_paused_route_waits_for_its_resume (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    assert_true (hold (fx, tool, "routes.pause", "one"));
    assert_false (hold (fx, tool, "routes.pause", "one"));
    fx_say (fx, web, "web_1", "first");
    fx_say (fx, web, "web_1", "second");
    fx_expect_nothing (fx, worker);
    check_paused (fx, tool, 2);
    assert_true (says (route (fx, tool, 1), "paused_by", ""));
    fx_restart (fx);
    worker = fx_worker (fx, 8);
    tool = fx_tool (fx);
    fx_expect_nothing (fx, worker);
    check_paused (fx, tool, 2);
    fx_reload (fx, CONF "routes = ( { name = \"two\"; service = \"other\"; } );");
    assert_int_equal (fx_gauge (fx, GAUGE_ROUTES_PAUSED), 0);
    fx_reload (fx, CONF ROUTES);
    fx_expect_nothing (fx, worker);
    check_paused (fx, tool, 2);
    assert_true (hold (fx, tool, "routes.resume", "one"));
    assert_false (hold (fx, tool, "routes.resume", "one"));
    fx_reply (fx, worker, fx_job (fx, worker), "a");
    fx_job (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_ROUTES_PAUSED), 0);
    fx_restart (fx);
    tool = fx_tool (fx);
    assert_true (says (route (fx, tool, 0), "paused_by", ""));
    fx_destroy (&fx);
}

/*  The record keeps the words of the first one: the second one is told whose they are.  */
static void test_a_paused_route_is_not_paused_twice (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t tool = fx_tool (fx);
    plv_view_t body = hold_as (fx, tool, "routes.pause", "one", "ann", "stale prices");
    assert_true (changed (body) && says (body, "paused_by", ""));
    fx_time (fx, 1000);
    body = hold_as (fx, tool, "routes.pause", "one", "bob", "an outage");
    assert_false (changed (body));
    assert_true (says (body, "paused_by", "ann") && says (body, "why", "stale prices"));
    int64_t paused_us = (int64_t) fx_number (body, "paused_us");
    check_paused (fx, tool, 0);
    assert_int_equal (fx_number (route (fx, tool, 0), "paused_us"), paused_us);
    body = hold_as (fx, tool, "routes.resume", "one", "bob", "");
    assert_true (changed (body) && says (body, "paused_by", ""));
    fx_destroy (&fx);
}

/*  What a worker holds is finished; the next event of the session waits.  */
static void test_what_is_held_is_finished (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "first");
    uint64_t lease = fx_job (fx, worker);
    hold (fx, tool, "routes.pause", "one");
    fx_say (fx, web, "web_1", "second");
    fx_reply (fx, worker, lease, "answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_expect_number (fx, web, VERB_DELIVER);
    fx_expect_nothing (fx, worker);
    fx_control (fx, tool, "routes.pause", "route", 0, "three");
    fx_expect_result (fx, tool, "NOENT");
    fx_destroy (&fx);
}

static void break_route (fixture_t *fx, uint32_t web, uint32_t worker)
{
    static const char *const sessions[] = {"web_1", "web_2"};
    for (int i = 0; i < 2; i++) {
        fx_say (fx, web, sessions[i], "hello");
        fx_nack (fx, worker, fx_job (fx, worker), false, "llm_unavailable");
        fx_expect (fx, worker, VERB_COMMITTED);
    }
    fx_time (fx, 1000);
    fx_expect_nothing (fx, worker);
}

#define SLOW                                                                                       \
    CONF "routes = ( { name = \"slow\"; service = \"advisor\"; command = \"/slow\"; },"            \
         " { name = \"rest\"; service = \"advisor\"; } );"

static void expect_job (fixture_t *fx, uint32_t worker, const char *text)
{
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    assert_true (says (job.arg[4].bytes, "message_text", text));
}

/*  What waits behind an event of a paused route goes to its own route when that one is thrown away.  */
static void test_what_is_thrown_away_holds_nothing_up (void **state)
{
    fixture_t *fx = fx_new (SLOW);
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    hold (fx, tool, "routes.pause", "slow");
    fx_say (fx, web, "web_1", "/slow one");
    fx_say (fx, web, "web_1", "behind it");
    fx_say (fx, web, "web_2", "/slow two");
    fx_expect_nothing (fx, worker);
    fx_control (fx, tool, "events.discard", "route", 0, "slow");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 2);
    expect_job (fx, worker, "behind it");
    assert_int_equal (fx_number (route (fx, tool, 0), "ready"), 0);
    fx_say (fx, web, "web_2", "later");
    expect_job (fx, worker, "later");
    fx_destroy (&fx);
}

/*  Of a reason that is too long the record would have the beginning.  */
static void refuse_long (fixture_t *fx, uint32_t tool, const char *command, size_t most)
{
    char reason[REASON_BYTES_MAX + 1];
    for (size_t size = most + 1; size >= most; size--) {
        memset (reason, 'x', size);
        reason[size] = '\0';
        plv_buf_t *buf = fx_control_begin (fx, command, 2);
        fx_put_text (buf, "route", "slow");
        fx_put_text (buf, "reason", reason);
        fx_send (fx, tool, FROM_TOOL);
        fx_expect_result (fx, tool, size > most ? "ARG" : "ok");
    }
}

static void test_a_reason_that_would_be_cut_is_refused (void **state)
{
    fixture_t *fx = fx_new (SLOW);
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    refuse_long (fx, tool, "routes.pause", 256);
    fx_say (fx, web, "web_1", "/slow one");
    refuse_long (fx, tool, "events.discard", 512);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    refuse_long (fx, tool, "routes.resume", 256);
    fx_destroy (&fx);
}

static void discard (fixture_t *fx, uint32_t tool, const char *session, const char *status)
{
    plv_buf_t *buf = fx_control_begin (fx, "events.discard", 2);
    fx_put_text (buf, "route", "slow");
    if (session) {
        fx_put_text (buf, "session", session);
    } else {
        fx_put_number (buf, "session", 1);
    }
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, status);
}

/*  A filter that is passed over would let all of the route go.  */
static void test_a_filter_that_is_none_lets_nothing_go (void **state)
{
    fixture_t *fx = fx_new (SLOW);
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "/slow one");
    discard (fx, tool, "", "ARG");
    discard (fx, tool, NULL, "ARG");
    plv_buf_t *buf = fx_control_begin (fx, "events.discard", 2);
    fx_put_text (buf, "route", "slow");
    fx_put_text (buf, "dry_run", "true");
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, "ARG");
    discard (fx, tool, "web_2", "ok");
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    discard (fx, tool, "web_1", "ok");
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

/*  Who waits for the answer to what is thrown away is told, once that is stored.  */
static void test_what_is_thrown_away_is_waited_for_no_longer (void **state)
{
    fixture_t *fx = fx_new (SLOW);
    plv_envelope_t envelope;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    hold (fx, tool, "routes.pause", "slow");
    fx_say (fx, web, "web_1", "/slow one");
    fx_control (fx, tool, "events.discard", "route", 0, "slow");
    fx_expect_result (fx, tool, "ok");
    plv_frame_t live = fx_expect (fx, web, VERB_LIVE);
    assert_int_equal (plv_envelope_parse (live.arg[0].bytes, &envelope, NULL), ERR_OK);
    assert_int_equal (envelope.type_code, EVENT_CHAT_TYPING);
    assert_true (envelope.has_reply_to && plv_view_is (envelope.session_id, "web_1"));
    assert_true (says (live.arg[1].bytes, "ended", "discarded"));
    fx_expect_nothing (fx, web); /* it is no message to the person */
    fx_destroy (&fx);
}

/*  A letter that is sent again goes before what waits in its session, and is not held up by the pause of that.  */
static void test_what_is_sent_again_goes_before_what_is_paused (void **state)
{
    fixture_t *fx = fx_new (SLOW);
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "poison");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    hold (fx, tool, "routes.pause", "slow");
    fx_say (fx, web, "web_1", "/slow one");
    fx_expect_nothing (fx, worker);
    fx_control (fx, tool, "dead.replay", "numbers", 1, NULL);
    fx_expect_result (fx, tool, "ok");
    expect_job (fx, worker, "poison");
    fx_destroy (&fx);
}

static void test_resume_ends_a_pause_of_the_breaker (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    break_route (fx, web, worker);
    plv_view_t shown = route (fx, tool, 0);
    assert_true (says (shown, "paused_by", "breaker")
                 && says (shown, "why", "nack:llm_unavailable"));
    assert_int_equal (fx_number (shown, "waiting"), 2);
    assert_true (fx_number (shown, "paused_us") > 0);
    assert_true (hold (fx, tool, "routes.resume", "one"));
    for (int i = 0; i < 2; i++) { /* no probe first */
        fx_expect (fx, worker, VERB_JOB);
    }
    assert_true (says (route (fx, tool, 0), "paused_by", ""));
    fx_destroy (&fx);
}

/*  An operator's pause outlives that of the breaker: no probe goes out.  */
static void test_no_probe_while_an_operator_pauses (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    break_route (fx, web, worker);
    assert_true (hold (fx, tool, "routes.pause", "one"));
    fx_time (fx, 3500);
    fx_expect_nothing (fx, worker);
    assert_true (says (route (fx, tool, 0), "paused_by", "ann"));
    fx_destroy (&fx);
}

static plv_view_t agent (fixture_t *fx, uint32_t tool, uint32_t index)
{
    fx_control (fx, tool, "agents.list", NULL, 0, NULL);
    return fx_item (fx_expect_result (fx, tool, "ok"), "items", index);
}

/*  Of a process of its own: its credit is 2, and it may come back with a job in hand.  */
static uint32_t process (fixture_t *fx, uint8_t incarnation, uint64_t holding)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (fx, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "w",
                            .service = "advisor",
                            .credit = 2,
                            .incarnation = incarnation,
                            .holding = holding});
    fx_expect (fx, peer, VERB_WELCOME);
    return peer;
}

static void tell_as (fixture_t *fx, uint32_t tool, const char *who, const char *command,
                     const char *name, const char *status)
{
    plv_buf_t *buf = fx_control_begin (fx, command, 2);
    fx_put_text (buf, "name", name);
    fx_put_text (buf, "who", who);
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, status);
}

static void tell (fixture_t *fx, uint32_t tool, const char *command, const char *name,
                  const char *status)
{
    tell_as (fx, tool, "ann", command, name, status);
}

static void drain (fixture_t *fx, uint32_t tool, const char *name, const char *status)
{
    tell (fx, tool, "agents.drain", name, status);
}

static void test_a_drained_worker_finishes_and_is_let_go (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), old = fx_worker (fx, 2), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "first");
    uint64_t lease = fx_job (fx, old);
    drain (fx, tool, "w", "ok");
    drain (fx, tool, "w", "ok");
    drain (fx, tool, "nobody", "NOENT");
    assert_true (says (agent (fx, tool, 0), "state", "draining"));
    assert_true (says (agent (fx, tool, 0), "drained_by", "ann"));
    fx_credit (fx, old, 8); /* it wants more: it gets no more */
    fx_say (fx, web, "web_2", "another");
    fx_expect_nothing (fx, old);
    uint32_t new = process (fx, 7, 0);
    uint64_t other = fx_job (fx, new);
    fx_reply (fx, old, lease, "done");
    fx_expect_number (fx, old, VERB_COMMITTED);
    assert_true (plv_view_is (fx_expect (fx, old, VERB_ERROR).arg[0].bytes, "DRAINED"));
    assert_true (says (agent (fx, tool, 0), "state", "drained"));
    fx_bye (fx, old);
    assert_true (says (agent (fx, tool, 0), "state", "ready"));
    fx_reply (fx, new, other, "done");
    fx_expect (fx, new, VERB_COMMITTED);
    fx_expect_nothing (fx, new);
    fx_destroy (&fx);
}

/*  One that dies meanwhile loses its job to another, as always.  */
static void test_a_drained_worker_may_die (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), old = fx_worker (fx, 2), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "first");
    fx_job (fx, old);
    drain (fx, tool, "w", "ok");
    fx_gone (fx, old);
    uint32_t new = process (fx, 7, 0);
    fx_time (fx, 1000);
    fx_job (fx, new);
    drain (fx, tool, "w", "ok");
    fx_expect_nothing (fx, new);
    fx_destroy (&fx);
}

typedef struct {
    uint32_t web;
    uint32_t tool;
    uint32_t worker;
    uint64_t lease;
} draining_t;

/*  A process of workers that has a job, and is to leave.  */
static draining_t begin_to_drain (fixture_t *fx)
{
    uint32_t web = fx_adapter (fx, "web"), worker = process (fx, 7, 0), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "first");
    uint64_t lease = fx_job (fx, worker);
    drain (fx, tool, "w", "ok");
    return (draining_t){web, tool, worker, lease};
}

/*  The process is drained, not its connection: not even a restart of the broker lets it have a job.  */
static void test_a_drained_process_stays_drained (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    draining_t all = begin_to_drain (fx);
    uint32_t web = all.web, old = all.worker, tool = all.tool;
    for (int round = 0; round < 2; round++) {
        if (round)
            fx_restart (fx);
        else
            fx_gone (fx, tool);
        web = round ? fx_adapter (fx, "web") : web;
        tool = fx_tool (fx);
        old = process (fx, 7, all.lease);
        assert_true (says (agent (fx, tool, 0), "state", "draining"));
        assert_true (says (agent (fx, tool, 0), "drained_by", "ann"));
        fx_say (fx, web, "web_2", "another");
        fx_expect_nothing (fx, old);
    }
    fx_reply (fx, old, all.lease, "done");
    fx_expect_number (fx, old, VERB_COMMITTED);
    assert_true (plv_view_is (fx_expect (fx, old, VERB_ERROR).arg[0].bytes, "DRAINED"));
    fx_gone (fx, old); /* before it has read that */
    old = process (fx, 7, 0);
    assert_true (plv_view_is (fx_expect (fx, old, VERB_ERROR).arg[0].bytes, "DRAINED"));
    fx_expect_nothing (fx, old);
    tell (fx, tool, "agents.resume", "w", "NOENT"); /* it is on its way out */
    old = process (fx, 7, 0);
    fx_job (fx, old);
    fx_destroy (&fx);
}

static void test_a_drained_worker_that_left_is_forgotten (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), old = process (fx, 7, 0), tool = fx_tool (fx);
    drain (fx, tool, "w", "ok");
    assert_true (plv_view_is (fx_expect (fx, old, VERB_ERROR).arg[0].bytes, "DRAINED"));
    fx_bye (fx, old);
    old = process (fx, 7, 0);
    fx_say (fx, web, "web_1", "first");
    fx_job (fx, old);
    fx_destroy (&fx);
}

/*  It was stopped by somebody else meanwhile: it finishes, and leaves before it is told to.  */
static void test_a_drained_worker_that_leaves_untold_is_forgotten (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    draining_t all = begin_to_drain (fx);
    fx_credit (fx, all.worker, 0);
    fx_reply (fx, all.worker, all.lease, "done");
    fx_expect_number (fx, all.worker, VERB_COMMITTED);
    fx_bye (fx, all.worker);
    tell (fx, all.tool, "agents.resume", "w", "NOENT");
    fx_restart (fx);
    tell (fx, fx_tool (fx), "agents.resume", "w", "NOENT");
    fx_destroy (&fx);
}

static void test_a_drained_worker_is_resumed (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = process (fx, 7, 0), tool = fx_tool (fx);
    tell (fx, tool, "agents.resume", "w", "NOENT");
    fx_say (fx, web, "web_1", "first");
    uint64_t lease = fx_job (fx, worker);
    drain (fx, tool, "w", "ok");
    fx_say (fx, web, "web_2", "another");
    fx_expect_nothing (fx, worker);
    tell (fx, tool, "agents.resume", "nobody", "NOENT");
    tell (fx, tool, "agents.resume", "w", "ok");
    fx_job (fx, worker);
    assert_true (says (agent (fx, tool, 0), "state", "ready"));
    assert_true (says (agent (fx, tool, 0), "drained_by", ""));
    fx_reply (fx, worker, lease, "done");
    fx_expect_number (fx, worker, VERB_COMMITTED);
    fx_expect_nothing (fx, worker); /* it is not told to leave */
    drain (fx, tool, "w", "ok");
    fx_restart (fx); /* one that is away is resumed, too */
    tool = fx_tool (fx);
    tell (fx, tool, "agents.resume", "w", "ok");
    fx_restart (fx);
    tool = fx_tool (fx);
    process (fx, 7, 0);
    assert_true (says (agent (fx, tool, 0), "state", "ready"));
    fx_destroy (&fx);
}

static void test_who_drained_it_last_is_named (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "first");
    fx_job (fx, worker);
    tell_as (fx, tool, "alexander", "agents.drain", "w", "ok");
    tell (fx, tool, "agents.resume", "w", "ok");
    tell_as (fx, tool, "bob", "agents.drain", "w", "ok");
    assert_true (says (agent (fx, tool, 0), "drained_by", "bob"));
    fx_destroy (&fx);
}

/*  Jobs that were gathered for a batch of it go to others at once.  */
static void test_a_batch_that_gathers_is_given_up (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), old = fx_peer (fx), tool = fx_tool (fx);
    fx_hello (fx, old, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "old",
                            .service = "advisor",
                            .credit = 8,
                            .incarnation = 7,
                            .batch = 4,
                            .batch_wait_ms = 60000});
    fx_expect (fx, old, VERB_WELCOME);
    fx_say (fx, web, "web_1", "first");
    uint32_t new = fx_worker (fx, 2);
    fx_expect_nothing (fx, new);
    drain (fx, tool, "old", "ok");
    fx_job (fx, new);
    assert_true (plv_view_is (fx_expect (fx, old, VERB_ERROR).arg[0].bytes, "DRAINED"));
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_paused_route_waits_for_its_resume),
        cmocka_unit_test (test_a_paused_route_is_not_paused_twice),
        cmocka_unit_test (test_what_is_held_is_finished),
        cmocka_unit_test (test_what_is_thrown_away_holds_nothing_up),
        cmocka_unit_test (test_a_reason_that_would_be_cut_is_refused),
        cmocka_unit_test (test_a_filter_that_is_none_lets_nothing_go),
        cmocka_unit_test (test_what_is_thrown_away_is_waited_for_no_longer),
        cmocka_unit_test (test_what_is_sent_again_goes_before_what_is_paused),
        cmocka_unit_test (test_resume_ends_a_pause_of_the_breaker),
        cmocka_unit_test (test_no_probe_while_an_operator_pauses),
        cmocka_unit_test (test_a_drained_worker_finishes_and_is_let_go),
        cmocka_unit_test (test_a_drained_worker_may_die),
        cmocka_unit_test (test_a_drained_process_stays_drained),
        cmocka_unit_test (test_a_drained_worker_that_left_is_forgotten),
        cmocka_unit_test (test_a_drained_worker_that_leaves_untold_is_forgotten),
        cmocka_unit_test (test_a_drained_worker_is_resumed),
        cmocka_unit_test (test_who_drained_it_last_is_named),
        cmocka_unit_test (test_a_batch_that_gathers_is_given_up),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
