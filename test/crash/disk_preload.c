/*  disk -- a disk on which the N-th write or sync fails, around one program
    OWNS    a shared mapping of the file $PALAVER_DISK
    THREAD  any: the test writes the order, the hooks count
    FAILS   on purpose; without $PALAVER_DISK it changes nothing
    COST    a look at the path of each file that is written or synced

    The file holds disk_t. What is written below $PALAVER_DISK_DIR counts, and nothing else. The test sets `calls`
    last, when everything else is in place.  */

/*  The hardened headers define write () themselves.  */
#undef _FORTIFY_SOURCE

#include "fault/failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITES = 1, SYNCS = 2 };

typedef struct {
    int64_t nth; /* 1: the first; 0: count only */
    int64_t error_number;
    int64_t once; /* 0: all behind it fail as well */
    _Atomic int64_t met;
    _Atomic int64_t calls; /* which ones: WRITES, SYNCS, or both; 0: none */
} disk_t;

static disk_t *disk;
static const char *folder;

static __attribute__ ((constructor)) void disk_open (void)
{
    const char *path = getenv ("PALAVER_DISK");
    int file = path ? open (path, O_RDWR | O_CLOEXEC) : -1;
    folder = getenv ("PALAVER_DISK_DIR");
    if (file < 0 || !folder)
        return;
    void *map = mmap (NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    disk = map == MAP_FAILED ? NULL : map;
    close (file);
}

static int is_watched (int file)
{
    char link[64], path[512];
    snprintf (link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink (link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = '\0';
    return strncmp (path, folder, strlen (folder)) == 0;
}

static int fails (int call, int file)
{
    int error = errno;
    if (!disk || !(atomic_load (&disk->calls) & call) || !is_watched (file))
        return 0;
    int64_t met = atomic_fetch_add (&disk->met, 1) + 1;
    errno = error;
    if (!disk->nth || (disk->once ? met != disk->nth : met < disk->nth))
        return 0;
    errno = (int) disk->error_number;
    return 1;
}

static int write_fails (int file)
{
    return fails (WRITES, file);
}

static int sync_fails (int file)
{
    return fails (SYNCS, file);
}

FAILING_CALLS (write_fails, write_fails, sync_fails)
