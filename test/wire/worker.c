/*  worker -- does what the message's text says, for the conformance suite; worker.py does the same  */

#include "sdk/agent.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    unsigned paid; /* how often the work of a step was done */
} test_t;

static plv_err_t pay (plv_job_t *job, void *arg, plv_buf_t *result, plv_fail_t *ret_fail)
{
    (void) job;
    (void) ret_fail;
    test_t *test = arg;
    char text[32];
    plv_buf_add_view (result,
                      plv_view_str ((snprintf (text, sizeof text, "paid %u", ++test->paid), text)));
    return ERR_OK;
}

/*  What a handler's slow work looks like from outside.  */
static void think (int ms)
{
    poll (NULL, 0, ms);
}

static void reply_view (plv_job_t *job, plv_view_t text)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "response_text");
    plv_mp_put_str (&body, text);
    plv_job_reply (job, plv_buf_view (&body), NULL);
    plv_buf_free (&body);
}

static void do_step (plv_job_t *job, test_t *test)
{
    plv_view_t result;
    plv_fail_t fail;
    if (plv_job_step (job, "fetch", pay, test, &result, &fail))
        plv_job_nack (job, &(plv_nack_t){.code = "timeout", .reason = fail.text}, NULL);
    else
        reply_view (job, result);
}

static void do_state (plv_job_t *job)
{
    plv_job_state_set_text (job, "seen", "once", NULL);
    plv_job_state_set_text (job, "seen", "twice", NULL);
    plv_job_state_remove (job, "old", NULL);
    reply_view (job, plv_job_state_text (job, "risk"));
}

static void do_history (plv_job_t *job)
{
    plv_buf_t text = {0};
    plv_turn_t turn;
    for (size_t at = 0; plv_job_history_next (job, &at, &turn);) {
        plv_buf_add_view (&text, turn.role);
        plv_buf_add_view (&text, plv_view_str (":"));
        plv_buf_add_view (&text, turn.text);
        plv_buf_add_view (&text, plv_view_str ("|"));
    }
    reply_view (job, plv_buf_view (&text));
    plv_buf_free (&text);
}

static void do_live (plv_job_t *job)
{
    plv_job_typing (job, true, NULL);
    plv_job_delta (job, plv_view_str ("one "), NULL);
    plv_job_delta (job, plv_view_str ("two"), NULL);
    plv_job_reply_text (job, "one two", NULL);
}

static void do_stream (plv_job_t *job)
{
    plv_view_t text = plv_job_text (job);
    size_t command = sizeof "stream " - 1;
    plv_job_delta (job, plv_view (text.data + command, text.size - command), NULL);
    plv_job_reply_text (job, "streamed", NULL);
}

static void do_envelope (plv_job_t *job)
{
    const plv_envelope_t *envelope = plv_job_envelope (job);
    char text[128];
    snprintf (text, sizeof text, PLV_VIEW_FMT " " PLV_VIEW_FMT " %u %s",
              PLV_VIEW_ARG (envelope->session_id), PLV_VIEW_ARG (envelope->user_id),
              plv_job_attempt (job), plv_job_left_ms (job) > 0 ? "in time" : "late");
    plv_job_reply_text (job, text, NULL);
}

static void do_trial (plv_job_t *job)
{
    char text[128];
    snprintf (text, sizeof text, "%s " PLV_VIEW_FMT, plv_job_is_trial (job) ? "trial" : "event",
              PLV_VIEW_ARG (plv_job_service (job)));
    plv_job_reply_text (job, text, NULL);
}

/*  Asks as "SERVICE TEXT" says.  */
static plv_err_t call (plv_job_t *job, const char *rest, plv_answer_t *answer)
{
    char service[64];
    plv_fail_t fail;
    size_t size = strcspn (rest, " ");
    snprintf (service, sizeof service, "%.*s", (int) size, rest);
    return plv_job_call_text (job, service, rest + size + (rest[size] ? 1 : 0), answer, &fail);
}

/*  What comes back, behind `before`.  */
static void do_call (plv_job_t *job, const char *before, const char *rest)
{
    plv_answer_t answer;
    char text[512];
    plv_err_t err = call (job, rest, &answer);
    if (!err)
        snprintf (text, sizeof text, "%sthey said " PLV_VIEW_FMT, before,
                  PLV_VIEW_ARG (plv_mp_find_str (answer.body, "response_text")));
    else if (err == ERR_GONE)
        fprintf (stderr, "cancelled: %s\n", plv_job_cancel_code (job));
    else
        snprintf (text, sizeof text, "%sno: %s %s", before, answer.outcome, answer.code);
    plv_job_reply_text (job, err == ERR_GONE ? "too late" : text, NULL);
}

static void *end_call (void *job)
{
    while (!plv_job_call_cancel (job))
        think (1);
    return NULL;
}

/*  The first call is ended from another thread as soon as it is under way; the second one is made in its place.  */
static void do_hang_up (plv_job_t *job, const char *rest)
{
    pthread_t thread;
    plv_answer_t answer;
    char before[64];
    if (pthread_create (&thread, NULL, end_call, job))
        return;
    plv_err_t err = call (job, rest, &answer);
    pthread_join (thread, NULL);
    snprintf (before, sizeof before, "%s%s, ",
              err == ERR_IO ? "" : "not as expected: ", answer.outcome);
    do_call (job, before, rest);
}

static void do_wait (plv_job_t *job)
{
    for (int i = 0; i < 1000 && !plv_job_cancelled (job); i++)
        think (10);
    fprintf (stderr, "cancelled: %s\n", plv_job_cancel_code (job));
    plv_job_reply_text (job, "too late", NULL);
}

typedef struct {
    plv_job_t *job;
    const char *gate;
} outlive_t;

static void *end_call_at_gate (void *arg)
{
    const outlive_t *self = arg;
    while (access (self->gate, F_OK) != 0)
        think (10);
    plv_job_call_cancel (self->job);
    return NULL;
}

/*  A call that is ended once there is a file of this name, and a job that goes on until it is taken back.  */
static void do_outlive (plv_job_t *job, const char *path)
{
    pthread_t thread;
    plv_answer_t answer;
    outlive_t outlive = {.job = job, .gate = path};
    if (pthread_create (&thread, NULL, end_call_at_gate, &outlive))
        return;
    call (job, "research rates", &answer);
    pthread_join (thread, NULL);
    fprintf (stderr, "a call was ended\n");
    do_wait (job);
}

static plv_err_t ask (plv_job_t *job, void *arg, plv_buf_t *result, plv_fail_t *ret_fail)
{
    (void) arg;
    plv_answer_t answer;
    plv_err_t err = plv_job_call_text (job, "research", "rates", &answer, ret_fail);
    if (!err)
        plv_buf_add_view (result, plv_mp_find_str (answer.body, "response_text"));
    return err;
}

static void do_ask_once (plv_job_t *job)
{
    plv_view_t result;
    plv_fail_t fail;
    if (plv_job_step (job, "research", ask, NULL, &result, &fail))
        plv_job_nack (job, &(plv_nack_t){.code = "timeout", .reason = fail.text}, NULL);
    else
        reply_view (job, result);
}

static void do_bad (plv_job_t *job)
{
    plv_err_t missing = plv_job_reply (job, plv_view ("\x80", 1), NULL);
    plv_err_t good = plv_job_reply_text (job, "refused", NULL);
    plv_err_t twice = plv_job_reply_text (job, "twice", NULL);
    if (missing != ERR_MSGPACK || good || twice != ERR_EXISTS)
        abort ();
}

static void do_sleep (plv_job_t *job, const char *ms)
{
    think ((int) strtol (ms, NULL, 10));
    plv_job_reply_text (job, "slept", NULL);
}

/*  Says that it is at work, and goes on until there is a file of this name or the job is taken back.  */
static void do_hold (plv_job_t *job, const char *path)
{
    fprintf (stderr, "at work\n");
    while (access (path, F_OK) != 0 && !plv_job_cancelled (job))
        think (10);
    plv_job_reply_text (job, "held", NULL);
}

/*  "sleep 300" and "sleep" are both the command "sleep".  */
static bool is (const char *text, const char *command)
{
    size_t size = strlen (command);
    return !strncmp (text, command, size) && (!text[size] || text[size] == ' ');
}

static void answer (plv_job_t *job, void *arg)
{
    char text[256];
    snprintf (text, sizeof text, PLV_VIEW_FMT, PLV_VIEW_ARG (plv_job_text (job)));
    const char *rest = strchr (text, ' ') ? strchr (text, ' ') + 1 : "";
    if (is (text, "echo"))
        plv_job_reply_text (job, rest, NULL);
    else if (is (text, "nack"))
        plv_job_nack (job, &(plv_nack_t){.code = rest, .reason = "asked", .delay_ms = 250}, NULL);
    else if (is (text, "refuse"))
        plv_job_nack (job, &(plv_nack_t){.code = rest, .reason = "never", .permanent = true}, NULL);
    else if (is (text, "sleep"))
        do_sleep (job, rest);
    else if (is (text, "hold"))
        do_hold (job, rest);
    else if (is (text, "step"))
        do_step (job, arg);
    else if (is (text, "state"))
        do_state (job);
    else if (is (text, "history"))
        do_history (job);
    else if (is (text, "live"))
        do_live (job);
    else if (is (text, "stream"))
        do_stream (job);
    else if (is (text, "envelope"))
        do_envelope (job);
    else if (is (text, "call"))
        do_call (job, "", rest);
    else if (is (text, "hangup"))
        do_hang_up (job, rest);
    else if (is (text, "outlive"))
        do_outlive (job, rest);
    else if (is (text, "ask"))
        do_ask_once (job);
    else if (is (text, "trial"))
        do_trial (job);
    else if (is (text, "bad"))
        do_bad (job);
    else if (is (text, "wait"))
        do_wait (job);
}

static void answer_batch (plv_job_t *const *jobs, size_t count, void *arg)
{
    (void) arg;
    char text[32];
    snprintf (text, sizeof text, "batch of %zu", count);
    for (size_t i = 0; i < count; i++)
        plv_job_reply_text (jobs[i], text, NULL);
}

static void say (void *arg, const char *line)
{
    (void) arg;
    fprintf (stderr, "worker: %s\n", line);
}

static unsigned number (const char *text)
{
    return (unsigned) strtoul (text, NULL, 10);
}

/*  Two brokers: "ENDPOINT ENDPOINT".  */
static int work_for_two (const char *endpoints, plv_agent_options_t options, test_t *test)
{
    plv_agent_t *agents[2] = {NULL, NULL};
    char first[256];
    plv_fail_t fail = {0};
    size_t size = strcspn (endpoints, " ");
    snprintf (first, sizeof first, "%.*s", (int) size, endpoints);
    options.endpoint = first;
    plv_err_t err = plv_agent_new (&options, &agents[0], &fail);
    options.endpoint = endpoints + size + 1;
    if (!err)
        err = plv_agent_new (&options, &agents[1], &fail);
    if (!err)
        err = plv_agents_run (agents, 2, answer, test, &fail);
    if (err)
        fprintf (stderr, "worker: %s\n", fail.text);
    plv_agent_destroy (&agents[0]);
    plv_agent_destroy (&agents[1]);
    return plv_agent_exit_code (err);
}

/*  worker THREADS CREDIT BATCH  */
int main (int argc, char **argv)
{
    test_t test = {0};
    const plv_agent_options_t options = {
        .name = "conformance",
        .build = "7",
        .services = (const char *const[]){"one", "two"},
        .service_count = 2,
        .cache_keys = (const char *const[]){"risk"},
        .cache_key_count = 1,
        .threads = argc > 1 ? number (argv[1]) : 1,
        .credit = argc > 2 ? number (argv[2]) : 1,
        .batch_size = argc > 3 ? number (argv[3]) : 0,
        .batch_wait_ms = 50,
        .history = 5,
        .log = say,
    };
    plv_agent_t *agent = NULL;
    plv_fail_t fail = {0};
    const char *endpoints = getenv ("PALAVER_AGENTS");
    if (endpoints && strchr (endpoints, ' '))
        return work_for_two (endpoints, options, &test);
    plv_err_t err = plv_agent_new (&options, &agent, &fail);
    if (!err && options.batch_size)
        err = plv_agent_run_batches (agent, answer_batch, NULL, &fail);
    else if (!err)
        err = plv_agent_run (agent, answer, &test, &fail);
    if (err)
        fprintf (stderr, "worker: %s\n", fail.text);
    plv_agent_destroy (&agent);
    return plv_agent_exit_code (err);
}
