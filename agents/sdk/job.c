#include "sdk/internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/*  A deadline in milliseconds that cannot overflow when it is added to a clock.  */
static int64_t bounded_us (uint64_t ms)
{
    const uint64_t most_ms = (uint64_t) 1000 * 60 * 60 * 24 * 3650;
    return (int64_t) (ms < most_ms ? ms : most_ms) * 1000;
}

static void read_batch (plv_view_t batch, plv_job_t *job)
{
    plv_mp_t at;
    job->batch_size = 1;
    if (!plv_mp_find (batch, "id", &at) || !plv_mp_u64 (&at, &job->batch_id))
        return;
    if (!plv_mp_find (batch, "size", &at) || !plv_mp_u64 (&at, &job->batch_size)
        || !job->batch_size)
        job->batch_size = 1;
}

static void read_options (plv_view_t options, plv_job_t *job)
{
    plv_mp_t at;
    if (plv_mp_find (options, "trial", &at) && !plv_mp_bool (&at, &job->trial))
        job->trial = false;
    job->service = plv_mp_find_str (options, "service");
}

plv_err_t plv_job_new (plv_agent_t *agent, const plv_frame_t *frame, plv_job_t **ret_job,
                       plv_fail_t *ret_fail)
{
    plv_job_t *self = calloc (1, sizeof *self + frame->raw.size);
    if (!self)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory: a job of %zu bytes", frame->raw.size);
    memcpy (self->frame, frame->raw.data, frame->raw.size);

    plv_view_t views[PLV_FRAME_ARGS_MAX];
    for (unsigned i = 3; i < PLV_FRAME_ARGS_MAX; i++) {
        plv_view_t there = frame->arg[i].bytes;
        views[i] = plv_view (self->frame + (there.data - frame->raw.data), there.size);
    }
    self->agent = agent;
    self->lease = frame->arg[0].number;
    self->attempt = frame->arg[1].number;
    self->arrived_us = plv_clock_mono_us ();
    self->deadline_us = self->arrived_us + bounded_us (frame->arg[2].number);
    self->body = views[4];
    self->history = views[5];
    self->state = views[6];
    self->steps = views[7];
    read_batch (frame->arg[8].nil ? plv_view (NULL, 0) : views[8], self);
    read_options (frame->arg[9].nil ? plv_view (NULL, 0) : views[9], self);
    plv_err_t err = plv_envelope_parse (views[3], &self->envelope, ret_fail);
    if (err) {
        free (self);
        plv_fail_context (ret_fail, "JOB");
        ret_fail->code = ERR_PROTOCOL;
        return ERR_PROTOCOL;
    }
    *ret_job = self;
    return ERR_OK;
}

plv_job_t *plv_job_find (plv_agent_t *self, uint64_t lease)
{
    for (plv_node_t *node = self->held.next; node != &self->held; node = node->next) {
        plv_job_t *job = PLV_OF (node, plv_job_t, held);
        if (job->lease == lease)
            return job;
    }
    return NULL;
}

/*  Sends a frame on a ready connection; with the lock held. A frame that is kept with its job and cannot be
    sent now is repeated after the next WELCOME.  */
void plv_job_put (plv_job_t *job, const plv_buf_t *frame)
{
    if (job->agent->ready && !atomic_load (&job->cancelled))
        plv_buf_add (&job->agent->out, frame->data, frame->size);
}

static void free_steps (step_t *steps)
{
    while (steps) {
        step_t *next = steps->next;
        free (steps);
        steps = next;
    }
}

void plv_job_release (plv_job_t *job)
{
    plv_node_remove (&job->held);
    plv_node_remove (&job->queue);
    plv_buf_free (&job->changed);
    free_steps (job->saved);
    plv_buf_free (&job->kept);
    plv_buf_free (&job->step);
    plv_buf_free (&job->call);
    plv_buf_free (&job->ended);
    plv_buf_free (&job->answer);
    free (job);
}

/*  The broker has taken the job back: nothing of it is sent any more.  */
void plv_job_cancel (plv_job_t *job, plv_view_t code)
{
    size_t size = code.size < sizeof job->cancel_code ? code.size : sizeof job->cancel_code - 1;
    if (!atomic_load (&job->cancelled))
        memcpy (job->cancel_code, code.data, size);
    atomic_store (&job->cancelled, true);
    plv_buf_clear (&job->step);
    plv_buf_clear (&job->call);
    if (job->running)
        pthread_cond_broadcast (&job->agent->saved);
    else
        plv_job_release (job);
}

const plv_envelope_t *plv_job_envelope (const plv_job_t *job)
{
    return &job->envelope;
}

plv_view_t plv_job_body (const plv_job_t *job)
{
    return job->body;
}

plv_view_t plv_job_text (const plv_job_t *job)
{
    return plv_mp_find_str (job->body, "message_text");
}

unsigned plv_job_attempt (const plv_job_t *job)
{
    return (unsigned) job->attempt;
}

bool plv_job_is_trial (const plv_job_t *job)
{
    return job->trial;
}

plv_view_t plv_job_service (const plv_job_t *job)
{
    return job->service;
}

int64_t plv_job_left_ms (const plv_job_t *job)
{
    return (job->deadline_us - plv_clock_mono_us ()) / 1000;
}

bool plv_job_history_next (const plv_job_t *job, size_t *at, plv_turn_t *ret_turn)
{
    plv_mp_t turns = plv_mp (job->history);
    uint32_t count;
    plv_view_t turn;
    if (!plv_mp_array (&turns, &count))
        return false;
    if (*at)
        turns.at = job->history.data + *at;
    if (plv_mp_done (&turns) || !plv_mp_skip (&turns, &turn))
        return false;

    *at = (size_t) (turns.at - job->history.data);
    *ret_turn = (plv_turn_t){.role = plv_mp_find_str (turn, "role"),
                             .text = plv_mp_find_str (turn, "text")};
    plv_mp_t timestamp;
    if (plv_mp_find (turn, "timestamp", &timestamp))
        plv_mp_i64 (&timestamp, &ret_turn->timestamp);
    return true;
}

plv_view_t plv_job_state (const plv_job_t *job)
{
    return job->state.size ? job->state : plv_view ("\x80", 1);
}

bool plv_job_state_get (const plv_job_t *job, const char *key, plv_mp_t *ret_value)
{
    return plv_mp_find (job->state, key, ret_value);
}

plv_view_t plv_job_state_text (const plv_job_t *job, const char *key)
{
    return plv_mp_find_str (job->state, key);
}

bool plv_job_cancelled (const plv_job_t *job)
{
    return atomic_load (&job->cancelled);
}

const char *plv_job_cancel_code (const plv_job_t *job)
{
    return plv_job_cancelled (job) ? job->cancel_code : "";
}
