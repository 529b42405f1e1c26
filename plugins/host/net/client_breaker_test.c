#include "host/net/client_breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MS = 1000 };

static const uint8_t seed[16] = {1};

static plv_view_t remote (void)
{
    return plv_view_str ("https://a.example:443");
}

static void fail_times (client_breaker_t *self, int times, int64_t now_us)
{
    while (times--)
        client_breaker_bad (self, remote (), now_us);
}

static void opens_after_failures_in_a_row (void **state)
{
    client_breaker_t self;
    (void) state;
    client_breaker_init (&self, seed);
    fail_times (&self, CLIENT_FAILURES - 1, 0);
    assert_int_equal (client_breaker_wait (&self, remote (), 0), 0);
    client_breaker_good (&self, remote ());
    fail_times (&self, CLIENT_FAILURES - 1, 0);
    assert_int_equal (client_breaker_wait (&self, remote (), 0), 0);
    fail_times (&self, 1, 0);
    assert_int_equal (client_breaker_wait (&self, remote (), 0), CLIENT_OPEN_MS);
    assert_int_equal (client_breaker_wait (&self, remote (), 1), CLIENT_OPEN_MS);
    assert_int_equal (client_breaker_wait (&self, remote (), 29000 * MS), 1000);
    assert_int_equal (client_breaker_wait (&self, plv_view_str ("https://b.example:443"), 0), 0);
    client_breaker_free (&self);
}

static void one_probe_decides (void **state)
{
    client_breaker_t self;
    int64_t later = (int64_t) CLIENT_OPEN_MS * MS;
    (void) state;
    client_breaker_init (&self, seed);
    fail_times (&self, CLIENT_FAILURES, 0);
    fail_times (&self, 3, 500 * MS); /* late ones change nothing */
    assert_int_equal (client_breaker_wait (&self, remote (), later), 0);
    assert_int_equal (client_breaker_wait (&self, remote (), later), CLIENT_PROBE_MS);
    fail_times (&self, 1, later);
    assert_int_equal (client_breaker_wait (&self, remote (), later), CLIENT_OPEN_MS);
    assert_int_equal (client_breaker_wait (&self, remote (), later * 2), 0);
    client_breaker_unknown (&self, remote ());
    assert_int_equal (client_breaker_wait (&self, remote (), later * 2), 0);
    client_breaker_good (&self, remote ());
    assert_int_equal (client_breaker_wait (&self, remote (), later * 2), 0);
    assert_int_equal (client_breaker_wait (&self, remote (), later * 2), 0);
    client_breaker_free (&self);
}

static void remotes_are_bounded (void **state)
{
    client_breaker_t self;
    (void) state;
    client_breaker_init (&self, seed);
    for (int at = 0; at < CLIENT_CIRCUITS_MAX + 100; at++) {
        char name[32];
        snprintf (name, sizeof name, "http://%d:80", at);
        client_breaker_bad (&self, plv_view_str (name), 0);
    }
    assert_int_equal (self.by_remote.count, CLIENT_CIRCUITS_MAX);
    client_breaker_free (&self);
}

static void which_answers_are_failures (void **state)
{
    (void) state;
    assert_true (client_status_is_bad (500) && client_status_is_bad (503));
    assert_false (client_status_is_bad (429) || client_status_is_bad (404));
    assert_false (client_status_is_bad (501) || client_status_is_bad (200));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (opens_after_failures_in_a_row),
        cmocka_unit_test (one_probe_decides),
        cmocka_unit_test (remotes_are_bounded),
        cmocka_unit_test (which_answers_are_failures),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
