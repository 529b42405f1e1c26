#include "base/alloc.h"
#include "base/build.h"
#include "palaver/ask/own_broker.h"
#include "palaver/ask/where.h"
#include "sdk/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void answer (plv_job_t *job, void *arg)
{
    plv_buf_t body = {0};
    (void) arg;
    plv_mp_put_map (&body, 1);
    plv_mp_pair_str (&body, "response_text", plv_job_text (job));
    plv_job_reply (job, plv_buf_view (&body), NULL);
    plv_buf_free (&body);
}

/*  In the child: never returns.  */
static void work (const char *run, const char *service)
{
    char *path = where_socket (run, "agents"), *endpoint = NULL;
    plv_agent_t *agent = NULL;
    plv_fail_t fail;
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    setpgid (0, 0);
    if (asprintf (&endpoint, "ipc://%s", path) < 0)
        plv_out_of_memory (strlen (path));
    plv_err_t err = plv_agent_new (
        &(plv_agent_options_t){
            .endpoint = endpoint,
            .name = "palaver-bench",
            .build = plv_build_version,
            .services = &service,
            .service_count = 1,
            .credit = 64,
            .history = PLV_HISTORY_NONE,
        },
        &agent, &fail);
    if (!err)
        err = plv_agent_run (agent, answer, NULL, &fail);
    plv_agent_destroy (&agent);
    _exit (plv_agent_exit_code (err));
}

plv_err_t workers_start (workers_t *self, unsigned count, const char *run, const char *service,
                         plv_fail_t *ret_fail)
{
    *self = (workers_t){0};
    fflush (stdout);
    while (self->count < count) {
        pid_t pid = fork ();
        if (pid == 0)
            work (run, service);
        if (pid < 0) {
            workers_stop (self);
            return plv_fail (ret_fail, plv_err_of_errno (errno), "fork: %s", strerror (errno));
        }
        self->pids[self->count++] = pid;
    }
    return ERR_OK;
}
