#include "sdk/internal.h"

#include "base/clock.h"
#include "base/wait.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/*  How often the keeper looks while jobs are being done: a handler that takes longer than this leaves the
    socket to it.  */
enum { KEEPER_LOOK_US = 10000 };

/*  A second signal ends the program as if we were not there.  */
static void read_signal (plv_agent_t *self)
{
    char skipped[256];
    if (self->link.signals < 0 || read (self->link.signals, skipped, sizeof skipped) <= 0)
        return;
    plv_agent_note (self, "stopping: finishing what is at hand");
    atomic_store (&self->stop, true);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction (SIGTERM, &standard, NULL);
    sigaction (SIGINT, &standard, NULL);
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    pthread_sigmask (SIG_UNBLOCK, &signals, NULL);
}

static void wait_for_something (plv_agent_t *self, int64_t until_us)
{
    int64_t next_us = plv_link_next_us (self);
    int64_t wait_us = (until_us < next_us ? until_us : next_us) - plv_clock_mono_us ();
    struct pollfd fds[] = {
        {.fd = self->wake, .events = POLLIN},
        {.fd = self->link.signals, .events = POLLIN},
        {.fd = self->link.socket ? self->link.fd : -1, .events = POLLIN},
    };
    pthread_mutex_unlock (&self->lock);
    poll (fds, sizeof fds / sizeof fds[0], wait_us < 0 ? 0 : (int) ((wait_us + 999) / 1000));
    uint64_t rung;
    ssize_t size = fds[0].revents ? read (self->wake, &rung, sizeof rung) : 0;
    (void) size;
    pthread_mutex_lock (&self->lock);
    if (fds[1].revents)
        read_signal (self);
}

void plv_lead (plv_agent_t *self, int64_t until_us)
{
    self->leading = true;
    if (!plv_link_pump (self) && self->phase != PHASE_OVER) {
        wait_for_something (self, until_us);
        plv_link_pump (self);
    }
    plv_link_keep_time (self);
    self->leading = false;
}

void plv_lead_pass_on (plv_agent_t *self)
{
    bool more = !plv_list_empty (&self->waiting);
    if (self->idle && (more || !self->leading))
        pthread_cond_signal (&self->work);
    else if (self->stepping && !self->leading)
        pthread_cond_broadcast (&self->saved);
    else if (self->keeper_far && !self->leading)
        pthread_cond_signal (&self->keeper);
}

void plv_lead_or_wait (plv_agent_t *self, int64_t until_us)
{
    if (!self->leading) {
        plv_lead (self, until_us);
        plv_lead_pass_on (self);
        return;
    }
    self->stepping++;
    plv_wait_until (&self->saved, &self->lock, until_us);
    self->stepping--;
}

static void keeper_waits (plv_agent_t *self, bool far)
{
    int64_t until_us = plv_clock_mono_us () + KEEPER_LOOK_US;
    self->keeper_far = far;
    plv_wait_until (&self->keeper, &self->lock, far ? INT64_MAX : until_us);
    self->keeper_far = false;
}

/*  Leads while all handlers are at work. While jobs come and go quickly it only looks in now and then; when
    nothing is begun any more and a handler leads, it sleeps until a handler leaves the lead.  */
void *plv_keeper_thread (void *agent)
{
    plv_agent_t *self = agent;
    uint64_t seen = 0;
    pthread_mutex_lock (&self->lock);
    while (self->phase != PHASE_OVER) {
        bool quiet = seen == self->begun;
        seen = self->begun;
        if (!self->leading && quiet) {
            self->keeper_leads = true;
            plv_lead (self, INT64_MAX);
            self->keeper_leads = false;
            plv_lead_pass_on (self);
            if (!self->idle)
                continue;
        }
        keeper_waits (self, quiet && self->leading);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}
