#include "host/kit/plugin_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void expect_lines (plugin_metrics_t *self, bool all, const char *wanted)
{
    char text[512] = "", line[128];
    for (size_t at = 0, size = 0; plugin_metrics_line (self, &at, all, line, sizeof line);
         size = strlen (text))
        snprintf (text + size, sizeof text - size, "%s\n", line);
    assert_string_equal (text, wanted);
}

static void test_changes (void **state)
{
    plugin_metrics_t self = {0};
    (void) state;
    assert_true (plugin_metrics_add (&self, "updates_total", 0));
    assert_true (plugin_metrics_add (&self, "updates_total", 3));
    assert_true (plugin_metrics_set (&self, "offset", -1.5));
    expect_lines (&self, false, "METRIC updates_total counter 3\nMETRIC offset gauge -1.5\n");
    expect_lines (&self, false, "");
    assert_true (plugin_metrics_add (&self, "updates_total", 1));
    expect_lines (&self, false, "METRIC updates_total counter 4\n");
    expect_lines (&self, true, "METRIC updates_total counter 4\nMETRIC offset gauge -1.5\n");
}

static void test_names (void **state)
{
    plugin_metrics_t self = {0};
    (void) state;
    assert_false (plugin_metrics_add (&self, "updates", 1));
    assert_false (plugin_metrics_add (&self, "_total", 1));
    assert_false (plugin_metrics_add (&self, "Updates_total", 1));
    assert_false (plugin_metrics_add (&self, "a 1\nFAIL_total", 1));
    assert_false (plugin_metrics_set (&self, "", 1));
    assert_false (plugin_metrics_set (&self, "x_total", 1));
    assert_false (
        plugin_metrics_set (&self, "a_name_that_is_far_longer_than_forty_eight_characters_are", 1));
    assert_int_equal (self.count, 0);
    for (int at = 0; at < PLUGIN_METRICS_MAX; at++) {
        char name[] = {(char) ('a' + at % 26), (char) ('a' + at / 26), 0};
        assert_true (plugin_metrics_set (&self, name, at));
    }
    assert_false (plugin_metrics_set (&self, "zz", 1));
    assert_true (plugin_metrics_set (&self, "aa", 1));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_changes),
        cmocka_unit_test (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
