#include "shell/adapters/plugin_file.h"

#include "base/alloc.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_BYTES = 16, PLUGIN_BYTES_MAX = 256 * 1024 * 1024 };

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

static plv_err_t check (int fd, const char *name, struct stat *ret_info, plv_fail_t *ret_fail)
{
    struct stat info;
    if (fstat (fd, &info) < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", name, strerror (errno));
    if (!S_ISREG (info.st_mode))
        return plv_fail (ret_fail, ERR_ARG,
                         "%s: is not a regular file: copy the plugin itself here", name);
    if (info.st_uid != 0 && info.st_uid != geteuid ())
        return plv_fail (ret_fail, ERR_PERM,
                         "%s: belongs neither to root nor to the broker's user: "
                         "chown it to root",
                         name);
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return plv_fail (ret_fail, ERR_PERM,
                         "%s: may be written by its group or by everybody: chmod go-w", name);
    if (info.st_size > PLUGIN_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "%s: is larger than 256 MiB: strip it", name);
    *ret_info = info;
    return ERR_OK;
}

static bool is_within (uint64_t at, uint64_t bytes, size_t size)
{
    return at <= size && bytes <= size - at;
}

/*  Is all there that the loader maps? It does not look: who touches what lies behind the end of a file dies of SIGBUS.
    What is no ELF of this class is left to the loader, which says so.  */
static bool is_whole (const uint8_t *bytes, size_t size)
{
    Elf64_Ehdr head;
    Elf64_Phdr part;
    if (bytes[EI_CLASS] != ELFCLASS64)
        return true;
    if (size < sizeof head)
        return false;
    memcpy (&head, bytes, sizeof head);
    if (!is_within (head.e_phoff, (uint64_t) head.e_phnum * sizeof part, size))
        return false;
    for (size_t i = 0; i < head.e_phnum; i++) {
        memcpy (&part, bytes + head.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type == PT_LOAD && !is_within (part.p_offset, part.p_filesz, size))
            return false;
    }
    return true;
}

static plv_err_t read_all (int fd, const char *name, uint8_t *bytes, size_t size,
                           plv_fail_t *ret_fail)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read (fd, bytes + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return plv_fail (ret_fail, ERR_IO, "%s: %s", name,
                             got < 0 ? strerror (errno) : "changes while it is read");
        at += (size_t) got;
    }
    if (size < EI_NIDENT || memcmp (bytes, ELFMAG, SELFMAG) != 0)
        return plv_fail (ret_fail, ERR_ARG, "%s: is not an ELF file: copy the plugin again", name);
    if (!is_whole (bytes, size))
        return plv_fail (ret_fail, ERR_ARG, "%s: is cut off: copy the plugin again", name);
    return ERR_OK;
}

static plv_err_t write_all (const char *name, const char *path, const uint8_t *bytes, size_t size,
                            plv_fail_t *ret_fail)
{
    char made[PLUGIN_PATH_BYTES + 8];
    snprintf (made, sizeof made, "%s.new.so", path);
    unlink (made);
    int fd = open (made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0555);
    size_t at = 0;
    while (fd >= 0 && at < size) {
        ssize_t put = write (fd, bytes + at, size - at);
        if (put < 0 && errno != EINTR)
            break;
        at += put > 0 ? (size_t) put : 0;
    }
    int why = errno;
    if (fd >= 0)
        close (fd);
    if (fd >= 0 && at == size && rename (made, path) == 0)
        return ERR_OK;
    unlink (made);
    return plv_fail (ret_fail, plv_err_of_errno (why),
                     "%s: cannot be written: %s; when that is mended: palaver adapters reload %.*s",
                     path, strerror (why), (int) (strrchr (name, '.') - name), name);
}

static void path_of (const char *name, const char *copies, const uint8_t *bytes, size_t size,
                     char ret_path[PLUGIN_PATH_BYTES])
{
    uint8_t hash[HASH_BYTES];
    char text[HASH_BYTES * 2 + 1];
    crypto_generichash (hash, sizeof hash, bytes, size, NULL, 0);
    sodium_bin2hex (text, sizeof text, hash, sizeof hash);
    int stem = (int) (strrchr (name, '.') - name);
    snprintf (ret_path, PLUGIN_PATH_BYTES, "%s/%.*s-%s.so", copies, stem, name, text);
}

static plv_err_t copy (int fd, const char *name, const char *copies,
                       char ret_path[PLUGIN_PATH_BYTES], plv_fail_t *ret_fail)
{
    struct stat info;
    plv_err_t err = check (fd, name, &info, ret_fail);
    if (err)
        return err;
    size_t size = (size_t) info.st_size;
    uint8_t *bytes = plv_alloc (size + 1);
    err = read_all (fd, name, bytes, size, ret_fail);
    if (!err) {
        path_of (name, copies, bytes, size, ret_path);
        if (access (ret_path, R_OK) < 0)
            err = write_all (name, ret_path, bytes, size, ret_fail);
    }
    free (bytes);
    return err;
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

plv_err_t plugin_file_copy (int dir_fd, const char *name, const char *copies,
                            char ret_path[PLUGIN_PATH_BYTES], plv_fail_t *ret_fail)
{
    plv_err_t err = plugin_file_name (name, ret_fail);
    if (err)
        return err;
    int fd = openat (dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", name,
                         errno == ELOOP
                             ? "is a symbolic link, not a regular file: copy the plugin itself here"
                         : errno == ENXIO ? "is not a regular file: copy the plugin itself here"
                                          : strerror (errno));
    err = copy (fd, name, copies, ret_path, ret_fail);
    close (fd);
    return err;
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
