#include "advisor/worker.h"

#include "advisor/claude/author.h"
#include "advisor/offline/advise.h"
#include "advisor/provenance.h"
#include "advisor/reply.h"
#include "advisor/spend.h"
#include "base/clock.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

enum { DIGEST_BYTES = 12, DIGEST_TEXT_BYTES = 2 * DIGEST_BYTES + 1 };

struct worker {
    catalogue_t *catalogue;
    model_t *model; /* lent; NULL: offline */
    pthread_mutex_t lock;
};

/*  One job on its way: with the model, or through understand, research and write.  */
typedef struct {
    worker_t *worker;
    plv_job_t *job;
    reading_t reading;
    picks_t picks;
    answer_t answer;
    int year;
    bool asked; /* the model */
    talk_result_t talked;
    author_removed_t removed;
} task_t;

plv_err_t worker_new (catalogue_t **catalogue_p, model_t *model, worker_t **ret_worker,
                      plv_fail_t *ret_fail)
{
    worker_t *self = calloc (1, sizeof *self);
    if (!self || pthread_mutex_init (&self->lock, NULL) != 0) {
        free (self);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    self->catalogue = *catalogue_p;
    self->model = model;
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

static plv_view_t state_of (const task_t *task, const char *key)
{
    plv_mp_t value;
    plv_view_t kept = {0};
    if (plv_job_state_get (task->job, key, &value))
        plv_mp_skip (&value, &kept);
    return kept;
}

static void read_message (task_t *task)
{
    profile_t before;
    profile_read (&before, state_of (task, PROFILE_KEY));
    pthread_mutex_lock (&task->worker->lock);
    understand (task->worker->catalogue, &before, plv_job_text (task->job), task->year,
                &task->reading);
    pthread_mutex_unlock (&task->worker->lock);
}

/* --------------------------------------------------------------- with the model */

static bool step_get (void *arg, const char *name, plv_view_t *ret_result)
{
    return plv_job_step_get (((task_t *) arg)->job, name, ret_result);
}

static plv_err_t step_save (void *arg, const char *name, plv_view_t result, plv_fail_t *ret_fail)
{
    return plv_job_step_save (((task_t *) arg)->job, name, result, ret_fail);
}

static bool turn_next (void *arg, size_t *at, bool *ret_person, plv_view_t *ret_text)
{
    plv_turn_t turn;
    if (!plv_job_history_next (((task_t *) arg)->job, at, &turn))
        return false;
    *ret_person = plv_view_is (turn.role, "user");
    *ret_text = turn.text;
    return true;
}

static void delta (void *arg, plv_view_t text)
{
    plv_job_delta (((task_t *) arg)->job, text, NULL);
}

static bool cancelled (void *arg)
{
    return plv_job_cancelled (((task_t *) arg)->job);
}

/*  Some of the job's time is kept, so that there is an answer in time without the model too.  */
static int64_t deadline_of (const task_t *task)
{
    const settings_t *set = model_settings (task->worker->model);
    int64_t left_ms = plv_job_left_ms (task->job);
    int64_t reserve_ms = set->reserve_ms < left_ms / 3 ? set->reserve_ms : left_ms / 3;
    left_ms -= reserve_ms;
    if (left_ms > set->answer_ms)
        left_ms = set->answer_ms;
    return plv_clock_mono_us () + left_ms * 1000;
}

static int64_t money_left (const task_t *task)
{
    spend_t spend;
    int64_t most = (int64_t) (model_settings (task->worker->model)->session_usd * 1e6);
    spend_read (&spend, state_of (task, WORKER_SPEND_KEY));
    if (!most)
        return -1;
    return spend.money < most ? most - spend.money : 0;
}

static void ask_model (task_t *task)
{
    const talk_host_t host = {step_get, step_save, turn_next, delta, cancelled, task};
    const talk_t asked = {.model = task->worker->model,
                          .catalogue = task->worker->catalogue,
                          .lock = &task->worker->lock,
                          .host = &host,
                          .reading = &task->reading,
                          .text = plv_job_text (task->job),
                          .user = plv_job_envelope (task->job)->session_id,
                          .year = task->year,
                          .deadline_us = deadline_of (task),
                          .money_left = money_left (task)};
    task->asked = true;
    plv_job_typing (task->job, true, NULL);
    talk (&asked, &task->talked);
}

/*  The answer of the model, checked; what is wrong with it becomes the trouble.  */
static void take_models_answer (task_t *task)
{
    pthread_mutex_lock (&task->worker->lock);
    task->talked.trouble = author_write (task->worker->catalogue, &task->talked, &task->reading,
                                         &task->answer, &task->removed);
    pthread_mutex_unlock (&task->worker->lock);
    if (!task->talked.trouble)
        return;
    answer_free (&task->answer);
    task->answer = (answer_t){0};
}

static bool model_answers (task_t *task)
{
    if (!task->worker->model || task->reading.intent == INTENT_RESET
        || !plv_job_text (task->job).size)
        return false;
    ask_model (task);
    if (!task->talked.trouble)
        take_models_answer (task);
    return !task->talked.trouble;
}

/* --------------------------------------------------------------- offline */

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

static plv_err_t answer_offline (task_t *task, plv_fail_t *ret_fail)
{
    plv_err_t err = find_picks (task, ret_fail);
    if (err)
        return err;
    if (task->asked)
        answer_say (&task->answer, "%s\n\n", trouble_notice (task->talked.trouble));
    pthread_mutex_lock (&task->worker->lock);
    advise_write (task->worker->catalogue, &task->reading, &task->picks, &task->answer);
    pthread_mutex_unlock (&task->worker->lock);
    return ERR_OK;
}

/* --------------------------------------------------------------- the reply */

static plv_err_t set_state (task_t *task, const char *key, plv_buf_t *value, plv_fail_t *ret_fail)
{
    plv_err_t err = value->failed
                        ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                        : plv_job_state_set (task->job, key, plv_buf_view (value), ret_fail);
    plv_buf_free (value);
    return err;
}

static plv_err_t save_profile (task_t *task, plv_fail_t *ret_fail)
{
    plv_buf_t state = {0};
    profile_write (&task->reading.profile, &state);
    return set_state (task, PROFILE_KEY, &state, ret_fail);
}

static plv_err_t save_spend (task_t *task, plv_fail_t *ret_fail)
{
    spend_t spend;
    plv_buf_t state = {0};
    spend_read (&spend, state_of (task, WORKER_SPEND_KEY));
    spend.money += task->talked.bill.money;
    spend.input += task->talked.bill.input;
    spend.output += task->talked.bill.output;
    spend.calls += (int64_t) json_array_size (task->talked.request_ids);
    spend_write (&spend, &state);
    return set_state (task, WORKER_SPEND_KEY, &state, ret_fail);
}

/*  What was asked in this session, in one word: a model's answer depends on all of it.  */
static plv_err_t save_digest (task_t *task, plv_fail_t *ret_fail)
{
    uint8_t digest[DIGEST_BYTES + 4];
    char text[DIGEST_TEXT_BYTES];
    plv_view_t before = plv_job_state_text (task->job, WORKER_TALK_KEY);
    plv_view_t said = plv_job_text (task->job);
    crypto_generichash (digest, sizeof digest, said.data, said.size, before.data,
                        before.size >= crypto_generichash_KEYBYTES_MIN
                                && before.size <= crypto_generichash_KEYBYTES_MAX
                            ? before.size
                            : 0);
    sodium_bin2hex (text, sizeof text, digest, DIGEST_BYTES);
    return plv_job_state_set_text (task->job, WORKER_TALK_KEY, text, ret_fail);
}

static plv_err_t save_state (task_t *task, plv_fail_t *ret_fail)
{
    plv_err_t err = save_profile (task, ret_fail);
    if (!err && task->asked)
        err = save_spend (task, ret_fail);
    if (!err && task->asked)
        err = save_digest (task, ret_fail);
    return err;
}

static plv_err_t send_answer (task_t *task, int64_t began_us, plv_fail_t *ret_fail)
{
    plv_buf_t body = {0}, metadata = {0};
    if (task->asked)
        provenance_write (&task->talked, &task->removed, &metadata);
    reply_write (task->worker->catalogue, &task->answer,
                 (double) (plv_clock_mono_us () - began_us) / 1e6, plv_buf_view (&metadata), &body);
    plv_err_t err = task->answer.text.failed || body.failed || metadata.failed
                        ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                        : save_state (task, ret_fail);
    if (!err)
        err = plv_job_reply (task->job, plv_buf_view (&body), ret_fail);
    plv_buf_free (&body);
    plv_buf_free (&metadata);
    return err;
}

/*  ERR_GONE and ERR_TIMEOUT: the job is somebody else's by now, there is nothing to give back.  */
static void give_back (plv_job_t *job, const plv_fail_t *fail)
{
    if (fail->code != ERR_GONE && fail->code != ERR_TIMEOUT)
        plv_job_nack (job, &(plv_nack_t){.code = "general_error", .reason = fail->text}, NULL);
}

static plv_err_t handle (task_t *task, plv_fail_t *ret_fail)
{
    int64_t began_us = plv_clock_mono_us ();
    plv_err_t err = ERR_OK;
    read_message (task);
    if (!model_answers (task)) {
        if (task->talked.gone || task->talked.trouble == TROUBLE_CANCELLED)
            return plv_fail (ret_fail, ERR_GONE, "the job was taken back");
        err = answer_offline (task, ret_fail);
    }
    return err ? err : send_answer (task, began_us, ret_fail);
}

void worker_handle (plv_job_t *job, void *arg)
{
    plv_fail_t fail = {0};
    task_t *task = calloc (1, sizeof *task);
    if (!task) {
        plv_job_nack (job, &(plv_nack_t){.code = "general_error", .reason = "out of memory"}, NULL);
        return;
    }
    *task = (task_t){.worker = arg, .job = job, .year = year_of (job)};
    if (handle (task, &fail))
        give_back (job, &fail);
    talk_result_free (&task->talked);
    answer_free (&task->answer);
    free (task);
}
