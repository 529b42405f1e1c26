#include "host/isolation/renewal.h"

#include <stdio.h>
#include <sys/stat.h>

/*  True when it is another one; a file that is missing for a moment changes nothing.  */
static bool look (renewal_file_t *self)
{
    struct stat info;
    if (stat (self->name, &info) < 0)
        return false;
    bool replaced = info.st_ino != self->number || info.st_dev != self->device;
    bool written = info.st_size != self->size || info.st_mtim.tv_sec != self->changed.tv_sec
                   || info.st_mtim.tv_nsec != self->changed.tv_nsec;
    self->number = info.st_ino;
    self->device = info.st_dev;
    self->size = info.st_size;
    self->changed = info.st_mtim;
    return replaced || (self->by_words && written);
}

void renewal_add (renewal_t *self, const char *name, bool by_words)
{
    if (self->count == RENEWAL_FILES)
        return;
    renewal_file_t *file = &self->files[self->count++];
    snprintf (file->name, sizeof file->name, "%s", name);
    file->by_words = by_words;
    look (file);
}

const char *renewal_look (renewal_t *self)
{
    const char *before = self->replaced;
    self->replaced = NULL;
    for (size_t at = 0; at < self->count; at++) {
        if (look (&self->files[at]))
            self->replaced = self->files[at].name;
    }
    return self->replaced ? NULL : before;
}
