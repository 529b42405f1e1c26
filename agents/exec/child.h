/*  child -- a program of the user's: started, spoken with in lines, and ended for sure
    OWNS    the process and all that it started (its process group), the pipes, a thread for its life and its stderr
    THREAD  one at a time, any
    FAILS   child_start with what the system said; a dead child is a CHILD_OVER, no failure
    COST    a process, a thread and three pipes

    The program gets its own process group: Ctrl-C reaches palaver-exec alone, and a shell script is ended with
    all that it started. When palaver-exec is killed the kernel kills the program.  */

#ifndef EXEC_CHILD_H
#define EXEC_CHILD_H

#include "base/buf.h"
#include "base/err.h"

typedef struct child child_t;

/*  `argv` is lent for the child's life and ends with NULL; `number` tells its lines on stderr apart.  */
plv_err_t child_start (char *const *argv, unsigned number, child_t **ret_child,
                       plv_fail_t *ret_fail);

/*  Closes its stdin, gives it `grace_ms` to end by itself, as long again after SIGTERM, then kills it.  */
void child_stop (child_t **self_p, int grace_ms);

/*  Is it still running? Does not wait.  */
bool child_alive (child_t *self);

typedef enum {
    CHILD_LINE,     /* `ret_line`, without newline and byte order mark: good until the next call */
    CHILD_NOTHING,  /* not within the time */
    CHILD_OVER,     /* it has closed its stdout, or does not read: it is of no more use */
    CHILD_TOO_LONG, /* a line beyond FRAME_BYTES_MAX */
} child_said_t;

child_said_t child_read (child_t *self, int wait_ms, plv_view_t *ret_line);

/*  All of it, in at most `wait_ms`; false: it is of no more use.  */
bool child_write (child_t *self, plv_view_t bytes, int wait_ms);

/*  What became of it and its last words on stderr, for a person; waits a moment for a child that is about to
    end.  */
void child_epitaph (child_t *self, char *text, size_t size);

#endif
