#include "sdk/internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*  One thread an agent; the calling one waits for signals and for the end of all.  */

typedef struct {
    plv_agent_t *agent;
    plv_agent_handler_t *handler;
    void *arg;
    int ended; /* an eventfd */
    plv_err_t err;
    plv_fail_t fail;
    pthread_t thread;
} one_t;

static void *run_one (void *arg)
{
    one_t *self = arg;
    const uint64_t one = 1;
    self->err = plv_agent_run (self->agent, self->handler, self->arg, &self->fail);
    if (self->err)
        plv_agent_note (self->agent, "%s", self->fail.text);
    ssize_t size = write (self->ended, &one, sizeof one);
    (void) size;
    return NULL;
}

static void stop_all (plv_agent_t *const *agents, size_t count)
{
    for (size_t i = 0; i < count; i++)
        plv_agent_stop (agents[i]);
}

/*  A second signal ends the program as if we were not there.  */
static void take_signal (int signals, const sigset_t *set, plv_agent_t *const *agents, size_t count)
{
    struct signalfd_siginfo info;
    if (read (signals, &info, sizeof info) <= 0)
        return;
    stop_all (agents, count);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction (SIGTERM, &standard, NULL);
    sigaction (SIGINT, &standard, NULL);
    pthread_sigmask (SIG_UNBLOCK, set, NULL);
}

static void wait_for_all (const one_t *ones, size_t started, int signals, const sigset_t *set,
                          plv_agent_t *const *agents)
{
    struct pollfd fds[] = {{.fd = ones[0].ended, .events = POLLIN},
                           {.fd = signals, .events = POLLIN}};
    for (uint64_t ended = 0, more; ended < started;) {
        if (poll (fds, sizeof fds / sizeof fds[0], -1) < 0 && errno != EINTR)
            return; /* the threads are joined all the same */
        if (fds[0].revents && read (ones[0].ended, &more, sizeof more) == sizeof more)
            ended += more;
        if (fds[1].revents)
            take_signal (signals, set, agents, started);
    }
}

static size_t start_all (one_t *ones, plv_agent_t *const *agents, size_t count, const one_t *like)
{
    size_t started = 0;
    for (; started < count; started++) {
        ones[started] = *like;
        ones[started].agent = agents[started];
        agents[started]->set.keep_signals = true; /* they are read here */
        if (pthread_create (&ones[started].thread, NULL, run_one, &ones[started]))
            break;
    }
    return started;
}

static plv_err_t run_all (one_t *ones, plv_agent_t *const *agents, size_t count, const one_t *like,
                          int signals, const sigset_t *set, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    size_t started = start_all (ones, agents, count, like);
    if (started < count) {
        err = plv_fail (ret_fail, ERR_NOMEM, "no memory for a thread");
        stop_all (agents, started);
    }
    if (started)
        wait_for_all (ones, started, signals, set, agents);
    for (size_t i = 0; i < started; i++) {
        pthread_join (ones[i].thread, NULL);
        if (!err && ones[i].err) {
            err = ones[i].err;
            if (ret_fail)
                *ret_fail = ones[i].fail;
        }
    }
    return err;
}

plv_err_t plv_agents_run (plv_agent_t *const *agents, size_t count, plv_agent_handler_t *handler,
                          void *arg, plv_fail_t *ret_fail)
{
    sigset_t set, before;
    bool keeps = count && agents[0]->set.keep_signals;
    one_t *ones = calloc (count + 1, sizeof *ones);
    one_t like = {.handler = handler, .arg = arg, .ended = eventfd (0, EFD_CLOEXEC)};
    sigemptyset (&set);
    if (!keeps) {
        sigaddset (&set, SIGTERM);
        sigaddset (&set, SIGINT);
    }
    pthread_sigmask (SIG_BLOCK, &set, &before);
    int signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    plv_err_t err = ones && like.ended >= 0 && signals >= 0
                        ? run_all (ones, agents, count, &like, signals, &set, ret_fail)
                        : plv_fail (ret_fail, ERR_NOMEM, "no memory, or no file, for the agents");
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    if (signals >= 0)
        close (signals);
    if (like.ended >= 0)
        close (like.ended);
    free (ones);
    return err;
}
