/*  budget -- what the model costs in a day, so that a limit is never passed
    OWNS    an open file, and a lock
    THREAD  any; several processes may share the file
    FAILS   budget_new with a line about the file; a file that cannot be written later counts in memory
    COST    two small reads and writes of a file for each model call

    Before a call its highest possible cost is reserved, and afterwards put right. A process that dies between the two
    leaves its reservation behind as if it had been spent. A day is one of UTC.  */

#ifndef ADVISOR_CLAUDE_BUDGET_H
#define ADVISOR_CLAUDE_BUDGET_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct budget budget_t;

/*  Money is in millionths of a US dollar. `day_most`: 0 for no limit. `path`: NULL to count in memory.  */
plv_err_t budget_new (const char *path, int64_t day_most, budget_t **ret_budget,
                      plv_fail_t *ret_fail);
void budget_destroy (budget_t **self_p);

/*  What is reserved for one call.  */
typedef struct {
    int64_t most;
    int64_t day; /* since 1970, that pays for it */
} budget_hold_t;

/*  False, and nothing in `ret_hold`, when it would pass the day's limit.  */
bool budget_reserve (budget_t *self, int64_t most, int64_t now_wall_us, budget_hold_t *ret_hold);

/*  What it came to, instead of what was reserved. After midnight the day before has paid for it, with all that was
    reserved, and the new day's money stays as it is.  */
void budget_settle (budget_t *self, const budget_hold_t *hold, int64_t spent, int64_t tokens,
                    int64_t now_wall_us);

typedef struct {
    int64_t day; /* since 1970 */
    int64_t spent;
    int64_t tokens;
    int64_t calls;
} budget_day_t;

budget_day_t budget_today (budget_t *self, int64_t now_wall_us);

#endif
