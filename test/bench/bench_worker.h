/*  bench_worker -- a process that answers every job
    OWNS    its link
    THREAD  a process of its own: never returns
    FAILS   by bench_die, which its parent notices
    COST    see bench_link.h  */

#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench/bench_options.h"

/*  Writes a byte to `ready_fd` when the broker knows it.  */
_Noreturn void bench_worker_run (const bench_options_t *options, unsigned index, int ready_fd);

#endif
