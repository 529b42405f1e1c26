/*  world -- a wall clock that a test moves, and a disk that it slows down or breaks, around one program
    OWNS    a shared mapping of the file $PALAVER_WORLD
    THREAD  any: the test writes, the hooks read
    FAILS   never; without $PALAVER_WORLD it changes nothing
    COST    a system call more for each look at the wall clock

    $PALAVER_WORLD_HUP names a file: when that is opened for the first time, SIGHUP comes.

    The file holds four int64_t: microseconds to add to the wall clock, microseconds that each sync takes longer,
    the errno with which each sync fails (0: none does), and microseconds to add to all clocks, as if they had
    passed.  */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define HOOK __attribute__ ((visibility ("default")))

typedef struct {
    int64_t clock_us;
    int64_t sync_us;
    int64_t sync_errno;
    int64_t passed_us;
} world_t;

static const world_t usual;
static const volatile world_t *world;

static __attribute__ ((constructor)) void world_open (void)
{
    const char *path = getenv ("PALAVER_WORLD");
    int file = path ? open (path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap (NULL, sizeof *world, PROT_READ, MAP_SHARED, file, 0);
    world = map == MAP_FAILED ? &usual : map;
    if (file >= 0)
        close (file);
}

HOOK int clock_gettime (clockid_t clock, struct timespec *ret_time)
{
    long failed = syscall (SYS_clock_gettime, clock, ret_time);
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (failed || !world || (!wall && clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
        return (int) failed;
    int64_t us = (int64_t) ret_time->tv_sec * 1000000 + ret_time->tv_nsec / 1000 + world->passed_us
                 + (wall ? world->clock_us : 0);
    ret_time->tv_sec = us / 1000000;
    ret_time->tv_nsec = us % 1000000 * 1000;
    return 0;
}

static int sync_as_told (long call, int file)
{
    if (world && world->sync_us) {
        struct timespec slow = {.tv_sec = world->sync_us / 1000000,
                                .tv_nsec = world->sync_us % 1000000 * 1000};
        clock_nanosleep (CLOCK_MONOTONIC, 0, &slow, NULL);
    }
    if (world && world->sync_errno) {
        errno = (int) world->sync_errno;
        return -1;
    }
    return (int) syscall (call, file);
}

HOOK FILE *fopen (const char *path, const char *mode)
{
    static bool came;
    const char *wanted = getenv ("PALAVER_WORLD_HUP");
    void *next = dlsym (RTLD_NEXT, "fopen");
    FILE *(*real) (const char *, const char *);
    memcpy (&real, &next, sizeof real);
    if (wanted && !came && strcmp (path, wanted) == 0) {
        came = true;
        kill (getpid (), SIGHUP);
    }
    return real (path, mode);
}

HOOK int fdatasync (int file)
{
    return sync_as_told (SYS_fdatasync, file);
}

HOOK int fsync (int file)
{
    return sync_as_told (SYS_fsync, file);
}
