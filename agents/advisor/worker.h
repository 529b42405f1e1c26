/*  worker -- the advisor as a handler of jobs
    OWNS    a catalogue and the lock around it
    THREAD  worker_handle from any number of threads: they share the catalogue by turns, and wait for
            the model and for the broker's disk side by side
    FAILS   what cannot be answered is given back with a reason (data_unavailable, general_error)
    COST    see advise.h, and one step on the broker's disk for each recommendation and each call of the model

    With a model, every message but "start afresh" goes to it first (claude/talk.h). Whatever keeps it from
    answering in time, the offline advisor answers then, and says why.  */

#ifndef ADVISOR_WORKER_H
#define ADVISOR_WORKER_H

#include "advisor/catalogue/catalogue.h"
#include "advisor/claude/model.h"
#include "sdk/agent.h"

#define WORKER_SPEND_KEY "advisor_spend" /* in the session's state: what the session has cost */
#define WORKER_TALK_KEY                                                                            \
    "advisor_talk" /* a digest of all that was asked: the answer depends on it */

typedef struct worker worker_t;

/*  Takes the catalogue. `model` is lent; NULL: offline.  */
plv_err_t worker_new (catalogue_t **catalogue_p, model_t *model, worker_t **ret_worker,
                      plv_fail_t *ret_fail);
void worker_destroy (worker_t **self_p);

/*  A plv_agent_handler_t; `arg` is the worker.  */
void worker_handle (plv_job_t *job, void *arg);

#endif
