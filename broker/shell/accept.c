#include "shell/accept.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*  What the store, its backups and the hosts of adapters open: an eighth of all, but not more than they ever need.  */
enum { KEPT_SHARE = 8, KEPT_MAX = 1024 };

static volatile sig_atomic_t refused;

uint64_t accept_most (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    uint64_t all = limit.rlim_cur, kept = all / KEPT_SHARE;
    return all - (kept < KEPT_MAX ? kept : KEPT_MAX);
}

bool accept_refused (void)
{
    return __atomic_exchange_n (&refused, 0, __ATOMIC_RELAXED) != 0;
}

/*  The system gives the lowest number that is free, so it says how many are taken. What it says when there is none
    would end the process.  */
__attribute__ ((used)) int accept_let_in (int door, void *address, void *size, int flags)
{
    int fd = (int) syscall (SYS_accept4, door, address, size, flags);
    if (fd < 0 && errno != EMFILE)
        return fd;
    if (fd >= 0 && (uint64_t) fd < accept_most ())
        return fd;
    if (fd >= 0)
        close (fd);
    __atomic_store_n (&refused, 1, __ATOMIC_RELAXED);
    errno = ECONNABORTED;
    return -1;
}
