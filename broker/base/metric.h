/*  metric -- counters, gauges and histograms of the delivery contract, from metric.def
    OWNS    nothing: plv_metrics_t is a plain value; zeroed, it is ready
    THREAD  that of its owner
    FAILS   never; rendering fails as plv_buf_t does
    COST    an increment a counter; a histogram a dozen instructions; about 12 KiB in all

    Pure. Count with
        metrics->counter[COUNTER_EVENTS_ACCEPTED]++;
        metrics->gauge[GAUGE_SESSIONS] = count;
        plv_histogram_add (&metrics->histogram[HISTOGRAM_COMMIT_TIME], us);  */

#ifndef PLV_BASE_METRIC_H
#define PLV_BASE_METRIC_H

#include "base/buf.h"

typedef enum {
#define COUNTER(name, text, labels, meaning) COUNTER_##name,
#define GAUGE(name, text, labels, meaning)
#define HISTOGRAM(name, text, unit, meaning)
#include "base/metric.def"
#undef COUNTER
    COUNTER_COUNT_
} plv_counter_t;

typedef enum {
#define COUNTER(name, text, labels, meaning)
#undef GAUGE
#define GAUGE(name, text, labels, meaning) GAUGE_##name,
#include "base/metric.def"
#undef GAUGE
    GAUGE_COUNT_
} plv_gauge_t;

typedef enum {
#define GAUGE(name, text, labels, meaning)
#undef HISTOGRAM
#define HISTOGRAM(name, text, unit, meaning) HISTOGRAM_##name,
#include "base/metric.def"
#undef HISTOGRAM
#undef GAUGE
#undef COUNTER
    HISTOGRAM_COUNT_
} plv_histogram_id_t;

/*  Four buckets to the doubling: a bucket's bound is at most a quarter above the numbers in it. The last
    bucket holds everything from 2^36 on (19 hours, in microseconds).  */
enum { HISTOGRAM_DOUBLINGS = 36, HISTOGRAM_BUCKETS = 4 * (HISTOGRAM_DOUBLINGS - 1) + 1 };

typedef struct {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
} plv_histogram_t;

typedef struct {
    uint64_t counter[COUNTER_COUNT_];
    int64_t gauge[GAUGE_COUNT_];
    plv_histogram_t histogram[HISTOGRAM_COUNT_];
} plv_metrics_t;

/*  0, 1, 2 and 3 have a bucket each; from there on the two bits below the highest choose one of four.  */
static inline unsigned plv_histogram_bucket (uint64_t value)
{
    if (value < 4)
        return (unsigned) value;
    unsigned doubling = 63 - (unsigned) __builtin_clzll (value);
    if (doubling >= HISTOGRAM_DOUBLINGS)
        return HISTOGRAM_BUCKETS - 1;
    return 4 * (doubling - 1) + (unsigned) (value >> (doubling - 2) & 3);
}

/*  A negative value, such as a duration across a clock that was set back, counts as 0.  */
static inline void plv_histogram_add (plv_histogram_t *self, int64_t value)
{
    uint64_t known = value > 0 ? (uint64_t) value : 0;
    self->bucket[plv_histogram_bucket (known)]++;
    self->count++;
    self->sum += known;
}

/*  The largest number that falls into `bucket`; UINT64_MAX for the last.  */
uint64_t plv_histogram_bound (unsigned bucket);

/*  A number that at least `share` (0 to 1) of what was added does not exceed; 0 when nothing was.  */
uint64_t plv_histogram_quantile (const plv_histogram_t *self, double share);

/*  "events_accepted"; not unique (see metric.def).  */
const char *plv_counter_name (plv_counter_t counter);
const char *plv_gauge_name (plv_gauge_t gauge);
const char *plv_histogram_name (plv_histogram_id_t histogram);

/*  Appends everything in the Prometheus text format 0.0.4.  */
void plv_metrics_render (const plv_metrics_t *self, plv_buf_t *out);

#endif
