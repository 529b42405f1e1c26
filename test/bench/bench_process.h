/*  bench_process -- what a process has used, and what the machine did meanwhile
    OWNS    nothing
    THREAD  any
    FAILS   0 for what cannot be read
    COST    a system call or a file of /proc  */

#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <sys/types.h>

/*  Seconds of CPU of all its threads, those that have ended included.  */
double bench_process_cpu_s (pid_t pid);

/*  A line "KEY: NUMBER" of /proc/PID/FILE.  */
long bench_process_number (pid_t pid, const char *file, const char *key);

/*  Ticks of the whole machine since it was started.  */
typedef struct {
    double steal; /* taken by the hypervisor */
    double idle;
    double all;
} bench_machine_t;

bench_machine_t bench_machine_now (void);

#endif
