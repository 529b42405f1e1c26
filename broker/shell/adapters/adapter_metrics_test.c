#include "shell/adapters/adapter_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void expect (const adapter_metrics_of_t *adapters, size_t count, const char *wanted)
{
    plv_buf_t text = {0};
    adapter_metrics_render (adapters, count, &text);
    plv_buf_add_u8 (&text, 0);
    assert_string_equal ((const char *) text.data, wanted);
    plv_buf_free (&text);
}

static void test_samples_of_a_name_stand_together (void **state)
{
    adapter_metrics_t a = {0}, b = {0};
    const adapter_metrics_of_t both[] = {{"one", &a}, {"two", &b}};
    (void) state;
    expect (both, 2, "");
    adapter_metrics_take (&a, "updates_total counter 7");
    adapter_metrics_take (&a, "level gauge -0.5");
    adapter_metrics_take (&b, "level gauge 2");
    adapter_metrics_take (&b, "other_total counter 1");
    adapter_metrics_take (&a, "updates_total counter 9007199254740992");
    expect (both, 2,
            "# HELP palaver_plugin_updates_total counted by the plugin\n"
            "# TYPE palaver_plugin_updates_total counter\n"
            "palaver_plugin_updates_total{adapter=\"one\"} 9007199254740992\n"
            "# HELP palaver_plugin_level counted by the plugin\n"
            "# TYPE palaver_plugin_level gauge\n"
            "palaver_plugin_level{adapter=\"one\"} -0.5\n"
            "palaver_plugin_level{adapter=\"two\"} 2\n"
            "# HELP palaver_plugin_other_total counted by the plugin\n"
            "# TYPE palaver_plugin_other_total counter\n"
            "palaver_plugin_other_total{adapter=\"two\"} 1\n");
    adapter_metrics_free (&a);
    adapter_metrics_free (&b);
}

static void test_what_is_no_number (void **state)
{
    static const char *const lines[] = {
        "",
        "x",
        "x counter",
        "x counter ",
        "x counter y",
        "x counter 1 2",
        "x histogram 1",
        "X counter 1",
        "x{a=\"b\"} counter 1",
        " counter 1",
        "x  counter 1",
        "a_name_that_is_far_longer_than_forty_eight_characters_are counter 1"};
    adapter_metrics_t self = {0};
    (void) state;
    for (size_t at = 0; at < sizeof lines / sizeof *lines; at++)
        adapter_metrics_take (&self, lines[at]);
    assert_int_equal (self.count, 0);
    for (int at = 0; at < 2 * ADAPTER_METRICS_MAX; at++) {
        char line[32];
        snprintf (line, sizeof line, "%c%c gauge 1", 'a' + at % 26, 'a' + at / 26);
        adapter_metrics_take (&self, line);
    }
    assert_int_equal (self.count, ADAPTER_METRICS_MAX);
    adapter_metrics_free (&self);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_samples_of_a_name_stand_together),
        cmocka_unit_test (test_what_is_no_number),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
