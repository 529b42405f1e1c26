#include "advisor/worker.h"

#include "advisor/advise.h"
#include "advisor/reply.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct worker {
    catalogue_t *catalogue;
    pthread_mutex_t lock;
};

/*  One job on its way through understand, research and write.  */
typedef struct {
    worker_t *worker;
    plv_job_t *job;
    reading_t reading;
    picks_t picks;
    answer_t answer;
    int year;
} task_t;

plv_err_t worker_new (catalogue_t **catalogue_p, worker_t **ret_worker, plv_fail_t *ret_fail)
{
    worker_t *self = calloc (1, sizeof *self);
    if (!self || pthread_mutex_init (&self->lock, NULL) != 0) {
        free (self);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    self->catalogue = *catalogue_p;
    *catalogue_p = NULL;
    *ret_worker = self;
    return ERR_OK;
}

void worker_destroy (worker_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    catalogue_destroy (&(*self_p)->catalogue);
    pthread_mutex_destroy (&(*self_p)->lock);
    free (*self_p);
    *self_p = NULL;
}

/*  The year of the message, not of the attempt: a redelivery must read it as the first attempt did.  */
static int year_of (const plv_job_t *job)
{
    time_t seconds = (time_t) (plv_job_envelope (job)->timestamp / 1000000);
    struct tm parts;
    return gmtime_r (&seconds, &parts) ? parts.tm_year + 1900 : 1970;
}

static void read_message (task_t *task)
{
    profile_t before;
    plv_mp_t value;
    plv_view_t kept = {0};
    if (plv_job_state_get (task->job, PROFILE_KEY, &value))
        plv_mp_skip (&value, &kept);
    profile_read (&before, kept);
    pthread_mutex_lock (&task->worker->lock);
    understand (task->worker->catalogue, &before, plv_job_text (task->job), task->year,
                &task->reading);
    pthread_mutex_unlock (&task->worker->lock);
}

static plv_err_t research (plv_job_t *job, void *arg, plv_buf_t *result, plv_fail_t *ret_fail)
{
    task_t *task = arg;
    (void) job;
    pthread_mutex_lock (&task->worker->lock);
    rank (task->worker->catalogue, &task->reading, task->year, &task->picks);
    advise_write_picks (task->worker->catalogue, &task->picks, result);
    pthread_mutex_unlock (&task->worker->lock);
    return result->failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory") : ERR_OK;
}

/*  The picks as the step has them: made now, or by an attempt that did not come to its end.  */
static plv_err_t find_picks (task_t *task, plv_fail_t *ret_fail)
{
    plv_view_t saved;
    if (!advise_needs_picks (&task->reading))
        return ERR_OK;
    plv_err_t err = plv_job_step (task->job, "research", research, task, &saved, ret_fail);
    if (err)
        return err;
    pthread_mutex_lock (&task->worker->lock);
    bool read = advise_read_picks (task->worker->catalogue, saved, &task->picks);
    pthread_mutex_unlock (&task->worker->lock);
    return read ? ERR_OK : plv_fail (ret_fail, ERR_MSGPACK, "the step research holds no picks");
}

static plv_err_t save_profile (task_t *task, plv_fail_t *ret_fail)
{
    plv_buf_t state = {0};
    profile_write (&task->reading.profile, &state);
    plv_err_t err =
        state.failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                     : plv_job_state_set (task->job, PROFILE_KEY, plv_buf_view (&state), ret_fail);
    plv_buf_free (&state);
    return err;
}

static plv_err_t send_answer (task_t *task, int64_t began_us, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0};
    pthread_mutex_lock (&task->worker->lock);
    advise_write (task->worker->catalogue, &task->reading, &task->picks, &task->answer);
    reply_write (task->worker->catalogue, &task->answer,
                 (double) (plv_clock_mono_us () - began_us) / 1e6, &body);
    pthread_mutex_unlock (&task->worker->lock);
    plv_err_t err = task->answer.text.failed || body.failed
                        ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                        : save_profile (task, ret_fail);
    if (!err)
        err = plv_job_reply (task->job, plv_buf_view (&body), ret_fail);
    plv_buf_free (&body);
    return err;
}

/*  ERR_GONE and ERR_TIMEOUT: the job is somebody else's by now, there is nothing to give back.  */
static void give_back (plv_job_t *job, const plv_fail_t *fail)
{
    if (fail->code != ERR_GONE && fail->code != ERR_TIMEOUT)
        plv_job_nack (job, &(plv_nack_t){.code = "general_error", .reason = fail->text}, NULL);
}

void worker_handle (plv_job_t *job, void *arg)
{
    plv_fail_t fail = {0};
    int64_t began_us = plv_clock_mono_us ();
    task_t *task = calloc (1, sizeof *task);
    if (!task) {
        plv_job_nack (job, &(plv_nack_t){.code = "general_error", .reason = "out of memory"}, NULL);
        return;
    }
    *task = (task_t){.worker = arg, .job = job, .year = year_of (job)};
    read_message (task);
    plv_err_t err = find_picks (task, &fail);
    if (!err)
        err = send_answer (task, began_us, &fail);
    if (err)
        give_back (job, &fail);
    answer_free (&task->answer);
    free (task);
}
