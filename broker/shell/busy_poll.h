/*  busy_poll -- how long the loop looks for its next input before it sleeps
    OWNS    nothing
    THREAD  main
    FAILS   never
    COST    a few instructions

    To fall asleep and be woken costs tens of microseconds, most of all on a virtual machine. Where the next input
    comes sooner than that, looking for it costs less than sleeping, in time and in CPU. So the loop looks first,
    for `most_us` at most, as long as inputs have lately come within that time; where they come seldom (agents
    that think, heartbeats, nobody) it sleeps at once.  */

#ifndef SHELL_BUSY_POLL_H
#define SHELL_BUSY_POLL_H

#include <stdint.h>

typedef struct {
    int64_t most_us; /* 0: never */
    uint32_t misses; /* waits in a row that took longer */
} busy_poll_t;

/*  `most_us`: what the configuration says. With a single CPU the peers could not run meanwhile: never.  */
void busy_poll_bound (busy_poll_t *self, int64_t most_us);
/*  For how long to look this time, in microseconds; 0: sleep at once.  */
int64_t busy_poll_us (const busy_poll_t *self);
/*  An input came after `waited_us` microseconds, looked for or slept for.  */
void busy_poll_waited (busy_poll_t *self, int64_t waited_us);

#endif
