#include "base/wait.h"

#include <time.h>

bool plv_wait_init (pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init (&monotonic))
        return false;
    bool good = !pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC)
                && !pthread_cond_init (cond, &monotonic);
    pthread_condattr_destroy (&monotonic);
    return good;
}

bool plv_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
    if (until_us == INT64_MAX)
        return pthread_cond_wait (cond, lock) == 0;
    const struct timespec until = {.tv_sec = (time_t) (until_us / 1000000),
                                   .tv_nsec = (long) (until_us % 1000000) * 1000};
    return pthread_cond_timedwait (cond, lock, &until) == 0;
}
