/*  What happens to an event: PUBLISH, JOB, REPLY, DELIVER, and what each of them may run into.  */

#include "fixture.h"

#include <stdio.h>

#define SMALL                                                                                                        \
    "agents = { heartbeat_ms = 1000; timeout_ms = 5000; deadline_ms = 2000; backoff_ms = 100; backoff_max_ms = 400;" \
    " attempts = 3; }; delivery = { timeout_ms = 3000; backoff_ms = 100; backoff_max_ms = 400; attempts = 3;"        \
    " not_after_s = 60; }; rate_limit = { on = false; }; data = { reflect_s = 1; };"

static fixture_t *start (const char *more)
{
    return fx_start (SMALL, more);
}

static uint64_t delivery (fixture_t *fx, uint32_t adapter)
{
    return fx_expect_number (fx, adapter, VERB_DELIVER);
}

/*  One that is answered at once.  */
static uint64_t answered (fixture_t *fx, uint32_t adapter, uint32_t worker, const char *session)
{
    fx_say (fx, adapter, session, "hello");
    uint64_t lease = fx_job (fx, worker);
    fx_reply (fx, worker, lease, "hi");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    return delivery (fx, adapter);
}

static void test_a_round_trip (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    uint64_t sent = answered (fx, web, worker, "web_1");
    fx_delivered (fx, web, sent, "sent", 0);
    assert_int_equal (fx_expect_number (fx, web, VERB_SETTLED), sent);
    fx_say (fx, web, "web_1", "again");
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    plv_mp_t history = plv_mp (frame.arg[5].bytes);
    uint32_t maps = 0;
    assert_true (plv_mp_array (&history, &maps) && maps == 2);
    assert_int_equal (frame.arg[1].number, 1);
    assert_int_equal (frame.arg[2].number, 2000);
    fx_expect_nothing (fx, web);
    fx_destroy (&fx);
}

/*  Nothing leaves before it is stored; what promises nothing leaves at once.  */
static void test_what_is_held (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    plv_buf_t packet = {0};
    plv_packet_begin (&packet);
    plv_frame_end (&packet, plv_frame_begin (&packet, VERB_PING));
    effects_t effects;
    effects_init (&effects);
    input_t input = {.type = INPUT_PACKET,
                     .now = fx->now,
                     .peer = web,
                     .allowed = FROM_ADAPTER,
                     .bytes = plv_buf_view (&packet)};
    core_step (fx->core, &input, &effects);
    assert_int_equal (effects.held.count, 0);
    assert_int_equal (effects.prompt.count, 1);
    assert_int_equal (effects.journal.size, 0);
    effects_free (&effects);
    plv_buf_free (&packet);
    fx_destroy (&fx);
}

static void rejected (fixture_t *fx, uint32_t peer, const fx_event_t *event)
{
    fx_publish (fx, peer, 9, event);
    assert_int_equal (fx_expect_number (fx, peer, VERB_REJECTED), 9);
    fx_expect_nothing (fx, peer);
}

static void test_what_is_rejected (void **state)
{
    fixture_t *fx = start ("limits = { body_kb = 1; };");
    char text[1100];
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    memset (text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = "x", .adapter = "other"});
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = "x", .type = EVENT_CHAT_RESPONSE});
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = "x", .type = EVENT_SESSION_ENDED});
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = "x", .type = EVENT_CHAT_DELTA});
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = text});
    rejected (fx, web, &(fx_event_t){.session = "web_1", .text = NULL});
    assert_int_equal (fx_count (fx, COUNTER_EVENTS_REJECTED), 6);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    fx_say (fx, web, "web_1", "good"); /* the connection goes on */
    fx_destroy (&fx);
}

static void busy (fixture_t *fx, uint32_t peer, const char *session, const char *platform_id)
{
    fx_publish (fx, peer, 8,
                &(fx_event_t){.session = session, .text = "x", .platform_id = platform_id});
    plv_frame_t frame = fx_expect (fx, peer, VERB_BUSY);
    assert_int_equal (frame.arg[0].number, 8);
    assert_true (frame.arg[1].number > 0);
}

static void test_busy_at_each_limit (void **state)
{
    fixture_t *fx = start ("limits = { sessions = 2; session_queue = 2; pending = 3; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    fx_say (fx, web, "web_1", "1");
    fx_say (fx, web, "web_1", "2");
    busy (fx, web, "web_1", NULL); /* its queue */
    fx_say (fx, web, "web_2", "3");
    busy (fx, web, "web_2", NULL); /* all pending */
    busy (fx, web, "web_3", NULL);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 3);
    uint32_t worker = fx_worker (fx, 8);
    uint64_t lease = fx_job (fx, worker);
    fx_job (fx, worker);
    fx_nack (fx, worker, lease, true, "general_error"); /* dead, and its fallback waits */
    fx_delivered (fx, web, delivery (fx, web), "sent", 0);
    fx_forget (fx, web);
    busy (fx, web, "web_3", NULL); /* the sessions */
    fx_say (fx, web, "web_2", "4");
    fx_input (fx, (input_t){.type = INPUT_DRAIN});
    busy (fx, web, "web_2", NULL);
    fx_destroy (&fx);
}

static void test_second_copies (void **state)
{
    fixture_t *fx = start ("dedup = { h = 1; };");
    const fx_event_t event = {.session = "web_1", .text = "once", .platform_id = "m1"};
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_publish (fx, web, 1, &event);
    assert_int_equal (fx_expect_number (fx, web, VERB_STORED), 1);
    fx_job (fx, worker);
    fx_publish (fx, web, 2, &event);
    assert_int_equal (fx_expect_number (fx, web, VERB_STORED), 2);
    fx_expect_nothing (fx, worker);
    fx_restart (fx);
    web = fx_adapter (fx, "web");
    fx_publish (fx, web, 3, &event);
    assert_int_equal (fx_expect_number (fx, web, VERB_STORED), 3);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 1);
    fx->check_recovery = false; /* a restart forgets what is out of date only when it sweeps */
    fx_time (fx, 3700 * 1000);
    web = fx_adapter (fx, "web");
    fx_publish (fx, web, 4, &event);
    fx_expect (fx, web, VERB_STORED);
    assert_int_equal (fx_count (fx, COUNTER_EVENTS_DUPLICATE), 1);
    fx_destroy (&fx);
}

/*  Who waits for the answer to a message is told, once it is stored, which one has to do with that from now on: the
    field `name` of the sign's body. Returned is the body.  */
static plv_view_t expect_sign (fixture_t *fx, uint32_t web, const char *name)
{
    plv_envelope_t envelope;
    char id[PLV_ID_TEXT_BYTES];
    plv_frame_t live = fx_expect (fx, web, VERB_LIVE);
    assert_int_equal (plv_envelope_parse (live.arg[0].bytes, &envelope, NULL), ERR_OK);
    assert_int_equal (envelope.type_code, EVENT_CHAT_TYPING);
    assert_true (envelope.has_reply_to);
    plv_id_format (&envelope.reply_to, id);
    plv_view_t other = plv_mp_find_str (live.arg[1].bytes, name);
    assert_true (other.size == sizeof id - 1 && !plv_view_is (other, id));
    return live.arg[1].bytes;
}

/*  A worker does not speak as the broker, nor as a person.  */
static void test_words_that_are_not_a_workers (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "hello");
    fx_job (fx, worker);
    fx_live (fx, worker, EVENT_CHAT_TYPING, "ended", NULL);
    fx_live (fx, worker, EVENT_CHAT_TYPING, "merged_into", NULL);
    fx_live (fx, worker, EVENT_CHAT_TYPING, "interrupted_by", NULL);
    fx_live (fx, worker, EVENT_CHAT_MESSAGE, "message_text", NULL);
    fx_live (fx, worker, EVENT_CHAT_RESPONSE, "response_text", NULL);
    fx_expect_nothing (fx, web);
    assert_int_equal (fx_count (fx, COUNTER_LIVE_DROPPED), 5);
    fx_live (fx, worker, EVENT_CHAT_TYPING, "active", NULL);
    fx_expect (fx, web, VERB_LIVE);
    fx_live (fx, worker, EVENT_CHAT_DELTA, "delta", NULL);
    fx_expect (fx, web, VERB_LIVE);
    fx_destroy (&fx);
}

/*  A message while the last one is worked on.  */
static void test_overlap_queue_and_merge (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"merge\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    uint64_t lease = fx_job (fx, worker);
    fx_say (fx, web, "web_1", "two");
    fx_publish (fx, web, 8, &(fx_event_t){.session = "web_1", .text = "three"});
    fx_expect (fx, web, VERB_STORED);
    expect_sign (fx, web, "merged_into");
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 2);
    fx_reply (fx, worker, lease, "to one");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "message_text"), "two\nthree"));
    fx_destroy (&fx);
}

/*  A command is for another agent than what waits before it.  */
static void test_overlap_merges_within_a_route (void **state)
{
    fixture_t *fx = start (
        "routes = ( { name = \"c\"; service = \"clerk\"; command = \"/form\"; overlap = \"merge\"; },"
        " { name = \"r\"; service = \"advisor\"; overlap = \"merge\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), clerk = fx_peer (fx);
    fx_hello (
        fx, clerk, FROM_WORKER,
        &(fx_hello_t){
            .role = "agent", .name = "clerk", .service = "clerk", .credit = 1, .incarnation = 7});
    fx_forget (fx, clerk);
    fx_say (fx, web, "web_1", "one");
    uint64_t lease = fx_job (fx, worker);
    fx_say (fx, web, "web_1", "two");
    fx_say (fx, web, "web_1", "/form 7");
    fx_say (fx, web, "web_1", "/form 8");
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 3);
    fx_reply (fx, worker, lease, "to one");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "message_text"), "two"));
    fx_reply (fx, worker, frame.arg[0].number, "to two");
    frame = fx_expect (fx, clerk, VERB_JOB);
    assert_true (
        plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "message_text"), "/form 7\n/form 8"));
    fx_destroy (&fx);
}

static void test_overlap_interrupt (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"interrupt\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    uint64_t lease = fx_job (fx, worker);
    fx_publish (fx, web, 8, &(fx_event_t){.session = "web_1", .text = "two"});
    fx_expect (fx, web, VERB_STORED);
    plv_view_t sign = expect_sign (fx, web, "interrupted_by");
    assert_true (plv_view_is (plv_mp_find_str (sign, "ended"), "interrupted"));
    fx_expect_cancel (fx, worker, lease, "interrupted");
    uint64_t second = fx_job (fx, worker);
    fx_reply (fx, worker, lease, "late");
    fx_expect_cancel (fx, worker, lease, "finished");
    fx_reply (fx, worker, second, "to two");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), second);
    delivery (fx, web);
    fx_expect_nothing (fx, web);
    fx_destroy (&fx);
}

static void test_a_lease_that_never_was (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    uint64_t lease = fx_job (fx, worker);
    const uint64_t never[] = {0, lease & ~UINT64_C (0xffff), lease + (1000 << 16)};
    for (size_t i = 0; i < 3; i++) {
        fx_reply (fx, worker, never[i], "to nothing");
        fx_expect_cancel (fx, worker, never[i], "not_leased");
    }
    fx_reply (fx, worker, lease, "to one");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_reply (fx, worker, lease, "again");
    fx_expect_cancel (fx, worker, lease, "finished");
    fx_destroy (&fx);
}

static void test_overlap_reject (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"reject\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    fx_job (fx, worker);
    fx_say (fx, web, "web_1", "two");
    delivery (fx, web); /* the fallback */
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_count (fx, COUNTER_JOBS_OVERLAP_REJECTED), 1);
    fx_destroy (&fx);
}

/*  What is said about a message neither replaces nor rejects anything.  */
static void test_overlap_is_of_messages (void **state)
{
    static const char *const kinds[] = {"interrupt", "reject"};
    char routes[256];
    (void) state;
    for (size_t i = 0; i < 2; i++) {
        snprintf (routes, sizeof routes,
                  "routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"%s\";"
                  " types = [ \"chat.message\", \"chat.reaction\", \"chat.edit\" ]; } );",
                  kinds[i]);
        fixture_t *fx = start (routes);
        uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
        fx_say (fx, web, "web_1", "one");
        uint64_t lease = fx_job (fx, worker);
        fx_publish (fx, web, 2, &(fx_event_t){.session = "web_1", .type = EVENT_CHAT_REACTION});
        fx_publish (fx, web, 3,
                    &(fx_event_t){.session = "web_1", .text = "two", .type = EVENT_CHAT_EDIT});
        fx_expect_nothing (fx, worker); /* it goes on with its job */
        fx_forget (fx, web);
        fx_reply (fx, worker, lease, "to one");
        assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
        delivery (fx, web);
        fx_job (fx, worker); /* the reaction */
        fx_say (fx, web, "web_1", "three");
        fx_expect_nothing (fx, worker);
        assert_int_equal (fx_count (fx, COUNTER_JOBS_OVERLAP_REJECTED), 0);
        assert_int_equal (fx_count (fx, COUNTER_JOBS_INTERRUPTED), 0);
        fx_destroy (&fx);
    }
}

/*  Each message is in the journal once, however many are merged.  */
static void test_merging_costs_what_is_said (void **state)
{
    enum { MESSAGES = 200, BYTES = 1000 };
    fixture_t *fx =
        fx_new ("routes = ( { name = \"r\"; service = \"advisor\"; overlap = \"merge\"; } );"
                "rate_limit = { on = false; };");
    char text[BYTES + 1];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    memset (text, 'x', BYTES);
    text[BYTES] = '\0';
    fx_say (fx, web, "web_1", "one");
    fx_job (fx, worker);
    for (int i = 0; i < MESSAGES; i++)
        fx_say (fx, web, "web_1", text);
    assert_in_range (fx_gauge (fx, GAUGE_JOURNAL_BEHIND_BYTES), MESSAGES * BYTES,
                     MESSAGES * BYTES * 3 / 2);
    fx_restart (fx);
    web = fx_adapter (fx, "web");
    worker = fx_worker (fx, 4);
    fx_reply (fx, worker, fx_job (fx, worker), "to one");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_int_equal (plv_mp_find_str (frame.arg[4].bytes, "message_text").size,
                      MESSAGES * (BYTES + 1) - 1);
    fx_destroy (&fx);
}

static void test_one_job_a_session_in_order (void **state)
{
    static const char *const texts[] = {"1", "2", "3"};
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), one = fx_worker (fx, 4), other = fx_worker (fx, 4);
    for (int i = 0; i < 3; i++)
        fx_say (fx, web, "web_1", texts[i]);
    for (int i = 0; i < 3;
         i++) { /* it stays with the worker that has it, though another one is idle */
        plv_frame_t frame = fx_expect (fx, one, VERB_JOB);
        uint64_t lease = frame.arg[0].number;
        assert_true (plv_view_is (plv_mp_find_str (frame.arg[4].bytes, "message_text"), texts[i]));
        fx_expect_nothing (fx, one);
        fx_reply (fx, one, lease, "ok");
        fx_expect (fx, one, VERB_COMMITTED);
    }
    fx_expect_nothing (fx, other);
    fx_say (fx, web, "web_2", "x");
    fx_job (fx, other); /* the one served least recently */
    fx_destroy (&fx);
}

static void test_credit (void **state)
{
    static const char *const sessions[] = {"web_1", "web_2", "web_3"};
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    for (int i = 0; i < 3; i++)
        fx_say (fx, web, sessions[i], "x");
    uint64_t first = fx_job (fx, worker);
    fx_expect_nothing (fx, worker);
    fx_credit (fx, worker, 2);
    uint64_t second = fx_job (fx, worker);
    fx_expect_nothing (fx, worker);
    fx_credit (fx, worker, 0); /* it leaves: what it has it may finish */
    fx_reply (fx, worker, first, "ok");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), first);
    fx_expect_nothing (fx, worker);
    assert_true (core_busy (fx->core));
    fx_reply (fx, worker, second, "ok");
    fx_expect (fx, worker, VERB_COMMITTED);
    assert_false (core_busy (fx->core) && fx_gauge (fx, GAUGE_LEASES));
    fx_job (fx, fx_worker (fx, 1));
    fx_destroy (&fx);
}

static void test_draining_hands_out_nothing (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "one");
    fx_say (fx, web, "web_1", "two");
    uint64_t lease = fx_job (fx, worker);
    fx_input (fx, (input_t){.type = INPUT_DRAIN});
    fx_reply (fx, worker, lease, "ok");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_expect_nothing (fx, worker);
    fx_delivered (fx, web, delivery (fx, web), "sent", 0); /* what was answered goes out */
    fx_expect (fx, web, VERB_SETTLED);
    assert_false (core_busy (fx->core));
    fx_input (fx, (input_t){.type = INPUT_STOP});
    fx_expect (fx, web, VERB_BYE);
    fx_expect (fx, worker, VERB_BYE);
    fx_destroy (&fx);
}

static uint32_t batch_worker (fixture_t *fx, uint64_t size)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (fx, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "b",
                            .service = "advisor",
                            .credit = 8,
                            .batch = size,
                            .batch_wait_ms = 500});
    fx_expect (fx, peer, VERB_WELCOME);
    return peer;
}

static void expect_batch (fixture_t *fx, uint32_t worker, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) {
        plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
        assert_int_equal (fx_number (frame.arg[8].bytes, "index"), i);
        assert_int_equal (fx_number (frame.arg[8].bytes, "size"), size);
    }
}

static void test_batches (void **state)
{
    static const char *const sessions[] = {"web_1", "web_2", "web_3", "web_4"};
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = batch_worker (fx, 3);
    for (int i = 0; i < 4; i++) {
        fx_expect_nothing (fx, worker);
        fx_say (fx, web, sessions[i], "x");
        if (i == 2)
            expect_batch (fx, worker, 3); /* full */
    }
    fx_time (fx, 499);
    fx_expect_nothing (fx, worker);
    fx_time (fx, 1);
    expect_batch (fx, worker, 1); /* waited long enough */
    fx_destroy (&fx);
}

static void test_a_gathered_job_is_given_back (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = batch_worker (fx, 3);
    fx_say (fx, web, "web_1", "x");
    uint32_t other = fx_worker (fx, 1);
    fx_gone (fx, worker);
    plv_frame_t frame = fx_expect (fx, other, VERB_JOB);
    assert_int_equal (frame.arg[1].number, 1); /* it has cost no attempt */
    fx_destroy (&fx);
}

static void test_stale_answers (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), other = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_reply (fx, other, lease, "not mine");
    fx_expect_cancel (fx, other, lease, "not_leased");
    fx_nack (fx, worker, lease, false, "timeout");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_nack (fx, worker, lease, false, "timeout"); /* said twice */
    fx_expect_cancel (fx, worker, lease, "not_leased");
    fx_reply (fx, worker, 12345678, "never was");
    fx_expect_cancel (fx, worker, 12345678, "not_leased");
    fx_time (fx, 400);
    lease = fx_gauge (fx, GAUGE_LEASES) ? lease + 1 : 0;
    assert_int_not_equal (lease, 0);
    assert_int_equal (fx_count (fx, COUNTER_REPLIES_STALE), 3);
    fx_destroy (&fx);
}

static void test_a_job_dies_of_its_attempts (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    for (int attempt = 1; attempt <= 3; attempt++) {
        plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
        assert_int_equal (frame.arg[1].number, attempt);
        fx_expect_nothing (fx, web);
        fx_nack (fx, worker, frame.arg[0].number, false, "timeout");
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_expect_nothing (fx, worker); /* not before its backoff */
        fx_time (fx, 400);
    }
    delivery (fx, web); /* the fallback, once */
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

static void test_a_deadline (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_time (fx, 1999);
    fx_forget (fx, worker); /* PING */
    fx_time (fx, 1);
    fx_expect_cancel (fx, worker, lease, "deadline");
    assert_int_equal (fx_count (fx, COUNTER_LEASES_DEADLINE), 1);
    fx_destroy (&fx);
}

static void test_bad_replies (void **state)
{
    fixture_t *fx = start ("session = { state_kb = 1; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_reply (fx, worker, lease, NULL);
    fx_expect_cancel (fx, worker, lease, "bad_reply");
    fx_time (fx, 400);
    lease = fx_job (fx, worker);
    plv_buf_t patch = {0};
    uint8_t big[2000] = {0};
    plv_buf_t *buf = fx_begin (fx, VERB_REPLY);
    plv_mp_put_map (&patch, 1);
    plv_mp_put_text (&patch, "k");
    plv_mp_put_bin (&patch, plv_view (big, sizeof big));
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bin (buf, plv_view_str ("\x81\xadresponse_text\xa2hi"));
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, "state");
    plv_mp_put_bin (buf, plv_buf_view (&patch));
    plv_buf_free (&patch);
    fx_send (fx, worker, FROM_WORKER);
    fx_expect_cancel (fx, worker, lease, "bad_reply"); /* more state than is kept */
    fx_expect_nothing (fx, web);
    fx_destroy (&fx);
}

static void step (fixture_t *fx, uint32_t worker, uint64_t lease, const char *name, size_t size)
{
    fx_step_save (fx, worker, lease, name, size);
    assert_int_equal (fx_expect_number (fx, worker, VERB_STEP_SAVED), lease);
}

static void test_steps_outlive_an_attempt (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    step (fx, worker, lease, "one", 5);
    step (fx, worker, lease, "two", 5);
    step (fx, worker, lease, "one", 6);
    fx_nack (fx, worker, lease, false, "timeout");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_time (fx, 400);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    plv_mp_t steps = plv_mp (frame.arg[7].bytes);
    uint32_t count = 0;
    assert_true (plv_mp_map (&steps, &count) && count == 2);
    assert_int_equal (fx_gauge (fx, GAUGE_STEPS), 2);
    fx_destroy (&fx);
}

/*  The last one that is allowed may be said again: a worker does so after it was cut off.  */
static void test_steps_at_their_limit (void **state)
{
    fixture_t *fx = start ("");
    char name[16];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx->check_recovery = false;
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    for (int i = 0; i < STEPS_MAX; i++) {
        snprintf (name, sizeof name, "s%d", i);
        step (fx, worker, lease, name, 4);
    }
    step (fx, worker, lease, name, 4);
    fx_step_save (fx, worker, lease, "one more", 4);
    fx_expect_cancel (fx, worker, lease, "step_refused");
    fx_say (fx, web, "web_2", "x");
    lease = fx_job (fx, worker);
    for (int i = 0; i < 3; i++) {
        snprintf (name, sizeof name, "s%d", i);
        step (fx, worker, lease, name, STEP_BYTES_MAX);
    }
    step (fx, worker, lease, "s1", STEP_BYTES_MAX); /* replaces */
    step (fx, worker, lease, "s2", STEP_BYTES_MAX);
    fx_step_save (fx, worker, lease, "s9", STEP_BYTES_MAX);
    fx_expect_cancel (fx, worker, lease, "step_refused");
    fx_say (fx, web, "web_3", "x");
    lease = fx_job (fx, worker);
    fx_step_save (fx, worker, lease, "big", STEP_BYTES_MAX + 1);
    fx_expect_cancel (fx, worker, lease, "step_refused");
    fx_destroy (&fx);
}

static void test_the_four_outcomes (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8);
    uint64_t sent = answered (fx, web, worker, "web_1");
    fx_delivered (fx, web, sent, "sent", 0);
    assert_int_equal (fx_expect_number (fx, web, VERB_SETTLED), sent);
    uint64_t again = answered (fx, web, worker, "web_2");
    fx_delivered (fx, web, again, "not_sent", 700);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, 699);
    fx_forget (fx, worker);
    fx_expect_nothing (fx, web); /* the platform's time counts */
    fx_time (fx, 1);
    assert_int_equal (delivery (fx, web), again + 1);
    uint64_t refused = answered (fx, web, worker, "web_3");
    fx_delivered (fx, web, refused, "refused", 0);
    fx_expect (fx, web, VERB_SETTLED);
    uint64_t unknown = answered (fx, web, worker, "web_4");
    fx_delivered (fx, web, unknown, "unknown", 0);
    fx_expect (fx, web, VERB_SETTLED);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 2);
    fx_delivered (fx, web, unknown, "sent", 0); /* too late: it changes nothing, and is settled */
    assert_int_equal (fx_expect_number (fx, web, VERB_SETTLED), unknown);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 2);
    fx_delivered (fx, web, sent, "perhaps", 0);
    fx_expect_error (fx, web, "PROTOCOL");
    fx_destroy (&fx);
}

/*  A platform may not put a reply off for ever.  */
static void test_retry_after_has_a_bound (void **state)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    fixture_t *fx = fx_new ("delivery = { not_after_s = 31536000; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    uint64_t first = answered (fx, web, worker, "web_1");
    fx_delivered (fx, web, first, "not_sent", UINT64_MAX);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, DAY_MS);
    web = fx_adapter (fx, "web"); /* the old one fell silent */
    assert_int_equal (delivery (fx, web), first + 1);
    fx_destroy (&fx);
}

/*  Nor does a restart shorten what the platform asked for.  */
static void test_retry_after_outlives_a_restart (void **state)
{
    enum { HOUR_MS = 3600 * 1000 };
    fixture_t *fx = fx_new ("delivery = { not_after_s = 31536000; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    uint64_t first = answered (fx, web, worker, "web_1");
    fx_delivered (fx, web, first, "not_sent", HOUR_MS);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, 1000);
    fx_restart (fx);
    fx_time (fx, HOUR_MS - 5000);
    web = fx_adapter (fx, "web");
    fx_expect_nothing (fx, web);
    fx_time (fx, 5000);
    assert_int_equal (delivery (fx, web), first + 1);
    fx_destroy (&fx);
}

/*  One conversation that is heard through two adapters: an answer through one waits for that one alone.  */
static void test_answers_through_two_adapters (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t one = fx_adapter (fx, "web"), other = fx_adapter (fx, "web-2"),
             worker = fx_worker (fx, 1);
    for (int i = 0; i < 4; i++)
        fx_publish (
            fx, i % 2 ? other : one, (uint64_t) i + 1,
            &(fx_event_t){.session = "web_1", .text = "x", .adapter = i % 2 ? "web-2" : "web"});
    fx_gone (fx, one);
    fx_forget (fx, other);
    for (int i = 0; i < 4; i++) {
        uint64_t lease = fx_job (fx, worker);
        fx_reply (fx, worker, lease, "hi");
        assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    }
    uint64_t second = delivery (fx, other);
    fx_expect_nothing (fx, other); /* the fourth waits for the second */
    fx_delivered (fx, other, second, "sent", 0);
    fx_expect (fx, other, VERB_SETTLED);
    assert_true (delivery (fx, other) > second);
    one = fx_adapter (fx, "web");
    uint64_t first = delivery (fx, one);
    fx_expect_nothing (fx, one);
    fx_delivered (fx, one, first, "sent", 0);
    fx_expect (fx, one, VERB_SETTLED);
    assert_true (first < second && delivery (fx, one) > second);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_round_trip),
        cmocka_unit_test (test_what_is_held),
        cmocka_unit_test (test_what_is_rejected),
        cmocka_unit_test (test_busy_at_each_limit),
        cmocka_unit_test (test_second_copies),
        cmocka_unit_test (test_overlap_queue_and_merge),
        cmocka_unit_test (test_overlap_merges_within_a_route),
        cmocka_unit_test (test_overlap_interrupt),
        cmocka_unit_test (test_a_lease_that_never_was),
        cmocka_unit_test (test_overlap_reject),
        cmocka_unit_test (test_overlap_is_of_messages),
        cmocka_unit_test (test_merging_costs_what_is_said),
        cmocka_unit_test (test_one_job_a_session_in_order),
        cmocka_unit_test (test_credit),
        cmocka_unit_test (test_draining_hands_out_nothing),
        cmocka_unit_test (test_batches),
        cmocka_unit_test (test_a_gathered_job_is_given_back),
        cmocka_unit_test (test_stale_answers),
        cmocka_unit_test (test_a_job_dies_of_its_attempts),
        cmocka_unit_test (test_a_deadline),
        cmocka_unit_test (test_bad_replies),
        cmocka_unit_test (test_steps_outlive_an_attempt),
        cmocka_unit_test (test_words_that_are_not_a_workers),
        cmocka_unit_test (test_steps_at_their_limit),
        cmocka_unit_test (test_the_four_outcomes),
        cmocka_unit_test (test_retry_after_has_a_bound),
        cmocka_unit_test (test_retry_after_outlives_a_restart),
        cmocka_unit_test (test_answers_through_two_adapters),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
