/*  Calls that are given up just as their answer ends: whichever of the two threads is first.  */

#include "advisor/claude/http.h"

#include "base/clock.h"
#include "base/format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROUNDS = 1500, SECOND_US = 1000000, PIECE_BYTES = 4 };

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nconnection: close\r\nrequest-id: r1\r\n\r\nword";

typedef struct {
    int listener;
    char url[64];
} server_t;

/*  Answers each connection at once, and closes it. Ends with its listener.  */
static void *serve (void *arg)
{
    const server_t *self = arg;
    char request[4096];
    for (;;) {
        int line = accept (self->listener, NULL, NULL);
        if (line < 0)
            return NULL;
        if (read (line, request, sizeof request) > 0 && write (line, ANSWER, sizeof ANSWER - 1) > 0)
            shutdown (line, SHUT_WR);
        close (line);
    }
}

static void listen_here (server_t *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    self->listener = socket (AF_INET, SOCK_STREAM, 0);
    assert_int_equal (bind (self->listener, (struct sockaddr *) &address, size), 0);
    assert_int_equal (listen (self->listener, 64), 0);
    assert_int_equal (getsockname (self->listener, (struct sockaddr *) &address, &size), 0);
    plv_format (self->url, sizeof self->url, "http://127.0.0.1:%d/", ntohs (address.sin_port));
}

static void one_call (http_t *http, const server_t *server, bool to_its_end)
{
    static const char *const HEADERS[] = {"accept: text/event-stream"};
    const http_request_t request = {.url = server->url,
                                    .headers = HEADERS,
                                    .header_count = 1,
                                    .body = plv_view_str ("{}"),
                                    .connect_ms = 5000};
    http_call_t *call = NULL;
    plv_buf_t piece = {0};
    plv_fail_t fail;
    char header[HTTP_HEADER_BYTES];
    assert_int_equal (http_start (http, &request, &call, &fail), ERR_OK);
    int64_t until_us = plv_clock_mono_us () + 20 * SECOND_US;
    assert_int_equal (http_next (call, until_us, &piece), HTTP_PIECE);
    assert_int_equal (piece.size, PIECE_BYTES);
    assert_int_equal (http_status (call), 200);
    assert_string_equal (http_header (call, "request-id", header), "r1");
    if (to_its_end)
        assert_int_equal (http_next (call, until_us, &piece), HTTP_END);
    http_end (&call);
    assert_null (call);
    plv_buf_free (&piece);
}

static void a_call_that_ends_while_it_is_given_up_is_forgotten (void **state)
{
    server_t server;
    pthread_t thread;
    http_t *http = NULL;
    plv_fail_t fail;
    (void) state;
    listen_here (&server);
    assert_int_equal (pthread_create (&thread, NULL, serve, &server), 0);
    assert_int_equal (http_new (8, &http, &fail), ERR_OK);
    for (int i = 0; i < ROUNDS; i++)
        one_call (http, &server, i % 8 == 0);
    http_destroy (&http);
    shutdown (server.listener, SHUT_RDWR);
    pthread_join (thread, NULL);
    close (server.listener);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_call_that_ends_while_it_is_given_up_is_forgotten),
    };
    return cmocka_run_group_tests_name ("http", tests, NULL, NULL);
}
