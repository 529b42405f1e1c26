/*  bench_crowd -- many idle workers out of one process, speaking ZMTP by hand: what a peer costs the broker
    OWNS    a socket a peer
    THREAD  that of its owner
    FAILS   by bench_die
    COST    a descriptor and a few bytes a peer, where a DEALER would cost as much as it costs the broker  */

#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "bench/bench_options.h"

/*  Connects options->count peers, one after the other, each until its WELCOME; keeps them alive with heartbeats
    for options->seconds; prints the line of JSON.  */
void bench_crowd_run (const bench_options_t *options);

#endif
