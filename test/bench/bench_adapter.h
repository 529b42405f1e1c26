/*  bench_adapter -- the platform's side of a run: publishes, takes the answers, and keeps account of both
    OWNS    its link, a byte and a time for each event
    THREAD  that of its owner
    FAILS   by bench_die: an answer that is missing, comes twice, out of order or changed ends the run
    COST    see bench_link.h  */

#ifndef BENCH_ADAPTER_H
#define BENCH_ADAPTER_H

#include "bench/bench_options.h"

/*  Runs to the end and prints the line of JSON.  */
void bench_adapter_run (const bench_options_t *options, const pid_t *workers);

#endif
