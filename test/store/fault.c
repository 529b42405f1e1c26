#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HOOK __attribute__ ((visibility ("default")))

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

HOOK ssize_t write (int fd, const void *data, size_t size)
{
    return fails (FAULT_WRITE, fd) ? -1 : syscall (SYS_write, fd, data, size);
}

#define PWRITE(name_)                                                                              \
    HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset);                      \
    HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset)                       \
    {                                                                                              \
        return fails (FAULT_WRITE, fd) ? -1 : syscall (SYS_pwrite64, fd, data, size, offset);      \
    }

#define PWRITEV(name_)                                                                             \
    HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset);               \
    HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset)                \
    {                                                                                              \
        return fails (FAULT_WRITE, fd) ? -1 : syscall (SYS_pwritev, fd, parts, count, offset, 0L); \
    }

PWRITE (pwrite)
PWRITE (pwrite64)
PWRITEV (pwritev)
PWRITEV (pwritev64)

#define FALLOCATE(name_)                                                                           \
    HOOK int name_ (int fd, int mode, off_t from, off_t size);                                     \
    HOOK int name_ (int fd, int mode, off_t from, off_t size)                                      \
    {                                                                                              \
        return fails (FAULT_RESERVE, fd) ? -1                                                      \
                                         : (int) syscall (SYS_fallocate, fd, mode, from, size);    \
    }

FALLOCATE (fallocate)
FALLOCATE (fallocate64)

HOOK int fsync (int fd)
{
    be_slow (fd);
    return fails (FAULT_SYNC, fd) ? -1 : (int) syscall (SYS_fsync, fd);
}

HOOK int fdatasync (int fd)
{
    be_slow (fd);
    return fails (FAULT_SYNC, fd) ? -1 : (int) syscall (SYS_fdatasync, fd);
}
