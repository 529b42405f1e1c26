/*  host_output -- what a plugin and its libraries write to stdout and stderr, as lines of the log
    OWNS    the reading end of the pipe that they write to
    THREAD  that of the supervisor
    FAILS   never
    COST    6 KiB; a bounded number of reads a step

    Whichever thread writes, and whatever ends the process: what a sanitizer or libc says of a crash is in the pipe
    when the process is gone. Each line becomes one of the log, with the adapter's name, as often as log_gate lets; the
    last ones of a process always.  */

#ifndef SHELL_HOST_OUTPUT_H
#define SHELL_HOST_OUTPUT_H

#include "base/log/log.h"
#include "base/log/log_gate.h"

#include <stddef.h>
#include <sys/types.h>

typedef struct {
    int fd; /* -1: nobody writes any more */
    plv_log_t *log;
    const char *adapter;
    pid_t pid;
    plv_log_gate_t gate;
    char line[2048]; /* what is longer becomes several */
    size_t size;
    char last
        [4096]; /* lines that were left out since one was not: of a crash they are its last words */
    size_t last_size;
} host_output_t;

void host_output_read (host_output_t *self, int64_t now_us);

/*  The process is gone: reads what it left, with or without an end of line.  */
void host_output_end (host_output_t *self, int64_t now_us);

#endif
