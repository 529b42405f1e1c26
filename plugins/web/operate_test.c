/*  /operate/...: what operators ask the broker, without a broker and without a network.  */
#include "sdk/fake_host.h"
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

#define CHAT "x-api-key: alpha\n"
#define OPS "authorization: Bearer beta\n"
#define JSON "content-type: application/json\n"

static int set_up (void **state)
{
    fake_host_t *host = fake_host_new (&palaver_adapter);
    fake_host_set_text (host, "api_keys", "alpha\nbeta operate ops\ngamma operate\n");
    assert_int_equal (fake_host_open (host), 0);
    *state = host;
    return 0;
}

static int tear_down (void **state)
{
    fake_host_t *host = *state;
    fake_host_destroy (&host);
    return 0;
}

static uint64_t get (fake_host_t *host, const char *path)
{
    return fake_host_request (host, "GET", path, OPS, "");
}

static uint64_t post (fake_host_t *host, const char *path, const char *body)
{
    return fake_host_request (host, "POST", path, OPS JSON, body);
}

static void assert_answer (fake_host_t *host, uint64_t call, uint32_t status, const char *words)
{
    fake_response_t response = fake_host_response (host, call);
    assert_int_equal (response.status, status);
    if (!strstr (response.body, words))
        fail_msg ("\"%s\" is not in: %s", words, response.body);
}

static void assert_streamed (fake_host_t *host, uint64_t call, const char *words)
{
    assert_int_equal (fake_host_response (host, call).status, 200);
    if (!strstr (fake_host_transcript (host, call), words))
        fail_msg ("\"%s\" is not in: %s", words, fake_host_transcript (host, call));
}

static void only_keys_with_the_scope_may_ask (void **state)
{
    fake_host_t *host = *state;
    assert_answer (host, fake_host_request (host, "GET", "/operate/status", "", ""), 401,
                   "/problems/key-needed");
    assert_answer (host, fake_host_request (host, "GET", "/operate/status", CHAT, ""), 403,
                   "/problems/scope-needed");
    assert_null (fake_host_answer (host, "ok", "{}"));
    assert_answer (host, get (host, "/operate/key"), 200, "{\"name\":\"ops\"}");
    assert_answer (host, fake_host_request (host, "GET", "/operate/key", "x-api-key: gamma\n", ""),
                   200, "{\"name\":\"key 3\"}");
}

static void pages_of_other_sites_are_refused_even_if_they_may_chat (void **state)
{
    fake_host_t *host = *state;
    static const char *const headers = OPS JSON "host: gate\norigin: https://chat.example\n";
    uint64_t call =
        fake_host_request (host, "POST", "/operate/dead/replay", headers, "{\"numbers\":[1]}");
    assert_answer (host, call, 403, "/problems/origin-refused");
    assert_null (fake_host_answer (host, "ok", "{}"));
    call = fake_host_request (host, "POST", "/operate/dead/replay",
                              OPS JSON "host: gate\norigin: http://gate\n", "{\"numbers\":[1]}");
    assert_non_null (fake_host_answer (host, "ok", "{\"done\":1}"));
    assert_answer (host, call, 200, "{\"done\":1}");
}

static void a_page_behind_a_proxy_that_does_tls_is_our_own (void **state)
{
    static const struct {
        const char *headers;
        uint32_t status;
    } rows[] = {
        {OPS JSON "host: gate\norigin: https://gate\nx-forwarded-proto: https\n", 200},
        {OPS JSON "host: gate\norigin: https://gate\nx-forwarded-proto: https, http\n", 200},
        {OPS JSON "host: gate\norigin: https://gate\n", 403},
        {OPS JSON "host: gate\norigin: https://gate\nx-forwarded-proto: http\n", 403},
        {OPS JSON "host: gate\norigin: https://other\nx-forwarded-proto: https\n", 403},
    };
    fake_host_t *host = *state;
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        uint64_t call = fake_host_request (host, "POST", "/operate/dead/replay", rows[at].headers,
                                           "{\"numbers\":[1]}");
        if (rows[at].status == 200)
            fake_host_answer (host, "ok", "{\"done\":1}");
        assert_int_equal (fake_host_response (host, call).status, rows[at].status);
    }
}

static void a_query_becomes_arguments (void **state)
{
    fake_host_t *host = *state;
    uint64_t call = get (host, "/operate/dead?after=7&platform=we%22b&attempts=2&&code=");
    assert_string_equal (fake_host_answer (host, "ok", "{\"items\":[],\"next\":null}"),
                         "dead.list {\"after\":7,\"platform\":\"we\\\"b\",\"attempts\":2}");
    assert_answer (host, call, 200, "{\"items\":[],\"next\":null}");
    call = get (host, "/operate/dead/12");
    assert_string_equal (fake_host_answer (host, "NOENT", "{\"text\":\"no such letter\"}"),
                         "dead.show {\"number\":12}");
    assert_answer (host, call, 404, "no such letter");
    assert_answer (host, get (host, "/operate/dead/twelve"), 400, "number: takes a number");
    assert_answer (host, get (host, "/operate/dead?after=1&sesion=web_me"), 400,
                   "\\\"sesion\\\" is not one of those that this path takes");
    assert_answer (host, get (host, "/operate/dead?a\xff\n=1"), 400,
                   "\\\"a\xef\xbf\xbd\\n\\\" is not one of");
    assert_answer (
        host,
        post (host, "/operate/dead/discard", "{\"a long key of which the end is\xe2\x82\xac\":1}"),
        422, "of which the end is\\\" is not one of the keys");
    assert_answer (host, get (host, "/operate/dead?since"), 400, "\\\"since\\\" is not one of");
    assert_answer (host, get (host, "/operate/status?x=1"), 400, "\\\"x\\\" is not one of");
    assert_answer (host, get (host, "/operate/dead?after=x"), 400, "after: takes a number");
    assert_answer (host, get (host, "/operate/session?session=%ff"), 400, "session: takes a text");
}

static void what_a_query_cannot_mean_is_not_left_out (void **state)
{
    fake_host_t *host = *state;
    char path[600];
    snprintf (path, sizeof path, "/operate/dead?session=%0512d", 7);
    get (host, path);
    assert_non_null (strstr (fake_host_answer (host, "ok", "{}"), "dead.list {\"session\":\"0"));
    snprintf (path, sizeof path, "/operate/dead?session=%0513d", 7);
    assert_answer (host, get (host, path), 400, "session: takes at most 512 bytes");
    snprintf (path, sizeof path, "/operate/tail?user=%0513d", 7);
    assert_answer (host, get (host, path), 400, "user: takes at most 512 bytes");
    static const char *const lists[] = {"agents", "adapters", "sessions",
                                        "dead",   "events",   "dead/groups"};
    for (size_t at = 0; at < sizeof lists / sizeof *lists; at++) {
        snprintf (path, sizeof path, "/operate/%s?limit=0", lists[at]);
        assert_answer (host, get (host, path), 400, "limit: takes a number from 1");
    }
    assert_null (fake_host_answer (host, "ok", "{}"));
}

static void an_order_says_who_gives_it (void **state)
{
    fake_host_t *host = *state;
    uint64_t call = post (host, "/operate/dead/replay",
                          "{\"numbers\":[3,5],\"expect\":[[1,9],null],\"to\":\"slow\"}");
    assert_string_equal (fake_host_answer (host, "NOENT", "{\"done\":0,\"missing\":2}"),
                         "dead.replay {\"numbers\":[3,5],\"expect\":[[1,9],null],\"to\":\"slow\","
                         "\"who\":\"ops\"}");
    assert_answer (host, call, 200, "\"missing\":2"); /* counts are no failure */
    assert_non_null (strstr (fake_host_log (host), "ops, from "));
    call = post (host, "/operate/dead/discard", "{\"numbers\":[3],\"who\":\"somebody\"}");
    assert_answer (host, call, 422, "\\\"who\\\" is not one of the keys");
    assert_answer (host, post (host, "/operate/dead/discard", "[3]"), 400, "/problems/not-json");
    assert_answer (host,
                   fake_host_request (host, "POST", "/operate/dead/discard",
                                      OPS "content-type: text/plain\n", "{\"numbers\":[3]}"),
                   415, "/problems/not-json-type");
    assert_null (fake_host_answer (host, "ok", "{}"));
}

/*  The broker would pass over it: all of a route would go where a part was meant, or be gone where nothing was.  */
static void a_value_of_another_kind_is_refused (void **state)
{
    static const struct {
        const char *path, *body, *words;
    } rows[] = {
        {"events/discard", "{\"session\":5,\"route\":\"default\"}", "session: takes a text"},
        {"events/discard", "{\"route\":\"x\",\"dry_run\":\"true\"}",
         "dry_run: takes true or false"},
        {"dead/replay", "{\"numbers\":[1],\"to\":7}", "to: takes a text"},
        {"dead/replay", "{\"numbers\":[1],\"allow_duplicates\":1}", "takes true or false"},
        {"dead/discard", "{\"numbers\":[1],\"reason\":{}}", "reason: takes a text"},
        {"routes/pause", "{\"route\":[]}", "route: takes a text"},
        {"session/end", "{\"session\":true}", "session: takes a text"},
    };
    fake_host_t *host = *state;
    char path[64];
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        snprintf (path, sizeof path, "/operate/%s", rows[at].path);
        assert_answer (host, post (host, path, rows[at].body), 422, rows[at].words);
    }
    assert_null (fake_host_answer (host, "ok", "{}"));
    post (host, "/operate/events/discard", "{\"session\":\"x\",\"route\":null,\"dry_run\":true}");
    assert_string_equal (fake_host_answer (host, "ok", "{}"),
                         "events.discard {\"session\":\"x\",\"route\":null,\"dry_run\":true,"
                         "\"who\":\"ops\"}");
}

static void what_the_broker_refuses_is_said_in_its_words (void **state)
{
    static const struct {
        const char *status;
        uint32_t http;
        const char *slug;
    } rows[] = {
        {"AUTH", 403, "not-permitted"},      {"ARG", 422, "order-refused"},
        {"BUSY", 409, "session-busy"},       {"TIMEOUT", 503, "broker-away"},
        {"UNAVAILABLE", 503, "broker-away"}, {"IO", 500, "fault"},
    };
    fake_host_t *host = *state;
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        uint64_t call = get (host, "/operate/status");
        fake_host_answer (host, rows[at].status, "{\"text\":\"its own words\"}");
        assert_answer (host, call, rows[at].http, "its own words");
        assert_answer (host, call, rows[at].http, rows[at].slug);
    }
}

static void questions_that_wait_end_with_the_gateway (void **state)
{
    fake_host_t *host = *state;
    get (host, "/operate/status");
    fake_host_hang_up (host, get (host, "/operate/metrics"));
    fake_host_answer (host, "ok", "{}");
    fake_host_answer (host, "ok", "{}");
    get (host, "/operate/status");
    fake_host_close (host); /* what is left is freed: the sanitizer looks */
}

static void what_happens_is_streamed_until_somebody_leaves (void **state)
{
    fake_host_t *host = *state;
    assert_answer (host, get (host, "/operate/tail?texts=yes"), 400, "texts: takes true or false");
    uint64_t call = get (host, "/operate/tail?platform=web&texts=true");
    assert_string_equal (fake_host_answer_part (host, "{\"items\":[],\"lost\":0}"),
                         "tail {\"platform\":\"web\",\"texts\":true}");
    assert_string_equal (fake_host_said_more (host), "");
    fake_host_answer_part (host,
                           "{\"items\":[{\"what\":\"accepted\"},{\"what\":\"dead\"}],\"lost\":0}");
    assert_streamed (host, call, "event: lines\ndata: {\"items\":[{\"what\":\"accepted\"}");
    assert_string_equal (fake_host_said_more (host), "tail.read {\"lines\":2}");
    fake_host_hang_up (host, call);
    assert_string_equal (fake_host_said_more (host), "tail.end {}");
    fake_host_answer_part (host, "{\"items\":[{\"what\":\"dead\"}],\"lost\":0}");
    fake_host_answer (host, "ok", "{\"items\":[],\"lost\":0}");
}

static void a_tail_that_cannot_be_had_is_a_problem (void **state)
{
    fake_host_t *host = *state;
    uint64_t call = get (host, "/operate/tail");
    fake_host_answer (host, "FULL", "{\"text\":\"16 tails are shown\"}");
    assert_answer (host, call, 503, "16 tails are shown");
    call = get (host, "/operate/tail");
    fake_host_drain (host);
    assert_answer (host, call, 503, "/problems/stopping");
    fake_host_close (host);
}

static void a_tail_ends_with_the_broker (void **state)
{
    fake_host_t *host = *state;
    uint64_t call = get (host, "/operate/tail");
    fake_host_answer_part (host, "{\"items\":[],\"lost\":0}");
    fake_host_answer (host, "GONE", "{}");
    assert_streamed (host, call, "data: {\"items\":[]");
    assert_int_equal (fake_host_ended (host, call), 1);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (only_keys_with_the_scope_may_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown (pages_of_other_sites_are_refused_even_if_they_may_chat,
                                         set_up, tear_down),
        cmocka_unit_test_setup_teardown (a_page_behind_a_proxy_that_does_tls_is_our_own, set_up,
                                         tear_down),
        cmocka_unit_test_setup_teardown (a_query_becomes_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown (what_a_query_cannot_mean_is_not_left_out, set_up,
                                         tear_down),
        cmocka_unit_test_setup_teardown (an_order_says_who_gives_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown (a_value_of_another_kind_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown (what_the_broker_refuses_is_said_in_its_words, set_up,
                                         tear_down),
        cmocka_unit_test_setup_teardown (what_happens_is_streamed_until_somebody_leaves, set_up,
                                         tear_down),
        cmocka_unit_test_setup_teardown (a_tail_that_cannot_be_had_is_a_problem, set_up, tear_down),
        cmocka_unit_test_setup_teardown (a_tail_ends_with_the_broker, set_up, tear_down),
        cmocka_unit_test_setup_teardown (questions_that_wait_end_with_the_gateway, set_up,
                                         tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
