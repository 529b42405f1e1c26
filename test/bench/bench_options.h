/*  bench_options -- what a run of roundtrip is to do
    OWNS    nothing: texts are those of the command line
    THREAD  any
    FAILS   bench_options_parse returns false after a line on stderr; bench_die ends the process with
            a JSON line {"error": ...} on stdout
    COST    none  */

#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum {
    BENCH_ROUND,  /* events, answers and deliveries, all at once */
    BENCH_FILL,   /* events only, until all are on disk */
    BENCH_ANSWER, /* answers and deliveries of what an earlier fill has left */
    BENCH_ASK,    /* texts out of a file, answered by agents that are connected already */
    BENCH_IDLE,   /* peers that say nothing but their heartbeat */
} bench_mode_t;

typedef struct {
    bench_mode_t mode;
    const char *run; /* the broker's run directory */
    const char *tag;
    const char *texts; /* of BENCH_ASK */
    uint64_t count;
    uint64_t warm;
    unsigned outstanding;
    unsigned workers;
    unsigned credit;
    unsigned sessions;
    unsigned history;
    unsigned think_us;
    unsigned seconds; /* how long an idle run looks on */
    unsigned timeout_s;
    size_t body;
    pid_t server;
} bench_options_t;

void bench_options_help (void);
bool bench_options_parse (int argc, char **argv, bench_options_t *ret_options);

_Noreturn void bench_die (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

#endif
