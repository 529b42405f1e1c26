#include "sdk/internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { MINOR_OF_CALLS = 1 };

static void put_options (plv_buf_t *frame, const plv_call_t *call)
{
    bool deadline = call->deadline_ms > 0, history = call->history.size > 0;
    bool state = call->state.size > 0, trace = call->traceparent != NULL;
    uint32_t pairs = (uint32_t) deadline + (uint32_t) history + (uint32_t) state + (uint32_t) trace;
    if (!pairs) {
        plv_mp_put_nil (frame);
        return;
    }
    plv_mp_put_map (frame, pairs);
    if (deadline) {
        plv_mp_pair_u64 (frame, "deadline_ms", call->deadline_ms);
    }
    if (history) {
        plv_mp_put_text (frame, "history");
        plv_buf_add_view (frame, call->history);
    }
    if (state) {
        plv_mp_pair_bin (frame, "state", call->state);
    }
    if (trace) {
        plv_mp_pair_text (frame, "traceparent", call->traceparent);
    }
}

/*  What would be a violation, or could not be passed on.  */
static plv_err_t check (const plv_call_t *call, plv_fail_t *ret_fail)
{
    plv_view_t text;
    if (!call->service || !call->service[0] || strlen (call->service) > NAME_BYTES_MAX
        || !plv_utf8_valid (plv_view_str (call->service)))
        return plv_fail (ret_fail, ERR_ARG, "a service's name must be 1 to %d bytes",
                         NAME_BYTES_MAX);
    if (call->traceparent && !plv_utf8_valid (plv_view_str (call->traceparent)))
        return plv_fail (ret_fail, ERR_ARG, "a traceparent is text");
    if (call->history.size && !plv_mp_valid (call->history, MP_ARRAY))
        return plv_fail (ret_fail, ERR_MSGPACK, "a call's history is no array");
    if (call->state.size && !plv_mp_valid (call->state, MP_MAP))
        return plv_fail (ret_fail, ERR_MSGPACK, "a call's state is no map");
    return plv_body_check (EVENT_CHAT_MESSAGE, call->body, &text, ret_fail);
}

static plv_err_t make_frame (const plv_job_t *job, const plv_call_t *call, plv_buf_t *frame,
                             plv_fail_t *ret_fail)
{
    plv_err_t err = check (call, ret_fail);
    if (err)
        return err;
    size_t mark = plv_frame_begin (frame, VERB_CALL);
    plv_mp_put_u64 (frame, job->lease);
    plv_mp_put_u64 (frame, job->calls + 1);
    plv_mp_put_text (frame, call->service);
    plv_mp_put_bin (frame, call->body);
    put_options (frame, call);
    plv_frame_end (frame, mark);
    if (frame->failed)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (frame->size - PLV_FRAME_HEAD_BYTES > plv_verb_info (VERB_CALL)->bytes_max)
        return plv_fail (ret_fail, ERR_RANGE, "a call of %zu bytes, and %u are allowed",
                         frame->size, plv_verb_info (VERB_CALL)->bytes_max);
    return ERR_OK;
}

static plv_err_t err_of (const char *outcome)
{
    static const struct {
        const char *outcome;
        plv_err_t err;
    } ERRS[] = {
        {"answer", ERR_OK},      {"timeout", ERR_TIMEOUT}, {"busy", ERR_BUSY},
        {"unserved", ERR_NOENT}, {"refused", ERR_ARG},
    };
    for (size_t i = 0; i < sizeof ERRS / sizeof ERRS[0]; i++)
        if (!strcmp (outcome, ERRS[i].outcome))
            return ERRS[i].err;
    return ERR_IO;
}

static bool is_unknown_to_broker (const plv_agent_t *agent)
{
    return agent->ready && agent->link.minor < MINOR_OF_CALLS;
}

/*  Waits with the lock held until the call's frame is gone: answered, or its job cancelled.  */
static plv_err_t wait_answered (plv_job_t *job, const char *service, plv_fail_t *ret_fail)
{
    while (job->call.size && !atomic_load (&job->cancelled) && !is_unknown_to_broker (job->agent)
           && plv_clock_mono_us () < job->deadline_us)
        plv_lead_or_wait (job->agent, job->deadline_us);
    if (atomic_load (&job->cancelled))
        return plv_fail (ret_fail, ERR_GONE, "calling %s: the job was taken back: %s", service,
                         job->cancel_code);
    if (job->call.size && is_unknown_to_broker (job->agent))
        return plv_fail (ret_fail, ERR_VERSION,
                         "calling %s: the broker is of a version that knows no calls: upgrade it",
                         service);
    if (job->call.size)
        return plv_fail (ret_fail, ERR_TIMEOUT, "calling %s: no answer before the job's deadline",
                         service);
    if (job->answer.failed)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    plv_err_t err = err_of (job->answer_outcome);
    return err ? plv_fail (ret_fail, err, "calling %s: %s: %s", service, job->answer_outcome,
                           job->answer_why)
               : ERR_OK;
}

plv_err_t plv_job_call (plv_job_t *job, const plv_call_t *call, plv_answer_t *ret_answer,
                        plv_fail_t *ret_fail)
{
    plv_agent_t *agent = job->agent;
    plv_buf_t frame = {0};
    *ret_answer = (plv_answer_t){0};
    plv_err_t err = job->answered ? plv_fail (ret_fail, ERR_EXISTS, "the job is answered already")
                                  : make_frame (job, call, &frame, ret_fail);
    if (err) {
        plv_buf_free (&frame);
        return err;
    }
    pthread_mutex_lock (&agent->lock);
    job->calls++;
    job->answer_outcome[0] = job->answer_code[0] = job->answer_why[0] = '\0';
    plv_buf_free (&job->answer);
    job->call = frame;
    if (!is_unknown_to_broker (agent))
        plv_job_put (job, &job->call);
    plv_link_pump (agent);
    err = wait_answered (job, call->service, ret_fail);
    plv_buf_free (&job->call);
    pthread_mutex_unlock (&agent->lock);
    ret_answer->body = plv_buf_view (&job->answer);
    memcpy (ret_answer->outcome, job->answer_outcome, sizeof ret_answer->outcome);
    memcpy (ret_answer->code, job->answer_code, sizeof ret_answer->code);
    return err;
}

/*  Ends the last call. That is kept: on a connection that is lost it may not arrive.  */
static void end_call (plv_job_t *job)
{
    size_t mark = job->ended.size;
    size_t frame = plv_frame_begin (&job->ended, VERB_CALL_CANCEL);
    plv_mp_put_u64 (&job->ended, job->lease);
    plv_mp_put_u64 (&job->ended, job->calls);
    plv_frame_end (&job->ended, frame);
    if (job->ended.failed) {
        job->ended.failed = false;
        job->ended.size = mark;
    }
    plv_link_put_ends (job, mark);
}

bool plv_job_call_cancel (plv_job_t *job)
{
    plv_agent_t *agent = job->agent;
    pthread_mutex_lock (&agent->lock);
    bool under_way = job->call.size > 0;
    if (under_way) {
        end_call (job);
        plv_buf_clear (&job->call);
        snprintf (job->answer_outcome, sizeof job->answer_outcome, "cancelled");
        snprintf (job->answer_why, sizeof job->answer_why, "this worker has ended the call");
        pthread_cond_broadcast (&agent->saved);
        plv_agent_ring (agent);
    }
    pthread_mutex_unlock (&agent->lock);
    return under_way;
}

plv_err_t plv_job_call_text (plv_job_t *job, const char *service, const char *text,
                             plv_answer_t *ret_answer, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "message_text", text);
    plv_err_t err =
        body.failed
            ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
            : plv_job_call (job, &(plv_call_t){.service = service, .body = plv_buf_view (&body)},
                            ret_answer, ret_fail);
    plv_buf_free (&body);
    return err;
}
