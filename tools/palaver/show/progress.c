#include "palaver/show/progress.h"

#include "base/clock.h"
#include "palaver/show/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { BETWEEN_US = 100000 };

progress_t progress_new (const char *what, uint64_t total)
{
    return (progress_t){
        .what = what,
        .total = total,
        .begun_us = plv_clock_mono_us (),
        .terminal = isatty (STDERR_FILENO) && !out_is_dumb (),
    };
}

void progress_at (progress_t *self, uint64_t done)
{
    int64_t now_us = plv_clock_mono_us ();
    if (!self->terminal || now_us - self->shown_us < BETWEEN_US)
        return;
    self->shown_us = now_us;
    self->shown = true;
    double seconds = (double) (now_us - self->begun_us) / 1e6;
    if (self->total)
        fprintf (stderr, "\r%" PRIu64 " of %" PRIu64 " %s, %.0f s\033[K", done, self->total,
                 self->what, seconds);
    else
        fprintf (stderr, "\r%" PRIu64 " %s, %.0f s\033[K", done, self->what, seconds);
}

void progress_end (progress_t *self)
{
    if (self->shown)
        fputs ("\r\033[K", stderr);
    self->shown = false;
}
