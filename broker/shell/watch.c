#include "shell/internal.h"

#include <systemd/sd-daemon.h>

void watch_ready (broker_t *self)
{
    uint64_t every_us = 0;
    sd_notify (0, "READY=1\nSTATUS=ready");
    if (sd_watchdog_enabled (0, &every_us) > 0)
        self->watchdog_us = every_us / 2;
    self->watchdog_next_us = 0;
}

void watch_stopping (broker_t *self)
{
    (void) self;
    sd_notify (0, "STOPPING=1\nSTATUS=draining");
}

/*  From within the loop, so that a loop that hangs is noticed.  */
void watch_step (broker_t *self, int64_t now_us)
{
    if (self->watchdog_us == 0 || now_us < self->watchdog_next_us)
        return;
    sd_notify (0, "WATCHDOG=1");
    self->watchdog_next_us = now_us + (int64_t) self->watchdog_us;
}
