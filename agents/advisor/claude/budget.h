/*  budget -- what the model costs in a day, so that a limit is never passed
    OWNS    an open file, and a lock
    THREAD  any; several processes may share the file
    FAILS   budget_new with a line about the file; a file that cannot be written later counts in memory
    COST    two small reads and writes of a file for each model call

    Before a call its highest possible cost is reserved, and afterwards put right. What a process reserved that died
    between the two is given back when the call must be over, but for what the request alone cost. A day is one of UTC.

    The file is a line with what the day has cost, all that is reserved included, and how many lines follow: one a
    reservation, with what is given back of it, and when.  */

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

/*  One call, before it is made.  */
typedef struct {
    int64_t most;     /* what it can cost */
    int64_t least;    /* of that, what it costs when its answer never came */
    int64_t until_us; /* wall clock: it is over by then */
} budget_call_t;

/*  What is reserved for one call.  */
typedef struct {
    int64_t most;
    int64_t least;
    int64_t
        id; /* of its line; 0: there was no room for one, so it is never given back but by budget_settle */
    int64_t day; /* since 1970, that pays for it */
} budget_hold_t;

/*  False, and nothing in `ret_hold`, when it would pass the day's limit.  */
bool budget_reserve (budget_t *self, const budget_call_t *call, int64_t now_wall_us,
                     budget_hold_t *ret_hold);

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
