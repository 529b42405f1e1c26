#include "sdk/internal.h"

#include "base/clock.h"

enum { BYE_PAUSE_US = 1000000, PAUSE_MAX_US = 30000000 };

static plv_err_t on_welcome (plv_agent_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    link_t *link = &self->link;
    uint64_t heartbeat_ms = frame->arg[1].number;
    uint64_t timeout_ms = heartbeat_ms * 5;
    plv_mp_t at;
    if (plv_mp_find (frame->arg[2].bytes, "timeout_ms", &at))
        plv_mp_u64 (&at, &timeout_ms);
    if (!heartbeat_ms || heartbeat_ms > 3600000 || timeout_ms < heartbeat_ms
        || timeout_ms > 36000000)
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "WELCOME: heartbeat_ms %llu and timeout_ms %llu make no sense",
                         (unsigned long long) heartbeat_ms, (unsigned long long) timeout_ms);
    link->heartbeat_us = (int64_t) heartbeat_ms * 1000;
    link->timeout_us = (int64_t) timeout_ms * 1000;
    link->state = LINK_READY;
    link->pause_us = 0;
    link->welcome_us = WELCOME_WAIT_MS * 1000;
    plv_link_welcomed (self);
    plv_agent_note (self, "connected to %s, broker " PLV_VIEW_FMT, self->set.endpoint,
                    PLV_VIEW_ARG (frame->arg[0].bytes));
    return ERR_OK;
}

/*  A lease that we hold already may come again after a second HELLO: it goes on.  */
static plv_err_t on_job (plv_agent_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    if (self->link.hellos > 1 && plv_job_find (self, frame->arg[0].number))
        return ERR_OK;
    plv_job_t *job;
    plv_err_t err = plv_job_new (self, frame, &job, ret_fail);
    if (err == ERR_NOMEM)
        return ERR_OK; /* not held: the broker gives it to another worker when its time is over */
    if (err)
        return err;
    plv_list_push (&self->held, &job->held);
    plv_list_push (&self->waiting, &job->queue);
    return ERR_OK;
}

static plv_err_t on_committed (plv_agent_t *self, const plv_frame_t *frame, plv_fail_t *ret_fail)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t count = 0;
    plv_mp_array (&at, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t lease;
        if (!plv_mp_u64 (&at, &lease))
            return plv_fail (ret_fail, ERR_PROTOCOL, "COMMITTED: lease %u is not a number", i + 1);
        plv_job_t *job = plv_job_find (self, lease);
        if (!job)
            continue;
        if (job->running)
            atomic_store (&job->cancelled, true);
        else
            plv_job_release (job);
    }
    return ERR_OK;
}

static bool step_is (const plv_job_t *job, plv_view_t name)
{
    plv_mp_t at = plv_mp (
        plv_view (job->step.data + PLV_FRAME_HEAD_BYTES, job->step.size - PLV_FRAME_HEAD_BYTES));
    uint32_t count;
    uint64_t lease;
    plv_view_t pending;
    return plv_mp_array (&at, &count) && plv_mp_u64 (&at, &lease) && plv_mp_str (&at, &pending)
           && plv_view_equal (pending, name);
}

static void on_step_saved (plv_agent_t *self, const plv_frame_t *frame)
{
    plv_job_t *job = plv_job_find (self, frame->arg[0].number);
    if (!job || !job->step.size || !step_is (job, frame->arg[1].bytes))
        return;
    plv_buf_clear (&job->step);
    pthread_cond_broadcast (&self->saved);
}

static void copy_text (char *into, size_t size, const plv_arg_t *arg)
{
    plv_view_t text = arg->nil ? plv_view ("", 0) : arg->bytes;
    if (text.size >= size)
        text.size = size - 1;
    while (text.size && !plv_utf8_valid (text))
        text.size--;
    memcpy (into, text.data, text.size);
    into[text.size] = '\0';
}

/*  The broker has read what stood in front of the call: the ends of those before it.  */
static void take_answer (plv_job_t *job, const plv_frame_t *frame)
{
    plv_buf_clear (&job->call);
    plv_buf_clear (&job->ended);
    plv_buf_clear (&job->answer);
    if (!frame->arg[3].nil)
        plv_buf_add_view (&job->answer, frame->arg[3].bytes);
    copy_text (job->answer_outcome, sizeof job->answer_outcome, &frame->arg[2]);
    copy_text (job->answer_code, sizeof job->answer_code, &frame->arg[4]);
    copy_text (job->answer_why, sizeof job->answer_why, &frame->arg[5]);
}

static void on_answer (plv_agent_t *self, const plv_frame_t *frame)
{
    plv_job_t *job = plv_job_find (self, frame->arg[0].number);
    if (!job || !job->call.size || frame->arg[1].number != job->calls)
        return;
    take_answer (job, frame);
    pthread_cond_broadcast (&self->saved);
}

static void on_cancel (plv_agent_t *self, const plv_frame_t *frame)
{
    plv_job_t *job = plv_job_find (self, frame->arg[0].number);
    if (!job)
        return;
    plv_agent_note (self, "a job was taken back: " PLV_VIEW_FMT ": " PLV_VIEW_FMT,
                    PLV_VIEW_ARG (frame->arg[1].bytes), PLV_VIEW_ARG (frame->arg[2].bytes));
    plv_job_cancel (job, frame->arg[1].bytes);
}

static plv_err_t error_named (plv_view_t name)
{
    for (unsigned i = 1; i < ERR_COUNT_; i++) {
        if (plv_view_is (name, plv_err_name ((plv_err_t) i)))
            return (plv_err_t) i;
    }
    return ERR_PROTOCOL;
}

/*  BUSY and FULL pass with time; everything else needs a person.  */
static plv_err_t on_error (plv_agent_t *self, const plv_frame_t *frame, reaction_t *reaction,
                           plv_fail_t *ret_fail)
{
    link_t *link = &self->link;
    plv_err_t err = error_named (frame->arg[0].bytes);
    if (plv_view_is (frame->arg[0].bytes, "DRAINED")) {
        plv_agent_note (self, "the broker lets us go: " PLV_VIEW_FMT,
                        PLV_VIEW_ARG (frame->arg[1].bytes));
        plv_agent_stop (self);
        return ERR_OK;
    }
    if (err == ERR_BUSY || err == ERR_FULL) {
        link->pause_us = link->pause_us ? link->pause_us * 2 : BYE_PAUSE_US;
        if (link->pause_us > PAUSE_MAX_US)
            link->pause_us = PAUSE_MAX_US;
        reaction->reopen_us = link->pause_us;
        plv_agent_note (self, "the broker has no place: " PLV_VIEW_FMT,
                        PLV_VIEW_ARG (frame->arg[1].bytes));
        return ERR_OK;
    }
    return plv_fail (ret_fail, err, "the broker refused us: " PLV_VIEW_FMT " (" PLV_VIEW_FMT ")",
                     PLV_VIEW_ARG (frame->arg[1].bytes), PLV_VIEW_ARG (frame->arg[0].bytes));
}

static plv_err_t on_frame (plv_agent_t *self, const plv_frame_t *frame, reaction_t *reaction,
                           plv_fail_t *ret_fail)
{
    switch (frame->verb) {
    case VERB_WELCOME:
        return on_welcome (self, frame, ret_fail);
    case VERB_WHO:
        reaction->hello = self->link.state == LINK_READY;
        return ERR_OK;
    case VERB_BYE:
        plv_agent_note (self, "the broker leaves: " PLV_VIEW_FMT,
                        PLV_VIEW_ARG (frame->arg[0].bytes));
        reaction->reopen_us = BYE_PAUSE_US;
        return ERR_OK;
    case VERB_ERROR:
        return on_error (self, frame, reaction, ret_fail);
    case VERB_PING:
        reaction->pong = true;
        return ERR_OK;
    case VERB_JOB:
        return on_job (self, frame, ret_fail);
    case VERB_COMMITTED:
        return on_committed (self, frame, ret_fail);
    case VERB_STEP_SAVED:
        on_step_saved (self, frame);
        return ERR_OK;
    case VERB_ANSWER:
        on_answer (self, frame);
        return ERR_OK;
    case VERB_CANCEL:
        on_cancel (self, frame);
        return ERR_OK;
    default:
        return ERR_OK; /* PONG, and what does not concern a worker */
    }
}

/*  In the state that we are in: WELCOME only after HELLO, everything else only after WELCOME. What was under
    way on a connection that we gave up is not a violation; it is passed over.  */
static bool expected (const link_t *link, plv_verb_t verb)
{
    plv_conn_state_t state = link->state == LINK_READY ? STATE_READY : STATE_NEW;
    return plv_verb_legal (verb, FROM_BROKER, state) && verb != VERB_HELLO;
}

static plv_err_t read_frames (plv_agent_t *self, plv_packet_reader_t *reader, reaction_t *reaction,
                              plv_fail_t *ret_fail)
{
    plv_frame_t frame;
    for (;;) {
        plv_err_t err = plv_packet_next (reader, &frame, ret_fail);
        if (err)
            return err == ERR_NOENT ? ERR_OK : err;
        if (reaction->hello || reaction->reopen_us || !expected (&self->link, frame.verb))
            continue;
        err = on_frame (self, &frame, reaction, ret_fail);
        if (err)
            return err;
    }
}

plv_err_t plv_link_packet (plv_agent_t *self, plv_view_t packet, reaction_t *ret_reaction,
                           plv_fail_t *ret_fail)
{
    plv_packet_reader_t reader;
    plv_err_t err = plv_packet_open (packet, &reader, ret_fail);
    *ret_reaction = (reaction_t){0};
    if (err) {
        plv_fail_context (ret_fail, "%s", self->set.endpoint);
        return err;
    }
    if (self->link.state == LINK_INTRODUCED)
        self->link.minor = reader.minor;
    err = read_frames (self, &reader, ret_reaction, ret_fail);
    if (ret_reaction->hello || ret_reaction->reopen_us)
        self->ready = false;
    if (ret_reaction->hello)
        self->link.state = LINK_NEW;
    return err;
}
