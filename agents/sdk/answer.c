#include "sdk/internal.h"

#include "base/clock.h"

#include <sodium.h>

/*  What is longer goes out in pieces: a live frame has room for this and its envelope.  */
enum { DELTA_BYTES = 32 * 1024 };

/*  Keeps the frame as the job's answer. A quick handler leaves it to its end to send it, so that answers that
    are ready together go out together (see agent.c).  */
static plv_err_t keep (plv_job_t *job, plv_buf_t *frame, plv_fail_t *ret_fail)
{
    if (frame->failed) {
        plv_buf_free (frame);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    pthread_mutex_lock (&job->agent->lock);
    job->answered = true;
    job->kept = *frame;
    plv_job_put (job, &job->kept);
    if (plv_clock_mono_us () - job->begun_us >= QUICK_US)
        plv_link_pump (job->agent);
    pthread_mutex_unlock (&job->agent->lock);
    return ERR_OK;
}

static void put_reply (plv_buf_t *frame, const plv_job_t *job, plv_view_t body)
{
    size_t mark = plv_frame_begin (frame, VERB_REPLY);
    plv_mp_put_u64 (frame, job->lease);
    plv_mp_put_bin (frame, body);
    if (job->changes) {
        plv_buf_t state = {0};
        plv_mp_put_map (&state, job->changes);
        plv_buf_add_view (&state, plv_buf_view (&job->changed));
        plv_mp_put_map (frame, 1);
        plv_mp_pair_bin (frame, "state", plv_buf_view (&state));
        frame->failed |= state.failed;
        plv_buf_free (&state);
    } else {
        plv_mp_put_nil (frame);
    }
    plv_frame_end (frame, mark);
}

plv_err_t plv_job_reply (plv_job_t *job, plv_view_t body, plv_fail_t *ret_fail)
{
    plv_view_t text;
    if (job->answered)
        return plv_fail (ret_fail, ERR_EXISTS, "the job is answered already");
    plv_err_t err = plv_body_check (EVENT_CHAT_RESPONSE, body, &text, ret_fail);
    if (err)
        return err;
    plv_buf_t frame = {0};
    put_reply (&frame, job, body);
    return keep (job, &frame, ret_fail);
}

plv_err_t plv_job_reply_text (plv_job_t *job, const char *text, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "response_text", text);
    plv_err_t err = body.failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                                : plv_job_reply (job, plv_buf_view (&body), ret_fail);
    plv_buf_free (&body);
    return err;
}

/*  The text without what is broken or too long: a reason is never a reason for another failure.  */
static plv_view_t tidy_reason (const char *text)
{
    plv_view_t reason = plv_view_str (text ? text : "");
    if (reason.size > REASON_BYTES_MAX)
        reason.size = REASON_BYTES_MAX;
    while (reason.size && !plv_utf8_valid (reason))
        reason.size--;
    return reason;
}

static bool known_code (const char *code)
{
    static const char *const CODES[] = {
#define WORD(group, word, meaning) CODE_##group (word)
#define CODE_ROLE(word)
#define CODE_OUTCOME(word)
#define CODE_CANCEL(word)
#define CODE_ASKED(word)
#define CODE_NACK(word) #word,
#define OPTION(map, key, type, standard, meaning)
#include "wire/words.def"
#undef WORD
#undef OPTION
    };
    for (size_t i = 0; code && i < sizeof CODES / sizeof CODES[0]; i++) {
        if (!strcmp (code, CODES[i]))
            return true;
    }
    return false;
}

plv_err_t plv_job_nack (plv_job_t *job, const plv_nack_t *nack, plv_fail_t *ret_fail)
{
    if (job->answered)
        return plv_fail (ret_fail, ERR_EXISTS, "the job is answered already");
    if (!known_code (nack->code))
        return plv_fail (ret_fail, ERR_ARG, "%s is not a code of a nack",
                         nack->code ? nack->code : "NULL");

    plv_buf_t frame = {0};
    size_t mark = plv_frame_begin (&frame, VERB_NACK);
    plv_mp_put_u64 (&frame, job->lease);
    plv_mp_put_bool (&frame, nack->permanent);
    if (nack->delay_ms)
        plv_mp_put_u64 (&frame, nack->delay_ms);
    else
        plv_mp_put_nil (&frame);
    plv_mp_put_text (&frame, nack->code);
    plv_mp_put_str (&frame, tidy_reason (nack->reason));
    plv_frame_end (&frame, mark);
    return keep (job, &frame, ret_fail);
}

static plv_envelope_t live_envelope (const plv_job_t *job, plv_event_type_t type)
{
    plv_envelope_t envelope = job->envelope;
    uint64_t random;
    randombytes_buf (&random, sizeof random);
    envelope.timestamp = plv_clock_wall_us ();
    envelope.id = plv_id_make (envelope.timestamp, random);
    envelope.type = plv_view (NULL, 0);
    envelope.type_code = type;
    envelope.platform_id = plv_view (NULL, 0);
    envelope.has_reply_to = true;
    envelope.reply_to = job->envelope.id;
    return envelope;
}

static plv_err_t put_live (plv_job_t *job, plv_event_type_t type, const plv_buf_t *body,
                           plv_fail_t *ret_fail)
{
    plv_buf_t frame = {0};
    plv_envelope_t envelope = live_envelope (job, type);
    size_t mark = plv_frame_begin (&frame, VERB_LIVE);
    plv_envelope_write (&frame, &envelope);
    plv_mp_put_bin (&frame, plv_buf_view (body));
    plv_frame_end (&frame, mark);
    bool failed = frame.failed || body->failed;
    bool large = frame.size - mark - PLV_FRAME_HEAD_BYTES > plv_verb_info (VERB_LIVE)->bytes_max;

    pthread_mutex_lock (&job->agent->lock);
    if (!failed && !large && job->agent->out.size < LIVE_BACKLOG_BYTES) {
        plv_job_put (job, &frame);
        plv_link_pump (job->agent);
    }
    pthread_mutex_unlock (&job->agent->lock);
    plv_buf_free (&frame);
    if (failed)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    return large ? plv_fail (ret_fail, ERR_RANGE, "a live event beyond its limit") : ERR_OK;
}

static plv_err_t put_delta (plv_job_t *job, plv_view_t text, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_pair_str (&body, "delta", text);
    plv_mp_pair_u64 (&body, "index", job->deltas);
    plv_err_t err = put_live (job, EVENT_CHAT_DELTA, &body, ret_fail);
    plv_buf_free (&body);
    job->deltas += !err;
    return err;
}

/*  As much of a text as a delta carries, in whole characters.  */
static size_t piece_of (plv_view_t text)
{
    size_t size = text.size;
    if (size <= DELTA_BYTES)
        return size;
    for (size = DELTA_BYTES; (text.data[size] & 0xc0) == 0x80;)
        size--;
    return size;
}

plv_err_t plv_job_delta (plv_job_t *job, plv_view_t text, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    if (!plv_utf8_valid (text))
        return plv_fail (ret_fail, ERR_UTF8, "the text of a delta is not UTF-8");
    do {
        size_t size = piece_of (text);
        err = put_delta (job, plv_view (text.data, size), ret_fail);
        text = plv_view (text.data + size, text.size - size);
    } while (!err && text.size);
    return err;
}

plv_err_t plv_job_typing (plv_job_t *job, bool active, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_bool (&body, "active", active);
    plv_err_t err = put_live (job, EVENT_CHAT_TYPING, &body, ret_fail);
    plv_buf_free (&body);
    return err;
}
