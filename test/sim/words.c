#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>

void sim_fail (sim_t *self, const char *format, ...)
{
    va_list args;
    if (self->failed)
        return;
    self->failed = true;
    va_start (args, format);
    vsnprintf (self->why, sizeof self->why, format, args);
    va_end (args);
    sim_say (self, "FAILED: %s", self->why);
}

void sim_say (sim_t *self, const char *format, ...)
{
    va_list args;
    if (!self->loud)
        return;
    printf ("%10.6f  ", (double) self->now_us / 1e6);
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
    putchar ('\n');
}
