#include "host/kit/plugin_metrics.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_name (const char *name, bool is_counter)
{
    static const char end[] = "_total";
    size_t size = strspn (name, "abcdefghijklmnopqrstuvwxyz_"), tail = sizeof end - 1;
    bool ends = size > tail && strcmp (name + size - tail, end) == 0;
    return size > 0 && size <= PLUGIN_METRIC_NAME_MAX && name[size] == 0 && ends == is_counter;
}

static plugin_metric_t *find (plugin_metrics_t *self, const char *name, bool is_counter)
{
    for (size_t at = 0; at < self->count; at++)
        if (strcmp (self->metrics[at].name, name) == 0)
            return &self->metrics[at];
    if (self->count == PLUGIN_METRICS_MAX || !is_name (name, is_counter))
        return NULL;
    plugin_metric_t *metric = &self->metrics[self->count++];
    snprintf (metric->name, sizeof metric->name, "%s", name);
    metric->is_counter = is_counter;
    metric->is_changed = true;
    return metric;
}

bool plugin_metrics_add (plugin_metrics_t *self, const char *name, uint64_t count)
{
    plugin_metric_t *metric = find (self, name, true);
    if (!metric || !metric->is_counter)
        return false;
    metric->count += count;
    metric->is_changed = metric->is_changed || count;
    return true;
}

bool plugin_metrics_set (plugin_metrics_t *self, const char *name, double value)
{
    plugin_metric_t *metric = find (self, name, false);
    if (!metric || metric->is_counter)
        return false;
    metric->value = value;
    metric->is_changed = true;
    return true;
}

bool plugin_metrics_line (plugin_metrics_t *self, size_t *at, bool all, char *line, size_t size)
{
    for (; *at < self->count; (*at)++) {
        plugin_metric_t *metric = &self->metrics[*at];
        if (!metric->is_changed && !all)
            continue;
        if (metric->is_counter)
            snprintf (line, size, "METRIC %s counter %" PRIu64, metric->name, metric->count);
        else
            snprintf (line, size, "METRIC %s gauge %.17g", metric->name, metric->value);
        metric->is_changed = false;
        (*at)++;
        return true;
    }
    return false;
}
