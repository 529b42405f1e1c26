#include "advisor/claude/breaker.h"

bool breaker_allows (breaker_t *self, int64_t now_us)
{
    if (!self->open_until_us)
        return true;
    if (self->trying || now_us < self->open_until_us)
        return false;
    self->trying = true;
    return true;
}

void breaker_good (breaker_t *self)
{
    self->failures = 0;
    self->open_until_us = 0;
    self->trying = false;
}

void breaker_bad (breaker_t *self, bool fatal, int why, int64_t now_us)
{
    self->failures++;
    if (fatal || self->trying || self->failures >= self->most) {
        self->open_until_us = now_us + self->pause_us;
        self->why = why;
    }
    self->trying = false;
}

void breaker_unknown (breaker_t *self)
{
    self->trying = false;
}
