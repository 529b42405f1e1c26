/*  palaverd_fault -- palaverd, in which the N-th allocation fails: linked with alloc_fault.c
    OWNS    as palaverd
    THREAD  main, and one that waits for the two signals
    FAILS   on purpose
    COST    as palaverd

    PALAVER_FAULT_ALLOC=N   the N-th allocation from the start fails
    PALAVER_FAULT_LATER=N   the N-th one fails behind SIGUSR1, which is answered with a line `armed`

    SIGUSR2 is answered with a line `allocations N`: so many since the start, or since SIGUSR1.  */

#include "base/conf/conf.h"
#include "base/log/log.h"
#include "fault/fault.h"
#include "shell/broker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void arm (uint64_t nth)
{
    fault_arm (nth);
    dprintf (STDERR_FILENO, "armed\n");
}

static void *heed (void *arg)
{
    const sigset_t *signals = arg;
    const char *later = getenv ("PALAVER_FAULT_LATER");
    uint64_t nth = later ? strtoull (later, NULL, 10) : 0;
    for (int number; sigwait (signals, &number) == 0;) {
        if (number == SIGUSR1)
            arm (nth);
        else
            dprintf (STDERR_FILENO, "allocations %llu\n", (unsigned long long) fault_count ());
    }
    return NULL;
}

/*  The two stay blocked in every thread, and all others in the one that waits for the two.  */
static void listen_to (sigset_t *signals)
{
    sigset_t all;
    pthread_t thread;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, NULL);
    sigemptyset (signals);
    sigaddset (signals, SIGUSR1);
    sigaddset (signals, SIGUSR2);
    if (pthread_create (&thread, NULL, heed, signals) == 0)
        pthread_detach (thread);
    pthread_sigmask (SIG_SETMASK, signals, NULL);
}

int main (int argc, char **argv)
{
    options_t options;
    plv_conf_t *conf = NULL;
    broker_t *broker = NULL;
    plv_fail_t fail;
    sigset_t signals;
    listen_to (&signals);
    broker_hold_signals ();
    if (!options_parse (argc, argv, &options))
        return 2;
    plv_err_t err = plv_conf_load (options.conf, &conf, &fail);
    plv_log_t *log = plv_log_new ("palaverd", STDERR_FILENO, LOG_INFO, LOG_JSON);
    if (!err)
        err = broker_new (&options, &conf, log, &broker, &fail);
    if (!err)
        err = broker_run (broker, &fail);
    if (err)
        plv_log (log, LOG_BROKER_FAILED, F_STR ("why", fail.text));
    broker_destroy (&broker);
    plv_log_destroy (&log);
    plv_conf_destroy (&conf);
    return err ? 1 : 0;
}
