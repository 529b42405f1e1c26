#include "sdk/internal.h"

#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

enum {
    BATCH_PATIENCE_US = 250000, /* for a batch whose rest does not come */
    LINGER_MS = 1000,
};

static bool init_threads (plv_agent_t *self)
{
    return !pthread_mutex_init (&self->lock, NULL) && plv_wait_init (&self->work)
           && plv_wait_init (&self->saved) && plv_wait_init (&self->keeper);
}

plv_err_t plv_agent_new (const plv_agent_options_t *options, plv_agent_t **ret_agent,
                         plv_fail_t *ret_fail)
{
    if (sodium_init () < 0)
        return plv_fail (ret_fail, ERR_IO, "no source of random numbers");
    plv_agent_t *self = calloc (1, sizeof *self);
    if (!self)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    plv_list_init (&self->waiting);
    plv_list_init (&self->held);
    self->link.signals = -1;
    self->link.welcome_us = WELCOME_WAIT_MS * 1000;
    self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    randombytes_buf (self->incarnation, sizeof self->incarnation);

    plv_err_t err = plv_settings_make (options, &self->set, ret_fail);
    if (!err && self->wake < 0)
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "eventfd: %s", strerror (errno));
    if (!err && !init_threads (self))
        err = plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (err)
        plv_agent_destroy (&self);
    else
        *ret_agent = self;
    return err;
}

void plv_agent_destroy (plv_agent_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    plv_agent_t *self = *self_p;
    while (!plv_list_empty (&self->held))
        plv_job_release (PLV_OF (self->held.next, plv_job_t, held));
    if (self->wake >= 0)
        close (self->wake);
    plv_buf_free (&self->out);
    plv_buf_free (&self->link.packet);
    plv_settings_free (&self->set);
    pthread_mutex_destroy (&self->lock);
    pthread_cond_destroy (&self->work);
    pthread_cond_destroy (&self->saved);
    pthread_cond_destroy (&self->keeper);
    free (self);
    *self_p = NULL;
}

int plv_agent_exit_code (plv_err_t err)
{
    switch (err) {
    case ERR_OK:
        return 0;
    case ERR_ARG:
        return 64;
    case ERR_NOMEM:
        return 71;
    case ERR_VERSION:
    case ERR_PROTOCOL:
        return 76;
    case ERR_AUTH:
    case ERR_PERM:
        return 77;
    default:
        return 69;
    }
}

static plv_job_t *begin (plv_job_t *job)
{
    plv_node_remove (&job->queue);
    job->running = true;
    return job;
}

/*  The waiting jobs of the first one's batch, counted, and taken when `jobs` is not NULL.  */
static size_t gather (plv_agent_t *self, const plv_job_t *first, plv_job_t **jobs)
{
    size_t count = 0;
    for (plv_node_t *node = self->waiting.next;
         node != &self->waiting && count < self->set.batch_size;) {
        plv_job_t *job = PLV_OF (node, plv_job_t, queue);
        node = node->next;
        if (job->batch_size == 1 || job->batch_id != first->batch_id)
            continue;
        if (jobs)
            jobs[count] = begin (job);
        count++;
    }
    return count;
}

/*  The jobs that can begin now; 0: none, or a batch that is not whole, which is waited for until
    `*ret_until_us`.  */
static size_t take_ready (plv_agent_t *self, plv_job_t **jobs, int64_t *ret_until_us)
{
    *ret_until_us = INT64_MAX;
    if (plv_list_empty (&self->waiting))
        return 0;
    plv_job_t *first = PLV_OF (self->waiting.next, plv_job_t, queue);
    if (self->set.batch_size == 1 || first->batch_size == 1) {
        jobs[0] = begin (first);
        return 1;
    }
    int64_t until_us = first->arrived_us + BATCH_PATIENCE_US;
    if (gather (self, first, NULL) >= first->batch_size || plv_clock_mono_us () >= until_us)
        return gather (self, first, jobs);
    *ret_until_us = until_us;
    return 0;
}

/*  Until somebody who leads has a job for this thread, or the lead.  */
static void follow (plv_agent_t *self, int64_t until_us)
{
    if (self->keeper_leads)
        plv_agent_ring (self);
    self->idle++;
    plv_wait_until (&self->work, &self->lock, until_us);
    self->idle--;
}

/*  The next jobs for a handler, with the lock held; 0: it is over.  */
static size_t take (plv_agent_t *self, plv_job_t **jobs)
{
    while (self->phase != PHASE_OVER) {
        int64_t until_us;
        size_t count = take_ready (self, jobs, &until_us);
        if (count) {
            self->begun += count;
            self->running++;
            plv_lead_pass_on (self);
            return count;
        }
        if (self->leading)
            follow (self, until_us);
        else
            plv_lead (self, until_us);
    }
    return 0;
}

/*  What a handler leaves behind, with the lock held. A quick handler with more to do answers for all of it
    together.  */
static void finish (plv_agent_t *self, plv_job_t **jobs, size_t count, bool quick)
{
    self->running--;
    for (size_t i = 0; i < count; i++) {
        jobs[i]->running = false;
        if (atomic_load (&jobs[i]->cancelled))
            plv_job_release (jobs[i]);
    }
    if (!quick || plv_list_empty (&self->waiting))
        plv_link_pump (self);
}

static void handle (plv_agent_t *self, plv_job_t **jobs, size_t count)
{
    int64_t begun_us = plv_clock_mono_us ();
    for (size_t i = 0; i < count; i++)
        jobs[i]->begun_us = begun_us;
    self->handler (jobs, count, self->handler_arg);
    for (size_t i = 0; i < count; i++) {
        if (!jobs[i]->answered)
            plv_job_nack (jobs[i],
                          &(plv_nack_t){.code = "general_error",
                                        .reason = "the handler returned without an answer"},
                          NULL);
    }
    bool quick = plv_clock_mono_us () - begun_us < QUICK_US;
    pthread_mutex_lock (&self->lock);
    finish (self, jobs, count, quick);
}

static void *handler_thread (void *agent)
{
    plv_agent_t *self = agent;
    plv_job_t **jobs = calloc (self->set.batch_size, sizeof *jobs);
    pthread_mutex_lock (&self->lock);
    if (!jobs)
        plv_agent_fail (self, &(plv_fail_t){.code = ERR_NOMEM, .text = "out of memory"});
    for (size_t count; jobs && (count = take (self, jobs)) > 0;) {
        pthread_mutex_unlock (&self->lock);
        handle (self, jobs, count);
    }
    pthread_mutex_unlock (&self->lock);
    free (jobs);
    return NULL;
}

/*  Starts the handlers beside the calling thread, which is the first of them, and waits for all.  */
static void run_handlers (plv_agent_t *self)
{
    size_t more = self->set.threads - 1;
    pthread_t *threads = calloc (more + 1, sizeof *threads);
    size_t started = 0;
    bool good = threads;
    while (good && started < more) {
        good = !pthread_create (&threads[started], NULL, handler_thread, self);
        started += good;
    }
    if (!good) {
        pthread_mutex_lock (&self->lock);
        plv_agent_fail (
            self, &(plv_fail_t){.code = ERR_NOMEM, .text = "no memory for the handlers' threads"});
        pthread_mutex_unlock (&self->lock);
    }
    handler_thread (self);
    for (size_t i = 0; i < started; i++)
        pthread_join (threads[i], NULL);
    free (threads);
}

/*  From the first HELLO to the last BYE.  */
static void run_connected (plv_agent_t *self)
{
    pthread_t keeper;
    pthread_mutex_lock (&self->lock);
    plv_link_open (self);
    bool kept = !pthread_create (&keeper, NULL, plv_keeper_thread, self);
    if (!kept)
        plv_agent_fail (self, &(plv_fail_t){.code = ERR_NOMEM, .text = "no memory for a thread"});
    pthread_mutex_unlock (&self->lock);
    run_handlers (self);
    if (kept)
        pthread_join (keeper, NULL);
    plv_link_close (self, LINGER_MS);
}

/*  SIGTERM and SIGINT are blocked in all of our threads and read by the one that leads.  */
static bool watch_signals (plv_agent_t *self, sigset_t *ret_before)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    self->link.signals = signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->link.signals >= 0 && !pthread_sigmask (SIG_BLOCK, &signals, ret_before);
}

plv_err_t plv_agent_run_batches (plv_agent_t *self, plv_agent_batch_handler_t *handler, void *arg,
                                 plv_fail_t *ret_fail)
{
    sigset_t before;
    if (self->ran)
        return plv_fail (ret_fail, ERR_EXISTS, "an agent runs once");
    self->ran = true;
    self->handler = handler;
    self->handler_arg = arg;
    if (!self->set.keep_signals && !watch_signals (self, &before))
        return plv_fail (ret_fail, plv_err_of_errno (errno), "signalfd: %s", strerror (errno));

    self->link.context = zmq_ctx_new ();
    if (self->link.context) {
        run_connected (self);
        zmq_ctx_term (self->link.context);
    } else {
        plv_fail (&self->fail, ERR_NOMEM, "no memory for ZeroMQ");
    }
    if (!self->set.keep_signals) {
        close (self->link.signals);
        pthread_sigmask (SIG_SETMASK, &before, NULL);
    }
    if (self->fail.code && ret_fail)
        *ret_fail = self->fail;
    return self->fail.code;
}

typedef struct {
    plv_agent_handler_t *handler;
    void *arg;
} single_t;

static void handle_each (plv_job_t *const *jobs, size_t count, void *arg)
{
    const single_t *single = arg;
    for (size_t i = 0; i < count; i++)
        single->handler (jobs[i], single->arg);
}

plv_err_t plv_agent_run (plv_agent_t *self, plv_agent_handler_t *handler, void *arg,
                         plv_fail_t *ret_fail)
{
    single_t single = {.handler = handler, .arg = arg};
    return plv_agent_run_batches (self, handle_each, &single, ret_fail);
}
