/*  pace -- how often something happens, per minute
    OWNS    nothing
    THREAD  that of its owner
    FAILS   never
    COST    O(1), 16 bytes

    The last 60 seconds, estimated from the minute under way and the one before it.  */

#ifndef CORE_PACE_H
#define CORE_PACE_H

#include <stdint.h>

typedef struct {
    int64_t minute;
    uint32_t now, before;
} pace_t;

enum { PACE_US = 60000000 };

static inline void pace_turn (pace_t *self, int64_t mono_us)
{
    int64_t minute = mono_us / PACE_US;
    if (minute == self->minute)
        return;
    self->before = minute == self->minute + 1 ? self->now : 0;
    self->now = 0;
    self->minute = minute;
}

static inline void pace_count (pace_t *self, int64_t mono_us)
{
    pace_turn (self, mono_us);
    self->now++;
}

static inline uint32_t pace_per_minute (pace_t *self, int64_t mono_us)
{
    pace_turn (self, mono_us);
    int64_t left_us = PACE_US - mono_us % PACE_US;
    return self->now + (uint32_t) ((int64_t) self->before * left_us / PACE_US);
}

#endif
