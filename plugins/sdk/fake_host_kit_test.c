#include "sdk/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/*  A plugin that does nothing but hand its host out.  */
static int plugin_open (const pal_host_t *host, void **ret_self)
{
    *ret_self = (void *) (uintptr_t) host;
    return 0;
}

static void plugin_deliver (void *self, const pal_reply_t *reply)
{
    const pal_host_t *host = self;
    pal_sent (host, reply->delivery, pal_text (NULL));
}

static void plugin_close (void *self)
{
    (void) self;
}

static const pal_adapter_t plugin = {
    .abi = PAL_ABI,
    .size = sizeof (pal_adapter_t),
    .name = "kit",
    .version = "1",
    .platform = "kit",
    .key_size = sizeof (pal_key_t),
    .open = plugin_open,
    .deliver = plugin_deliver,
    .close = plugin_close,
};

/*  The table comes first in it, as in every host.  */
static const pal_host_t *host_of (fake_host_t *fake)
{
    return (const pal_host_t *) (void *) fake;
}

static char said[1024];

static void note (void *arg, const pal_kv_result_t *result)
{
    size_t size = strlen (said);
    (void) arg;
    snprintf (said + size, sizeof said - size, "%.*s%s%.*s%s%.*s; ", PAL_ARG (result->key),
              result->found ? "=" : "", PAL_ARG (result->value), result->ok ? "" : "!",
              PAL_ARG (result->reason));
}

static fake_host_t *open_fake (void)
{
    fake_host_t *fake = fake_host_new (&plugin);
    assert_int_equal (fake_host_open (fake), 0);
    said[0] = 0;
    return fake;
}

static void test_kv (void **state)
{
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    (void) state;
    fake_host_set_kv (fake, "b2", "two");
    host->kv_put (host, pal_text ("b1"), pal_text ("one"), note, NULL);
    host->kv_get (host, pal_text ("b1"), note, NULL);
    host->kv_put (host, pal_text ("c"), pal_text ("other"), NULL, NULL);
    host->kv_list (host, pal_text ("b"), note, NULL);
    host->kv_remove (host, pal_text ("b1"), note, NULL);
    host->kv_get (host, pal_text ("b1"), note, NULL);
    host->kv_get (host, pal_text (""), note, NULL);
    assert_string_equal (said, "");
    assert_null (fake_host_kv (fake, "b1"));
    fake_host_advance (fake, 0);
    assert_string_equal (said, "b1; b1=one; b1=one; b2=two; b; b1=; b1; "
                               "!a key has at least one byte; ");
    assert_string_equal (fake_host_kv (fake, "c"), "other");
    fake_host_destroy (&fake);
}

static void test_kv_is_late_or_fails (void **state)
{
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    (void) state;
    fake_host_set_kv_delay (fake, 50);
    host->kv_put (host, pal_text ("a"), pal_text ("1"), note, NULL);
    fake_host_advance (fake, 49);
    assert_string_equal (said, "");
    fake_host_fail_kv (fake, "no room");
    fake_host_advance (fake, 1);
    assert_string_equal (said, "a!no room; ");
    fake_host_fail_kv (fake, NULL);
    host->kv_put (host, pal_text ("a"), pal_text ("1"), note, NULL);
    fake_host_close (fake);
    fake_host_advance (fake, 50); /* nobody is there to be told */
    assert_string_equal (said, "a!no room; ");
    assert_string_equal (fake_host_kv (fake, "a"), "1");
    fake_host_destroy (&fake);
}

static void count_call (void *arg)
{
    ++*(int *) arg;
}

static void count_answer (void *arg, const pal_control_result_t *result)
{
    (void) result;
    ++*(int *) arg;
}

static void count_events (void *arg, unsigned events)
{
    (void) events;
    ++*(int *) arg;
}

static void test_nobody_is_called_when_it_has_closed (void **state)
{
    int ends[2], calls = 0;
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    (void) state;
    assert_int_equal (pipe (ends), 0);
    assert_int_equal (host->watch (host, ends[0], PAL_READABLE, NULL, NULL), 0);
    assert_true (host->watch (host, ends[0], PAL_READABLE, count_events, &calls) > 0);
    assert_int_equal (host->watch (host, ends[0], PAL_WRITABLE, count_events, &calls), 0);
    host->timer (host, 10, 10, count_call, &calls);
    host->control (host, pal_text ("sessions.show"), pal_text ("{}"), count_answer, &calls);
    host->control (host, pal_text ("sessions.show"), pal_text ("{}"), count_answer, &calls);
    assert_int_equal (write (ends[1], "x", 1), 1);
    fake_host_advance (fake, 10);
    fake_host_answer (fake, "ok", "{}");
    assert_int_equal (calls, 2);
    fake_host_close (fake);
    fake_host_advance (fake, 100);
    fake_host_poll (fake, 0);
    fake_host_answer (fake, "ok", "{}");
    assert_int_equal (calls, 2);
    close (ends[0]);
    close (ends[1]);
    fake_host_destroy (&fake);
}

static void test_rates_and_retries (void **state)
{
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    const pal_bucket_t bucket = {.name = pal_text ("chat"), .count = 1, .per_ms = 1000};
    const pal_retry_t retry = {.first_ms = 100, .most_ms = 400};
    (void) state;
    assert_int_equal (host->rate_take (host, &bucket, 1, PAL_FINAL), 0);
    assert_int_equal (host->rate_take (host, &bucket, 1, PAL_FINAL), 1000);
    fake_host_advance (fake, 1000);
    assert_int_equal (host->rate_take (host, &bucket, 1, PAL_FINAL), 0);
    host->rate_block (host, pal_text ("chat"), 5000);
    assert_int_equal (host->rate_take (host, &bucket, 1, PAL_FINAL), 5000);
    assert_int_equal (host->retry_wait (host, "a", &retry), 0);
    assert_int_equal (host->retry_wait (host, "a", &retry), 100);
    host->retry_good (host, "a");
    assert_int_equal (host->retry_wait (host, "a", &retry), 0);
    fake_host_destroy (&fake);
}

static void keep_text (void *arg, pal_text_t text)
{
    snprintf (arg, sizeof said, "%.*s", PAL_ARG (text));
}

static void test_real_ones (void **state)
{
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    uint8_t hash[32];
    (void) state;
    host->text_render (host, pal_text ("**a** & b"), PAL_MARKDOWN_TELEGRAM, PAL_BYTES, 0, keep_text,
                       said);
    assert_string_equal (said, "<b>a</b> &amp; b");
    assert_int_equal (host->text_size (host, pal_text ("\xf0\x9f\x98\x80"), PAL_UTF16_UNITS), 2);
    host->hmac_sha256 (host, pal_text ("Jefe"), pal_text ("what do ya want for nothing?"), hash);
    assert_int_equal (hash[0], 0x5b);
    assert_int_equal (hash[31], 0x43);
    fake_host_destroy (&fake);
}

static void test_metrics_and_health (void **state)
{
    fake_host_t *fake = open_fake ();
    const pal_host_t *host = host_of (fake);
    (void) state;
    assert_true (fake_host_metric (fake, "x_total") == 0);
    host->metric_add (host, "x_total", 2);
    host->metric_add (host, "x_total", 3);
    host->metric_set (host, "level", 0.5);
    assert_true (fake_host_metric (fake, "x_total") == 5);
    assert_true (fake_host_metric (fake, "level") == 0.5);
    host->health (host, false, "error %d", 401);
    assert_string_equal (fake_host_trouble (fake), "error 401");
    host->health (host, true, "fine");
    assert_string_equal (fake_host_trouble (fake), "");
    fake_host_destroy (&fake);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_kv),
        cmocka_unit_test (test_kv_is_late_or_fails),
        cmocka_unit_test (test_nobody_is_called_when_it_has_closed),
        cmocka_unit_test (test_rates_and_retries),
        cmocka_unit_test (test_real_ones),
        cmocka_unit_test (test_metrics_and_health),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
