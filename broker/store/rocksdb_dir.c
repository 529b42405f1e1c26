#include "base/alloc.h"
#include "base/sync.h"
#include "store/rocksdb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lock_name[] = "palaver.lock";

/*  Makes the missing parents too: ~/.local/state is not there on a fresh account.  */
static plv_err_t make_dir (const char *dir, plv_fail_t *ret_fail)
{
    char *path = plv_strdup (dir);
    plv_err_t err = ERR_OK;
    for (char *at = path + 1; !err; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        bool made = mkdir (path, 0700) == 0;
        if ((!made && errno != EEXIST) || (made && !plv_sync_parent (path)))
            err = plv_fail (ret_fail, plv_err_of_errno (errno),
                            "the data directory %s cannot be made (%s): %s", dir, path,
                            strerror (errno));
        *at = kept;
        if (kept == '\0')
            break;
    }
    free (path);
    return err;
}

static plv_err_t cannot_open (const char *dir, plv_fail_t *ret_fail)
{
    int error_number = errno;
    return plv_fail (ret_fail, plv_err_of_errno (error_number),
                     "the data directory %s cannot be opened: %s%s", dir, strerror (error_number),
                     plv_errno_advice (error_number));
}

static const char *user_name (uid_t uid, char *buffer, size_t size)
{
    struct passwd entry, *found = NULL;
    char text[1024];
    if (getpwuid_r (uid, &entry, text, sizeof text, &found) == 0 && found)
        snprintf (buffer, size, "%s", found->pw_name);
    else
        snprintf (buffer, size, "user %u", (unsigned) uid);
    return buffer;
}

/*  Messages of people are in there: nobody else may read, and nobody else may have put files
    there.  */
static plv_err_t check_owner (const char *dir, const struct stat *status, plv_fail_t *ret_fail)
{
    char owner[64], me[64];
    if (!S_ISDIR (status->st_mode))
        return plv_fail (ret_fail, ERR_ARG, "%s is not a directory: give another data directory",
                         dir);
    if (status->st_uid != geteuid ())
        return plv_fail (
            ret_fail, ERR_PERM,
            "the data directory %s belongs to %s, not to %s: run as that user, or chown -R it", dir,
            user_name (status->st_uid, owner, sizeof owner), user_name (geteuid (), me, sizeof me));
    if (status->st_mode & 077)
        return plv_fail (ret_fail, ERR_PERM,
                         "the data directory %s is open to other users (mode %04o): chmod 700 it",
                         dir, (unsigned) status->st_mode & 07777);
    return ERR_OK;
}

static plv_err_t refuse_second (int fd, const char *dir, plv_fail_t *ret_fail)
{
    char text[32] = "";
    ssize_t size = pread (fd, text, sizeof text - 1, 0);
    long pid = size > 0 ? strtol (text, NULL, 10) : 0;
    if (pid > 0)
        return plv_fail (
            ret_fail, ERR_BUSY,
            "the data directory %s is in use by process %ld: stop it, or give another directory",
            dir, pid);
    return plv_fail (
        ret_fail, ERR_BUSY,
        "the data directory %s is in use by another process: stop it, or give another directory",
        dir);
}

/*  flock, not fcntl: it also holds against a second store in this process, and no close of some
    other descriptor takes it away.  */
static plv_err_t take_lock (int dir_fd, const char *dir, int *ret_lock_fd, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    int fd = openat (dir_fd, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EMFILE)
        return cannot_open (dir, ret_fail);
    if (fd < 0)
        return plv_fail (
            ret_fail, plv_err_of_errno (errno),
            "the data directory %s is not writable: %s: make it writable, or give another", dir,
            strerror (errno));
    if (flock (fd, LOCK_EX | LOCK_NB) < 0) {
        err = errno == EWOULDBLOCK
                  ? refuse_second (fd, dir, ret_fail)
                  : plv_fail (ret_fail, plv_err_of_errno (errno), "%s/%s cannot be locked: %s", dir,
                              lock_name, strerror (errno));
        goto done;
    }
    /*  The pid is for the words of the next refusal only: a full disk is no reason to stop
        here.  */
    char text[32];
    int size = snprintf (text, sizeof text, "%ld\n", (long) getpid ());
    if (ftruncate (fd, 0) == 0)
        (void) !pwrite (fd, text, (size_t) size, 0);
    *ret_lock_fd = fd;
    fd = -1;
done:
    if (fd >= 0)
        close (fd);
    return err;
}

static plv_err_t refuse_reader (int fd, const char *dir, plv_fail_t *ret_fail)
{
    char text[32] = "";
    ssize_t size = pread (fd, text, sizeof text - 1, 0);
    return plv_fail (ret_fail, ERR_BUSY,
                     "the data directory %s is in use: a broker runs on it (process %ld). Ask that "
                     "one, or look at a backup",
                     dir, size > 0 ? strtol (text, NULL, 10) : 0);
}

/*  A reader takes no lock: it only looks whether a broker has one.  */
static plv_err_t look_at_lock (int dir_fd, const char *dir, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    int fd = openat (dir_fd, lock_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        err = refuse_reader (fd, dir, ret_fail);
    if (fd >= 0)
        close (fd);
    return err;
}

bool rdb_dir_has_current (const char *dir)
{
    char *path = NULL;
    if (asprintf (&path, "%s/CURRENT", dir) < 0)
        plv_out_of_memory (strlen (dir));
    bool there = access (path, F_OK) == 0;
    free (path);
    return there;
}

/*  Without CURRENT RocksDB would begin anew, beside the data that is there.  */
static plv_err_t check_whole (const char *dir, plv_fail_t *ret_fail)
{
    DIR *stream = opendir (dir);
    bool pieces = false;
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        const char *dot = strrchr (entry->d_name, '.');
        pieces = pieces || (dot && strcmp (dot, ".sst") == 0);
    }
    if (stream)
        closedir (stream);
    if (pieces && !rdb_dir_has_current (dir))
        return plv_fail (
            ret_fail, ERR_CORRUPT,
            "the data directory %s has lost its file CURRENT: restore it from a backup", dir);
    return ERR_OK;
}

/*  RocksDB begins a log of its own at each start, although nothing is ever written there, and would keep all of them
    until the next flush: release 7 does (8.3 no longer). One that stays costs a few bytes and nothing else.  */
static void drop_empty_logs (const char *dir)
{
    DIR *stream = opendir (dir);
    struct stat status;
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        const char *dot = strrchr (entry->d_name, '.');
        if (dot && strcmp (dot, ".log") == 0
            && fstatat (dirfd (stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG (status.st_mode) && status.st_size == 0)
            (void) !unlinkat (dirfd (stream), entry->d_name, 0);
    }
    if (stream)
        closedir (stream);
}

plv_err_t rdb_dir_prepare (const char *dir, bool read_only, int *ret_lock_fd, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    struct stat status;
    int dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT && !read_only) {
        err = make_dir (dir, ret_fail);
        if (!err)
            dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (err)
        goto done;
    if (dir_fd < 0 || fstat (dir_fd, &status) < 0) {
        err = cannot_open (dir, ret_fail);
        goto done;
    }
    /*  Who may read it may look at it, whoever's it is.  */
    if (!read_only || !S_ISDIR (status.st_mode))
        err = check_owner (dir, &status, ret_fail);
    /*  Who made it, a script or systemd, has hardly made its name last. A parent that may not
        be read is older than this store.  */
    if (!err && !read_only)
        (void) plv_sync_parent (dir);
    if (!err && read_only)
        err = look_at_lock (dir_fd, dir, ret_fail);
    else if (!err)
        err = take_lock (dir_fd, dir, ret_lock_fd, ret_fail);
    if (!err)
        err = check_whole (dir, ret_fail);
    if (!err && !read_only)
        drop_empty_logs (dir);
done:
    if (dir_fd >= 0)
        close (dir_fd);
    return err;
}

uint64_t rdb_dir_bytes (const char *dir)
{
    uint64_t bytes = 0;
    DIR *stream = opendir (dir);
    struct stat status;
    for (struct dirent *entry; stream && (entry = readdir (stream));)
        if (fstatat (dirfd (stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG (status.st_mode))
            bytes += (uint64_t) status.st_size;
    if (stream)
        closedir (stream);
    return bytes;
}

static void remove_at (int parent, const char *name)
{
    int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir (fd);
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        if (unlinkat (fd, entry->d_name, 0) < 0 && errno == EISDIR)
            remove_at (fd, entry->d_name);
    }
    if (stream)
        closedir (stream);
    unlinkat (parent, name, AT_REMOVEDIR);
}

void rdb_dir_remove (const char *dir)
{
    remove_at (AT_FDCWD, dir);
}
