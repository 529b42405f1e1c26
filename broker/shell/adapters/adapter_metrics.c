#include "shell/adapters/adapter_metrics.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES = 256 };

void adapter_metrics_free (adapter_metrics_t *self)
{
    free (self->metrics);
    *self = (adapter_metrics_t){0};
}

static adapter_metric_t *find (const adapter_metrics_t *self, const char *name)
{
    for (size_t at = 0; at < self->count; at++)
        if (strcmp (self->metrics[at].name, name) == 0)
            return &self->metrics[at];
    return NULL;
}

static adapter_metric_t *add (adapter_metrics_t *self, const char *name)
{
    if (self->count == ADAPTER_METRICS_MAX)
        return NULL;
    self->metrics = plv_realloc (self->metrics, (self->count + 1) * sizeof *self->metrics);
    adapter_metric_t *metric = &self->metrics[self->count++];
    *metric = (adapter_metric_t){0};
    snprintf (metric->name, sizeof metric->name, "%s", name);
    return metric;
}

/*  The line comes from a process that runs somebody's plugin: every word of it is looked at.  */
void adapter_metrics_take (adapter_metrics_t *self, const char *words)
{
    char name[ADAPTER_METRIC_NAME_MAX + 1];
    size_t size = strspn (words, "abcdefghijklmnopqrstuvwxyz_");
    if (size == 0 || size >= sizeof name || words[size] != ' ')
        return;
    memcpy (name, words, size);
    name[size] = 0;
    const char *kind = words + size + 1;
    bool is_counter = strncmp (kind, "counter ", 8) == 0;
    if (!is_counter && strncmp (kind, "gauge ", 6) != 0)
        return;
    const char *text = kind + (is_counter ? 8 : 6);
    char *end;
    double value = strtod (text, &end);
    if (end == text || *end)
        return;
    adapter_metric_t *metric = find (self, name);
    metric = metric ? metric : add (self, name);
    if (!metric)
        return;
    metric->is_counter = is_counter;
    metric->value = value;
}

/* ------------------------------------------------------------------ shown */

static void put (plv_buf_t *out, const char *line)
{
    plv_buf_add_view (out, plv_view_str (line));
}

static void put_head (plv_buf_t *out, const adapter_metric_t *metric)
{
    char line[LINE_BYTES];
    snprintf (line, sizeof line,
              "# HELP palaver_plugin_%s counted by the plugin\n# TYPE palaver_plugin_%s %s\n",
              metric->name, metric->name, metric->is_counter ? "counter" : "gauge");
    put (out, line);
}

static void put_sample (plv_buf_t *out, const char *adapter, const adapter_metric_t *metric)
{
    char line[LINE_BYTES];
    snprintf (line, sizeof line, "palaver_plugin_%s{adapter=\"%s\"} %.17g\n", metric->name, adapter,
              metric->value);
    put (out, line);
}

static bool is_first (const adapter_metrics_of_t *adapters, size_t before, const char *name)
{
    for (size_t at = 0; at < before; at++)
        if (find (adapters[at].metrics, name))
            return false;
    return true;
}

void adapter_metrics_render (const adapter_metrics_of_t *adapters, size_t count, plv_buf_t *out)
{
    for (size_t first = 0; first < count; first++) {
        const adapter_metrics_t *metrics = adapters[first].metrics;
        for (size_t at = 0; at < metrics->count; at++) {
            const adapter_metric_t *metric = &metrics->metrics[at];
            if (!is_first (adapters, first, metric->name))
                continue;
            put_head (out, metric);
            for (size_t other = first; other < count; other++) {
                const adapter_metric_t *same = find (adapters[other].metrics, metric->name);
                if (same)
                    put_sample (out, adapters[other].adapter, same);
            }
        }
    }
}
