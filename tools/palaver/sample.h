/*  sample -- the broker's metrics at one moment, and what has happened between two
    OWNS    its text, freed by sample_free
    THREAD  any
    FAILS   never: what is not there is 0
    COST    a look-up is one pass over the text  */

#ifndef PALAVER_SAMPLE_H
#define PALAVER_SAMPLE_H

#include "base/buf.h"

typedef struct {
    plv_buf_t text; /* the Prometheus text format */
    int64_t at_us;  /* on the monotonic clock */
} sample_t;

void sample_take (sample_t *self, plv_view_t text, int64_t at_us);
void sample_free (sample_t *self);

/*  The sum over all samples of this name, whatever their labels.  */
double sample_sum (const sample_t *self, const char *name);

/*  A second, of a counter.  */
double sample_rate (const sample_t *before, const sample_t *now, const char *name);

/*  The bound below which `part` (0.5, 0.99) of what a histogram has counted between the two lies; negative: nothing
    was counted. `name` without _bucket.  */
double sample_quantile (const sample_t *before, const sample_t *now, const char *name, double part);

#endif
