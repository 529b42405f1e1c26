/*  work -- a job given to a child, and what the child says done with it
    OWNS    nothing
    THREAD  any; one job a thread
    FAILS   by giving the job back, with what became of the child as the reason
    COST    a line there and a line back

    A child that does not answer by the job's deadline is killed: nobody else would end it.  */

#ifndef EXEC_WORK_H
#define EXEC_WORK_H

#include "exec/pool.h"
#include "sdk/agent.h"

/*  A plv_agent_handler_t; `pool` is a pool_t.  */
void work_handle (plv_job_t *job, void *pool);

#endif
