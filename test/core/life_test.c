/*  How sessions begin and end, and the events that say so: session.created, session.ended.  */

#include "fixture.h"

#include <stdio.h>

#define ROUTE(more)                                                                                \
    "routes = ( { name = \"r\"; service = \"advisor\"; types = [ \"chat.message\","                \
    " \"session.created\", \"session.ended\" ]; " more " } );"

static fixture_t *start (const char *more)
{
    char conf[FX_CONF_BYTES];
    snprintf (
        conf, sizeof conf,
        "agents = { heartbeat_ms = 1000; timeout_ms = 60000; backoff_ms = 100; attempts = 2; };"
        " session = { idle_s = 30; }; data = { reflect_s = 1; }; %s",
        more);
    fixture_t *fx = fx_new (conf);
    fx->check_recovery = true;
    return fx;
}

/*  The next job must be of this type; its lease.  */
static uint64_t job (fixture_t *fx, uint32_t worker, const char *type, plv_frame_t *ret_frame)
{
    plv_envelope_t envelope;
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_int_equal (plv_envelope_parse (frame.arg[3].bytes, &envelope, NULL), ERR_OK);
    if (!plv_view_is (envelope.type, type))
        fail_msg ("a job of type " PLV_VIEW_FMT " where %s is due", PLV_VIEW_ARG (envelope.type),
                  type);
    assert_true (plv_view_is (envelope.session_id, "web_1"));
    assert_true (plv_view_is (envelope.user_id, "u"));
    assert_true (plv_view_is (envelope.adapter, "web"));
    if (ret_frame)
        *ret_frame = frame;
    return frame.arg[0].number;
}

static void done (fixture_t *fx, uint32_t worker, uint64_t lease)
{
    fx_reply (fx, worker, lease, "");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
}

static void answered (fixture_t *fx, uint32_t web, uint32_t worker)
{
    uint64_t lease = job (fx, worker, "chat.message", NULL);
    fx_reply (fx, worker, lease, "an answer");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
}

static uint32_t history (const plv_frame_t *frame)
{
    plv_mp_t value = plv_mp (frame->arg[5].bytes);
    uint32_t maps = 0;
    assert_true (plv_mp_array (&value, &maps));
    return maps;
}

static double duration (plv_view_t body)
{
    plv_mp_t value;
    double seconds = -1;
    assert_true (plv_mp_find (body, "duration", &value) && plv_mp_peek (&value) == MP_FLOAT);
    assert_true (plv_mp_double (&value, &seconds));
    return seconds;
}

static void test_nobody_asks (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "hello");
    answered (fx, web, worker);
    fx_time (fx, 31000);
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    assert_int_equal (fx_count (fx, COUNTER_SESSIONS_ENDED), 1);
    fx_destroy (&fx);
}

static void test_created_comes_first (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    plv_frame_t frame;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    fx_say (fx, web, "web_1", "two");
    uint64_t lease = job (fx, worker, "session.created", &frame);
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "user_id"), "u"));
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "platform"), "web"));
    fx_expect_nothing (fx, worker); /* the messages wait behind it */
    fx_restart (fx);                /* and it is kept as they are */
    web = fx_adapter (fx, "web");
    worker = fx_worker (fx, 4);
    lease = job (fx, worker, "session.created", &frame);
    assert_int_equal (frame.arg[1].number, 2);
    done (fx, worker, lease);
    fx_expect_nothing (fx, web); /* an empty answer is none */
    answered (fx, web, worker);
    assert_int_equal (
        history (&(plv_frame_t){.arg = {[5] = fx_expect (fx, worker, VERB_JOB).arg[5]}}),
        2); /* the message alone made a turn */
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 0);
    uint32_t tool = fx_tool (fx);
    fx_control (fx, tool, "sessions.show", "session", 0, "web_1");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "message_count"), 2);
    fx_destroy (&fx);
}

static void test_a_greeting_is_delivered (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    fx_reply (fx, worker, job (fx, worker, "session.created", NULL), "welcome");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_frame_t frame = fx_expect (fx, web, VERB_DELIVER);
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[3].bytes, "response_text"), "welcome"));
    fx_destroy (&fx);
}

static void test_ended_is_the_last (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    plv_frame_t frame;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    done (fx, worker, job (fx, worker, "session.created", NULL));
    answered (fx, web, worker);
    fx_time (fx, 1500);
    fx_say (fx, web, "web_1", "two");
    answered (fx, web, worker);
    fx_time (fx, 29900);
    fx_expect_nothing (fx, worker);
    fx_time (fx, 200);
    uint64_t lease = job (fx, worker, "session.ended", &frame);
    assert_int_equal (fx_number (frame.arg[4].bytes, "message_count"), 2);
    assert_true (duration (frame.arg[4].bytes) > 1.49 && duration (frame.arg[4].bytes) < 1.51);
    assert_int_equal (history (&frame), 4);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 1);
    fx_restart (fx);
    worker = fx_worker (fx, 4);
    lease = job (fx, worker, "session.ended", &frame);
    assert_int_equal (history (&frame), 4);
    done (fx, worker, lease);
    fx_time (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    fx_expect_nothing (fx, worker);
    fx_destroy (&fx);
}

/*  A message that comes while session.ended is worked on belongs to the next session.  */
static void test_a_message_behind_the_end (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    plv_frame_t frame;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    done (fx, worker, job (fx, worker, "session.created", NULL));
    answered (fx, web, worker);
    fx_control (fx, tool, "sessions.reset", "session", 0, "web_1");
    fx_expect_result (fx, tool, "ok");
    uint64_t ended = job (fx, worker, "session.ended", NULL);
    fx_control (fx, tool, "sessions.reset", "session", 0, "web_1");
    fx_expect_result (fx, tool, "BUSY");
    fx_say (fx, web, "web_1", "two");
    fx_say (fx, web, "web_1", "three");
    fx_expect_nothing (fx, worker);
    done (fx, worker, ended);
    uint64_t created = job (fx, worker, "session.created", &frame);
    assert_int_equal (history (&frame), 0);
    done (fx, worker, created);
    answered (fx, web, worker);
    answered (fx, web, worker);
    fx_control (fx, tool, "sessions.end", "session", 0, "web_1");
    fx_expect_result (fx, tool, "ok");
    ended = job (fx, worker, "session.ended", &frame);
    assert_int_equal (fx_number (frame.arg[4].bytes, "message_count"), 2);
    fx_reply (fx, worker, ended, "farewell"); /* delivered before it is over */
    uint64_t farewell = fx_expect_number (fx, web, VERB_DELIVER);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 1);
    fx_delivered (fx, web, farewell, "sent", 0);
    fx_time (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    assert_int_equal (fx_count (fx, COUNTER_SESSIONS_CREATED), 2);
    assert_int_equal (fx_count (fx, COUNTER_SESSIONS_ENDED), 2);
    fx_destroy (&fx);
}

static void test_failures_are_dead_letters_that_nobody_is_told_of (void **state)
{
    fixture_t *fx = start (ROUTE ("on_dead = \"park\";"));
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    fx_nack (fx, worker, job (fx, worker, "session.created", NULL), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_expect_nothing (fx, worker); /* parked, by the route's word */
    fx_expect_nothing (fx, web);
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_view_is (plv_mp_find_str (item, "type"), "session.created"));
    fx_control (fx, tool, "dead.replay", "numbers", fx_number (item, "number"), NULL);
    fx_expect_result (fx, tool, "ok");
    done (fx, worker, job (fx, worker, "session.created", NULL));
    answered (fx, web, worker);
    fx_time (fx, 31000);
    fx_nack (fx, worker, job (fx, worker, "session.ended", NULL), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_time (fx, 0);
    fx_expect_nothing (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0); /* it is over all the same */
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_control (fx, tool, "dead.replay", "numbers", 4, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    done (fx, worker, job (fx, worker, "session.ended", NULL));
    fx_time (fx, 31000); /* what only carried a letter ends without a word */
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    fx_destroy (&fx);
}

/*  They are beside every count and limit that is for people.  */
static void test_they_are_no_messages (void **state)
{
    fixture_t *fx = start (ROUTE (
        "overlap = \"reject\";") "rate_limit = { messages = 1; }; limits = { pending = 2; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    uint64_t created = job (fx, worker, "session.created", NULL);
    fx_expect_nothing (fx, web); /* not rejected because of that job */
    fx_time (fx, 20000);
    done (fx, worker, created); /* this keeps nothing open */
    uint64_t lease = job (fx, worker, "chat.message", NULL);
    fx_reply (fx, worker, lease, "an answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    assert_int_equal (fx_count (fx, COUNTER_EVENTS_ACCEPTED), 1);
    assert_int_equal (fx_count (fx, COUNTER_RATE_LIMITED), 0);
    fx_destroy (&fx);
}

/*  A first message that is refused begins a session as any other.  */
static void test_a_first_message_that_is_refused (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "<script>x</script>");
    fx_expect (fx, web, VERB_DELIVER);
    done (fx, worker, job (fx, worker, "session.created", NULL));
    fx_expect_nothing (fx, worker);
    fx_destroy (&fx);
}

/*  A letter of a session that has ended begins it anew.  */
static void test_a_letter_after_the_end (void **state)
{
    fixture_t *fx = start (ROUTE (""));
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    done (fx, worker, job (fx, worker, "session.created", NULL));
    fx_nack (fx, worker, job (fx, worker, "chat.message", NULL), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_forget (fx, web);
    fx_time (fx, 31000);
    uint64_t ended = job (fx, worker, "session.ended", NULL);
    fx_control (fx, tool, "dead.replay", "numbers", 2, NULL);
    fx_expect_result (fx, tool, "ok");
    fx_expect_nothing (fx, worker);
    done (fx, worker, ended);
    done (fx, worker, job (fx, worker, "session.created", NULL));
    answered (fx, web, worker);
    fx_destroy (&fx);
}

/*  A reload with a shorter idle time reaches the sessions that are open.  */
static void test_a_shorter_idle_time (void **state)
{
    fixture_t *fx = fx_new ("session = { idle_s = 3600; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "hello");
    answered (fx, web, worker);
    fx_time (fx, 8000);
    fx_reload (fx, "session = { idle_s = 9; };");
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 1);
    fx_time (fx, 1500);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    fx_destroy (&fx);
}

/*  As many as there are, each with all its rows: others get their turn in between.  */
static void test_many_end_a_part_at_a_time (void **state)
{
    enum { SESSIONS = 20000 };
    fixture_t *fx = fx_new ("session = { idle_s = 3600; }; data = { reflect_s = 1; }; "
                            "rate_limit = { on = false; };");
    char session[32];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    for (int i = 0; i < SESSIONS; i++) {
        snprintf (session, sizeof session, "web_%d", i);
        fx_say (fx, web, session, "hello");
        fx_reply (fx, worker, fx_job (fx, worker), "an answer");
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
        fx_expect (fx, web, VERB_SETTLED);
    }
    fx_bye (fx, worker);
    fx_bye (fx, web);
    fx_time (fx, 2000);
    fx->now.mono_us += INT64_C (3600) * 1000000;
    fx->now.wall_us += INT64_C (3600) * 1000000;
    fx_input (fx, (input_t){.type = INPUT_TIME});
    assert_in_range (fx_gauge (fx, GAUGE_SESSIONS), 1, SESSIONS - 1);
    fx_time (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    assert_int_equal (fx_count (fx, COUNTER_SESSIONS_ENDED), SESSIONS);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_shorter_idle_time),
        cmocka_unit_test (test_many_end_a_part_at_a_time),
        cmocka_unit_test (test_nobody_asks),
        cmocka_unit_test (test_created_comes_first),
        cmocka_unit_test (test_a_greeting_is_delivered),
        cmocka_unit_test (test_ended_is_the_last),
        cmocka_unit_test (test_a_message_behind_the_end),
        cmocka_unit_test (test_failures_are_dead_letters_that_nobody_is_told_of),
        cmocka_unit_test (test_they_are_no_messages),
        cmocka_unit_test (test_a_first_message_that_is_refused),
        cmocka_unit_test (test_a_letter_after_the_end),
    };
    return cmocka_run_group_tests_name ("life", tests, NULL, NULL);
}
