/*  The web gateway without a broker and without a network.  */
#include "sdk/fake_host_net.h"
#include "web/web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

extern const pal_adapter_t palaver_adapter;

#define JSON "content-type: application/json\n"
#define HELLO "{\"session_id\":\"s1\",\"user_id\":\"ann\",\"message_text\":\"hello\"}"

static int set_up (void **state)
{
    *state = fake_host_new (&palaver_adapter);
    return 0;
}

static int tear_down (void **state)
{
    fake_host_t *host = *state;
    fake_host_destroy (&host);
    return 0;
}

static fake_host_t *opened (void **state)
{
    assert_int_equal (fake_host_open (*state), 0);
    return *state;
}

static uint64_t say (fake_host_t *host, const char *more)
{
    char headers[256];
    snprintf (headers, sizeof headers, JSON "%s", more);
    return fake_host_request (host, "POST", "/chat/message", headers, HELLO);
}

static void answers_the_request_that_waits (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t first = say (host, ""), second = say (host, "");
    assert_int_equal (fake_host_events (host), 2);
    fake_host_stored (host, 0);
    fake_host_stored (host, 1);
    assert_int_equal (fake_host_response (host, first).status, 0);
    fake_host_deliver (host, 7, "s1", fake_host_event (host, 1)->id.text, "two");
    assert_int_equal (fake_host_response (host, first).status, 0);
    assert_int_equal (fake_host_response (host, second).status, 200);
    assert_non_null (strstr (fake_host_response (host, second).body, "\"response_text\":\"two\""));
    assert_int_equal (fake_host_outcome (host, 7).times, 1);
    assert_int_equal (fake_host_outcome (host, 7).outcome, PAL_SENT);
}

static void waits_as_long_as_it_says_and_not_longer (void **state)
{
    fake_host_set_number (*state, "timeout_s", 5);
    fake_host_t *host = opened (state);
    uint64_t call = say (host, "");
    fake_host_stored (host, 0);
    fake_host_advance (host, 4999);
    assert_int_equal (fake_host_response (host, call).status, 0);
    fake_host_advance (host, 1);
    assert_int_equal (fake_host_response (host, call).status, 504);
    fake_host_deliver (host, 1, "s1", fake_host_event (host, 0)->id.text, "late");
    assert_int_equal (fake_host_outcome (host, 1).outcome, PAL_SENT);
}

static void an_event_that_is_not_stored_is_not_called_kept (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = say (host, "");
    fake_host_advance (host, 30000);
    assert_int_equal (fake_host_response (host, call).status, 503);
    fake_host_stored (host, 0); /* comes after all: nobody is there to tell */
}

/*  The broker refuses some messages as soon as it has them, and says STORED of both at once.  */
static void a_message_is_shown_before_its_answer (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t stream = fake_host_request (host, "GET", "/chat/session/s1/events", "", "");
    say (host, "");
    fake_host_deliver (host, 1, "s1", fake_host_event (host, 0)->id.text, "not this one");
    fake_host_stored (host, 0);
    const char *said = strstr (fake_host_transcript (host, stream), "event: chat.message");
    const char *answer = strstr (fake_host_transcript (host, stream), "event: chat.response");
    assert_true (said && answer && said < answer);
    assert_null (strstr (said + 1, "event: chat.message"));
}

static void a_client_that_left_gets_nothing_and_its_answer_is_kept (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = say (host, "");
    fake_host_hang_up (host, call);
    fake_host_stored (host, 0);
    fake_host_deliver (host, 1, "s1", fake_host_event (host, 0)->id.text, "kept");
    assert_int_equal (fake_host_outcome (host, 1).outcome, PAL_SENT);
    call = fake_host_request (host, "GET", "/chat/session/s1", "", "");
    assert_string_equal (fake_host_answer (host, "UNAVAILABLE", "{}"),
                         "sessions.show {\"session\":\"web_s1\"}");
    assert_int_equal (fake_host_response (host, call).status, 200);
    assert_non_null (strstr (fake_host_response (host, call).body, "kept"));
}

static void answers_kept_stay_within_their_bound (void **state)
{
    fake_host_set_number (*state, "recent_mb", 1);
    fake_host_t *host = opened (state);
    char session[32];
    for (uint64_t at = 0; at < 2000; at++) {
        snprintf (session, sizeof session, "s%d", (int) at);
        fake_host_deliver (host, at, session, NULL, "an answer that nobody waits for");
    }
    uint64_t oldest = fake_host_request (host, "GET", "/chat/session/s0", "", "");
    uint64_t newest = fake_host_request (host, "GET", "/chat/session/s1999", "", "");
    fake_host_answer (host, "UNAVAILABLE", "{}");
    fake_host_answer (host, "UNAVAILABLE", "{}");
    assert_int_equal (fake_host_response (host, oldest).status, 404);
    assert_int_equal (fake_host_response (host, newest).status, 200);
}

static void a_session_keeps_its_last_twenty_answers_in_order (void **state)
{
    fake_host_t *host = opened (state);
    char text[32];
    for (uint64_t at = 0; at < 25; at++) {
        snprintf (text, sizeof text, "answer %d.", (int) at);
        fake_host_deliver (host, at, "s1", NULL, text);
    }
    uint64_t call = fake_host_request (host, "GET", "/chat/session/s1", "", "");
    fake_host_answer (host, "UNAVAILABLE", "{}");
    const char *body = fake_host_response (host, call).body;
    assert_null (strstr (body, "answer 4."));
    const char *first = strstr (body, "answer 5."), *last = strstr (body, "answer 24.");
    assert_true (first && last && first < last);
}

static void a_session_is_shown_and_reset_by_the_broker (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = fake_host_request (host, "GET", "/chat/session/s1", "", "");
    fake_host_answer (host, "ok", "{\"session_id\":\"web_s1\",\"turns\":[]}");
    assert_string_equal (fake_host_response (host, call).body,
                         "{\"session_id\":\"s1\",\"turns\":[]}");
    call = fake_host_request (host, "GET", "/chat/session/s2", "", "");
    fake_host_answer (host, "NOENT", "{}");
    assert_int_equal (fake_host_response (host, call).status, 404);
    call = fake_host_request (host, "POST", "/chat/session/s1/reset", "", "");
    assert_string_equal (fake_host_answer (host, "ok", "{}"),
                         "sessions.reset {\"session\":\"web_s1\"}");
    assert_string_equal (fake_host_response (host, call).body, "{\"status\":\"success\"}\n");
    call = fake_host_request (host, "POST", "/chat/session/s1/reset", "", "");
    fake_host_answer (host, "BUSY", "{}");
    assert_int_equal (fake_host_response (host, call).status, 409);
    fake_host_request (host, "GET", "/chat/session/s1", "",
                       ""); /* is still open when the plugin closes */
}

static void waiting_requests_have_a_limit (void **state)
{
    fake_host_set_number (*state, "waiting", 2);
    fake_host_t *host = opened (state);
    say (host, "");
    say (host, "");
    fake_response_t response = fake_host_response (host, say (host, ""));
    assert_int_equal (response.status, 503);
    assert_non_null (strstr (response.headers, "retry-after: 1\n"));
    assert_int_equal (fake_host_events (host), 2);
}

static void stopping_tells_those_that_wait (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t stored = say (host, ""), other = say (host, "");
    fake_host_stored (host, 0);
    fake_host_drain (host);
    uint64_t late = say (host, ""); /* its connection was there before */
    assert_int_equal (fake_host_response (host, late).status, 0);
    fake_host_advance (host, 2000);
    assert_int_equal (fake_host_response (host, say (host, "")).status, 503);
    assert_int_equal (fake_host_response (host, stored).status, 0);
    fake_host_close (host);
    assert_non_null (strstr (fake_host_response (host, stored).body, "will appear in the session"));
    assert_non_null (strstr (fake_host_response (host, other).body, "send the message again"));
    assert_non_null (strstr (fake_host_response (host, late).body, "send the message again"));
}

/*  Another process takes over: it is told of what nobody waits for here.  */
static void who_waits_is_answered_while_it_drains (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t first = say (host, ""), second = say (host, "");
    fake_host_stored (host, 0);
    fake_host_stored (host, 1);
    fake_host_drain (host);
    fake_host_deliver (host, 1, "other", fake_host_event (host, 0)->id.text, "not for here");
    assert_int_equal (fake_host_outcome (host, 1).times, 0);
    fake_host_deliver (host, 2, "s1", "", "told in between");
    assert_int_equal (fake_host_outcome (host, 2).outcome, PAL_SENT);
    fake_host_deliver (host, 3, "s1", fake_host_event (host, 0)->id.text, "one");
    assert_int_equal (fake_host_response (host, first).status, 200);
    assert_int_equal (fake_host_outcome (host, 1).times, 0);
    fake_host_deliver (host, 4, "s1", fake_host_event (host, 1)->id.text, "two");
    assert_int_equal (fake_host_response (host, second).status, 200);
    assert_int_equal (fake_host_outcome (host, 1).times, 1);
    assert_int_equal (fake_host_outcome (host, 1).outcome, PAL_NOT_SENT);
    fake_host_deliver (host, 5, "s1", "", "for the next one");
    assert_int_equal (fake_host_outcome (host, 5).outcome, PAL_NOT_SENT);
}

static void a_key_is_forgotten_when_its_event_was_not_taken (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = say (host, "idempotency-key: k\n");
    assert_int_equal (fake_host_response (host, say (host, "idempotency-key: k\n")).status, 409);
    fake_host_busy (host, 0, 1500, "full");
    fake_response_t response = fake_host_response (host, call);
    assert_int_equal (response.status, 503);
    assert_non_null (strstr (response.headers, "retry-after: 2\n"));
    say (host, "idempotency-key: k\n");
    assert_int_equal (fake_host_events (host), 2);
    assert_string_equal (fake_host_event (host, 0)->platform_id,
                         fake_host_event (host, 1)->platform_id);
}

static void keys_are_asked_for (void **state)
{
    fake_host_set_text (*state, "api_keys", "one\ntwo");
    fake_host_t *host = opened (state);
    assert_int_equal (fake_host_response (host, say (host, "")).status, 401);
    assert_int_equal (fake_host_response (host, say (host, "x-api-key: on\n")).status, 401);
    assert_int_equal (fake_host_response (host, say (host, "x-api-key: one\ntwo\n")).status, 0);
    assert_int_equal (fake_host_response (host, say (host, "authorization: Bearer two\n")).status,
                      0);
    assert_int_equal (
        fake_host_response (host, fake_host_request (host, "GET", "/healthz", "", "")).status, 200);
}

static void keys_have_scopes (void **state)
{
    fake_host_set_text (*state, "api_keys",
                        "# both\n\none\r\ntwo operate\nthree chat,operate ops\n");
    fake_host_t *host = opened (state);
    static const struct {
        const char *key;
        uint32_t chat, operate;
    } cases[] = {{"x", 401, 401}, {"one", 404, 403}, {"two", 403, 200}, {"three", 404, 200}};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        char headers[64];
        snprintf (headers, sizeof headers, "x-api-key: %s\n", cases[at].key);
        uint64_t chat = fake_host_request (host, "GET", "/chat/message/0", headers, "");
        uint64_t operate = fake_host_request (host, "GET", "/metrics", headers, "");
        assert_int_equal (fake_host_response (host, chat).status, cases[at].chat);
        assert_int_equal (fake_host_response (host, operate).status, cases[at].operate);
    }
}

static void keys_that_make_no_sense_are_refused (void **state)
{
    fake_host_set_text (*state, "api_keys", "one chat\ntwo all\n");
    assert_int_equal (fake_host_open (*state), -1);
    assert_string_equal (fake_host_failure (*state),
                         "api_keys line 2: scopes are chat, operate or chat,operate");
}

static void who_does_not_wait_can_ask_later (void **state)
{
    fake_host_t *host = opened (state);
    char path[80];
    uint64_t call = say (host, "prefer: respond-async\n");
    assert_int_equal (fake_host_response (host, call).status, 0);
    fake_host_stored (host, 0);
    fake_response_t taken = fake_host_response (host, call);
    assert_int_equal (taken.status, 202);
    snprintf (path, sizeof path, "/chat/message/%s", fake_host_event (host, 0)->id.text);
    assert_non_null (strstr (taken.headers, path));
    call = fake_host_request (host, "GET", path, "", "");
    assert_non_null (strstr (fake_host_response (host, call).body, "\"status\":\"pending\""));
    fake_host_deliver (host, 1, "s1", fake_host_event (host, 0)->id.text, "done");
    fake_host_advance (host, 1);
    assert_int_equal (fake_host_outcome (host, 1).outcome, PAL_SENT);
    call = fake_host_request (host, "GET", path, "", "");
    assert_non_null (strstr (fake_host_response (host, call).body, "\"status\":\"done\""));
    assert_non_null (strstr (fake_host_response (host, call).body, "\"response_text\":\"done\""));
}

static void an_answer_is_sent_when_it_is_kept (void **state)
{
    fake_host_set_kv_delay (*state, 100);
    fake_host_t *host = opened (state);
    fake_host_deliver (host, 9, "s1", NULL, "too soon");
    assert_int_equal (fake_host_outcome (host, 9).times, 0);
    assert_int_equal (fake_host_response (host, say (host, "idempotency-key: k\n")).status, 503);
    fake_host_advance (host, 100); /* what was kept before is read */
    assert_int_equal (fake_host_outcome (host, 9).outcome, PAL_SENT);
    uint64_t call = say (host, "idempotency-key: k\n");
    fake_host_stored (host, 0);
    fake_host_deliver (host, 1, "s1", fake_host_event (host, 0)->id.text, "once");
    assert_int_equal (fake_host_response (host, call).status, 200);
    assert_int_equal (fake_host_outcome (host, 1).times, 0);
    fake_host_advance (host, 100);
    assert_int_equal (fake_host_outcome (host, 1).outcome, PAL_SENT);
}

static void a_failure_is_told_as_one (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = say (host, "idempotency-key: k\n");
    fake_host_busy (host, 0, 10, "later");
    assert_int_equal (fake_host_response (host, call).status, 503);
    call = say (host, "idempotency-key: k\n");
    fake_host_rejected (host, 1, "too long");
    assert_int_equal (fake_host_response (host, call).status, 422);
    assert_non_null (strstr (fake_host_response (host, call).body, "/problems/message-rejected"));
}

static void kept_ones_stay_within_their_number (void **state)
{
    char key[64];
    fake_host_set_number (*state, "repeats", 3);
    fake_host_t *host = opened (state);
    for (size_t at = 0; at < 5; at++) {
        snprintf (key, sizeof key, "idempotency-key: k%zu\n", at);
        say (host, key);
        fake_host_stored (host, at);
        fake_host_deliver (host, at + 1, "s1", fake_host_event (host, at)->id.text, "x");
        fake_host_advance (host, 1);
    }
    assert_int_equal (fake_host_response (host, say (host, "idempotency-key: k4\n")).status, 200);
    assert_int_equal (fake_host_response (host, say (host, "idempotency-key: k0\n")).status, 0);
    assert_int_equal (fake_host_events (host), 6);
    assert_string_equal (fake_host_event (host, 5)->platform_id,
                         fake_host_event (host, 0)->platform_id);
}

static void pages_of_other_sites_need_leave (void **state)
{
    fake_host_set_text (*state, "origins", "https://a.example https://b.example");
    fake_host_t *host = opened (state);
    uint64_t asked =
        fake_host_request (host, "OPTIONS", "/chat/message", "origin: https://b.example\n", "");
    fake_response_t answer = fake_host_response (host, asked);
    assert_int_equal (answer.status, 204);
    assert_non_null (strstr (answer.headers, "access-control-allow-origin: https://b.example\n"));
    assert_non_null (strstr (answer.headers, "access-control-allow-methods: POST, OPTIONS\n"));
    assert_non_null (strstr (answer.headers, "vary: Origin\n"));
    asked = fake_host_request (host, "OPTIONS", "/chat/message", "origin: https://b.exampl\n", "");
    assert_null (strstr (fake_host_response (host, asked).headers, "access-control"));
}

static void a_trace_goes_on (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t asked = fake_host_request (
        host, "GET", "/healthz",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nx-request-id: me\n",
        "");
    fake_response_t answer = fake_host_response (host, asked);
    assert_non_null (strstr (answer.headers, "x-request-id: me\n"));
    assert_non_null (strstr (answer.headers, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-"));
    assert_null (strstr (answer.headers, "b7ad6b7169203331"));
}

static void a_refusal_of_the_host_has_the_gateways_words (void **state)
{
    fake_host_t *host = opened (state);
    uint64_t call = fake_host_refuse (host, "POST", "/chat/message", "", 413, "it is too large");
    fake_response_t answer = fake_host_response (host, call);
    assert_int_equal (answer.status, 413);
    assert_non_null (strstr (answer.body, "/problems/body-too-large"));
    assert_non_null (strstr (answer.body, "it is too large"));
    call = fake_host_refuse (host, "POST", "/v1/chat/completions", "", 413, "it is too large");
    answer = fake_host_response (host, call);
    assert_non_null (strstr (answer.body, "{\"error\":{\"message\":\"it is too large\""));
    call = fake_host_refuse (host, "", "", "", 499, "whatever comes");
    assert_int_equal (fake_host_response (host, call).status, 400);
}

static void every_problem_is_explained (void **state)
{
    static const char *const slugs[] = {
#define PROBLEM(name, status, slug, kind, code, title, meaning) "/problems/" slug,
#include "web/problem.def"
#undef PROBLEM
    };
    fake_host_t *host = opened (state);
    for (size_t at = 0; at < sizeof slugs / sizeof *slugs; at++) {
        uint64_t asked = fake_host_request (host, "GET", slugs[at], "", "");
        assert_int_equal (fake_host_response (host, asked).status, 200);
        assert_non_null (strstr (fake_host_response (host, asked).body, slugs[at]));
    }
}

static void a_listener_that_fails_leaves_nothing_behind (void **state)
{
    fake_host_set_number (*state, "port", 1);
    assert_int_equal (fake_host_open (*state), -1);
    assert_string_equal (fake_host_failure (*state), "cannot listen on port 1");
}

static void times_are_read (void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:00:00.5+01:00", 1769857200500000},
        {"2024-02-29 23:59:59.123456789Z", 1709251199123456},
        {"2026-01-31", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-01-31T12:00:00", 1769860800000000},
        {"2026-01-31T25:00:00Z", -1},
        {"2026-01-31T12:00:00Zx", -1},
        {"", -1},
    };
    (void) state;
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        int64_t us = -1;
        assert_int_equal (message_time (pal_text (cases[at].text), &us), cases[at].us >= 0);
        assert_int_equal (us, cases[at].us);
    }
}

int main (void)
{
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (answers_the_request_that_waits),
        T (waits_as_long_as_it_says_and_not_longer),
        T (an_event_that_is_not_stored_is_not_called_kept),
        T (a_message_is_shown_before_its_answer),
        T (a_client_that_left_gets_nothing_and_its_answer_is_kept),
        T (answers_kept_stay_within_their_bound),
        T (a_session_keeps_its_last_twenty_answers_in_order),
        T (a_session_is_shown_and_reset_by_the_broker),
        T (waiting_requests_have_a_limit),
        T (stopping_tells_those_that_wait),
        T (who_waits_is_answered_while_it_drains),
        T (a_key_is_forgotten_when_its_event_was_not_taken),
        T (keys_are_asked_for),
        T (keys_have_scopes),
        T (keys_that_make_no_sense_are_refused),
        T (who_does_not_wait_can_ask_later),
        T (an_answer_is_sent_when_it_is_kept),
        T (a_failure_is_told_as_one),
        T (kept_ones_stay_within_their_number),
        T (pages_of_other_sites_need_leave),
        T (a_trace_goes_on),
        T (a_refusal_of_the_host_has_the_gateways_words),
        T (every_problem_is_explained),
        T (a_listener_that_fails_leaves_nothing_behind),
        T (times_are_read),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
