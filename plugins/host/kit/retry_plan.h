/*  retry_plan -- when to try again: longer and longer waits, and so many attempts a day
    OWNS    a plan a name, freed by retry_plans_destroy
    THREAD  that of its owner; pure: time and chance come from outside
    FAILS   never: out of memory stops the process; a plan that cannot be read is a new one
    COST    a search among a handful of names; 26 counters each

    The budget is counted by the hour of the wall clock, over more than a day: within no 24 hours are there more
    attempts than allowed. A clock that jumps back counts them into the same hour.  */

#ifndef HOST_RETRY_PLAN_H
#define HOST_RETRY_PLAN_H

#include "base/buf.h"
#include "sdk/adapter.h"

enum { RETRY_PLANS_MAX = 64, RETRY_NAME_BYTES_MAX = 64 };

typedef struct retry_plans retry_plans_t;

retry_plans_t *retry_plans_new (void);
void retry_plans_destroy (retry_plans_t **self_p);

/*  As retry_wait of sdk/adapter.h. `random`: any number. Beyond RETRY_PLANS_MAX names, all others share one.  */
uint32_t retry_plans_wait (retry_plans_t *self, const char *name, const pal_retry_t *retry,
                           int64_t wall_us, uint64_t random);
void retry_plans_good (retry_plans_t *self, const char *name);

/*  Of each plan; NULL at the end.  */
const char *retry_plans_name (const retry_plans_t *self, size_t at);

/*  The attempts of the last day, for retry_plans_load: adds what was kept to what was counted since.  */
void retry_plans_save (const retry_plans_t *self, const char *name, plv_buf_t *out);
void retry_plans_load (retry_plans_t *self, const char *name, plv_view_t saved);

#endif
