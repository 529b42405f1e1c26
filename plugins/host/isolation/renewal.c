#include "host/isolation/renewal.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*  True when it is another one; a file that is missing for a moment changes nothing.  */
static bool look (renewal_t *self, int at)
{
    struct stat info;
    if (stat (self->files[at], &info) < 0)
        return false;
    bool changed = info.st_ino != self->numbers[at] || info.st_dev != self->devices[at];
    self->numbers[at] = info.st_ino;
    self->devices[at] = info.st_dev;
    return changed;
}

void renewal_begin (renewal_t *self, const char *one, const char *other)
{
    *self = (renewal_t){.files = {one, other}};
    for (int at = 0; at < RENEWAL_FILES; at++)
        look (self, at);
}

const char *renewal_look (renewal_t *self)
{
    for (int at = 0; at < RENEWAL_FILES; at++)
        if (look (self, at))
            return self->files[at];
    return NULL;
}
