#include "palaver/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MAX = 128 };

void sample_take (sample_t *self, plv_view_t text, int64_t at_us)
{
    plv_buf_clear (&self->text);
    plv_buf_add_view (&self->text, text);
    plv_buf_add_u8 (&self->text, 0);
    plv_buf_check (&self->text);
    self->at_us = at_us;
}

void sample_free (sample_t *self)
{
    plv_buf_free (&self->text);
}

static const char *first_line (const sample_t *self)
{
    return self->text.size ? (const char *) self->text.data : "";
}

static const char *next_line (const char *line)
{
    const char *end = strchr (line, '\n');
    return end ? end + 1 : "";
}

/*  Behind the name; NULL: the line is about something else.  */
static const char *behind_name (const char *line, const char *name)
{
    size_t size = strlen (name);
    if (strncmp (line, name, size) != 0 || (line[size] != ' ' && line[size] != '{'))
        return NULL;
    return line + size;
}

static double value_of (const char *rest)
{
    const char *close = *rest == '{' ? strstr (rest, "} ") : rest;
    return close ? strtod (close + (*close == '}' ? 1 : 0), NULL) : 0;
}

double sample_sum (const sample_t *self, const char *name)
{
    double sum = 0;
    for (const char *line = first_line (self); *line; line = next_line (line)) {
        const char *rest = behind_name (line, name);
        sum += rest ? value_of (rest) : 0;
    }
    return sum;
}

double sample_rate (const sample_t *before, const sample_t *now, const char *name)
{
    double seconds = (double) (now->at_us - before->at_us) / 1e6;
    double more = sample_sum (now, name) - sample_sum (before, name);
    return seconds > 0 && more > 0 ? more / seconds : 0;
}

/*  Cumulative counts of the buckets, in order.  */
static size_t read_buckets (const sample_t *self, const char *name, double *bounds, double *counts)
{
    char bucket[128];
    size_t count = 0;
    snprintf (bucket, sizeof bucket, "%s_bucket", name);
    for (const char *line = first_line (self); *line && count < BUCKETS_MAX;
         line = next_line (line)) {
        const char *rest = behind_name (line, bucket);
        const char *bound = rest ? strstr (rest, "le=\"") : NULL;
        if (!bound)
            continue;
        bounds[count] = strtod (bound + 4, NULL);
        counts[count++] = value_of (rest);
    }
    return count;
}

double sample_quantile (const sample_t *before, const sample_t *now, const char *name, double part)
{
    double bounds[BUCKETS_MAX], counts[BUCKETS_MAX], old_bounds[BUCKETS_MAX], old[BUCKETS_MAX];
    size_t count = read_buckets (now, name, bounds, counts);
    size_t old_count = read_buckets (before, name, old_bounds, old);
    double least = 0;
    for (size_t i = 0; i < count; i++)
        counts[i] -= old_count == count ? old[i] : 0;
    if (count == 0 || counts[count - 1] <= 0)
        return -1;
    double wanted = part * counts[count - 1];
    for (size_t i = 0; i < count; i++) {
        if (counts[i] >= wanted)
            return isinf (bounds[i]) ? least : bounds[i];
        least = bounds[i];
    }
    return least;
}
