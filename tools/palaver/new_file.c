#include "palaver/new_file.h"

#include "palaver/show/out.h"
#include "palaver/show/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ending_t new_file_failed (const new_file_t *self)
{
    if (errno == EEXIST)
        say ("%s exists already; nothing was written", self->path);
    else
        say ("%s: cannot be written: %s", self->path, strerror (errno));
    return END_PARTLY;
}

ending_t new_file_begin (new_file_t *self, const char *path)
{
    *self = (new_file_t){.path = path};
    if (access (path, F_OK) == 0) {
        errno = EEXIST;
        return new_file_failed (self);
    }
    text_putf (&self->beside, "%s.XXXXXX", path);
    plv_buf_add_u8 (&self->beside, 0);
    plv_buf_check (&self->beside);
    int fd = mkostemp ((char *) self->beside.data, O_CLOEXEC);
    self->file = fd < 0 ? NULL : fdopen (fd, "w");
    if (self->file)
        return END_OK;
    ending_t end = new_file_failed (self);
    plv_buf_free (&self->beside);
    return end;
}

/*  Never in the place of another file. Some file systems know only one of the two ways.  */
static bool name_it (const char *beside, const char *path)
{
    if (renameat2 (AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && link (beside, path) == 0 && unlink (beside) == 0;
}

ending_t new_file_end (new_file_t *self, ending_t end)
{
    const char *beside = (const char *) self->beside.data;
    if (!self->file)
        return end;
    bool good =
        !ferror (self->file) && fflush (self->file) == 0 && fsync (fileno (self->file)) == 0;
    good = fclose (self->file) == 0 && good;
    if (!end && !(good && name_it (beside, self->path)))
        end = new_file_failed (self);
    if (end)
        unlink (beside);
    plv_buf_free (&self->beside);
    *self = (new_file_t){0};
    return end;
}
