/*  roundtrip -- the chat round trip, measured: see bench_options.c for its options, pairs.py for its use  */

#include "base/alloc.h"
#include "bench/bench_adapter.h"
#include "bench/bench_ask.h"
#include "bench/bench_crowd.h"
#include "bench/bench_options.h"
#include "bench/bench_worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*  Workers die with this process, however it ends.  */
static void start_workers (const bench_options_t *options, pid_t *ret_workers)
{
    int ready[2];
    char byte;
    if (pipe (ready))
        bench_die ("pipe");
    for (unsigned i = 0; i < options->workers; i++) {
        ret_workers[i] = fork ();
        if (ret_workers[i] == 0) {
            prctl (PR_SET_PDEATHSIG, SIGKILL);
            close (ready[0]);
            bench_worker_run (options, i, ready[1]);
        }
    }
    close (ready[1]);
    for (unsigned i = 0; i < options->workers; i++)
        if (read (ready[0], &byte, 1) != 1)
            bench_die ("a worker did not come up");
    close (ready[0]);
}

static void stop_workers (const bench_options_t *options, const pid_t *workers)
{
    for (unsigned i = 0; i < options->workers; i++)
        kill (workers[i], SIGKILL);
    for (unsigned i = 0; i < options->workers; i++)
        waitpid (workers[i], NULL, 0);
}

int main (int argc, char **argv)
{
    bench_options_t options;
    if (argc > 1 && (!strcmp (argv[1], "--help") || !strcmp (argv[1], "-h"))) {
        bench_options_help ();
        return 0;
    }
    if (!bench_options_parse (argc, argv, &options))
        return 2;
    if (options.mode == BENCH_IDLE) {
        bench_crowd_run (&options);
        return 0;
    }
    if (options.mode == BENCH_ASK) {
        bench_ask_run (&options);
        return 0;
    }
    pid_t *workers = plv_alloc_zero (options.workers + 1, sizeof *workers);
    start_workers (&options, workers);
    bench_adapter_run (&options, workers);
    stop_workers (&options, workers);
    free (workers);
    return 0;
}
