#include "base/metric.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_bucket_holds_what_its_bounds_say (void **state)
{
    (void) state;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        uint64_t bound = plv_histogram_bound (bucket);
        assert_int_equal (plv_histogram_bucket (bound), bucket);
        assert_int_equal (plv_histogram_bucket (bound + 1), bucket + 1);
        if (bound > 8) /* at most a quarter above the least number in it */
            assert_true (bound - plv_histogram_bound (bucket - 1) <= bound / 4);
    }
    assert_int_equal (plv_histogram_bucket (UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    assert_true (plv_histogram_bound (HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void quantiles_follow_what_was_added (void **state)
{
    (void) state;
    plv_histogram_t histogram = {0};
    assert_int_equal (plv_histogram_quantile (&histogram, 0.5), 0);
    for (int value = 1; value <= 1000; value++)
        plv_histogram_add (&histogram, value);
    assert_in_range (plv_histogram_quantile (&histogram, 0.5), 500, 625);
    assert_in_range (plv_histogram_quantile (&histogram, 0.99), 990, 1240);
    assert_in_range (plv_histogram_quantile (&histogram, 1), 1000, 1250);
    assert_int_equal (plv_histogram_quantile (&histogram, 0), 1);
    plv_histogram_add (&histogram, -7);
    assert_int_equal (histogram.bucket[0], 1);
    assert_int_equal (histogram.sum, 500500);
    assert_int_equal (histogram.count, 1001);
}

static char *render (const plv_metrics_t *metrics)
{
    plv_buf_t out = {0};
    plv_metrics_render (metrics, &out);
    plv_buf_add_u8 (&out, 0);
    assert_false (out.failed);
    return (char *) out.data;
}

static void numbers_appear_where_they_belong (void **state)
{
    (void) state;
    plv_metrics_t *metrics = calloc (1, sizeof *metrics);
    metrics->counter[COUNTER_EVENTS_ACCEPTED] = 7;
    metrics->counter[COUNTER_DELIVERIES_UNKNOWN] = UINT64_C (5000000000);
    metrics->gauge[GAUGE_PEERS_WORKER] = 3;
    plv_histogram_add (&metrics->histogram[HISTOGRAM_COMMIT_TIME], 1500);
    plv_histogram_add (&metrics->histogram[HISTOGRAM_COMMIT_TIME], INT64_C (1) << 40);
    plv_histogram_add (&metrics->histogram[HISTOGRAM_EVENTS_PER_COMMIT], 12);
    char *text = render (metrics);
    static const char *const expected[] = {
        "\npalaver_events_accepted_total 7\n",
        "\n# TYPE palaver_events_accepted_total counter\n",
        "\npalaver_deliveries_total{outcome=\"unknown\"} 5000000000\n",
        "\npalaver_peers{role=\"worker\"} 3\n",
        "\n# TYPE palaver_commit_time_seconds histogram\n",
        "\npalaver_commit_time_seconds_bucket{le=\"0.001023\"} 0\n",
        "\npalaver_commit_time_seconds_bucket{le=\"0.002047\"} 1\n",
        "\npalaver_commit_time_seconds_bucket{le=\"34359.738367\"} 1\n",
        "\npalaver_commit_time_seconds_bucket{le=\"+Inf\"} 2\n",
        "\npalaver_commit_time_seconds_sum 1099511.629276\n",
        "\npalaver_commit_time_seconds_count 2\n",
        "\npalaver_events_per_commit_bucket{le=\"7\"} 0\n",
        "\npalaver_events_per_commit_bucket{le=\"15\"} 1\n",
        "\npalaver_events_per_commit_sum 12\n",
    };
    for (size_t at = 0; at < sizeof expected / sizeof expected[0]; at++)
        if (!strstr (text, expected[at]))
            fail_msg ("missing: %s", expected[at]);
    free (text);
    free (metrics);
}

/*  The format's rules, on one line: # HELP and # TYPE once a name and before its samples; a sample is
    name, optional {label="value"}, one space, one number.  */
typedef struct {
    char name[128];
    char type[16];
    char seen[8192];
} reader_t;

static void read_comment (reader_t *self, const char *line)
{
    char mark[160];
    if (strncmp (line, "# HELP ", 7) == 0) {
        assert_int_equal (sscanf (line, "# HELP %127s", self->name), 1);
        assert_true (strlen (line) > strlen (self->name) + 8);
        snprintf (mark, sizeof mark, " %s ", self->name);
        if (strstr (self->seen, mark))
            fail_msg ("%s has two HELP lines", self->name);
        strcat (self->seen, mark);
        return;
    }
    char name[128];
    assert_int_equal (sscanf (line, "# TYPE %127s %15s", name, self->type), 2);
    assert_string_equal (name, self->name);
}

static void read_sample (reader_t *self, const char *line)
{
    size_t size = strspn (line, "abcdefghijklmnopqrstuvwxyz_");
    const char *rest = line + size;
    const char *suffix = line + strlen (self->name);
    assert_true (strncmp (line, self->name, strlen (self->name)) == 0);
    bool parts = strncmp (suffix, "_bucket", 7) == 0 || strncmp (suffix, "_sum ", 5) == 0
                 || strncmp (suffix, "_count ", 7) == 0;
    assert_true (strcmp (self->type, "histogram") == 0 ? parts : suffix == rest);
    if (strcmp (self->type, "counter") == 0)
        assert_string_equal (self->name + strlen (self->name) - 6, "_total");
    if (*rest == '{') {
        rest += 1 + strspn (rest + 1, "abcdefghijklmnopqrstuvwxyz_");
        assert_true (rest[0] == '=' && rest[1] == '"');
        rest = strstr (rest, "\"} ");
        assert_non_null (rest);
        rest += 2;
    }
    assert_true (rest[0] == ' ' && isdigit ((unsigned char) rest[1]));
    assert_int_equal (strspn (rest + 1, "0123456789."), strlen (rest + 1));
}

static void the_text_follows_the_format (void **state)
{
    (void) state;
    plv_metrics_t *metrics = calloc (1, sizeof *metrics);
    reader_t *reader = calloc (1, sizeof *reader);
    char *text = render (metrics);
    assert_int_equal (text[strlen (text) - 1], '\n');
    int lines = 0;
    char *rest = text;
    for (char *line; (line = strsep (&rest, "\n")) && rest; lines++) {
        if (*line == '#')
            read_comment (reader, line);
        else
            read_sample (reader, line);
    }
    assert_true (lines > COUNTER_COUNT_ + GAUGE_COUNT_ + HISTOGRAM_COUNT_ * 30);
    free (text);
    free (reader);
    free (metrics);
}

static void names_are_known (void **state)
{
    (void) state;
    assert_string_equal (plv_counter_name (COUNTER_DEAD_REPLIES), "dead_letters");
    assert_string_equal (plv_gauge_name (GAUGE_OUTBOX), "outbox");
    assert_string_equal (plv_histogram_name (HISTOGRAM_JOB_TIME), "job_time");
    assert_string_equal (plv_counter_name (COUNTER_COUNT_), "unknown");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_bucket_holds_what_its_bounds_say),
        cmocka_unit_test (quantiles_follow_what_was_added),
        cmocka_unit_test (numbers_appear_where_they_belong),
        cmocka_unit_test (the_text_follows_the_format),
        cmocka_unit_test (names_are_known),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
