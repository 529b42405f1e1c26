/*  steps -- the saved results of a job's parts, by name
    OWNS    its buffer, freed by steps_free
    THREAD  core only
    FAILS   never
    COST    one walk over the names for everything: a job has few steps

    A zeroed steps_t is empty.  */

#ifndef CORE_STEPS_H
#define CORE_STEPS_H

#include "base/buf.h"

typedef struct {
    plv_buf_t packed; /* name, result; name, result; ... */
    uint32_t count;
} steps_t;

void steps_free (steps_t *self);

/*  Saves a step's result under its name, in the place of an earlier one.  */
void steps_add (steps_t *self, plv_view_t name, plv_view_t result);
bool steps_find (const steps_t *self, plv_view_t name, plv_view_t *ret_result);
bool steps_next (const steps_t *self, size_t *at, plv_view_t *ret_name, plv_view_t *ret_result);

/*  Why this step cannot be saved: its name or size, or there are too many; NULL: it can.  */
const char *steps_refuse (const steps_t *self, plv_view_t name, plv_view_t result);

/*  As a msgpack map from names to results.  */
void steps_write (const steps_t *self, plv_buf_t *buf);

#endif
