#include "palaver/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen;

static void note (int signal)
{
    (void) signal;
    seen = 1;
}

void interrupt_begin (void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = (int) SA_RESETHAND};
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
}

bool interrupt_seen (void)
{
    return seen;
}
