/*  plugin_metrics -- the numbers that a plugin counts
    OWNS    nothing: a plain value; zeroed, it is ready
    THREAD  that of its owner
    FAILS   a name that is not [a-z_]+, or one too many, is false
    COST    a search among at most 64 names  */

#ifndef HOST_PLUGIN_METRICS_H
#define HOST_PLUGIN_METRICS_H

#include "base/buf.h"

enum { PLUGIN_METRICS_MAX = 64, PLUGIN_METRIC_NAME_MAX = 48 };

typedef struct {
    char name[PLUGIN_METRIC_NAME_MAX + 1];
    bool is_counter;
    bool is_changed; /* since it was last told */
    uint64_t count;
    double value;
} plugin_metric_t;

typedef struct {
    plugin_metric_t metrics[PLUGIN_METRICS_MAX];
    size_t count;
} plugin_metrics_t;

/*  A counter's name ends in _total.  */
bool plugin_metrics_add (plugin_metrics_t *self, const char *name, uint64_t count);
bool plugin_metrics_set (plugin_metrics_t *self, const char *name, double value);

/*  "METRIC NAME counter|gauge VALUE" of the next one that has changed (or of all); false: no more.  */
bool plugin_metrics_line (plugin_metrics_t *self, size_t *at, bool all, char *line, size_t size);

#endif
