#include "core/flow/breaker.h"

enum { FNV_PRIME_LOW = 0x1b3 };

/*  FNV-1a: fingerprints are few, and nobody gains by making two of them collide. Never 0.  */
static uint64_t breaker_hash (plv_view_t text)
{
    uint64_t hash = UINT64_C (0xcbf29ce484222325);
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * ((UINT64_C (1) << 40) + FNV_PRIME_LOW);
    return hash ? hash : 1;
}

static void breaker_forget (breaker_t *self)
{
    if (!self->calls)
        return; /* the usual case: nothing failed since the last success */
    self->calls = 0;
    for (size_t i = 0; i < BREAKER_ALIKE_MAX; i++) {
        plv_map_u64_free (&self->alike[i].sessions);
        self->alike[i] = (breaker_alike_t){0};
    }
}

/*  The entry of this fingerprint, in the place of the one hit longest ago when there is none.  */
static breaker_alike_t *breaker_alike (breaker_t *self, uint64_t fingerprint)
{
    breaker_alike_t *oldest = &self->alike[0];
    for (size_t i = 0; i < BREAKER_ALIKE_MAX; i++) {
        breaker_alike_t *alike = &self->alike[i];
        if (alike->fingerprint == fingerprint)
            return alike;
        if (alike->used < oldest->used)
            oldest = alike;
    }
    plv_map_u64_free (&oldest->sessions);
    *oldest = (breaker_alike_t){.fingerprint = fingerprint};
    return oldest;
}

static breaker_change_t breaker_open (breaker_t *self, plv_view_t why, int64_t now_us,
                                      const breaker_limits_t *limits)
{
    size_t size = why.size < sizeof self->why - 1 ? why.size : sizeof self->why - 1;
    breaker_forget (self);
    memset (self->why, 0, sizeof self->why);
    if (size)
        memcpy (self->why, why.data, size);
    self->state = BREAKER_OPEN;
    self->until_us = now_us + limits->open_us;
    self->probe = 0;
    return BREAKER_PAUSED;
}

void breaker_free (breaker_t *self)
{
    breaker_forget (self);
    *self = (breaker_t){0};
}

breaker_change_t breaker_tick (breaker_t *self, int64_t now_us)
{
    if (self->state != BREAKER_OPEN || now_us < self->until_us)
        return BREAKER_SAME;
    self->state = BREAKER_HALF;
    self->probe = 0;
    return BREAKER_PROBING;
}

bool breaker_allows (const breaker_t *self)
{
    return self->state == BREAKER_CLOSED || (self->state == BREAKER_HALF && !self->probe);
}

void breaker_sent (breaker_t *self, uint64_t job)
{
    if (self->state == BREAKER_HALF && !self->probe)
        self->probe = job;
}

breaker_change_t breaker_success (breaker_t *self, uint64_t job)
{
    (void) job; /* whichever it was: the route works */
    breaker_forget (self);
    if (self->state == BREAKER_CLOSED)
        return BREAKER_SAME;
    self->state = BREAKER_CLOSED;
    self->probe = 0;
    self->why[0] = '\0';
    return BREAKER_RESUMED;
}

breaker_change_t breaker_failure (breaker_t *self, uint64_t job, uint64_t session,
                                  plv_view_t fingerprint, int64_t now_us,
                                  const breaker_limits_t *limits)
{
    if (self->state == BREAKER_HALF && self->probe == job)
        return breaker_open (self, fingerprint, now_us, limits);
    if (self->state != BREAKER_CLOSED)
        return BREAKER_SAME; /* a late result of a job sent before it opened */
    breaker_alike_t *alike = breaker_alike (self, breaker_hash (fingerprint));
    alike->used = ++self->calls;
    plv_map_u64_put (&alike->sessions, session, alike);
    if (alike->sessions.count < limits->threshold)
        return BREAKER_SAME;
    return breaker_open (self, fingerprint, now_us, limits);
}

void breaker_released (breaker_t *self, uint64_t job)
{
    if (self->probe == job)
        self->probe = 0;
}

const char *breaker_state_name (breaker_state_t state)
{
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed",
        [BREAKER_OPEN] = "open",
        [BREAKER_HALF] = "half-open",
    };
    return names[state];
}
