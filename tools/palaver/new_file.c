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

/*  The directory that it is to be in, open; -1: errno says why.  */
static int open_directory (const char *path)
{
    const char *slash = strrchr (path, '/');
    plv_buf_t name = {0};
    if (slash)
        text_putf (&name, "%.*s", (int) (slash - path) + 1, path);
    else
        text_put (&name, ".");
    plv_buf_add_u8 (&name, 0);
    plv_buf_check (&name);
    int fd = open ((const char *) name.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) /* one that may be written, and not be read */
        fd = open ((const char *) name.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    plv_buf_free (&name);
    return fd;
}

static void proc_name (int fd, char name[32])
{
    snprintf (name, 32, "/proc/self/fd/%d", fd);
}

/*  A file without a name, of which a process that is killed leaves nothing; -1: there is none here.  */
static int open_nameless (int directory)
{
    char name[32];
    int fd = openat (directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    proc_name (fd, name);
    if (access (name, F_OK) == 0)
        return fd;
    close (fd);
    return -1;
}

static int open_beside (new_file_t *self)
{
    text_putf (&self->beside, "%s.XXXXXX", self->path);
    plv_buf_add_u8 (&self->beside, 0);
    plv_buf_check (&self->beside);
    return mkostemp ((char *) self->beside.data, O_CLOEXEC);
}

ending_t new_file_check (const char *path)
{
    if (access (path, F_OK))
        return END_OK;
    errno = EEXIST;
    return new_file_failed (&(new_file_t){.path = path});
}

ending_t new_file_begin (new_file_t *self, const char *path)
{
    *self = (new_file_t){.path = path, .directory = -1};
    ending_t end = new_file_check (path);
    if (end)
        return end;
    self->directory = open_directory (path);
    if (self->directory < 0)
        return new_file_failed (self);
    int fd = open_nameless (self->directory);
    if (fd < 0)
        fd = open_beside (self);
    self->file = fd < 0 ? NULL : fdopen (fd, "w");
    if (self->file)
        return END_OK;
    end = new_file_failed (self);
    close (self->directory);
    plv_buf_free (&self->beside);
    return end;
}

static bool is_nameless (const new_file_t *self)
{
    return self->beside.size == 0;
}

/*  Never in the place of another file. Some file systems know only one of the two ways to rename.  */
static bool name_it (const new_file_t *self)
{
    const char *beside = (const char *) self->beside.data;
    char name[32];
    proc_name (fileno (self->file), name);
    if (is_nameless (self))
        return linkat (AT_FDCWD, name, AT_FDCWD, self->path, AT_SYMLINK_FOLLOW) == 0;
    if (renameat2 (AT_FDCWD, beside, AT_FDCWD, self->path, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && link (beside, self->path) == 0
           && unlink (beside) == 0;
}

/*  What a write failed with before is not in `errno` any more: it is tried again.  */
static bool is_written (const new_file_t *self)
{
    if (fflush (self->file))
        return false;
    if (ferror (self->file)) {
        errno = EIO;
        return false;
    }
    return fsync (fileno (self->file)) == 0;
}

ending_t new_file_end (new_file_t *self, ending_t end)
{
    if (!self->file)
        return end;
    if (!end && is_written (self) && name_it (self))
        fsync (
            self->directory); /* the name, too; where that cannot be done, it is there all the same */
    else if (!end)
        end = new_file_failed (self);
    if (end && !is_nameless (self))
        unlink ((const char *) self->beside.data);
    fclose (self->file);
    close (self->directory);
    plv_buf_free (&self->beside);
    *self = (new_file_t){0};
    return end;
}
