/*  bench_window -- the measured part of a run: from the end of warming up to the last answer
    OWNS    a time for each event, freed by bench_window_free
    THREAD  that of its owner
    FAILS   never
    COST    eight bytes an event

    The line of JSON has the names that the programs of the shared benchmark use, so that the two compare.  */

#ifndef BENCH_WINDOW_H
#define BENCH_WINDOW_H

#include "bench/bench_options.h"
#include "bench/bench_process.h"

#include <stdio.h>

typedef struct {
    double seconds;
    double server_s;
    double clients_s;
    long disk_bytes;
    long written_bytes;
    bench_machine_t machine;
} bench_used_t;

typedef struct {
    const bench_options_t *options;
    const pid_t *clients; /* besides this process */
    unsigned client_count;
    bool open;
    bench_used_t start;
    bench_used_t used; /* when it is closed */
    uint64_t *latency_ns;
    uint64_t count;
} bench_window_t;

void bench_window_init (bench_window_t *self, const bench_options_t *options, const pid_t *clients,
                        unsigned count);
void bench_window_free (bench_window_t *self);

uint64_t bench_window_now_ns (void);
void bench_window_open (bench_window_t *self);
/*  Counts when the window is open.  */
void bench_window_add (bench_window_t *self, uint64_t latency_ns);
void bench_window_close (bench_window_t *self);

/*  `carried` is the bytes of envelopes and bodies that one round trip moves.  */
void bench_window_print (bench_window_t *self, const char *bench, double carried);

#endif
