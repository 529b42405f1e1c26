/*  The loopback adapter without a broker.  */
#include "sdk/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

extern const pal_adapter_t palaver_adapter;

enum { QUIET_MS = 50 };

typedef struct {
    fake_host_t *host;
    char dir[32];
    struct sockaddr_un address;
} fixture_t;

static int set_up (void **state)
{
    fixture_t *fixture = calloc (1, sizeof *fixture);
    snprintf (fixture->dir, sizeof fixture->dir, "/tmp/loopback-XXXXXX");
    assert_non_null (mkdtemp (fixture->dir));
    fixture->address.sun_family = AF_UNIX;
    snprintf (fixture->address.sun_path, sizeof fixture->address.sun_path, "%s/s", fixture->dir);
    fixture->host = fake_host_new (&palaver_adapter);
    fake_host_set_text (fixture->host, "path", fixture->address.sun_path);
    *state = fixture;
    return fake_host_open (fixture->host);
}

static int tear_down (void **state)
{
    fixture_t *fixture = *state;
    fake_host_destroy (&fixture->host);
    unlink (fixture->address.sun_path);
    rmdir (fixture->dir);
    free (fixture);
    return 0;
}

static int connected (fixture_t *fixture)
{
    const struct timeval patience = {.tv_sec = 5};
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal (connect (fd, (struct sockaddr *) &fixture->address, sizeof fixture->address),
                      0);
    return fd;
}

static void say (fixture_t *fixture, int fd, const char *text)
{
    assert_int_equal (write (fd, text, strlen (text)), strlen (text));
    fake_host_poll (fixture->host, QUIET_MS);
}

/*  One line, or "" when the other side has hung up.  */
static void hear (int fd, char *ret_line, size_t size)
{
    size_t at = 0;
    while (at + 1 < size && read (fd, ret_line + at, 1) == 1 && ret_line[at] != '\n')
        at++;
    ret_line[at] = 0;
}

static void a_line_is_a_message_and_the_answer_a_line (void **state)
{
    fixture_t *fixture = *state;
    char line[1024];
    int fd = connected (fixture);
    say (
        fixture, fd,
        "{\"conversation\":\"c\",\"user_id\":\"ann\",\"message_text\":\"hi\",\"platform_id\":\"1\"}\n");
    assert_int_equal (fake_host_events (fixture->host), 1);
    const fake_event_t *event = fake_host_event (fixture->host, 0);
    assert_string_equal (event->conversation, "c");
    assert_string_equal (event->message_text, "hi");
    assert_string_equal (event->platform_id, "1");
    fake_host_stored (fixture->host, 0);
    hear (fd, line, sizeof line);
    assert_non_null (strstr (line, "\"taken\":\"stored\""));
    assert_non_null (strstr (line, event->id.text));
    fake_host_deliver (fixture->host, 5, "c", event->id.text, "hello ann");
    hear (fd, line, sizeof line);
    assert_non_null (strstr (line, "\"response_text\":\"hello ann\""));
    assert_non_null (strstr (line, event->id.text));
    assert_int_equal (fake_host_outcome (fixture->host, 5).outcome, PAL_SENT);
    close (fd);
}

static void lines_may_come_in_pieces_and_together (void **state)
{
    fixture_t *fixture = *state;
    int fd = connected (fixture);
    say (fixture, fd, "{\"conversation\":\"c\",\"user_id\":\"a\",\"mess");
    assert_int_equal (fake_host_events (fixture->host), 0);
    say (fixture, fd,
         "age_text\":\"1\"}\n{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"2\"}\n{");
    assert_int_equal (fake_host_events (fixture->host), 2);
    assert_string_equal (fake_host_event (fixture->host, 1)->message_text, "2");
    close (fd);
}

static void a_text_may_hold_every_character (void **state)
{
    fixture_t *fixture = *state;
    char line[1024];
    int fd = connected (fixture);
    say (fixture, fd,
         "{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"one\\u0000two\"}\n");
    assert_int_equal (fake_host_events (fixture->host), 1);
    assert_string_equal (fake_host_event (fixture->host, 0)->conversation, "c");
    fake_host_deliver (fixture->host, 1, "c", NULL, "three\\u0000four");
    hear (fd, line, sizeof line);
    assert_non_null (strstr (line, "\"response_text\":\"three\\u0000four\""));
    assert_int_equal (fake_host_outcome (fixture->host, 1).outcome, PAL_SENT);
    close (fd);
}

static void a_line_that_is_none_changes_no_conversation (void **state)
{
    fixture_t *fixture = *state;
    int fd = connected (fixture);
    say (fixture, fd,
         "{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"1\"}\nnot JSON\n");
    fake_host_deliver (fixture->host, 1, "c", NULL, "hello");
    assert_int_equal (fake_host_outcome (fixture->host, 1).outcome, PAL_SENT);
    close (fd);
}

static void nobody_there_is_not_sent (void **state)
{
    fixture_t *fixture = *state;
    fake_host_deliver (fixture->host, 1, "nobody", NULL, "hello?");
    assert_int_equal (fake_host_outcome (fixture->host, 1).outcome, PAL_NOT_SENT);
    assert_int_equal (fake_host_outcome (fixture->host, 1).retry_after_ms, 1000);
}

static void a_client_that_left_is_forgotten (void **state)
{
    fixture_t *fixture = *state;
    int fd = connected (fixture);
    say (fixture, fd, "{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"1\"}\n");
    close (fd);
    fake_host_poll (fixture->host, QUIET_MS);
    fake_host_stored (fixture->host, 0); /* nobody to tell */
    fake_host_deliver (fixture->host, 1, "c", NULL, "hello?");
    assert_int_equal (fake_host_outcome (fixture->host, 1).outcome, PAL_NOT_SENT);
}

static void an_answer_is_not_told_to_who_came_after (void **state)
{
    fixture_t *fixture = *state;
    char line[1024];
    int first = connected (fixture);
    say (fixture, first, "{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"1\"}\n");
    close (first);
    fake_host_poll (fixture->host, QUIET_MS);
    int second = connected (fixture);
    say (fixture, second, "{\"conversation\":\"d\",\"user_id\":\"b\",\"message_text\":\"2\"}\n");
    fake_host_stored (fixture->host, 0);
    fake_host_stored (fixture->host, 1);
    hear (second, line, sizeof line);
    assert_non_null (strstr (line, fake_host_event (fixture->host, 1)->id.text));
    close (second);
}

static void nothing_has_left_to_a_client_that_has_just_gone (void **state)
{
    fixture_t *fixture = *state;
    int fd = connected (fixture);
    say (fixture, fd, "{\"conversation\":\"c\",\"user_id\":\"a\",\"message_text\":\"1\"}\n");
    close (fd); /* and the host has not looked since */
    fake_host_deliver (fixture->host, 1, "c", NULL, "hello?");
    assert_int_equal (fake_host_outcome (fixture->host, 1).outcome, PAL_NOT_SENT);
}

static void a_line_without_an_end_is_cut_off (void **state)
{
    fixture_t *fixture = *state;
    char piece[1025], line[16];
    int fd = connected (fixture);
    memset (piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = 0;
    for (int at = 0; at < 64; at++)
        say (fixture, fd, piece);
    hear (fd, line, sizeof line);
    assert_string_equal (line, "");
    close (fd);
}

static void a_path_that_cannot_be_is_named (void **state)
{
    (void) state;
    fake_host_t *host = fake_host_new (&palaver_adapter);
    fake_host_set_text (host, "path", "/proc/nonexistent/socket");
    assert_int_equal (fake_host_open (host), -1);
    assert_non_null (strstr (fake_host_failure (host), "/proc/nonexistent/socket"));
    fake_host_destroy (&host);
}

int main (void)
{
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (a_line_is_a_message_and_the_answer_a_line),
        T (lines_may_come_in_pieces_and_together),
        T (a_text_may_hold_every_character),
        T (a_line_that_is_none_changes_no_conversation),
        T (nobody_there_is_not_sent),
        T (a_client_that_left_is_forgotten),
        T (an_answer_is_not_told_to_who_came_after),
        T (nothing_has_left_to_a_client_that_has_just_gone),
        T (a_line_without_an_end_is_cut_off),
        cmocka_unit_test (a_path_that_cannot_be_is_named),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
