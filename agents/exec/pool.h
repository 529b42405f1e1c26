/*  pool -- the children: as many as jobs at a time, each kept from job to job
    OWNS    the children
    THREAD  any: a child that is taken belongs to who took it
    FAILS   pool_start and pool_take with why a program does not start
    COST    a lock for a moment

    A program that ends without having done a job is started again more and more slowly (0.1 s to 30 s), so that
    a broken one does not eat the machine.  */

#ifndef EXEC_POOL_H
#define EXEC_POOL_H

#include "exec/child.h"

typedef struct pool pool_t;

typedef struct {
    char *const *argv;
    plv_buf_t hello; /* the first line that every child gets; taken */
    unsigned children;
    int ready_ms; /* how long a child may take to say that it is ready; 0: it need not */
    int grace_ms;
} pool_options_t;

/*  Starts them all.  */
plv_err_t pool_start (pool_options_t *options, pool_t **ret_pool, plv_fail_t *ret_fail);
void pool_stop (pool_t **self_p);

/*  A child that is running. ERR_BUSY: it is too early to start it again; `ret_wait_ms` says how early.  */
plv_err_t pool_take (pool_t *self, child_t **ret_child, unsigned *ret_wait_ms,
                     plv_fail_t *ret_fail);

/*  It has done a job and can take the next one.  */
void pool_give (pool_t *self, child_t **child_p);
/*  It is of no more use: ended, and replaced when it is needed.  */
void pool_drop (pool_t *self, child_t **child_p, bool at_once);

#endif
