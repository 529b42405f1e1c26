#include "palaver/files.h"

#include "base/alloc.h"
#include "base/sync.h"
#include "base/within.h"
#include "palaver/interrupt.h"
#include "palaver/show/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024 };

/*  In a folder that a restore fills; no backup has a file of such a name.  */
static const char mark_name[] = ".restoring";

static char *join (const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s", folder, name) < 0)
        plv_out_of_memory (strlen (folder) + strlen (name) + 2);
    return path;
}

static plv_err_t fail_errno (const char *path, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", path, strerror (errno));
}

static bool is_dots (const char *name)
{
    return strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
}

uint64_t files_bytes (const char *dir)
{
    uint64_t bytes = 0;
    struct stat info;
    DIR *stream = opendir (dir);
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        if (is_dots (entry->d_name)
            || fstatat (dirfd (stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        char *path = join (dir, entry->d_name);
        if (S_ISREG (info.st_mode))
            bytes += (uint64_t) info.st_size;
        else if (S_ISDIR (info.st_mode))
            bytes += files_bytes (path);
        free (path);
    }
    if (stream)
        closedir (stream);
    return bytes;
}

/*  Without a word about what it finds: `errno` stays.  */
static bool is_folder (const char *path)
{
    int kept = errno;
    struct stat info;
    bool found = stat (path, &info) == 0 && S_ISDIR (info.st_mode);
    errno = kept;
    return found;
}

plv_err_t files_make_folder (const char *dir, plv_fail_t *ret_fail)
{
    char *path = plv_strdup (dir);
    plv_err_t err = ERR_OK;
    for (char *at = path + 1; !err; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir (path, 0700) && errno != EEXIST && !(errno == EROFS && is_folder (path)))
            err = fail_errno (path, ret_fail);
        *at = kept;
        if (kept == '\0')
            break;
    }
    free (path);
    return err;
}

static int remove_one (const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void) info;
    (void) type;
    (void) where;
    remove (path);
    return 0;
}

void files_remove (const char *dir)
{
    nftw (dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int remove_below (const char *path, const struct stat *info, int type, struct FTW *where)
{
    return where->level ? remove_one (path, info, type, where) : 0;
}

static bool is_empty (const char *dir)
{
    DIR *stream = opendir (dir);
    bool empty = stream != NULL;
    for (struct dirent *entry; stream && (entry = readdir (stream));)
        empty = empty && is_dots (entry->d_name);
    if (stream)
        closedir (stream);
    return empty;
}

/*  Empties the folder of what a restore that was killed has left, and marks it as one that is being filled.  */
static plv_err_t clear_folder (const char *dir, int fd, plv_fail_t *ret_fail)
{
    if (!is_empty (dir) && faccessat (fd, mark_name, F_OK, AT_SYMLINK_NOFOLLOW))
        return plv_fail (ret_fail, ERR_EXISTS,
                         "%s is not empty, and what is in it is not of a restore; nothing was "
                         "restored: move it away",
                         dir);
    nftw (dir, remove_below, 16, FTW_DEPTH | FTW_PHYS);
    int mark = openat (fd, mark_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (mark < 0)
        return fail_errno (dir, ret_fail);
    close (mark);
    return ERR_OK;
}

/*  Makes the folder `dir`, empty but for the mark, and ours until `*ret_fd` is closed: what a restore that was killed
    has left is in nobody's hands.  */
static plv_err_t take_folder (const char *dir, int *ret_fd, plv_fail_t *ret_fail)
{
    struct stat opened, there;
    plv_err_t err = files_make_folder (dir, ret_fail);
    if (err)
        return err;
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_errno (dir, ret_fail);
    bool ours = flock (fd, LOCK_EX | LOCK_NB) == 0;
    if (!ours && errno != EWOULDBLOCK) {
        err = fail_errno (dir, ret_fail);
    } else if (!ours || fstat (fd, &opened) || stat (dir, &there)
               || opened.st_ino != there.st_ino) {
        err = plv_fail (ret_fail, ERR_BUSY, "%s: another restore is at work; nothing was restored",
                        dir);
    }
    if (!err)
        err = clear_folder (dir, fd, ret_fail);
    if (err)
        close (fd);
    else
        *ret_fd = fd;
    return err;
}

/*  One copy under way.  */
typedef struct {
    char *buffer;
    uint64_t bytes;
    progress_t progress;
    plv_fail_t *fail;
} copy_t;

static plv_err_t write_all (copy_t *self, int fd, const char *path, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t written = write (fd, self->buffer + at, size - at);
        if (written < 0 && errno != EINTR)
            return fail_errno (path, self->fail);
        at += written > 0 ? (size_t) written : 0;
    }
    self->bytes += size;
    progress_at (&self->progress, self->bytes >> 10);
    return interrupt_seen () ? plv_fail (self->fail, ERR_IO, "interrupted; nothing was restored")
                             : ERR_OK;
}

static plv_err_t pour (copy_t *self, int in, int out, const char *from, const char *to)
{
    for (;;) {
        ssize_t size = read (in, self->buffer, CHUNK);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return fail_errno (from, self->fail);
        if (size == 0)
            return fsync (out) ? fail_errno (to, self->fail) : ERR_OK;
        plv_err_t err = write_all (self, out, to, (size_t) size);
        if (err)
            return err;
    }
}

static plv_err_t copy_file (copy_t *self, const char *from, const char *to)
{
    int in = open (from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1;
    plv_err_t err = in < 0 ? fail_errno (from, self->fail) : ERR_OK;
    if (!err) {
        out = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        err = out < 0 ? fail_errno (to, self->fail) : pour (self, in, out, from, to);
    }
    if (in >= 0)
        close (in);
    if (out >= 0 && close (out) && !err)
        err = fail_errno (to, self->fail);
    return err;
}

/*  Locks belong to a process, and a backup has no use for another's.  */
static bool is_copied (const char *name)
{
    return name[0] != '.' && strcmp (name, "LOCK") != 0 && strcmp (name, "palaver.lock") != 0;
}

static plv_err_t sync_folder (const char *dir, plv_fail_t *ret_fail)
{
    int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    plv_err_t err = fd < 0 || fsync (fd) ? fail_errno (dir, ret_fail) : ERR_OK;
    if (fd >= 0)
        close (fd);
    return err;
}

static plv_err_t copy_files (copy_t *self, const char *from, const char *to);

static plv_err_t copy_entry (copy_t *self, const char *from, const char *to)
{
    struct stat info;
    if (lstat (from, &info))
        return fail_errno (from, self->fail);
    if (S_ISREG (info.st_mode))
        return copy_file (self, from, to);
    if (!S_ISDIR (info.st_mode))
        return ERR_OK;
    return mkdir (to, 0700) ? fail_errno (to, self->fail) : copy_files (self, from, to);
}

/*  `to` is there.  */
static plv_err_t copy_files (copy_t *self, const char *from, const char *to)
{
    DIR *stream = opendir (from);
    plv_err_t err = stream ? ERR_OK : fail_errno (from, self->fail);
    for (struct dirent *entry; !err && (errno = 0, entry = readdir (stream));) {
        if (!is_copied (entry->d_name))
            continue;
        char *source = join (from, entry->d_name), *target = join (to, entry->d_name);
        err = copy_entry (self, source, target);
        free (source);
        free (target);
    }
    if (!err && errno)
        err = fail_errno (from, self->fail); /* what could not be listed was not copied */
    if (stream)
        closedir (stream);
    return err ? err : sync_folder (to, self->fail);
}

/*  A database that RocksDB has written has a file CURRENT.  */
static plv_err_t check_backup (const char *backup, plv_fail_t *ret_fail)
{
    struct stat info;
    if (stat (backup, &info))
        return plv_fail (ret_fail, ERR_NOENT, "%s: %s", backup, strerror (errno));
    char *current = join (backup, "CURRENT");
    bool found = stat (current, &info) == 0;
    free (current);
    return found ? ERR_OK
                 : plv_fail (ret_fail, ERR_NOENT, "%s is no backup: palaver backup DIR makes one",
                             backup);
}

static plv_err_t check_target (const char *backup, const char *data, plv_fail_t *ret_fail)
{
    struct stat info;
    if (plv_is_within (backup, data))
        return plv_fail (ret_fail, ERR_EXISTS,
                         "%s is within the backup %s; nothing was restored: give a directory "
                         "elsewhere with --data",
                         data, backup);
    if (lstat (data, &info))
        return errno == ENOENT ? ERR_OK
                               : plv_fail (ret_fail, ERR_IO, "%s: %s", data, strerror (errno));
    if (!S_ISDIR (info.st_mode))
        return plv_fail (ret_fail, ERR_EXISTS, "%s is no directory; nothing was restored", data);
    if (!is_empty (data))
        return plv_fail (ret_fail, ERR_EXISTS,
                         "%s is not empty; nothing was restored: give an empty or a new directory "
                         "with --data",
                         data);
    return ERR_OK;
}

static void give (const char *path, uid_t user, gid_t group)
{
    DIR *stream = lchown (path, user, group) ? NULL : opendir (path);
    if (!stream)
        return;
    for (struct dirent *entry; (entry = readdir (stream));) {
        if (is_dots (entry->d_name))
            continue;
        char *below = join (path, entry->d_name);
        give (below, user, group);
        free (below);
    }
    closedir (stream);
}

/*  A data directory that was there, empty, belongs to whom the broker runs as: so does what is put into it.  */
static void give_to_owner (const char *dir, const char *data)
{
    struct stat info;
    if (stat (data, &info) == 0 && geteuid () == 0 && info.st_uid != 0)
        give (dir, info.st_uid, info.st_gid);
}

static plv_err_t put_in_place (const char *beside, const char *data, plv_fail_t *ret_fail)
{
    char *mark = join (beside, mark_name);
    unlink (mark);
    free (mark);
    give_to_owner (beside, data);
    if (rename (beside, data))
        return plv_fail (ret_fail, plv_err_of_errno (errno),
                         "%s: %s; give a directory below it with --data", data, strerror (errno));
    return plv_sync_parent (data) ? ERR_OK : fail_errno (data, ret_fail);
}

static plv_err_t restore_beside (const char *backup, const char *beside, const char *data,
                                 uint64_t *ret_bytes, plv_fail_t *ret_fail)
{
    copy_t copy = {
        .buffer = plv_alloc (CHUNK),
        .progress = progress_new ("KiB", files_bytes (backup) >> 10),
        .fail = ret_fail,
    };
    plv_err_t err = copy_files (&copy, backup, beside);
    progress_end (&copy.progress);
    if (!err)
        err = put_in_place (beside, data, ret_fail);
    if (!err)
        *ret_bytes = copy.bytes;
    free (copy.buffer);
    return err;
}

plv_err_t files_restore (const char *backup, const char *data, uint64_t *ret_bytes,
                         plv_fail_t *ret_fail)
{
    char *target = plv_strdup (data), *beside = NULL;
    int fd = -1;
    for (size_t size = strlen (target); size > 1 && target[size - 1] == '/'; size--)
        target[size - 1] = '\0';
    if (asprintf (&beside, "%s.restoring", target) < 0)
        plv_out_of_memory (strlen (target) + 11);
    interrupt_begin ();
    plv_err_t err = check_backup (backup, ret_fail);
    if (!err)
        err = check_target (backup, target, ret_fail);
    if (err)
        goto done;
    err = take_folder (beside, &fd, ret_fail);
    if (err)
        goto done;
    err = restore_beside (backup, beside, target, ret_bytes, ret_fail);
    if (err)
        files_remove (beside);
done:
    if (fd >= 0)
        close (fd);
    free (beside);
    free (target);
    return err;
}
