#include "base/metric.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef enum { COUNT, SECONDS } unit_t;

typedef struct {
    const char *name;
    const char *labels;
    const char *meaning;
    unit_t unit;
} row_t;

static const row_t counters[COUNTER_COUNT_] = {
#define COUNTER(name, text, labels, meaning) [COUNTER_##name] = {text, labels, meaning, COUNT},
#define GAUGE(name, text, labels, meaning)
#define HISTOGRAM(name, text, unit, meaning)
#include "base/metric.def"
#undef COUNTER
};

static const row_t gauges[GAUGE_COUNT_] = {
#define COUNTER(name, text, labels, meaning)
#undef GAUGE
#define GAUGE(name, text, labels, meaning) [GAUGE_##name] = {text, labels, meaning, COUNT},
#include "base/metric.def"
#undef GAUGE
};

static const row_t histograms[HISTOGRAM_COUNT_] = {
#define GAUGE(name, text, labels, meaning)
#undef HISTOGRAM
#define HISTOGRAM(name, text, unit, meaning) [HISTOGRAM_##name] = {text, "", meaning, unit},
#include "base/metric.def"
#undef HISTOGRAM
#undef GAUGE
#undef COUNTER
};

uint64_t plv_histogram_bound (unsigned bucket)
{
    if (bucket < 4)
        return bucket;
    if (bucket >= HISTOGRAM_BUCKETS - 1)
        return UINT64_MAX;
    unsigned scale = bucket / 4 - 1;
    return ((uint64_t) (4 + bucket % 4 + 1) << scale) - 1;
}

uint64_t plv_histogram_quantile (const plv_histogram_t *self, double share)
{
    uint64_t seen = 0;
    for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++) {
        seen += self->bucket[at];
        if (seen && (double) seen >= share * (double) self->count)
            return plv_histogram_bound (at);
    }
    return 0;
}

const char *plv_counter_name (plv_counter_t counter)
{
    return (unsigned) counter < COUNTER_COUNT_ ? counters[counter].name : "unknown";
}

const char *plv_gauge_name (plv_gauge_t gauge)
{
    return (unsigned) gauge < GAUGE_COUNT_ ? gauges[gauge].name : "unknown";
}

const char *plv_histogram_name (plv_histogram_id_t histogram)
{
    return (unsigned) histogram < HISTOGRAM_COUNT_ ? histograms[histogram].name : "unknown";
}

/*  One line of the format: no name and no meaning of metric.def comes near the size.  */
static void add_line (plv_buf_t *out, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void add_line (plv_buf_t *out, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    plv_buf_add (out, line, size < (int) sizeof line ? (size_t) size : sizeof line - 1);
    plv_buf_add_u8 (out, '\n');
}

/*  The two lines above the first sample of a name.  */
static void add_head (plv_buf_t *out, const row_t *row, const char *suffix, const char *type)
{
    add_line (out, "# HELP palaver_%s%s %s", row->name, suffix, row->meaning);
    add_line (out, "# TYPE palaver_%s%s %s", row->name, suffix, type);
}

static bool starts_name (const row_t *rows, size_t at)
{
    return at == 0 || strcmp (rows[at].name, rows[at - 1].name) != 0;
}

static void add_sample (plv_buf_t *out, const row_t *row, const char *suffix, int64_t value)
{
    const char *open = *row->labels ? "{" : "";
    const char *close = *row->labels ? "}" : "";
    add_line (out, "palaver_%s%s%s%s%s %" PRId64, row->name, suffix, open, row->labels, close,
              value);
}

/*  "0.000063" for 63 microseconds, exact: a double would add digits of its own.  */
static const char *number_text (unit_t unit, uint64_t value, char text[32])
{
    if (unit == SECONDS)
        snprintf (text, 32, "%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
    else
        snprintf (text, 32, "%" PRIu64, value);
    return text;
}

static void add_histogram (plv_buf_t *out, const row_t *row, const plv_histogram_t *histogram)
{
    char text[32];
    const char *suffix = row->unit == SECONDS ? "_seconds" : "";
    add_head (out, row, suffix, "histogram");
    uint64_t seen = 0;
    /*  One bucket in the text for each doubling: four would make a scrape four times as long.  */
    for (unsigned at = 0; at < HISTOGRAM_BUCKETS - 1; at++) {
        seen += histogram->bucket[at];
        if (at % 4 == 3)
            add_line (out, "palaver_%s%s_bucket{le=\"%s\"} %" PRIu64, row->name, suffix,
                      number_text (row->unit, plv_histogram_bound (at), text), seen);
    }
    add_line (out, "palaver_%s%s_bucket{le=\"+Inf\"} %" PRIu64, row->name, suffix,
              histogram->count);
    add_line (out, "palaver_%s%s_sum %s", row->name, suffix,
              number_text (row->unit, histogram->sum, text));
    add_line (out, "palaver_%s%s_count %" PRIu64, row->name, suffix, histogram->count);
}

void plv_metrics_render (const plv_metrics_t *self, plv_buf_t *out)
{
    for (size_t at = 0; at < COUNTER_COUNT_; at++) {
        if (starts_name (counters, at))
            add_head (out, &counters[at], "_total", "counter");
        add_sample (out, &counters[at], "_total", (int64_t) self->counter[at]);
    }
    for (size_t at = 0; at < GAUGE_COUNT_; at++) {
        if (starts_name (gauges, at))
            add_head (out, &gauges[at], "", "gauge");
        add_sample (out, &gauges[at], "", self->gauge[at]);
    }
    for (size_t at = 0; at < HISTOGRAM_COUNT_; at++)
        add_histogram (out, &histograms[at], &self->histogram[at]);
}
