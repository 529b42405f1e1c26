#include "exec/work.h"

#include "base/clock.h"
#include "exec/lines.h"
#include "wire/json.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/*  A handler is not woken when its job is taken back: it looks this often.  */
enum { LOOK_MS = 50, CANCEL_MS = 5000, STALE_LINES_MAX = 1000 };

typedef enum {
    GOES_ON,
    DONE,   /* answered: the child can have the next job */
    BROKEN, /* the child is of no more use; `why` says what is wrong with it */
} end_t;

typedef struct {
    plv_job_t *job;
    pool_t *pool;
    child_t *child;
    int64_t give_up_us; /* once cancelled: when the child is killed; 0 before */
    char why[PLV_FAIL_TEXT_BYTES];
} work_t;

static void give_back (plv_job_t *job, const char *reason, unsigned delay_ms)
{
    plv_job_nack (
        job, &(plv_nack_t){.code = "general_error", .reason = reason, .delay_ms = delay_ms}, NULL);
}

static end_t broken (work_t *self, const char *what, const char *detail)
{
    snprintf (self->why, sizeof self->why, "%s%s%s", what, *detail ? ": " : "", detail);
    return BROKEN;
}

static end_t over (work_t *self)
{
    child_epitaph (self->child, self->why, sizeof self->why);
    return BROKEN;
}

static end_t tell (work_t *self, plv_buf_t *line)
{
    int64_t left_ms = plv_job_left_ms (self->job);
    bool told = !line->failed
                && child_write (self->child, plv_buf_view (line), left_ms > 0 ? (int) left_ms : 0);
    plv_buf_free (line);
    if (!told && plv_job_left_ms (self->job) <= 0)
        return broken (self, "the program read nothing until the job's deadline: it was killed",
                       "");
    return told ? GOES_ON : over (self);
}

/* ------------------------------------------------------------------ what the child says */

static plv_err_t set_state (plv_job_t *job, const said_t *said, plv_fail_t *ret_fail)
{
    const char *key;
    json_t *value;
    plv_err_t err = ERR_OK;
    json_object_foreach (json_object_get (said->root, "state"), key, value)
    {
        plv_buf_t encoded = {0};
        if (!err && !plv_json_put_value (&encoded, value))
            err = plv_fail (ret_fail, ERR_SYNTAX, "state.%s is nested too deeply", key);
        if (!err)
            err = plv_job_state_set (job, key, plv_buf_view (&encoded), ret_fail);
        plv_buf_free (&encoded);
    }
    return err;
}

static end_t on_reply (work_t *self, const said_t *said)
{
    plv_fail_t fail = {0};
    plv_buf_t body = {0};
    plv_err_t err = set_state (self->job, said, &fail);
    if (!err)
        err = said_body (said, &body, &fail);
    if (!err)
        err = plv_job_reply (self->job, plv_buf_view (&body), &fail);
    plv_buf_free (&body);
    if (err && !plv_job_cancelled (self->job))
        give_back (self->job, fail.text, 0);
    return DONE;
}

static end_t on_nack (work_t *self, const said_t *said)
{
    int64_t delay_ms = said_number (said, "delay_ms", 0);
    plv_nack_t nack = {
        .code = said_text (said, "code", "general_error"),
        .reason = said_text (said, "reason", "the program gave no reason"),
        .delay_ms = delay_ms > 0 ? (uint64_t) delay_ms : 0,
        .permanent = said_truth (said, "permanent", false),
    };
    plv_fail_t fail = {0};
    if (plv_job_nack (self->job, &nack, &fail) && !plv_job_cancelled (self->job))
        give_back (self->job, fail.text, 0);
    return DONE;
}

static end_t on_step (work_t *self, const said_t *said)
{
    plv_fail_t fail = {0};
    plv_buf_t line = {0};
    const char *name = said_text (said, "name", "");
    char *result =
        json_dumps (json_object_get (said->root, "result"), JSON_COMPACT | JSON_ENCODE_ANY);
    plv_err_t err = result ? plv_job_step_save (self->job, name, plv_view_str (result), &fail)
                           : plv_fail (&fail, ERR_NOMEM, "out of memory");
    free (result);
    if (err == ERR_GONE || err == ERR_TIMEOUT)
        return GOES_ON; /* the job is over: the loop sees it */
    if (err)
        return broken (self, "step", fail.text);
    lines_saved (&line, name);
    return tell (self, &line);
}

static end_t react (work_t *self, const said_t *said)
{
    switch (said->what) {
    case SAY_REPLY:
        return on_reply (self, said);
    case SAY_NACK:
        return on_nack (self, said);
    case SAY_STEP:
        return on_step (self, said);
    case SAY_DELTA:
        plv_job_delta (self->job, plv_view_str (said_text (said, "text", "")), NULL);
        return GOES_ON;
    case SAY_TYPING:
        plv_job_typing (self->job, said_truth (said, "active", true), NULL);
        return GOES_ON;
    case SAY_READY:
    case SAY_COUNT_:
        break;
    }
    return GOES_ON;
}

/*  Does it speak of another job? A program need not say of which; one that answers late does well to.  */
static bool is_stale (const work_t *self, const said_t *said)
{
    char id[PLV_ID_TEXT_BYTES];
    const char *given = said_text (said, "id", NULL);
    plv_id_format (&plv_job_envelope (self->job)->id, id);
    return given && strcmp (given, id) != 0;
}

/*  What does not look like a message is a print that went to the wrong place: shown, and no reason to fail.  */
static end_t on_line (work_t *self, plv_view_t line)
{
    said_t said;
    plv_fail_t fail;
    if (!line.size)
        return GOES_ON;
    if (line.data[0] != '{') {
        fprintf (stderr, "palaver-exec: on stdout, and no message: " PLV_VIEW_FMT "\n",
                 PLV_VIEW_ARG (line));
        return GOES_ON;
    }
    if (said_parse (line, &said, &fail))
        return broken (self, "the program said what is not understood", fail.text);
    end_t end = is_stale (self, &said) ? GOES_ON : react (self, &said);
    said_free (&said);
    return end;
}

/* ------------------------------------------------------------------ the job */

/*  A job that was taken back: the child hears of it, and has a moment to come to an end.  */
static end_t look_at_time (work_t *self)
{
    int64_t now_us = plv_clock_mono_us ();
    if (plv_job_left_ms (self->job) <= 0)
        return broken (self, "no answer by the job's deadline: the program was killed", "");
    if (!plv_job_cancelled (self->job))
        return GOES_ON;
    if (self->give_up_us)
        return now_us < self->give_up_us
                   ? GOES_ON
                   : broken (self, "the program went on with a job that was taken back", "");
    self->give_up_us = now_us + CANCEL_MS * INT64_C (1000);
    plv_buf_t line = {0};
    lines_cancel (&line, plv_job_cancel_code (self->job));
    return tell (self, &line);
}

static end_t listen_once (work_t *self)
{
    plv_view_t line;
    switch (child_read (self->child, LOOK_MS, &line)) {
    case CHILD_LINE:
        return on_line (self, line);
    case CHILD_NOTHING:
        return GOES_ON;
    case CHILD_TOO_LONG:
        return broken (self, "the program said a line that is too long", "");
    case CHILD_OVER:
        break;
    }
    return over (self);
}

/*  Lines between two jobs belong to none.  */
static void forget_stale (child_t *child)
{
    plv_view_t line;
    for (int count = 0; count < STALE_LINES_MAX && child_read (child, 0, &line) == CHILD_LINE;)
        count++;
}

static end_t do_job (work_t *self)
{
    plv_buf_t line = {0};
    forget_stale (self->child);
    lines_job (&line, self->job);
    end_t end = tell (self, &line);
    while (end == GOES_ON) {
        end = look_at_time (self);
        if (end == GOES_ON)
            end = listen_once (self);
    }
    return end;
}

/*  A program that has just failed is waited for: to give the job back would cost it an attempt.  */
static plv_err_t take_child (work_t *self, unsigned *ret_wait_ms, plv_fail_t *ret_fail)
{
    plv_err_t err;
    while ((err = pool_take (self->pool, &self->child, ret_wait_ms, ret_fail)) == ERR_BUSY
           && !plv_job_cancelled (self->job) && plv_job_left_ms (self->job) > *ret_wait_ms)
        poll (NULL, 0, *ret_wait_ms < LOOK_MS ? (int) *ret_wait_ms : LOOK_MS);
    return err;
}

void work_handle (plv_job_t *job, void *pool)
{
    work_t self = {.job = job, .pool = pool};
    plv_fail_t fail = {0};
    unsigned wait_ms = 0;
    if (take_child (&self, &wait_ms, &fail)) {
        fprintf (stderr, "palaver-exec: %s\n", fail.text);
        give_back (job, fail.text, wait_ms);
        return;
    }
    if (do_job (&self) == DONE) {
        pool_give (pool, &self.child);
        return;
    }
    fprintf (stderr, "palaver-exec: %s\n", self.why);
    pool_drop (pool, &self.child, true);
    if (!plv_job_cancelled (job))
        give_back (job, self.why, 0);
}
