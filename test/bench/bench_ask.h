/*  bench_ask -- an adapter whose messages say what real agents answer: lines of a file, one after the other
    OWNS    its link, the texts, a time for each message
    THREAD  that of its owner
    FAILS   by bench_die: an answer that is missing, comes twice, belongs to no message, or is not an agent's ends
            the run
    COST    see bench_link.h  */

#ifndef BENCH_ASK_H
#define BENCH_ASK_H

#include "bench/bench_options.h"

/*  Runs to the end and prints the line of JSON. Each message has a conversation of its own.  */
void bench_ask_run (const bench_options_t *options);

#endif
