#include "shell/room.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>

/*  A broker alone has ten threads; one more each for keys of agents and for letters that are saved.  */
enum { FILES_LEAST = 128, ADDRESS_MB_LEAST = 512, THREADS_LEAST = 16, STACK_BYTES = 64 * 1024 };

static plv_err_t raise_file_limit (plv_fail_t *ret_fail)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return ERR_OK;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= FILES_LEAST
               ? ERR_OK
               : plv_fail (
                   ret_fail, ERR_FULL,
                   "this process may open %ju files and connections, which is too few for a "
                   "broker (%d)%s",
                   (uintmax_t) limit.rlim_cur, FILES_LEAST, plv_errno_advice (EMFILE));
}

/*  For the stacks of the libraries' threads.  */
static plv_err_t check_address_limit (plv_fail_t *ret_fail)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_AS, &limit) < 0 || limit.rlim_cur >> 20 >= ADDRESS_MB_LEAST)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_FULL,
                     "this process may use %ju MB of address space, which is too little for a "
                     "broker (%d): raise the limit (ulimit -v); MemoryMax of systemd limits what "
                     "is really used",
                     (uintmax_t) (limit.rlim_cur >> 20), ADDRESS_MB_LEAST);
}

static void *wait_for (void *lock)
{
    pthread_mutex_lock (lock);
    pthread_mutex_unlock (lock);
    return NULL;
}

/*  How many there may be depends on what else this user runs, and on control groups: to try is the only way to know.
    They are all there at the same time.  */
static int count_threads (int most)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[THREADS_LEAST];
    pthread_attr_t small;
    int count = 0;
    pthread_attr_init (&small);
    pthread_attr_setstacksize (&small, PTHREAD_STACK_MIN + STACK_BYTES);
    pthread_mutex_lock (&lock);
    while (count < most && pthread_create (&threads[count], &small, wait_for, &lock) == 0)
        count++;
    pthread_mutex_unlock (&lock);
    for (int i = 0; i < count; i++)
        pthread_join (threads[i], NULL);
    pthread_attr_destroy (&small);
    return count;
}

static plv_err_t check_thread_limit (plv_fail_t *ret_fail)
{
    int count = count_threads (THREADS_LEAST);
    if (count == THREADS_LEAST)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_FULL,
                     "this process may start %d threads, which is too few for a broker (%d): raise "
                     "the limit on processes (ulimit -u), which counts all that its user runs, or "
                     "TasksMax of systemd",
                     count, THREADS_LEAST);
}

plv_err_t room_check (plv_fail_t *ret_fail)
{
    plv_err_t err = raise_file_limit (ret_fail);
    if (!err)
        err = check_address_limit (ret_fail);
    if (!err)
        err = check_thread_limit (ret_fail);
    return err;
}
