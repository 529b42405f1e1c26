#include "host/kit/retry_plan.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/*  A day, the hour at hand, and one that an attempt may lie ahead.  */
enum { HOURS = 26, DOUBLINGS_MAX = 32, SAVED_BYTES = 16 + 4 * HOURS };

#define HOUR_US (INT64_C (3600) * 1000000)

typedef struct {
    char name[RETRY_NAME_BYTES_MAX + 1];
    uint32_t failures; /* attempts since it was last good */
    int64_t hour;      /* of count[0], since 1970 */
    uint32_t count[HOURS];
    int64_t later_us; /* an attempt so far ahead that it counts then; 0: none */
} plan_t;

struct retry_plans {
    plan_t plans[RETRY_PLANS_MAX];
    size_t count;
};

retry_plans_t *retry_plans_new (void)
{
    return plv_alloc_zero (1, sizeof (retry_plans_t));
}

void retry_plans_destroy (retry_plans_t **self_p)
{
    if (self_p) {
        free (*self_p);
        *self_p = NULL;
    }
}

static plan_t *find (retry_plans_t *self, const char *name)
{
    for (size_t at = 0; at < self->count; at++)
        if (strncmp (self->plans[at].name, name, RETRY_NAME_BYTES_MAX) == 0)
            return &self->plans[at];
    if (self->count == RETRY_PLANS_MAX)
        return &self->plans[RETRY_PLANS_MAX - 1];
    plan_t *plan = &self->plans[self->count++];
    size_t size = strnlen (name, RETRY_NAME_BYTES_MAX);
    memcpy (plan->name, name, size);
    return plan;
}

/* ------------------------------------------------------------------ the day's budget */

/*  Makes `hour` the first one; a later one stays, unless the clock must have been wrong.  */
static void turn (plan_t *plan, int64_t hour)
{
    int64_t ahead = hour - plan->hour;
    if (ahead <= 0 && ahead >= -2 * HOURS)
        return;
    if (ahead >= HOURS || ahead < 0) {
        memset (plan->count, 0, sizeof plan->count);
    } else {
        memmove (plan->count + ahead, plan->count, (size_t) (HOURS - ahead) * sizeof *plan->count);
        memset (plan->count, 0, (size_t) ahead * sizeof *plan->count);
    }
    plan->hour = hour;
}

static void count_at (plan_t *plan, int64_t at_us)
{
    turn (plan, at_us / HOUR_US);
    int64_t ago = plan->hour - at_us / HOUR_US;
    if (ago >= 0 && ago < HOURS)
        plan->count[ago]++;
}

/*  An attempt that was put off has been made when its time is over.  */
static void catch_up (plan_t *plan, int64_t wall_us)
{
    if (plan->later_us && plan->later_us <= wall_us) {
        count_at (plan, plan->later_us);
        plan->later_us = 0;
    }
    turn (plan, wall_us / HOUR_US);
}

/*  Microseconds until the day holds fewer than `most`; 0: it does.  */
static int64_t budget_wait (const plan_t *plan, uint32_t most, int64_t wall_us)
{
    uint64_t used = 0;
    for (size_t at = 0; at < HOURS; at++)
        used += plan->count[at];
    for (size_t at = HOURS; at > 0; at--) {
        if (used < most)
            return 0;
        used -= plan->count[at - 1];
        /*  count[at - 1] is forgotten when its hour is HOURS ago.  */
        if (used < most)
            return (plan->hour - (int64_t) (at - 1) + HOURS) * HOUR_US - wall_us;
    }
    return 0;
}

/* ------------------------------------------------------------------ waits */

static uint64_t backoff (const plan_t *plan, const pal_retry_t *retry, uint64_t random)
{
    if (plan->failures == 0)
        return 0;
    uint32_t doublings = plan->failures - 1 < DOUBLINGS_MAX ? plan->failures - 1 : DOUBLINGS_MAX;
    uint64_t wait = (uint64_t) (retry->first_ms ? retry->first_ms : 1) << doublings;
    uint64_t most = retry->most_ms > retry->first_ms ? retry->most_ms : retry->first_ms;
    wait = wait < most ? wait : most ? most : 1;
    return wait - random % (wait / 2 + 1);
}

uint32_t retry_plans_wait (retry_plans_t *self, const char *name, const pal_retry_t *retry,
                           int64_t wall_us, uint64_t random)
{
    plan_t *plan = find (self, name);
    uint64_t wait_ms = backoff (plan, retry, random);
    catch_up (plan, wall_us);
    int64_t budget_us = retry->per_day ? budget_wait (plan, retry->per_day, wall_us) : 0;
    /*  Who asks once more before a far attempt has put it off again: it is still one.  */
    if (retry->per_day && plan->later_us - wall_us > budget_us
        && plan->later_us - wall_us <= (HOURS + 1) * HOUR_US)
        budget_us = plan->later_us - wall_us;
    uint64_t budget_ms = budget_us > 0 ? (uint64_t) budget_us / 1000 + 1 : 0;
    wait_ms = wait_ms > budget_ms ? wait_ms : budget_ms;
    int64_t attempt_us = wall_us + (int64_t) wait_ms * 1000;
    if (attempt_us - wall_us > HOUR_US)
        plan->later_us = attempt_us;
    else
        count_at (plan, attempt_us);
    plan->failures += plan->failures < UINT32_MAX;
    return wait_ms < UINT32_MAX ? (uint32_t) wait_ms : UINT32_MAX;
}

void retry_plans_good (retry_plans_t *self, const char *name)
{
    find (self, name)->failures = 0;
}

/* ------------------------------------------------------------------ kept */

const char *retry_plans_name (const retry_plans_t *self, size_t at)
{
    return at < self->count ? self->plans[at].name : NULL;
}

static void put_number (plv_buf_t *out, uint64_t number, int bytes)
{
    for (int at = 0; at < bytes; at++)
        plv_buf_add_u8 (out, (uint8_t) (number >> (8 * at)));
}

static uint64_t get_number (const uint8_t *from, int bytes)
{
    uint64_t number = 0;
    for (int at = bytes; at > 0; at--)
        number = number << 8 | from[at - 1];
    return number;
}

void retry_plans_save (const retry_plans_t *self, const char *name, plv_buf_t *out)
{
    static const plan_t none;
    const plan_t *plan = &none;
    for (size_t at = 0; at < self->count; at++)
        if (strncmp (self->plans[at].name, name, RETRY_NAME_BYTES_MAX) == 0)
            plan = &self->plans[at];
    put_number (out, (uint64_t) plan->hour, 8);
    put_number (out, (uint64_t) plan->later_us, 8);
    for (size_t at = 0; at < HOURS; at++)
        put_number (out, plan->count[at], 4);
}

void retry_plans_load (retry_plans_t *self, const char *name, plv_view_t saved)
{
    if (saved.size != SAVED_BYTES)
        return;
    plan_t *plan = find (self, name);
    int64_t hour = (int64_t) get_number (saved.data, 8);
    int64_t later_us = (int64_t) get_number (saved.data + 8, 8);
    if (hour < 0 || hour > INT64_MAX / HOUR_US || later_us < 0)
        return;
    plan->later_us = later_us > plan->later_us ? later_us : plan->later_us;
    turn (plan, hour);
    for (int64_t at = 0; at < HOURS; at++) {
        int64_t to = plan->hour - hour + at;
        uint64_t count = get_number (saved.data + 16 + 4 * at, 4);
        if (to < HOURS)
            plan->count[to] += (uint32_t) (count < UINT16_MAX ? count : UINT16_MAX);
    }
}
