/*  adapter_metrics -- the numbers that plugins count, as their hosts told them
    OWNS    its array, freed by adapter_metrics_free; zeroed, it is ready
    THREAD  that of its owner
    FAILS   a line that is none, or one number too many, is ignored
    COST    a search among at most 64 names

    Shown in the Prometheus text format as palaver_plugin_NAME{adapter="..."}.  */

#ifndef SHELL_ADAPTER_METRICS_H
#define SHELL_ADAPTER_METRICS_H

#include "base/buf.h"

enum { ADAPTER_METRICS_MAX = 64, ADAPTER_METRIC_NAME_MAX = 48 };

typedef struct {
    char name[ADAPTER_METRIC_NAME_MAX + 1];
    bool is_counter;
    double value;
} adapter_metric_t;

typedef struct {
    adapter_metric_t *metrics;
    size_t count;
} adapter_metrics_t;

void adapter_metrics_free (adapter_metrics_t *self);

/*  What follows METRIC in a line of a host: "NAME counter|gauge VALUE".  */
void adapter_metrics_take (adapter_metrics_t *self, const char *words);

typedef struct {
    const char *adapter;
    const adapter_metrics_t *metrics;
} adapter_metrics_of_t;

/*  All of them; the samples of one name stand together.  */
void adapter_metrics_render (const adapter_metrics_of_t *adapters, size_t count, plv_buf_t *out);

#endif
