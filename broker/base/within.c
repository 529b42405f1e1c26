#include "base/within.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };

/*  The last directory on the way to `path` that exists; -1: it may not be seen.  */
static int open_above (const char *path)
{
    char *above = plv_strdup (path), *slash;
    int fd = -1;
    errno = ENOENT;
    while (fd < 0 && errno == ENOENT && (slash = strrchr (above, '/'))) {
        bool root = slash == above;
        slash[root ? 1 : 0] = '\0';
        fd = open (above, FLAGS);
        if (root)
            break;
    }
    if (fd < 0 && errno == ENOENT && path[0] != '/')
        fd = open (".", FLAGS);
    free (above);
    return fd;
}

/*  From there up by `..`, which no symbolic link leads astray.  */
bool plv_is_within (const char *dir, const char *path)
{
    struct stat wanted, here, last = {0};
    bool within = false, known = stat (dir, &wanted) == 0;
    int fd = open_above (path);
    while (known && !within && fd >= 0 && fstat (fd, &here) == 0
           && (here.st_ino != last.st_ino || here.st_dev != last.st_dev)) {
        within = here.st_ino == wanted.st_ino && here.st_dev == wanted.st_dev;
        last = here;
        int up = openat (fd, "..", FLAGS);
        close (fd);
        fd = up;
    }
    if (fd >= 0)
        close (fd);
    return within;
}
