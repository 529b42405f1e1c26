#include "shell/busy_poll.h"

#include <sched.h>
#include <stdbool.h>

/*  One conversation has quick inputs and slow ones in turn: the agent's answer, the user's next message.  */
enum { MISSES_MAX = 4 };

static bool has_one_cpu (void)
{
    cpu_set_t cpus;
    return sched_getaffinity (0, sizeof cpus, &cpus) == 0 && CPU_COUNT (&cpus) == 1;
}

void busy_poll_bound (busy_poll_t *self, int64_t most_us)
{
    *self = (busy_poll_t){.most_us = has_one_cpu () ? 0 : most_us, .misses = MISSES_MAX};
}

int64_t busy_poll_us (const busy_poll_t *self)
{
    return self->misses < MISSES_MAX ? self->most_us : 0;
}

void busy_poll_waited (busy_poll_t *self, int64_t waited_us)
{
    if (waited_us <= self->most_us)
        self->misses = 0;
    else if (self->misses < MISSES_MAX)
        self->misses++;
}
