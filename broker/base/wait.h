/*  wait -- conditions that are waited for until a time of plv_clock_mono_us
    OWNS    nothing
    THREAD  any
    FAILS   plv_wait_init with false: no memory
    COST    that of the system's calls  */

#ifndef PLV_BASE_WAIT_H
#define PLV_BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*  The system's default is a clock that may jump. To be ended with pthread_cond_destroy.  */
bool plv_wait_init (pthread_cond_t *cond);

/*  Until somebody signals it or, as with any condition, nobody did; INT64_MAX: however long that takes. False: the time
    has come.  */
bool plv_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
