#include "base/sync.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool plv_sync_parent (const char *path)
{
    char *parent = plv_strdup (path);
    char *slash = strrchr (parent, '/');
    if (slash)
        slash[slash == parent ? 1 : 0] = '\0';
    int fd = open (slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync (fd) == 0;
    int error = errno;
    if (fd >= 0)
        close (fd);
    free (parent);
    errno = error;
    return synced;
}
