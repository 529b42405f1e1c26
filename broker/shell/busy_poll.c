#include "shell/busy_poll.h"

#include <sched.h>

enum { MISSES_MAX = 8 };

/*  Where it cannot be asked there are more processors than fit into the answer.  */
static bool is_only_processor (void)
{
    cpu_set_t set;
    return sched_getaffinity (0, sizeof set, &set) == 0 && CPU_COUNT (&set) == 1;
}

void busy_poll_init (busy_poll_t *self)
{
    *self = (busy_poll_t){.off = is_only_processor ()};
}

bool busy_poll_begins (busy_poll_t *self)
{
    if (self->off)
        return false;
    if (self->pass == 0)
        return true;
    self->pass--;
    return false;
}

void busy_poll_ended (busy_poll_t *self, bool found)
{
    if (found)
        self->misses = 0;
    else if (self->misses < MISSES_MAX)
        self->misses++;
    self->pass = (1U << self->misses) - 1;
}
