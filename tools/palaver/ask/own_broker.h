/*  own_broker -- a broker and workers that live as long as one call
    OWNS    its processes and its temporary directory, gone after own_broker_stop
    THREAD  main; workers are forked before any other thread exists
    FAILS   with a text that names the program or the directory; the broker's own words stand in `log` until it is
            stopped
    COST    a start takes a fraction of a second  */

#ifndef PALAVER_OWN_BROKER_H
#define PALAVER_OWN_BROKER_H

#include "base/err.h"

#include <sys/types.h>

enum { WORKERS_MAX = 64 };

typedef struct {
    char dir[64];
    char *run; /* the run directory */
    pid_t pid;
} own_broker_t;

typedef struct {
    pid_t pids[WORKERS_MAX];
    unsigned count;
} workers_t;

/*  `program`: a palaverd, NULL: the one beside this program, else the one in $PATH. Returns when it is ready.  */
plv_err_t own_broker_start (own_broker_t *self, const char *program, int64_t deadline_us,
                            plv_fail_t *ret_fail);
/*  One that only looks at the data in `dir` (palaverd --inspect); `conf` NULL: the installed one, if there is one.  */
plv_err_t own_broker_inspect (own_broker_t *self, const char *program, const char *dir,
                              const char *conf, int64_t deadline_us, plv_fail_t *ret_fail);
void own_broker_stop (own_broker_t *self);

/*  Workers that answer every job of `service` with its own text. They connect as soon as there is a broker.  */
plv_err_t workers_start (workers_t *self, unsigned count, const char *run, const char *service,
                         plv_fail_t *ret_fail);
void workers_stop (workers_t *self);

#endif
