#include "sdk/fake_host_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*  A plugin that writes down what it is told.  */
static struct {
    const pal_host_t *host;
    char log[2048];
} self;

static void note (const char *format, unsigned long long number, pal_text_t text)
{
    size_t size = strlen (self.log);
    snprintf (self.log + size, sizeof self.log - size, format, number, (int) text.size,
              text.size ? text.data : "");
}

static void on_request (void *arg, const pal_http_request_t *request)
{
    (void) arg;
    pal_text_t key = self.host->http_header (self.host, request->call, "x-key");
    note ("request %llu %.*s\n", request->call, request->path);
    note ("query %llu %.*s\n", request->call, request->query);
    note ("key %llu %.*s\n", request->call, key);
}

static void on_gone (void *arg, uint64_t call)
{
    (void) arg;
    note ("gone %llu%.*s\n", call, pal_text (NULL));
}

static uint32_t on_socket (void *arg, const pal_http_request_t *request, const char **ret_protocol)
{
    (void) arg;
    *ret_protocol = "second";
    return pal_text_is (request->path, "/chat") ? 0 : 404;
}

static void on_socket_open (void *arg, uint64_t socket)
{
    (void) arg;
    note ("open %llu%.*s\n", socket, pal_text (NULL));
}

static void on_socket_message (void *arg, uint64_t socket, pal_text_t message, bool binary)
{
    (void) arg;
    note (binary ? "bytes %llu %.*s\n" : "message %llu %.*s\n", socket, message);
}

static void on_closed (void *arg, uint64_t socket, uint32_t code, pal_text_t reason)
{
    (void) arg, (void) socket;
    note ("closed %llu %.*s\n", code, reason);
}

static void on_drained (void *arg, uint64_t call)
{
    (void) arg;
    note ("drained %llu%.*s\n", call, pal_text (NULL));
}

static void on_answer (void *arg, const pal_answer_t *answer)
{
    (void) arg;
    note ("ended %llu %.*s\n", answer->ended, answer->reason);
    note ("status %llu %.*s\n", answer->status, answer->body);
    note ("retry %llu %.*s\n", answer->retry_after_ms, pal_answer_header (answer, "x-test"));
}

static int open_it (const pal_host_t *host, void **ret_self)
{
    static const pal_http_options_t options = {.address = "127.0.0.1"};
    static const pal_http_handler_t handler = {.request = on_request,
                                               .gone = on_gone,
                                               .socket = on_socket,
                                               .socket_open = on_socket_open,
                                               .socket_message = on_socket_message,
                                               .drained = on_drained};
    memset (&self, 0, sizeof self);
    self.host = host;
    *ret_self = &self;
    return host->http_listen (host, &options, &handler, NULL);
}

static void deliver (void *arg, const pal_reply_t *reply)
{
    (void) arg, (void) reply;
}

static void close_it (void *arg)
{
    (void) arg;
}

static const pal_adapter_t adapter = {.abi = PAL_ABI,
                                      .size = sizeof adapter,
                                      .name = "test",
                                      .open = open_it,
                                      .deliver = deliver,
                                      .close = close_it};

static int set_up (void **state)
{
    fake_host_t *host = fake_host_new (&adapter);
    *state = host;
    return fake_host_open (host);
}

static int tear_down (void **state)
{
    fake_host_t *host = *state;
    fake_host_destroy (&host);
    return 0;
}

static void logged (const char *text)
{
    assert_string_equal (self.log, text);
    self.log[0] = 0;
}

static void requests_are_seen_and_answered (void **state)
{
    fake_host_t *host = *state;
    pal_header_t header = {pal_text ("authorization"), pal_text ("Bearer x")};
    pal_part_t part = {.name = pal_text ("file"), .data = pal_text ("data")};
    pal_request_t request = {.url = pal_text ("https://a.example/x"),
                             .headers = &header,
                             .header_count = 1,
                             .part_count = 1,
                             .parts = &part,
                             .timeout_ms = 7};
    assert_int_equal (self.host->request (self.host, &request, on_answer, NULL), 1);
    assert_int_equal (self.host->request (self.host, &request, on_answer, NULL), 2);
    assert_int_equal (self.host->request (self.host, &request, on_answer, NULL), 3);
    logged ("");
    const fake_sent_t *sent = fake_host_sent (host, 0);
    assert_string_equal (sent->method, "POST");
    assert_string_equal (sent->url, "https://a.example/x");
    assert_string_equal (sent->headers, "authorization: Bearer x\n");
    assert_string_equal (sent->parts, "file|||data\n");
    assert_int_equal (sent->timeout_ms, 7);
    fake_host_answer_request (host, 0, PAL_ANSWERED, 429, "x-test: y\nretry-after: 3\n", "slow");
    logged ("ended 1 \nstatus 429 slow\nretry 3000 y\n");
    fake_host_answer_request (host, 1, PAL_LOST, 0, NULL, "cut");
    logged ("ended 3 cut\nstatus 0 \nretry 0 \n");
    self.host->request_cancel (self.host, 3);
    assert_true (fake_host_sent (host, 2)->is_cancelled);
    assert_int_equal (fake_host_requests (host), 3);
    assert_int_equal (fake_host_requests_open (host), 0);
}

static void sockets_of_the_plugin (void **state)
{
    static const pal_socket_handler_t handler = {
        .open = on_socket_open, .message = on_socket_message, .closed = on_closed};
    fake_host_t *host = *state;
    pal_socket_options_t options = {.url = pal_text ("wss://a.example/")};
    uint64_t number = self.host->socket_connect (self.host, &options, &handler);
    assert_false (self.host->socket_send (self.host, number, pal_text ("early"), false));
    fake_host_socket_open (host, 0);
    assert_true (self.host->socket_send (self.host, number, pal_text ("one"), false));
    assert_true (self.host->socket_send (self.host, number, (pal_text_t){"\1\377", 2}, true));
    self.log[0] = 0;
    fake_host_socket_say (host, 0, "hello");
    fake_host_socket_say_bytes (host, 0, "xy", 2);
    assert_non_null (strstr (self.log, "hello\nbytes"));
    self.host->socket_close (self.host, number, 4000, pal_text ("why"));
    assert_false (self.host->socket_send (self.host, number, pal_text ("late"), false));
    fake_socket_t seen = fake_host_socket (host, 0);
    assert_string_equal (seen.transcript, "one\nbinary:01ff\n");
    assert_true (seen.is_closing && !seen.is_over);
    assert_int_equal (seen.code, 4000);
    assert_string_equal (seen.reason, "why");
    self.log[0] = 0;
    fake_host_socket_closed (host, 0, 4000, "why");
    logged ("closed 4000 why\n");
    assert_true (fake_host_socket (host, 0).is_over);
}

static void streams_of_the_listener (void **state)
{
    fake_host_t *host = *state;
    uint64_t call = fake_host_request (host, "GET", "/a?b=c", "x-key: k\n", "");
    logged ("request 1 /a\nquery 1 b=c\nkey 1 k\n");
    pal_http_response_t response = {.status = 200, .body = pal_text ("1")};
    assert_true (self.host->http_begin (self.host, call, &response));
    assert_false (self.host->http_begin (self.host, call, &response));
    assert_true (self.host->http_write (self.host, call, pal_text ("2")));
    fake_host_stall (host, call, 2);
    assert_true (self.host->http_write (self.host, call, pal_text ("34")));
    assert_false (self.host->http_write (self.host, call, pal_text ("5")));
    fake_host_drained (host, call);
    logged ("drained 1\n");
    self.host->http_end (self.host, call);
    assert_false (self.host->http_write (self.host, call, pal_text ("6")));
    assert_string_equal (fake_host_transcript (host, call), "1234");
    assert_int_equal (fake_host_ended (host, call), 1);
    assert_int_equal (fake_host_response (host, call).status, 200);
}

static void sockets_of_the_listener (void **state)
{
    fake_host_t *host = *state;
    uint32_t status;
    assert_int_equal (fake_host_connect (host, "/nowhere", "", NULL, &status), 0);
    assert_int_equal (status, 404);
    uint64_t call = fake_host_connect (host, "/chat", "", NULL, &status);
    assert_int_equal (status, 0);
    assert_string_equal (fake_host_protocol (host, call), "second");
    fake_host_say (host, call, "hello");
    assert_true (self.host->socket_send (self.host, call, pal_text ("answer"), false));
    fake_host_stall (host, call, 10);
    assert_true (self.host->socket_send (self.host, call, pal_text ("12345678"), false));
    assert_int_equal (self.host->socket_waiting (self.host, call), 8);
    assert_false (self.host->socket_send (self.host, call, pal_text ("123"), false));
    self.host->socket_close (self.host, call, 1001, pal_text (NULL));
    assert_int_equal (fake_host_ended (host, call), 1001);
    assert_string_equal (fake_host_transcript (host, call), "answer\n12345678\n");
    fake_host_hang_up (host, call);
    logged ("open 2\nmessage 2 hello\ngone 2\n");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (requests_are_seen_and_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown (sockets_of_the_plugin, set_up, tear_down),
        cmocka_unit_test_setup_teardown (streams_of_the_listener, set_up, tear_down),
        cmocka_unit_test_setup_teardown (sockets_of_the_listener, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
