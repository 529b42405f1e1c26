#include "shell/adapters/plugin_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t ns_of (struct timespec time)
{
    return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

bool plugin_file_stamp (int dir_fd, const char *name, plugin_stamp_t *ret_stamp)
{
    struct stat info;
    if (fstatat (dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    *ret_stamp = (plugin_stamp_t){
        .device = info.st_dev,
        .inode = info.st_ino,
        .bytes = (uint64_t) info.st_size,
        .mode = info.st_mode,
        .owner = info.st_uid,
        .modified_ns = ns_of (info.st_mtim),
        .changed_ns = ns_of (info.st_ctim),
    };
    return true;
}

bool plugin_stamp_equal (const plugin_stamp_t *a, const plugin_stamp_t *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes
           && a->mode == b->mode && a->owner == b->owner && a->modified_ns == b->modified_ns
           && a->changed_ns == b->changed_ns;
}

/*  A lease for reading is not given while the file is open for writing. Who opens it in the moment that we
    hold one is delayed by that moment, and we get a signal that means nothing.  */
bool plugin_file_busy (int dir_fd, const char *name)
{
    int fd = openat (dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    fcntl (fd, F_SETSIG, SIGURG);
    bool busy = fcntl (fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
    if (!busy)
        fcntl (fd, F_SETLEASE, F_UNLCK);
    close (fd);
    return busy;
}

void plugin_file_visible (const char *name, char *ret_text, size_t size)
{
    snprintf (ret_text, size, "%s", name);
    for (char *at = ret_text; *at; at++)
        *at = *at < ' ' || *at > '~' ? '?' : *at;
}

plv_err_t plugin_file_name (const char *name, plv_fail_t *ret_fail)
{
    char visible[NAME_MAX + 1];
    size_t stem = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    if (stem > 0 && stem <= PLUGIN_STEM_MAX && strcmp (name + stem, ".so") == 0)
        return ERR_OK;
    plugin_file_visible (name, visible, sizeof visible);
    return plv_fail (
        ret_fail, ERR_ARG,
        "%s: its name is the adapter's, which has small letters, digits, - and _, at most %d: rename it",
        visible, (int) PLUGIN_STEM_MAX);
}

plv_err_t plugin_file_prepare (const char *copies, plv_fail_t *ret_fail)
{
    struct stat info;
    if (mkdir (copies, 0700) < 0 && errno != EEXIST)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", copies, strerror (errno));
    if (lstat (copies, &info) < 0 || !S_ISDIR (info.st_mode) || info.st_uid != geteuid ()
        || info.st_mode & (S_IRWXG | S_IRWXO))
        return plv_fail (ret_fail, ERR_PERM, "%s: is not a directory that only we can enter",
                         copies);
    DIR *dir = opendir (copies);
    struct dirent *entry;
    while (dir && (entry = readdir (dir))) {
        const char *dot = strrchr (entry->d_name, '.');
        if (dot && strcmp (dot, ".so") == 0)
            unlinkat (dirfd (dir), entry->d_name, 0);
    }
    if (dir)
        closedir (dir);
    return ERR_OK;
}
