#include "sdk/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH_PATIENCE_US = 250000 }; /* for a batch whose rest does not come */

void plv_agent_note (plv_agent_t *self, const char *format, ...)
{
    if (!self->set.log)
        return;
    char line[PLV_FAIL_TEXT_BYTES + 128];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    self->set.log (self->set.log_arg, line);
}

static void ring (int wake)
{
    uint64_t one = 1;
    ssize_t written = write (wake, &one, sizeof one);
    (void) written; /* it fails only when it is ringing already */
}

void plv_agent_wake (plv_agent_t *self)
{
    if (self->asleep) {
        self->asleep = false;
        ring (self->wake);
    }
}

void plv_agent_stop (plv_agent_t *self)
{
    atomic_store (&self->stop, true);
    ring (self->wake);
}

/*  It is over, and why. Handlers at work learn that nobody waits for them.  */
void plv_agent_fail (plv_agent_t *self, const plv_fail_t *fail)
{
    if (self->phase == PHASE_OVER)
        return;
    self->phase = PHASE_OVER;
    self->fail = *fail;
    for (plv_node_t *node = self->held.next; node != &self->held;) {
        plv_job_t *job = PLV_OF (node, plv_job_t, held);
        node = node->next;
        plv_job_cancel (job, plv_view_str ("shutdown"));
    }
    pthread_cond_broadcast (&self->work);
}

static bool init_threads (plv_agent_t *self)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init (&monotonic))
        return false;
    bool good = !pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC)
                && !pthread_mutex_init (&self->lock, NULL)
                && !pthread_cond_init (&self->work, &monotonic)
                && !pthread_cond_init (&self->saved, &monotonic);
    pthread_condattr_destroy (&monotonic);
    return good;
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

/*  The jobs of the first one's batch that have arrived.  */
static size_t take_batch (plv_agent_t *self, plv_job_t *first, plv_job_t **jobs)
{
    size_t count = 0;
    for (plv_node_t *node = &first->queue; node != &self->waiting && count < self->set.batch_size;) {
        plv_job_t *job = PLV_OF (node, plv_job_t, queue);
        node = node->next;
        if (job->batch_size > 1 && job->batch_id == first->batch_id)
            jobs[count++] = begin (job);
    }
    return count;
}

static size_t arrived (const plv_agent_t *self, const plv_job_t *first)
{
    size_t count = 0;
    for (const plv_node_t *node = &first->queue; node != &self->waiting; node = node->next) {
        const plv_job_t *job = PLV_OF (node, plv_job_t, queue);
        count += job->batch_size > 1 && job->batch_id == first->batch_id;
    }
    return count;
}

static void wait_until (plv_agent_t *self, int64_t until_us)
{
    struct timespec until = {.tv_sec = (time_t) (until_us / 1000000),
                             .tv_nsec = (long) (until_us % 1000000) * 1000};
    self->idle++;
    pthread_cond_timedwait (&self->work, &self->lock, &until);
    self->idle--;
}

/*  The next jobs for a handler, with the lock held; 0: it is over. A batch is waited for until it is whole,
    for a moment.  */
static size_t take (plv_agent_t *self, plv_job_t **jobs)
{
    for (;;) {
        plv_node_t *node = plv_list_first (&self->waiting);
        if (self->phase == PHASE_OVER)
            return 0;
        if (!node) {
            self->idle++;
            pthread_cond_wait (&self->work, &self->lock);
            self->idle--;
            continue;
        }
        plv_job_t *first = PLV_OF (node, plv_job_t, queue);
        if (self->set.batch_size == 1 || first->batch_size == 1) {
            jobs[0] = begin (first);
            return 1;
        }
        int64_t until_us = first->arrived_us + BATCH_PATIENCE_US;
        if (arrived (self, first) >= first->batch_size || plv_clock_mono_us () >= until_us)
            return take_batch (self, first, jobs);
        wait_until (self, until_us);
    }
}

/*  What a handler leaves behind, with the lock held.  */
static void finish (plv_job_t *job)
{
    job->running = false;
    if (atomic_load (&job->cancelled))
        plv_job_release (job);
}

static void handle (plv_agent_t *self, plv_job_t **jobs, size_t count)
{
    int64_t begun_us = plv_clock_mono_us ();
    self->running++;
    pthread_mutex_unlock (&self->lock);
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
    self->running--;
    for (size_t i = 0; i < count; i++)
        finish (jobs[i]);
    /*  A quick handler with more to do answers for all of it together.  */
    if (!quick || plv_list_empty (&self->waiting))
        plv_agent_wake (self);
}

static void *handler_thread (void *agent)
{
    plv_agent_t *self = agent;
    plv_job_t **jobs = calloc (self->set.batch_size, sizeof *jobs);
    pthread_mutex_lock (&self->lock);
    if (!jobs)
        plv_agent_fail (self, &(plv_fail_t){.code = ERR_NOMEM, .text = "out of memory"});
    for (size_t count; jobs && (count = take (self, jobs)) > 0;)
        handle (self, jobs, count);
    plv_agent_wake (self);
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
        plv_agent_fail (self, &(plv_fail_t){.code = ERR_NOMEM, .text = "no memory for the handlers' threads"});
        plv_agent_wake (self);
        pthread_mutex_unlock (&self->lock);
    }
    handler_thread (self);
    for (size_t i = 0; i < started; i++)
        pthread_join (threads[i], NULL);
    free (threads);
}

/*  SIGTERM and SIGINT are blocked in all of our threads and read by the link.  */
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
    pthread_t link;
    if (self->ran)
        return plv_fail (ret_fail, ERR_EXISTS, "an agent runs once");
    self->ran = true;
    self->handler = handler;
    self->handler_arg = arg;
    if (!self->set.keep_signals && !watch_signals (self, &before))
        return plv_fail (ret_fail, plv_err_of_errno (errno), "signalfd: %s", strerror (errno));

    plv_err_t err = ERR_OK;
    if (pthread_create (&link, NULL, plv_link_thread, self)) {
        err = plv_fail (ret_fail, ERR_NOMEM, "no memory for a thread");
    } else {
        run_handlers (self);
        pthread_join (link, NULL);
        err = self->fail.code;
    }
    if (!self->set.keep_signals) {
        close (self->link.signals);
        pthread_sigmask (SIG_SETMASK, &before, NULL);
    }
    if (err && ret_fail && self->fail.code)
        *ret_fail = self->fail;
    return err;
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
