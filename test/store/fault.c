#include "fault.h"

#include "fault/failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    _Atomic int calls; /* 0: no order */
    const char *part;
    long nth;
    int error_number;
    bool once;
    _Atomic long met;
    const char *slow_part;
    _Atomic unsigned slow_us;
} order;

void fault_order (int calls, const char *part, long nth, int error_number, bool once)
{
    order.part = part;
    order.nth = nth;
    order.error_number = error_number;
    order.once = once;
    atomic_store (&order.met, 0);
    atomic_store (&order.calls, calls);
}

long fault_end (void)
{
    atomic_store (&order.calls, 0);
    return atomic_load (&order.met);
}

void fault_slow_syncs (const char *part, unsigned us)
{
    if (us) /* else some thread may be looking at it still */
        order.slow_part = part;
    atomic_store (&order.slow_us, us);
}

static bool is_file (int fd, const char *part)
{
    char link[64], path[512];
    snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink (link, path, sizeof path - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    return strstr (path, part) != NULL;
}

static void be_slow (int fd)
{
    unsigned us = atomic_load (&order.slow_us);
    if (us && is_file (fd, order.slow_part))
        usleep (us); /* slow on purpose */
}

static bool is_ordered (fault_call_t call, int fd)
{
    int calls = atomic_load (&order.calls);
    return calls & (int) call
           || (call == FAULT_WRITE && calls & FAULT_DIRECT && fcntl (fd, F_GETFL) & O_DIRECT);
}

static bool fails (fault_call_t call, int fd)
{
    if (!is_ordered (call, fd) || !is_file (fd, order.part))
        return false;
    long met = atomic_fetch_add (&order.met, 1) + 1;
    if (order.once ? met != order.nth : met < order.nth)
        return false;
    errno = order.error_number;
    return true;
}

static bool write_fails (int fd)
{
    return fails (FAULT_WRITE, fd);
}

static bool reserve_fails (int fd)
{
    return fails (FAULT_RESERVE, fd);
}

static bool sync_fails (int fd)
{
    be_slow (fd);
    return fails (FAULT_SYNC, fd);
}

FAILING_CALLS (write_fails, reserve_fails, sync_fails)
