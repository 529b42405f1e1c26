#include "palaver/interrupt.h"

#include <signal.h>
#include <stddef.h>

/*  The number of the first signal; 0: none.  */
static volatile sig_atomic_t seen, pipe_seen;

static void note (int signal)
{
    seen = seen ? seen : signal;
    pipe_seen = pipe_seen || signal == SIGPIPE;
}

/*  What is ignored stays so: nohup, and what a shell has put into the background. A write goes on behind the handler,
    so that what is being said is said whole.  */
static void take (int signal)
{
    struct sigaction action;
    if (sigaction (signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        return;
    action = (struct sigaction){.sa_handler = note, .sa_flags = SA_RESTART};
    if (signal != SIGPIPE) /* which comes with each write */
        action.sa_flags |= (int) SA_RESETHAND;
    sigaction (signal, &action, NULL);
}

void interrupt_begin (void)
{
    take (SIGINT);
    take (SIGTERM);
    take (SIGHUP);
}

void interrupt_begin_with_pipe (void)
{
    interrupt_begin ();
    take (SIGPIPE);
}

static void cut (int signal, bool cuts)
{
    struct sigaction action;
    if (sigaction (signal, NULL, &action) || action.sa_handler != note)
        return;
    action.sa_flags = (int) (SA_RESETHAND | (cuts ? 0 : SA_RESTART));
    sigaction (signal, &action, NULL);
}

void interrupt_cuts_reads (bool cuts)
{
    cut (SIGINT, cuts);
    cut (SIGTERM, cuts);
    cut (SIGHUP, cuts);
}

bool interrupt_seen (void)
{
    return seen;
}

void interrupt_end (void)
{
    signal (seen, SIG_DFL);
    raise (seen);
}

bool interrupt_by_pipe (void)
{
    return pipe_seen;
}
