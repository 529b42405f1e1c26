/*  agent -- a worker: takes jobs from a broker, answers them
    OWNS    the connection, the threads and everything that a job lends; freed by plv_agent_destroy
    THREAD  plv_agent_new, _run and _destroy from one thread; plv_agent_stop from any, also from a signal
            handler; plv_job_* from the thread whose handler was given the job, except
            plv_job_cancelled and plv_job_call_cancel, which any thread may call while the handler runs
    FAILS   with a plv_err_t and a line for a person; never aborts, ERR_NOMEM when memory runs out
    COST    a thread of its own keeps the heartbeats going, so that a slow handler does not make a worker look
            dead. Answers that are ready together travel together.

    A whole worker:

        static void answer (plv_job_t *job, void *arg)
        {
            (void) arg;
            plv_job_reply_text (job, "hello", NULL);
        }

        int main (void)
        {
            plv_agent_t *agent = NULL;
            plv_fail_t fail;
            const plv_agent_options_t options = {.name = "hello", .log = plv_agent_log_stderr, .log_arg = "hello"};
            plv_err_t err = plv_agent_new (&options, &agent, &fail);
            if (!err)
                err = plv_agent_run (agent, answer, NULL, &fail);
            if (err)
                fprintf (stderr, "hello: %s\n", fail.text);
            plv_agent_destroy (&agent);
            return plv_agent_exit_code (err);
        }

    A job is the handler's until the handler returns; it must have answered by then with plv_job_reply or
    plv_job_nack (one that has not is given back as general_error). Every view that a job lends ends with
    the handler. While the broker is away handlers go on, and what they answer is kept and delivered
    when it is back. PROTOCOL.md describes what happens on the wire.  */

#ifndef PLV_SDK_AGENT_H
#define PLV_SDK_AGENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "wire/event.h"
#include "wire/mp.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

typedef struct plv_agent plv_agent_t;
typedef struct plv_job plv_job_t;

enum { PLV_HISTORY_NONE = -1, PLV_HISTORY_ALL = 0 };

/*  Zero is the default everywhere; texts are copied.  */
typedef struct {
    const char
        *endpoint; /* NULL: $PALAVER_AGENTS, else ipc://$XDG_RUNTIME_DIR/palaver/agents.ipc */
    const char
        *cert; /* tcp:// only: our key pair, a file of `palaver keys new`; NULL: $PALAVER_CERT */
    const char
        *broker_cert;  /* tcp:// only: the broker's public key file; NULL: $PALAVER_BROKER_CERT */
    const char *name;  /* shown in every tool; NULL: "agent" */
    const char *build; /* a version or a hash, kept in the ledger; NULL: "unknown" */
    const char *const *services; /* what this worker serves; none: {"advisor"} */
    size_t service_count;
    const char *const
        *cache_keys; /* session state keys that answers depend on (the response cache) */
    size_t cache_key_count;
    unsigned threads; /* handlers at a time; 0: 1, on the thread that called plv_agent_run */
    unsigned credit;  /* jobs held at a time, waiting ones included; 0: `threads`; never fewer */
    int history; /* turns of the session that a job brings; PLV_HISTORY_ALL: all that are kept */
    unsigned
        batch_size; /* > 1: jobs come in batches of up to this many, see plv_agent_run_batches */
    unsigned batch_wait_ms; /* and wait this long for a batch to fill; 0: 1000 */
    bool keep_signals;      /* false: SIGTERM and SIGINT drain the worker, as plv_agent_stop does */
    /*  One line without a newline; NULL: none. Comes from any of the agent's threads, one at a time, and must
        not call back, but for plv_agent_stop.  */
    void (*log) (void *log_arg, const char *line);
    void *log_arg;
} plv_agent_options_t;

/*  For `log`: writes "NAME: line" to stderr; `name` is a text, the option `log_arg`. It shows what keeps a worker from
    answering, such as a broker that is not there.  */
void plv_agent_log_stderr (void *name, const char *line);

plv_err_t plv_agent_new (const plv_agent_options_t *options, plv_agent_t **ret_agent,
                         plv_fail_t *ret_fail);
void plv_agent_destroy (plv_agent_t **self_p);

typedef void plv_agent_handler_t (plv_job_t *job, void *arg);

/*  Connects (for ever, with a growing pause between attempts) and works until plv_agent_stop, SIGTERM or
    SIGINT, until an operator drains this worker, or until the broker says that it is not welcome. ERR_OK:
    drained, everything that was begun is answered and committed. ERR_VERSION: another wire version; ERR_AUTH,
    ERR_PROTOCOL, ...: the broker's reason. May be called once.  */
plv_err_t plv_agent_run (plv_agent_t *self, plv_agent_handler_t *handler, void *arg,
                         plv_fail_t *ret_fail);

/*  The same, and the handler gets up to `batch_size` jobs at once. Each is answered by itself.  */
typedef void plv_agent_batch_handler_t (plv_job_t *const *jobs, size_t count, void *arg);
plv_err_t plv_agent_run_batches (plv_agent_t *self, plv_agent_batch_handler_t *handler, void *arg,
                                 plv_fail_t *ret_fail);

/*  One process that works for several brokers: an agent for each, with its own endpoint. Each has its own connection,
    `threads` and `credit`, so that a broker that is away, slow or full takes nothing from the others, and a job is
    answered to the broker that it came from; the handler is called by the threads of all. Runs until all have ended.
    SIGTERM and SIGINT drain all (unless the first keeps its signals). An agent that its broker does not want ends
    alone; that is logged, and returned when the others have ended, too.  */
plv_err_t plv_agents_run (plv_agent_t *const *agents, size_t count, plv_agent_handler_t *handler,
                          void *arg, plv_fail_t *ret_fail);

/*  Takes no more jobs, finishes those at hand, and lets plv_agent_run return.  */
void plv_agent_stop (plv_agent_t *self);

/*  What a program should exit with, after sysexits.h: 0; 64 ARG; 71 NOMEM; 76 VERSION and PROTOCOL; 77 AUTH and
    PERM; 69 for the rest.  */
int plv_agent_exit_code (plv_err_t err);

/*  The event. Fields that the platform does not give are empty views.  */
const plv_envelope_t *plv_job_envelope (const plv_job_t *job);
plv_view_t plv_job_body (const plv_job_t *job);  /* a msgpack map: see plv_mp_find */
plv_view_t plv_job_text (const plv_job_t *job);  /* message_text, or empty */
unsigned plv_job_attempt (const plv_job_t *job); /* 1, 2, ... */
int64_t plv_job_left_ms (const plv_job_t *job);  /* until the job's deadline; negative behind it */

/*  Only an operator sees the answer, and what is done to the state is thrown away: a handler that does something in the
    world, such as placing an order or sending mail, does not do it now.  */
bool plv_job_is_trial (const plv_job_t *job);
/*  Which of the worker's services is asked; empty for an event, which does not say it.  */
plv_view_t plv_job_service (const plv_job_t *job);

/*  The session's turns, oldest first: start with `at` = 0; false at the end.  */
typedef struct {
    plv_view_t role; /* "user" or "assistant" */
    plv_view_t text;
    int64_t timestamp; /* microseconds since 1970, UTC */
} plv_turn_t;

bool plv_job_history_next (const plv_job_t *job, size_t *at, plv_turn_t *ret_turn);

/*  The session's state: a map from text to any msgpack value, kept by the broker.  */
plv_view_t plv_job_state (const plv_job_t *job);
bool plv_job_state_get (const plv_job_t *job, const char *key, plv_mp_t *ret_value);
plv_view_t plv_job_state_text (const plv_job_t *job,
                               const char *key); /* empty when there is none */

/*  Changes of the state are kept together with the reply, or not at all: call these before plv_job_reply. They
    are not seen by plv_job_state_get. The last change of a key wins; nil removes the key. ERR_MSGPACK
    when `value` is not one whole value, or deeper than the state around it leaves room for; ERR_RANGE beyond
    STATE_BYTES_MAX.  */
plv_err_t plv_job_state_set (plv_job_t *job, const char *key, plv_view_t value,
                             plv_fail_t *ret_fail);
plv_err_t plv_job_state_set_text (plv_job_t *job, const char *key, const char *text,
                                  plv_fail_t *ret_fail);
plv_err_t plv_job_state_remove (plv_job_t *job, const char *key, plv_fail_t *ret_fail);

/*  A step that is paid for once. If an earlier attempt has saved `name`, lends its result and does not call
    `work`; else calls it, saves what it wrote and waits until that is on disk. A failure of `work` is
    passed on and nothing is saved. ERR_GONE: the job was cancelled meanwhile; ERR_TIMEOUT: the job's
    deadline came first. Names: up to NAME_BYTES_MAX bytes; results: any bytes up to STEP_BYTES_MAX.  */
typedef plv_err_t plv_job_work_t (plv_job_t *job, void *arg, plv_buf_t *result,
                                  plv_fail_t *ret_fail);
plv_err_t plv_job_step (plv_job_t *job, const char *name, plv_job_work_t *work, void *arg,
                        plv_view_t *ret_result, plv_fail_t *ret_fail);

/*  All that earlier attempts have saved: a map from names to bytes.  */
plv_view_t plv_job_steps (const plv_job_t *job);

/*  The two halves of a step, for work that does not fit into a function.  */
bool plv_job_step_get (const plv_job_t *job, const char *name, plv_view_t *ret_result);
plv_err_t plv_job_step_save (plv_job_t *job, const char *name, plv_view_t result,
                             plv_fail_t *ret_fail);

/*  Another service, asked from inside a job.  */
typedef struct {
    const char *service;
    plv_view_t body; /* of a chat.message: a msgpack map with message_text */
    plv_view_t
        history; /* what that agent is told that was said: an array of maps with role and text; empty: none */
    plv_view_t state;        /* and that the session remembers: a map; empty: none */
    const char *traceparent; /* NULL: that of the job's event */
    uint64_t deadline_ms;    /* 0: all the time that there is */
} plv_call_t;

typedef struct {
    plv_view_t body; /* of an answer: a chat.response; lent until the job's next call */
    char outcome
        [16]; /* answer, nack, bad_reply, timeout, unserved, lost, busy, refused: see PROTOCOL.md;
                 or cancelled: by plv_job_call_cancel */
    char code[NAME_BYTES_MAX + 1]; /* that agent's own, or the broker's; "": none */
} plv_answer_t;

/*  Blocks until the answer is there. ERR_OK: answered. ERR_TIMEOUT, ERR_BUSY, ERR_NOENT (unserved), ERR_ARG (refused),
    ERR_IO (nack, bad_reply, lost, cancelled): it is not, and the text says why. ERR_GONE: the job was taken back
    meanwhile, and with it the call. ERR_VERSION: the broker is of a version that knows no calls. A restart of the
    broker makes the call again; inside plv_job_step an answer is paid for once.  */
plv_err_t plv_job_call (plv_job_t *job, const plv_call_t *call, plv_answer_t *ret_answer,
                        plv_fail_t *ret_fail);
/*  The same with a text.  */
plv_err_t plv_job_call_text (plv_job_t *job, const char *service, const char *text,
                             plv_answer_t *ret_answer, plv_fail_t *ret_fail);
/*  Ends the call that the handler waits for, from any thread while the handler runs: plv_job_call returns, the job
    goes on, and whoever worked on the call is told that nobody waits for it. False: no call is under way.  */
bool plv_job_call_cancel (plv_job_t *job);

/*  Live, while the answer is being made: lost when nobody listens, never stored. Silently nothing while the
    broker is away.  */
plv_err_t plv_job_delta (plv_job_t *job, plv_view_t text, plv_fail_t *ret_fail);
plv_err_t plv_job_typing (plv_job_t *job, bool active, plv_fail_t *ret_fail);

/*  Has the broker taken the job back (deadline, a newer message, somebody else has it)? What is answered
    then is thrown away, so a long handler looks now and then and returns. `code` is "" before.  */
bool plv_job_cancelled (const plv_job_t *job);
const char *plv_job_cancel_code (const plv_job_t *job);

/*  The answer: `body` is the map of a chat.response (response_text is required). Returns when it is on its
    way; it is repeated until the broker has it on disk. ERR_EXISTS: answered before; ERR_MSGPACK or
    ERR_RANGE: no body of a response; the job may still be answered then.  */
plv_err_t plv_job_reply (plv_job_t *job, plv_view_t body, plv_fail_t *ret_fail);
plv_err_t plv_job_reply_text (plv_job_t *job, const char *text, plv_fail_t *ret_fail);

/*  I could not. `code` chooses the text that the user gets when no attempt is left: general_error,
    data_unavailable, llm_unavailable, timeout. `delay_ms`: not before (0: the broker's own backoff).
    `permanent`: no attempt will do better.  */
typedef struct {
    const char *code;
    const char *reason; /* for the ledger and the operator */
    uint64_t delay_ms;
    bool permanent;
} plv_nack_t;

plv_err_t plv_job_nack (plv_job_t *job, const plv_nack_t *nack, plv_fail_t *ret_fail);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
