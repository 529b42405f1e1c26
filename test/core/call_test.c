/*  Calls: a worker, inside a job, asks another service and waits for the answer.  */

#include "fixture.h"

#include "wire/frame.h"

#include <stdio.h>

enum { DEADLINE_MS = 20000 };

static fixture_t *start (const char *more)
{
    char conf[FX_CONF_BYTES];
    snprintf (
        conf, sizeof conf,
        "agents = { heartbeat_ms = 30000; timeout_ms = 60000; deadline_ms = %d; backoff_ms = 100; };"
        " rate_limit = { on = false; }; data = { reflect_s = 1; };%s",
        DEADLINE_MS, more);
    fixture_t *fx = fx_new (conf);
    fx->check_recovery = true;
    return fx;
}

static uint32_t worker_of (fixture_t *fx, const char *service, uint64_t credit)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (fx, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = service,
                            .service = service,
                            .credit = credit,
                            .incarnation = (uint8_t) peer});
    fx_expect (fx, peer, VERB_WELCOME);
    return peer;
}

/*  A person's message, with an agent that works on it; the lease.  */
static uint64_t begun (fixture_t *fx, uint32_t web, uint32_t agent, const char *session)
{
    fx_say (fx, web, session, "which fund?");
    return fx_job (fx, agent);
}

typedef struct {
    uint64_t lease;
    uint64_t id;
    const char *service; /* NULL: research */
    const char *text;
    uint64_t deadline_ms; /* 0: not given */
} call_args_t;

static void call (fixture_t *fx, uint32_t peer, const call_args_t *args)
{
    plv_buf_t body = {0};
    plv_buf_t *buf = fx_begin (fx, VERB_CALL);
    plv_mp_put_u64 (buf, args->lease);
    plv_mp_put_u64 (buf, args->id);
    plv_mp_put_text (buf, args->service ? args->service : "research");
    plv_mp_put_map (&body, 1);
    fx_put_text (&body, "message_text", args->text);
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_buf_free (&body);
    if (args->deadline_ms) {
        plv_mp_put_map (buf, 1);
        fx_put_number (buf, "deadline_ms", args->deadline_ms);
    } else {
        plv_mp_put_nil (buf);
    }
    fx_send (fx, peer, FROM_WORKER);
}

static void call_cancel (fixture_t *fx, uint32_t peer, uint64_t lease, uint64_t id)
{
    plv_buf_t *buf = fx_begin (fx, VERB_CALL_CANCEL);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_u64 (buf, id);
    fx_send (fx, peer, FROM_WORKER);
}

/*  What comes back: the reason, or the text of the answer.  */
static plv_view_t answered (fixture_t *fx, uint32_t peer, uint64_t lease, uint64_t id,
                            const char *outcome)
{
    plv_frame_t frame = fx_expect (fx, peer, VERB_ANSWER);
    assert_int_equal (frame.arg[0].number, lease);
    assert_int_equal (frame.arg[1].number, id);
    if (!plv_view_is (frame.arg[2].bytes, outcome))
        fail_msg ("the outcome is " PLV_VIEW_FMT " (" PLV_VIEW_FMT "), where %s is due",
                  PLV_VIEW_ARG (frame.arg[2].bytes), PLV_VIEW_ARG (frame.arg[5].bytes), outcome);
    assert_int_equal (frame.arg[3].nil, strcmp (outcome, "answer") != 0);
    return frame.arg[3].nil ? frame.arg[5].bytes
                            : plv_mp_find_str (frame.arg[3].bytes, "response_text");
}

static void test_an_answer (void **state)
{
    fixture_t *fx = start ("");
    plv_envelope_t envelope;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1);
    uint64_t lease = begun (fx, web, agent, "web_1"), digest = core_digest (fx->core);
    call (fx, agent, &(call_args_t){.lease = lease, .id = 5, .text = "rates?"});
    plv_frame_t job = fx_expect (fx, other, VERB_JOB);
    uint64_t asked = job.arg[0].number;
    assert_int_equal (job.arg[1].number, 1);
    assert_int_equal (job.arg[2].number, DEADLINE_MS - CALL_MARGIN_MS);
    assert_int_equal (plv_envelope_parse (job.arg[3].bytes, &envelope, NULL), ERR_OK);
    assert_true (plv_view_is (envelope.session_id, "web_1"));
    assert_true (plv_view_is (envelope.user_id, "u"));
    assert_true (plv_view_is (envelope.type, "chat.message"));
    assert_false (envelope.has_reply_to);
    assert_true (plv_view_is (plv_mp_find_str (job.arg[4].bytes, "message_text"), "rates?"));
    assert_int_equal (fx_number (job.arg[9].bytes, "depth"), 1);
    assert_true (plv_view_is (plv_mp_find_str (job.arg[9].bytes, "service"), "research"));
    assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 1);
    fx_reply (fx, other, asked, "three per cent");
    assert_int_equal (fx_expect_number (fx, other, VERB_COMMITTED), asked);
    assert_true (plv_view_is (answered (fx, agent, lease, 5, "answer"), "three per cent"));
    assert_int_equal (core_digest (fx->core), digest);
    assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 0);
    fx_expect_nothing (fx, web);
    fx_reply (fx, agent, lease, "this fund");
    fx_expect (fx, web, VERB_DELIVER);
    fx_destroy (&fx);
}

static void test_failures_come_back (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    fx_nack (fx, other, fx_job (fx, other), false, "data_unavailable");
    plv_frame_t frame = fx_expect (fx, agent, VERB_ANSWER);
    assert_true (plv_view_is (frame.arg[2].bytes, "nack"));
    assert_true (plv_view_is (frame.arg[4].bytes, "data_unavailable"));
    assert_true (plv_view_is (frame.arg[5].bytes, "because"));
    call (fx, agent, &(call_args_t){.lease = lease, .id = 2, .text = NULL});
    answered (fx, agent, lease, 2, "refused");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 3, .text = "x", .service = "no name"});
    answered (fx, agent, lease, 3, "refused");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 4, .text = "x", .deadline_ms = 200});
    fx_expect (fx, other, VERB_COMMITTED);
    uint64_t slow = fx_job (fx, other);
    fx_time (fx, 200);
    fx_expect_cancel (fx, other, slow, "deadline");
    answered (fx, agent, lease, 4, "timeout");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 5, .text = "x", .service = "nobody"});
    fx_time (fx, CALL_UNSERVED_MS);
    answered (fx, agent, lease, 5, "unserved");
    assert_int_equal (fx_count (fx, COUNTER_CALLS_FAILED), 5);
    fx_destroy (&fx);
}

static void test_a_callee_that_dies (void **state)
{
    fixture_t *fx = start ("");
    plv_mp_t value;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    for (int i = 0; i < CALL_ATTEMPTS_MAX; i++) {
        uint32_t other = worker_of (fx, "research", 1);
        plv_frame_t job = fx_expect (fx, other, VERB_JOB);
        assert_int_equal (job.arg[1].number, i + 1);
        assert_int_equal (plv_mp_find (job.arg[7].bytes, "half", &value), i > 0);
        fx_step_save (fx, other, job.arg[0].number, "half", 3);
        fx_expect (fx, other, VERB_STEP_SAVED);
        fx_gone (fx, other);
    }
    answered (fx, agent, lease, 1, "lost");
    fx_destroy (&fx);
}

typedef enum { REPLIES, GIVES_BACK, GOES, IS_INTERRUPTED, IS_LATE, END_COUNT_ } end_t;

static void end_job (fixture_t *fx, end_t end, uint32_t web, uint32_t agent, uint64_t lease)
{
    switch (end) {
    case REPLIES:
        fx_reply (fx, agent, lease, "without it");
        break;
    case GIVES_BACK:
        fx_nack (fx, agent, lease, false, "general_error");
        break;
    case GOES:
        fx_gone (fx, agent);
        break;
    case IS_INTERRUPTED:
        fx_say (fx, web, "web_1", "no, something else");
        break;
    default:
        fx_time (fx, DEADLINE_MS);
    }
}

/*  However the job that calls ends, its calls do, and those of whoever it called.  */
static void test_the_caller_ends (void **state)
{
    (void) state;
    for (end_t end = REPLIES; end < END_COUNT_; end++) {
        fixture_t *fx = start (
            "routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"interrupt\"; } );");
        uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 2);
        uint32_t other = worker_of (fx, "research", 2), deep = worker_of (fx, "deep", 1);
        uint64_t lease = begun (fx, web, agent, "web_1");
        uint64_t second = begun (fx, web, agent, "web_2");
        call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
        uint64_t asked = fx_job (fx, other);
        call (fx, agent, &(call_args_t){.lease = second, .id = 1, .text = "stays"});
        uint64_t stays = fx_job (fx, other);
        call (fx, other, &(call_args_t){.lease = asked, .id = 7, .text = "y", .service = "deep"});
        uint64_t nested = fx_job (fx, deep);
        call (fx, agent, &(call_args_t){.lease = lease, .id = 2, .text = "waits"});
        end_job (fx, end, web, agent, lease);
        if (end != IS_LATE) /* else the calls were over before */
            fx_expect_cancel (fx, other, asked, "unwanted");
        if (end == IS_LATE) {
            assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 0);
        } else if (end != GOES) {
            fx_expect_cancel (fx, deep, nested, "unwanted");
            fx_expect_nothing (fx, other);
            fx_reply (fx, other, stays, "here it is");
            fx_forget (fx, agent);
            assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 0);
        } else {
            fx_expect_cancel (fx, other, stays, "unwanted");
            assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 0);
        }
        fx_destroy (&fx);
    }
}

/*  A service that calls itself with all its credit in hand: the one that waits has time left to say so.  */
static void test_a_circle_of_credit (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x", .service = "advisor"});
    fx_expect_nothing (fx, agent);
    fx_time (fx, DEADLINE_MS - CALL_MARGIN_MS);
    plv_view_t why = answered (fx, agent, lease, 1, "timeout");
    assert_non_null (memmem (why.data, why.size, "take places", strlen ("take places")));
    fx_reply (fx, agent, lease, "I could not find out");
    fx_expect (fx, web, VERB_DELIVER);
    fx_destroy (&fx);
}

static void test_deep_calls (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 20);
    uint64_t lease = begun (fx, web, agent, "web_1");
    for (uint64_t depth = 1; depth <= CALL_DEPTH_MAX; depth++) {
        call (fx, agent,
              &(call_args_t){.lease = lease, .id = 1, .text = "x", .service = "advisor"});
        plv_frame_t job = fx_expect (fx, agent, VERB_JOB);
        lease = job.arg[0].number;
        assert_int_equal (fx_number (job.arg[9].bytes, "depth"), depth);
    }
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x", .service = "advisor"});
    answered (fx, agent, lease, 1, "refused");
    fx_destroy (&fx);
}

static void test_many_calls (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 200);
    uint64_t lease = begun (fx, web, agent, "web_1");
    for (uint64_t id = 0; id < CALLS_OF_JOB_MAX; id++)
        call (fx, agent, &(call_args_t){.lease = lease, .id = id, .text = "x"});
    call (fx, agent, &(call_args_t){.lease = lease, .id = 0, .text = "the same again"});
    fx_expect_nothing (fx, agent);
    call (fx, agent, &(call_args_t){.lease = lease, .id = 99, .text = "x"});
    answered (fx, agent, lease, 99, "busy");
    for (uint64_t id = 0; id < CALLS_OF_JOB_MAX; id++) {
        fx_reply (fx, other, fx_job (fx, other), "one");
        answered (fx, agent, lease, id, "answer");
    }
    fx_destroy (&fx);
}

/*  Somebody works already, and waits for it.  */
static void test_calls_go_before_events (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    fx_say (fx, web, "web_2", "waits for an agent");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x", .service = "advisor"});
    uint32_t second = worker_of (fx, "advisor", 1);
    plv_frame_t job = fx_expect (fx, second, VERB_JOB);
    assert_false (job.arg[9].nil);
    fx_reply (fx, second, job.arg[0].number, "done");
    fx_expect (fx, second, VERB_COMMITTED);
    job = fx_expect (fx, second, VERB_JOB);
    assert_true (job.arg[9].nil);
    fx_destroy (&fx);
}

static void test_a_job_that_is_not_theirs (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, other, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    fx_expect_cancel (fx, other, lease, "not_leased");
    call (fx, other, &(call_args_t){.lease = UINT64_MAX, .id = 1, .text = "x"});
    fx_expect_cancel (fx, other, UINT64_MAX, "finished");
    assert_int_equal (fx_count (fx, COUNTER_CALLS), 0);
    fx_destroy (&fx);
}

static void claim (fixture_t *fx, uint32_t peer, const char *service, uint8_t incarnation,
                   uint64_t lease)
{
    fx_hello (fx, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "w",
                            .service = service,
                            .credit = 1,
                            .incarnation = incarnation,
                            .holding = lease});
    fx_expect (fx, peer, VERB_WELCOME);
}

/*  One call ends, with what it has called; the job and its other calls go on.  */
static void test_one_call_is_ended (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1), deep = worker_of (fx, "deep", 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    uint64_t asked = fx_job (fx, other);
    call (fx, other, &(call_args_t){.lease = asked, .id = 1, .text = "y", .service = "deep"});
    uint64_t deeper = fx_job (fx, deep);
    call (fx, agent, &(call_args_t){.lease = lease, .id = 2, .text = "waits"});
    call (fx, agent, &(call_args_t){.lease = lease, .id = 3, .text = "waits, too"});
    call_cancel (fx, agent, lease, 2);
    call_cancel (fx, agent, lease, 1);
    fx_expect_cancel (fx, other, asked, "unwanted");
    fx_expect_cancel (fx, deep, deeper, "unwanted");
    fx_expect_nothing (fx, agent);
    uint64_t third = fx_job (fx, other);
    fx_reply (fx, other, third, "the third");
    assert_true (plv_view_is (answered (fx, agent, lease, 3, "answer"), "the third"));
    assert_int_equal (fx_gauge (fx, GAUGE_CALLS), 0);
    assert_int_equal (fx_count (fx, COUNTER_CALLS_FAILED), 0);
    fx_reply (fx, agent, lease, "with one of three");
    fx_expect (fx, web, VERB_DELIVER);
    fx_destroy (&fx);
}

/*  A call that is over, was never made, or is somebody else's is passed over.  */
static void test_no_call_to_end (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1), third = fx_worker (fx, 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    uint64_t asked = fx_job (fx, other);
    call_cancel (fx, third, lease, 1);
    call_cancel (fx, other, asked, 1);
    call_cancel (fx, agent, lease, 2);
    call_cancel (fx, agent, 7, 1);
    call_cancel (fx, agent, 0, 1);
    fx_expect_nothing (fx, third);
    fx_expect_nothing (fx, other);
    fx_reply (fx, other, asked, "here");
    answered (fx, agent, lease, 1, "answer");
    call_cancel (fx, agent, lease, 1);
    fx_expect_nothing (fx, agent);
    fx_destroy (&fx);
}

/*  The caller's connection is a new one: its answer comes that way.  */
static void test_the_caller_connects_again (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    uint64_t asked = fx_job (fx, other);
    agent = fx_peer (fx);
    claim (fx, agent, "advisor", 100, lease);
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"}); /* it cannot know */
    fx_expect_nothing (fx, other);
    fx_reply (fx, other, asked, "here");
    answered (fx, agent, lease, 1, "answer");
    fx_expect_nothing (fx, agent);
    fx_destroy (&fx);
}

/*  The job goes on, the call is made again.  */
static void test_a_restart (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), agent = fx_worker (fx, 1);
    uint32_t other = worker_of (fx, "research", 1);
    uint64_t lease = begun (fx, web, agent, "web_1");
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    uint64_t asked = fx_job (fx, other);
    fx_restart (fx);
    agent = fx_peer (fx);
    claim (fx, agent, "advisor", 100, lease);
    call (fx, agent, &(call_args_t){.lease = lease, .id = 1, .text = "x"});
    uint32_t again = fx_peer (fx);
    claim (fx, again, "research", (uint8_t) other, asked);
    fx_expect_cancel (fx, again, asked, "not_leased");
    fx_reply (fx, again, fx_job (fx, again), "again");
    answered (fx, agent, lease, 1, "answer");
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_an_answer),
        cmocka_unit_test (test_failures_come_back),
        cmocka_unit_test (test_a_callee_that_dies),
        cmocka_unit_test (test_the_caller_ends),
        cmocka_unit_test (test_a_circle_of_credit),
        cmocka_unit_test (test_deep_calls),
        cmocka_unit_test (test_many_calls),
        cmocka_unit_test (test_calls_go_before_events),
        cmocka_unit_test (test_a_job_that_is_not_theirs),
        cmocka_unit_test (test_one_call_is_ended),
        cmocka_unit_test (test_no_call_to_end),
        cmocka_unit_test (test_the_caller_connects_again),
        cmocka_unit_test (test_a_restart),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
