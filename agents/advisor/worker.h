/*  worker -- the advisor as a handler of jobs
    OWNS    a catalogue and the lock around it
    THREAD  worker_handle from any number of threads: they share the catalogue by turns, and wait for
            the broker's disk side by side
    FAILS   what cannot be answered is given back with a reason (data_unavailable, general_error)
    COST    see advise.h, and one step on the broker's disk for each recommendation  */

#ifndef ADVISOR_WORKER_H
#define ADVISOR_WORKER_H

#include "advisor/catalogue.h"
#include "sdk/agent.h"

typedef struct worker worker_t;

/*  Takes the catalogue.  */
plv_err_t worker_new (catalogue_t **catalogue_p, worker_t **ret_worker, plv_fail_t *ret_fail);
void worker_destroy (worker_t **self_p);

/*  A plv_agent_handler_t; `arg` is the worker.  */
void worker_handle (plv_job_t *job, void *arg);

#endif
