/*  failing_calls -- the calls of the C library that write, reserve room and sync, with a say before each
    OWNS    nothing
    THREAD  any
    FAILS   where the three functions say so: they set errno
    COST    that of the three functions

    A program, or a library that is loaded before it, says FAILING_CALLS once, and has these calls for its own.  */

#ifndef FAULT_FAILING_CALLS_H
#define FAULT_FAILING_CALLS_H

#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FAILING_HOOK __attribute__ ((visibility ("default")))

#define FAILING_PWRITE(name_, write_fails_)                                                        \
    FAILING_HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset);              \
    FAILING_HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset)               \
    {                                                                                              \
        return write_fails_ (fd) ? -1 : syscall (SYS_pwrite64, fd, data, size, offset);            \
    }

#define FAILING_PWRITEV(name_, write_fails_)                                                       \
    FAILING_HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset);       \
    FAILING_HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset)        \
    {                                                                                              \
        return write_fails_ (fd) ? -1 : syscall (SYS_pwritev, fd, parts, count, offset, 0L);       \
    }

#define FAILING_RESERVE(name_, reserve_fails_)                                                     \
    FAILING_HOOK int name_ (int fd, int mode, off_t from, off_t size);                             \
    FAILING_HOOK int name_ (int fd, int mode, off_t from, off_t size)                              \
    {                                                                                              \
        return reserve_fails_ (fd) ? -1 : (int) syscall (SYS_fallocate, fd, mode, from, size);     \
    }

#define FAILING_SYNC(name_, number_, sync_fails_)                                                  \
    FAILING_HOOK int name_ (int fd)                                                                \
    {                                                                                              \
        return sync_fails_ (fd) ? -1 : (int) syscall (number_, fd);                                \
    }

/*  Each of the three takes a descriptor. The names that end in 64 are those of large files.  */
#define FAILING_CALLS(write_fails_, reserve_fails_, sync_fails_)                                   \
    FAILING_HOOK ssize_t write (int fd, const void *data, size_t size)                             \
    {                                                                                              \
        return write_fails_ (fd) ? -1 : syscall (SYS_write, fd, data, size);                       \
    }                                                                                              \
    FAILING_PWRITE (pwrite, write_fails_)                                                          \
    FAILING_PWRITE (pwrite64, write_fails_)                                                        \
    FAILING_PWRITEV (pwritev, write_fails_)                                                        \
    FAILING_PWRITEV (pwritev64, write_fails_)                                                      \
    FAILING_RESERVE (fallocate, reserve_fails_)                                                    \
    FAILING_RESERVE (fallocate64, reserve_fails_)                                                  \
    FAILING_SYNC (fsync, SYS_fsync, sync_fails_)                                                   \
    FAILING_SYNC (fdatasync, SYS_fdatasync, sync_fails_)

#endif
