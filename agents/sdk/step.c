#include "sdk/internal.h"

#include "base/clock.h"

#include <stdlib.h>

static step_t *new_step (plv_view_t name, plv_view_t result)
{
    step_t *self = malloc (sizeof *self + name.size + result.size);
    if (!self)
        return NULL;
    self->name = plv_view (memcpy (self->bytes, name.data, name.size), name.size);
    self->result = plv_view (self->bytes + name.size, result.size);
    if (result.size)
        memcpy (self->bytes + name.size, result.data, result.size);
    return self;
}

bool plv_job_step_get (const plv_job_t *job, const char *name, plv_view_t *ret_result)
{
    for (const step_t *step = job->saved; step; step = step->next) {
        if (plv_view_is (step->name, name)) {
            *ret_result = step->result;
            return true;
        }
    }
    plv_mp_t at;
    return plv_mp_find (job->steps, name, &at) && plv_mp_bin (&at, ret_result);
}

plv_view_t plv_job_steps (const plv_job_t *job)
{
    return job->steps.size ? job->steps : plv_view ("\x80", 1);
}

static plv_err_t make_frame (const plv_job_t *job, const char *name, plv_view_t result,
                             plv_buf_t *frame, plv_fail_t *ret_fail)
{
    plv_view_t key = plv_view_str (name);
    if (!key.size || key.size > NAME_BYTES_MAX || !plv_utf8_valid (key))
        return plv_fail (ret_fail, ERR_ARG, "a step's name must be 1 to %d bytes of UTF-8",
                         NAME_BYTES_MAX);
    if (result.size > STEP_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "step %s: %zu bytes, and %d are allowed", name,
                         result.size, STEP_BYTES_MAX);
    size_t mark = plv_frame_begin (frame, VERB_STEP);
    plv_mp_put_u64 (frame, job->lease);
    plv_mp_put_str (frame, key);
    plv_mp_put_bin (frame, result);
    plv_frame_end (frame, mark);
    return frame->failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory") : ERR_OK;
}

/*  Waits with the lock held until the step's frame is gone: saved, or its job cancelled.  */
static plv_err_t wait_saved (plv_job_t *job, const char *name, plv_fail_t *ret_fail)
{
    while (job->step.size && !atomic_load (&job->cancelled)
           && plv_clock_mono_us () < job->deadline_us)
        plv_lead_or_wait (job->agent, job->deadline_us);
    if (atomic_load (&job->cancelled))
        return plv_fail (ret_fail, ERR_GONE, "step %s: the job was taken back: %s", name,
                         job->cancel_code);
    if (!job->step.size)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_TIMEOUT, "step %s: not saved before the job's deadline", name);
}

plv_err_t plv_job_step_save (plv_job_t *job, const char *name, plv_view_t result,
                             plv_fail_t *ret_fail)
{
    if (job->answered)
        return plv_fail (ret_fail, ERR_EXISTS, "the job is answered already");
    plv_buf_t frame = {0};
    plv_err_t err = make_frame (job, name, result, &frame, ret_fail);
    step_t *step = err ? NULL : new_step (plv_view_str (name), result);
    if (!step) {
        plv_buf_free (&frame);
        return err ? err : plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    pthread_mutex_lock (&job->agent->lock);
    job->step = frame;
    plv_job_put (job, &job->step);
    plv_link_pump (job->agent);
    err = wait_saved (job, name, ret_fail);
    plv_buf_free (&job->step);
    pthread_mutex_unlock (&job->agent->lock);
    if (err) {
        free (step);
        return err;
    }
    step->next = job->saved;
    job->saved = step;
    return ERR_OK;
}

plv_err_t plv_job_step (plv_job_t *job, const char *name, plv_job_work_t *work, void *arg,
                        plv_view_t *ret_result, plv_fail_t *ret_fail)
{
    if (plv_job_step_get (job, name, ret_result))
        return ERR_OK;
    plv_buf_t result = {0};
    plv_err_t err = work (job, arg, &result, ret_fail);
    if (!err && result.failed)
        err = plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (!err)
        err = plv_job_step_save (job, name, plv_buf_view (&result), ret_fail);
    plv_buf_free (&result);
    if (!err)
        *ret_result = job->saved->result;
    return err;
}
