/*  Trials: an event or a dead letter that an agent answers, with nothing kept and nobody told but the operator.  */

#include "fixture.h"

#include "wire/frame.h"

#include <stdio.h>

static fixture_t *start (const char *more)
{
    char conf[FX_CONF_BYTES];
    snprintf (
        conf, sizeof conf,
        "agents = { heartbeat_ms = 30000; timeout_ms = 60000; deadline_ms = 20000; backoff_ms = 100; };"
        " rate_limit = { on = false; }; data = { reflect_s = 1; };%s",
        more);
    fixture_t *fx = fx_new (conf);
    fx->check_recovery = true;
    return fx;
}

typedef struct {
    const char *service; /* NULL: advisor */
    const char *session; /* NULL: web_1 */
    const char *text;
    uint32_t turns; /* of history: "0", "ja 0", "1", "ja 1" ... */
    bool state;
    uint64_t deadline_ms;  /* 0: none given */
    plv_event_type_t type; /* EVENT_UNKNOWN: a chat.message */
} try_t;

static void put_event (fixture_t *fx, plv_buf_t *buf, const try_t *try)
{
    plv_buf_t body = {0};
    plv_envelope_t envelope = {
        .id = plv_id_make (fx->now.wall_us, 77),
        .type_code = try->type ? try->type : EVENT_CHAT_MESSAGE,
        .platform = plv_view_str ("web"),
        .adapter = plv_view_str ("web"),
        .session_id = plv_view_str (try->session ? try->session : "web_1"),
        .user_id = plv_view_str ("u"),
        .timestamp = fx->now.wall_us,
    };
    plv_mp_put_text (buf, "envelope");
    plv_envelope_write (buf, &envelope);
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "message_text");
    plv_mp_put_text (&body, try->text);
    plv_mp_put_text (buf, "body");
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_buf_free (&body);
}

static void put_message (plv_buf_t *buf, const char *role, uint32_t turn)
{
    char text[16];
    snprintf (text, sizeof text, "%s%u", strcmp (role, "user") == 0 ? "" : "ja ", turn);
    plv_mp_put_map (buf, 3);
    fx_put_text (buf, "role", role);
    fx_put_text (buf, "text", text);
    fx_put_number (buf, "timestamp", turn);
}

static void put_memory (plv_buf_t *buf, const try_t *try)
{
    plv_mp_put_text (buf, "history");
    plv_mp_put_array (buf, 2 * try->turns);
    for (uint32_t turn = 0; turn < try->turns; turn++) {
        put_message (buf, "user", turn);
        put_message (buf, "assistant", turn);
    }
    plv_mp_put_text (buf, "state");
    plv_mp_put_map (buf, 1);
    fx_put_text (buf, "mood", "good");
}

static void ask (fixture_t *fx, uint32_t tool, const try_t *try)
{
    bool memory = try->turns || try->state;
    plv_buf_t *buf =
        fx_control_begin (fx, "try", 3 + (memory ? 2u : 0u) + (try->deadline_ms ? 1u : 0u));
    fx_put_text (buf, "service", try->service ? try->service : "advisor");
    put_event (fx, buf, try);
    if (memory)
        put_memory (buf, try);
    if (try->deadline_ms)
        fx_put_number (buf, "deadline_ms", try->deadline_ms);
    fx_send (fx, tool, FROM_TOOL);
}

static bool is_trial (const plv_frame_t *job)
{
    plv_mp_t value;
    bool trial = false;
    return !job->arg[9].nil && plv_mp_find (job->arg[9].bytes, "trial", &value)
           && plv_mp_bool (&value, &trial) && trial;
}

/*  The lease of the trial that the worker gets now.  */
static uint64_t trial (fixture_t *fx, uint32_t worker)
{
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_true (is_trial (&frame));
    return frame.arg[0].number;
}

static plv_view_t expect_outcome (fixture_t *fx, uint32_t tool, const char *outcome)
{
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    if (!plv_view_is (plv_mp_find_str (body, "outcome"), outcome))
        fail_msg ("the outcome is " PLV_VIEW_FMT " (" PLV_VIEW_FMT "), where %s is due",
                  PLV_VIEW_ARG (plv_mp_find_str (body, "outcome")),
                  PLV_VIEW_ARG (plv_mp_find_str (body, "why")), outcome);
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 0);
    return body;
}

static void step_saved (fixture_t *fx, uint32_t worker, uint64_t lease, const char *name)
{
    fx_step_save (fx, worker, lease, name, 10);
    assert_int_equal (fx_expect_number (fx, worker, VERB_STEP_SAVED), lease);
}

static void test_an_answer (void **state)
{
    fixture_t *fx = start ("");
    plv_mp_t value;
    plv_view_t bytes;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    uint64_t digest = core_digest (fx->core), seq = fx_count (fx, COUNTER_JOBS_DISPATCHED);
    ask (fx, tool, &(try_t){.text = "what is an ETF?"});
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    uint64_t lease = job.arg[0].number;
    assert_true (is_trial (&job));
    assert_int_equal (job.arg[1].number, 1);
    assert_int_equal (job.arg[2].number, 20000);
    assert_true (
        plv_view_is (plv_mp_find_str (job.arg[4].bytes, "message_text"), "what is an ETF?"));
    assert_true (plv_view_is (plv_mp_find_str (job.arg[9].bytes, "service"), "advisor"));
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 1);
    step_saved (fx, worker, lease, "one");
    fx_time (fx, 300);
    fx_reply (fx, worker, lease, "a basket");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    plv_view_t body = expect_outcome (fx, tool, "answer");
    assert_true (plv_view_is (plv_mp_find_str (body, "answer"), "a basket"));
    assert_true (plv_view_is (plv_mp_find_str (body, "who"), "w 1.0 pid 42"));
    assert_int_equal (fx_number (body, "took_ms"), 300);
    assert_true (plv_mp_find (body, "body", &value) && plv_mp_bin (&value, &bytes));
    assert_true (plv_view_is (plv_mp_find_str (bytes, "response_text"), "a basket"));
    fx_expect_nothing (fx, web);
    assert_int_equal (core_digest (fx->core), digest);
    assert_int_equal (fx_count (fx, COUNTER_JOBS_DISPATCHED), seq);
    fx_reply (fx, worker, lease, "twice");
    fx_expect_cancel (fx, worker, lease, "finished");
    fx_destroy (&fx);
}

static void test_failures_are_told (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 1), tool = fx_tool (fx);
    ask (fx, tool, &(try_t){.text = "x"});
    uint64_t lease = trial (fx, worker);
    fx_nack (fx, worker, lease, false, "data_unavailable");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    plv_view_t body = expect_outcome (fx, tool, "nack");
    assert_true (plv_view_is (plv_mp_find_str (body, "code"), "data_unavailable"));
    assert_true (plv_view_is (plv_mp_find_str (body, "why"), "because"));
    ask (fx, tool, &(try_t){.text = "x"});
    lease = trial (fx, worker);
    plv_buf_t *buf = fx_begin (fx, VERB_REPLY);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bin (buf, plv_view_str ("no map"));
    plv_mp_put_nil (buf);
    fx_send (fx, worker, FROM_WORKER);
    fx_expect_cancel (fx, worker, lease, "bad_reply");
    expect_outcome (fx, tool, "bad_reply");
    ask (fx, tool, &(try_t){.text = "x"});
    lease = trial (fx, worker);
    fx_step_save (fx, worker, lease, "", 1);
    fx_expect_cancel (fx, worker, lease, "step_refused");
    expect_outcome (fx, tool, "bad_reply");
    ask (fx, tool, &(try_t){.text = "x", .deadline_ms = 500});
    lease = trial (fx, worker);
    fx_time (fx, 501);
    fx_expect_cancel (fx, worker, lease, "deadline");
    body = expect_outcome (fx, tool, "timeout");
    assert_int_equal (fx_count (fx, COUNTER_CALLS_FAILED), 4);
    fx_destroy (&fx);
}

static void test_a_worker_that_dies (void **state)
{
    fixture_t *fx = start ("");
    plv_mp_t value;
    (void) state;
    uint32_t tool = fx_tool (fx);
    ask (fx, tool, &(try_t){.text = "x"});
    for (int i = 0; i < CALL_ATTEMPTS_MAX; i++) {
        uint32_t worker = fx_worker (fx, 1);
        plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
        uint64_t lease = job.arg[0].number;
        assert_int_equal (job.arg[1].number, i + 1);
        assert_int_equal (plv_mp_find (job.arg[7].bytes, "one", &value), i > 0);
        step_saved (fx, worker, lease, "one");
        fx_expect_nothing (fx, tool);
        fx_gone (fx, worker);
    }
    expect_outcome (fx, tool, "lost");
    /* one that leaves in order has not failed */
    ask (fx, tool, &(try_t){.text = "x"});
    for (int i = 0; i < 2 * CALL_ATTEMPTS_MAX; i++) {
        uint32_t worker = fx_worker (fx, 1);
        trial (fx, worker);
        fx_bye (fx, worker);
    }
    uint32_t worker = fx_worker (fx, 1);
    fx_reply (fx, worker, trial (fx, worker), "at last");
    expect_outcome (fx, tool, "answer");
    fx_destroy (&fx);
}

static void test_a_tool_that_goes (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 2), tool = fx_tool (fx), other = fx_tool (fx);
    ask (fx, tool, &(try_t){.text = "has it"});
    ask (fx, tool, &(try_t){.text = "waits"});
    uint64_t lease = trial (fx, worker);
    fx_gone (fx, tool);
    fx_expect_cancel (fx, worker, lease, "unwanted");
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 0);
    ask (fx, other, &(try_t){.text = "next"});
    fx_reply (fx, worker, trial (fx, worker), "its place is free");
    expect_outcome (fx, other, "answer");
    fx_destroy (&fx);
}

static void test_nobody_serves_it (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t tool = fx_tool (fx), worker;
    ask (fx, tool, &(try_t){.text = "x", .service = "nobody"});
    fx_time (fx, CALL_UNSERVED_MS - 1);
    fx_expect_nothing (fx, tool);
    fx_time (fx, 1);
    expect_outcome (fx, tool, "unserved");
    /* one comes in time */
    ask (fx, tool, &(try_t){.text = "x"});
    fx_time (fx, CALL_UNSERVED_MS / 2);
    worker = fx_worker (fx, 1);
    fx_reply (fx, worker, trial (fx, worker), "here I am");
    expect_outcome (fx, tool, "answer");
    /* the deadline comes first */
    fx_gone (fx, worker);
    ask (fx, tool, &(try_t){.text = "x", .deadline_ms = 100});
    fx_time (fx, 100);
    expect_outcome (fx, tool, "timeout");
    fx_destroy (&fx);
}

/*  The last place of a service is kept for people, unless there is only one.  */
static void test_people_come_first (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 2), tool = fx_tool (fx);
    ask (fx, tool, &(try_t){.text = "a"});
    uint64_t first = trial (fx, worker);
    ask (fx, tool, &(try_t){.text = "b"});
    fx_expect_nothing (fx, worker);
    fx_say (fx, web, "web_1", "a person");
    uint64_t job = fx_job (fx, worker);
    fx_reply (fx, worker, first, "A");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_forget (fx, tool);
    fx_expect_nothing (fx, worker); /* one place is free: the last one */
    fx_say (fx, web, "web_2", "another");
    uint64_t other = fx_job (fx, worker);
    fx_say (fx, web, "web_3", "one that waits");
    fx_reply (fx, worker, job, "for the person");
    fx_expect (fx, worker, VERB_COMMITTED);
    job = fx_job (fx, worker);
    fx_reply (fx, worker, job, "for the one that waited");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_expect_nothing (fx, worker);
    fx_reply (fx, worker, other, "for the other");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_true (is_trial (&frame));
    fx_destroy (&fx);
}

static void test_half_of_the_credit (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 8), tool = fx_tool (fx), second;
    for (int i = 0; i < 6; i++)
        ask (fx, tool, &(try_t){.text = "x"});
    for (int i = 0; i < 4; i++)
        trial (fx, worker);
    fx_expect_nothing (fx, worker);
    second = fx_worker (fx, 1); /* its only place, while the other one has some */
    trial (fx, second);
    fx_expect_nothing (fx, worker);
    fx_destroy (&fx);
}

/*  A worker of wire version 1.0 cannot know that nothing may happen.  */
static void test_a_worker_that_knows_no_trials (void **state)
{
    static const char hello[] = "\x95\xa5"
                                "agent\xa3old\xa3"
                                "1.0\x01\x82\xa8services\x91\xa7"
                                "advisor\xa6"
                                "credit\x02";
    fixture_t *fx = start ("");
    plv_buf_t packet = {0};
    (void) state;
    uint32_t tool = fx_tool (fx), web = fx_adapter (fx, "web"), old = fx_peer (fx);
    const uint8_t head[] = {'P', 'V', 1, 0, VERB_HELLO, 0, 0, 0, sizeof hello - 1};
    plv_buf_add (&packet, head, sizeof head);
    plv_buf_add (&packet, hello, sizeof hello - 1);
    fx_raw (fx, old, FROM_WORKER, plv_buf_view (&packet));
    fx_expect (fx, old, VERB_WELCOME);
    plv_buf_free (&packet);
    ask (fx, tool, &(try_t){.text = "x", .deadline_ms = 1000});
    fx_expect_nothing (fx, old);
    fx_say (fx, web, "web_1", "a person");
    plv_frame_t job = fx_expect (fx, old, VERB_JOB);
    assert_false (is_trial (&job));
    fx_time (fx, 1000);
    expect_outcome (fx, tool, "timeout");
    fx_destroy (&fx);
}

static void hello_with_history (fixture_t *fx, uint32_t peer, uint64_t history)
{
    plv_buf_t *buf = fx_begin (fx, VERB_HELLO);
    plv_mp_put_text (buf, "agent");
    plv_mp_put_text (buf, "h");
    plv_mp_put_text (buf, "1.1");
    plv_mp_put_u64 (buf, 7);
    plv_mp_put_map (buf, 3);
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, 1);
    plv_mp_put_text (buf, "advisor");
    fx_put_number (buf, "credit", 1);
    fx_put_number (buf, "history", history);
    fx_send (fx, peer, FROM_WORKER);
    fx_expect (fx, peer, VERB_WELCOME);
}

/*  As much of what is given as the worker wants.  */
static void test_history_and_state (void **state)
{
    (void) state;
    for (uint32_t wanted = 0; wanted < 5; wanted++) {
        fixture_t *fx = start ("");
        plv_mp_t history;
        plv_view_t message = {0};
        uint32_t messages, due = wanted < 3 ? wanted : 3;
        char first[8];
        uint32_t worker = fx_peer (fx), tool = fx_tool (fx);
        hello_with_history (fx, worker, wanted);
        ask (fx, tool, &(try_t){.text = "x", .turns = 3, .state = true});
        plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
        history = plv_mp (job.arg[5].bytes);
        assert_true (plv_mp_array (&history, &messages));
        assert_int_equal (messages, 2 * due);
        snprintf (first, sizeof first, "%u", 3 - due);
        assert_true (due == 0 || plv_mp_skip (&history, &message));
        assert_true (due == 0 || plv_view_is (plv_mp_find_str (message, "text"), first));
        assert_true (plv_view_is (plv_mp_find_str (job.arg[6].bytes, "mood"), "good"));
        fx_destroy (&fx);
    }
}

static void test_what_is_refused (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t tool = fx_tool (fx), web = fx_adapter (fx, "web");
    ask (fx, tool, &(try_t){.text = "x", .service = "no name"});
    fx_expect_result (fx, tool, "ARG");
    ask (fx, tool, &(try_t){.text = NULL});
    fx_expect_result (fx, tool, "MSGPACK");
    ask (fx, tool, &(try_t){.text = "x", .type = EVENT_CHAT_RESPONSE});
    fx_expect_result (fx, tool, "ARG");
    ask (fx, tool, &(try_t){.text = "x", .deadline_ms = 86400000});
    fx_expect_result (fx, tool, "RANGE");
    fx_control (fx, tool, "try", "service", 0, "advisor");
    fx_expect_result (fx, tool, "ARG");
    plv_buf_t *buf = fx_control_begin (fx, "try", 4);
    fx_put_text (buf, "service", "advisor");
    put_event (fx, buf, &(try_t){.text = "x"});
    fx_put_text (buf, "history", "long");
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, "ARG");
    ask (fx, web, &(try_t){.text = "x"});
    fx_expect_result (fx, web, "AUTH");
    assert_int_equal (fx_count (fx, COUNTER_TRIALS), 0);
    fx_destroy (&fx);
}

static void test_as_many_as_may_be (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    fx->check_recovery = false;
    uint32_t tool = fx_tool (fx);
    for (int i = 0; i < CALLS_MAX; i++)
        ask (fx, tool, &(try_t){.text = "x"});
    fx_expect_nothing (fx, tool);
    ask (fx, tool, &(try_t){.text = "x"});
    fx_expect_result (fx, tool, "BUSY");
    fx_gone (fx, tool);
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 0);
    fx_destroy (&fx);
}

static void test_the_broker_stops (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 1), tool = fx_tool (fx);
    ask (fx, tool, &(try_t){.text = "has it"});
    uint64_t lease = trial (fx, worker);
    ask (fx, tool, &(try_t){.text = "waits"});
    fx_input (fx, (input_t){.type = INPUT_DRAIN});
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_true (plv_view_is (plv_mp_find_str (body, "outcome"), "busy"));
    ask (fx, tool, &(try_t){.text = "too late"});
    fx_expect_result (fx, tool, "BUSY");
    assert_true (core_busy (fx->core));
    fx_reply (fx, worker, lease, "in time");
    expect_outcome (fx, tool, "answer");
    assert_false (core_busy (fx->core));
    fx_destroy (&fx);
}

/*  The worker that had one is told; a connection of the same process takes it over.  */
static void test_connections (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 1), tool = fx_tool (fx), again;
    fx_hello_t hello = {
        .role = "agent", .name = "w", .service = "advisor", .credit = 1, .incarnation = 100};
    ask (fx, tool, &(try_t){.text = "x"});
    hello.holding = trial (fx, worker);
    again = fx_peer (fx);
    fx_hello (fx, again, FROM_WORKER, &hello);
    fx_expect (fx, again, VERB_WELCOME);
    fx_expect_nothing (fx, again);
    fx_reply (fx, again, hello.holding, "by the new way");
    expect_outcome (fx, tool, "answer");
    ask (fx, tool, &(try_t){.text = "x"});
    fx_expect (fx, again, VERB_COMMITTED);
    hello.holding = trial (fx, again);
    fx_restart (fx);
    again = fx_peer (fx);
    fx_hello (fx, again, FROM_WORKER, &hello);
    fx_expect (fx, again, VERB_WELCOME);
    fx_expect_cancel (fx, again, hello.holding, "not_leased");
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 0);
    fx_destroy (&fx);
}

/*  Of the same session, at the same worker: the words of the trial reach nobody.  */
static void test_words_as_they_come (void **state)
{
    fixture_t *fx = start ("");
    plv_envelope_t event;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "hello");
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    assert_int_equal (plv_envelope_parse (job.arg[3].bytes, &event, NULL), ERR_OK);
    plv_id_t mine = event.id;
    ask (fx, tool, &(try_t){.text = "x"});
    job = fx_expect (fx, worker, VERB_JOB);
    assert_int_equal (plv_envelope_parse (job.arg[3].bytes, &event, NULL), ERR_OK);
    plv_id_t tried = event.id;
    fx_live (fx, worker, EVENT_CHAT_DELTA, "delta", &tried);
    fx_expect_nothing (fx, web);
    fx_live (fx, worker, EVENT_CHAT_DELTA, "delta", &mine);
    fx_expect (fx, web, VERB_LIVE);
    fx_destroy (&fx);
}

/*  Dead letters. Session web_N said "N", and its agent could not.  */
static void kill_some (fixture_t *fx, uint32_t web, uint32_t worker, int letters)
{
    for (int i = 1; i <= letters; i++) {
        char session[24], text[16];
        snprintf (session, sizeof session, "web_%d", i);
        snprintf (text, sizeof text, "%d", i);
        fx_say (fx, web, session, "before");
        fx_reply (fx, worker, fx_job (fx, worker), "yes");
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
        fx_expect (fx, web, VERB_SETTLED);
        fx_say (fx, web, session, text);
        fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
        fx_expect (fx, web, VERB_SETTLED);
    }
}

/*  dead.replay of these letters in shadow; `key` and `text`: one argument more, or NULL.  */
static void shadow (fixture_t *fx, uint32_t tool, const uint64_t *numbers, uint32_t count,
                    const char *key, const char *text)
{
    plv_buf_t *buf = fx_control_begin (fx, "dead.replay", key ? 3 : 2);
    plv_mp_put_text (buf, "shadow");
    plv_mp_put_bool (buf, true);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, count);
    for (uint32_t i = 0; i < count; i++)
        plv_mp_put_u64 (buf, numbers[i]);
    if (key && strcmp (key, "set") == 0) {
        plv_mp_put_text (buf, key);
        plv_mp_put_map (buf, 1);
        fx_put_text (buf, "message_text", text);
    } else if (key) {
        fx_put_text (buf, key, text);
    }
    fx_send (fx, tool, FROM_TOOL);
}

static uint64_t letters (fixture_t *fx, uint32_t tool, uint64_t *numbers, uint32_t most)
{
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    uint32_t found = fx_items (body, "items");
    for (uint32_t i = 0; i < found && i < most; i++)
        numbers[i] = fx_number (fx_item (body, "items", i), "number");
    return found;
}

static plv_view_t part (fixture_t *fx, uint32_t tool, const char *outcome)
{
    plv_frame_t frame = fx_expect (fx, tool, VERB_RESULT);
    assert_true (frame.arg[1].number); /* more to come */
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[3].bytes, "outcome"), outcome));
    return frame.arg[3].bytes;
}

static void last_part (fixture_t *fx, uint32_t tool, const char *status, uint64_t answered,
                       uint64_t failed, uint64_t missing)
{
    plv_frame_t frame = fx_expect (fx, tool, VERB_RESULT);
    assert_false (frame.arg[1].number);
    assert_true (plv_view_is (frame.arg[2].bytes, status));
    assert_int_equal (fx_number (frame.arg[3].bytes, "answered"), answered);
    assert_int_equal (fx_number (frame.arg[3].bytes, "failed"), failed);
    assert_int_equal (fx_number (frame.arg[3].bytes, "missing"), missing);
    fx_expect_nothing (fx, tool);
}

static void test_letters (void **state)
{
    fixture_t *fx = start ("fallback = { general_error = \"Sorry.\"; };");
    uint64_t numbers[4];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    kill_some (fx, web, worker, 2);
    assert_int_equal (letters (fx, tool, numbers, 4), 2);
    uint64_t digest = core_digest (fx->core);
    numbers[2] = 999;
    shadow (fx, tool, numbers, 3, NULL, NULL);
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    uint64_t one = job.arg[0].number;
    assert_true (is_trial (&job));
    assert_true (plv_view_is (plv_mp_find_str (job.arg[4].bytes, "message_text"), "1"));
    plv_mp_t history = plv_mp (job.arg[5].bytes);
    uint32_t messages;
    assert_true (plv_mp_array (&history, &messages));
    assert_true (messages >= 2); /* what the session keeps */
    uint64_t two = trial (fx, worker);
    fx_time (fx, 40);
    fx_nack (fx, worker, two, true, "llm_unavailable");
    plv_view_t body = part (fx, tool, "nack");
    assert_int_equal (fx_number (body, "number"), numbers[1]);
    assert_true (plv_view_is (plv_mp_find_str (body, "session_id"), "web_2"));
    assert_true (plv_view_is (plv_mp_find_str (body, "why"), "because"));
    fx_expect_nothing (fx, tool);
    fx_reply (fx, worker, one, "One.");
    body = part (fx, tool, "answer");
    assert_int_equal (fx_number (body, "number"), numbers[0]);
    assert_int_equal (fx_number (body, "took_ms"), 40);
    assert_true (plv_view_is (plv_mp_find_str (body, "answer"), "One."));
    assert_true (plv_view_is (plv_mp_find_str (body, "old"), "Sorry."));
    last_part (fx, tool, "ok", 1, 1, 1);
    assert_int_equal (core_digest (fx->core), digest);
    assert_int_equal (letters (fx, tool, numbers, 4), 2);
    fx_expect_nothing (fx, web);
    fx_destroy (&fx);
}

static void test_letters_otherwise (void **state)
{
    fixture_t *fx = start ("routes = ( { name = \"main\"; service = \"advisor\"; },"
                           " { name = \"other\"; service = \"second\"; } );");
    uint64_t numbers[4], none = 0;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    uint32_t second = fx_peer (fx);
    fx_hello (fx, second, FROM_WORKER,
              &(fx_hello_t){.role = "agent", .name = "s", .service = "second", .credit = 2});
    fx_expect (fx, second, VERB_WELCOME);
    kill_some (fx, web, worker, 1);
    assert_int_equal (letters (fx, tool, numbers, 4), 1);
    shadow (fx, tool, &none, 1, NULL, NULL); /* does the broker know of it? */
    last_part (fx, tool, "NOENT", 0, 0, 1);
    shadow (fx, tool, numbers, 1, "to", "other");
    fx_reply (fx, second, trial (fx, second), "by the other");
    part (fx, tool, "answer");
    last_part (fx, tool, "ok", 1, 0, 0);
    shadow (fx, tool, numbers, 1, "set", "corrected");
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (plv_mp_find_str (job.arg[4].bytes, "message_text"), "corrected"));
    fx_gone (fx, tool);
    fx_expect (fx, worker, VERB_CANCEL);
    tool = fx_tool (fx);
    shadow (fx, tool, numbers, 1, "to", "nowhere");
    plv_view_t why = plv_mp_find_str (fx_expect_result (fx, tool, "ARG"), "text");
    assert_true (plv_view_is (
        why, "no route is named \"nowhere\", and none leads to a service of this name; "
             "palaver routes list shows them"));
    assert_int_equal (letters (fx, tool, numbers, 4), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_TRIALS), 0);
    fx_destroy (&fx);
}

/*  A reply is no event: there is nothing to try.  */
static void test_replies_are_left_out (void **state)
{
    fixture_t *fx = start ("");
    uint64_t numbers[2];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "x");
    fx_reply (fx, worker, fx_job (fx, worker), "an answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "unknown", 0);
    fx_forget (fx, web);
    assert_int_equal (letters (fx, tool, numbers, 2), 1);
    shadow (fx, tool, numbers, 1, NULL, NULL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_int_equal (fx_number (body, "skipped"), 1);
    assert_true (plv_view_is (plv_mp_find_str (fx_item (body, "skips", 0), "why"), "kind"));
    fx_expect_nothing (fx, worker);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_an_answer),
        cmocka_unit_test (test_failures_are_told),
        cmocka_unit_test (test_a_worker_that_dies),
        cmocka_unit_test (test_a_tool_that_goes),
        cmocka_unit_test (test_nobody_serves_it),
        cmocka_unit_test (test_people_come_first),
        cmocka_unit_test (test_half_of_the_credit),
        cmocka_unit_test (test_a_worker_that_knows_no_trials),
        cmocka_unit_test (test_history_and_state),
        cmocka_unit_test (test_what_is_refused),
        cmocka_unit_test (test_as_many_as_may_be),
        cmocka_unit_test (test_the_broker_stops),
        cmocka_unit_test (test_connections),
        cmocka_unit_test (test_words_as_they_come),
        cmocka_unit_test (test_letters),
        cmocka_unit_test (test_letters_otherwise),
        cmocka_unit_test (test_replies_are_left_out),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
