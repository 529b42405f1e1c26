#include "shell/adapters/plugin_copy.h"

#include "base/alloc.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_BYTES = 16, PLUGIN_BYTES_MAX = 256 * 1024 * 1024 };

struct plugin_copy {
    char *name;                   /* of the file */
    char *copies;                 /* the directory */
    char path[PLUGIN_PATH_BYTES]; /* of the copy; "": its content has not been read yet */
    char made[PLUGIN_PATH_BYTES]; /* where it is until it is whole; "": nothing is there */
    int from, to;                 /* to: -1 while it is read for the first time */
    size_t at, size;
    crypto_generichash_state hash;
    uint8_t piece[PLUGIN_PIECE_BYTES];
};

/* ------------------------------------------------------------------ the file */

static plv_err_t check_file (int fd, const char *name, size_t *ret_size, plv_fail_t *ret_fail)
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
    *ret_size = (size_t) info.st_size;
    return ERR_OK;
}

static bool is_within (uint64_t at, uint64_t bytes, size_t size)
{
    return at <= size && bytes <= size - at;
}

static bool read_at (int fd, void *bytes, size_t size, uint64_t at)
{
    return pread (fd, bytes, size, (off_t) at) == (ssize_t) size;
}

/*  Is all there that the loader maps? It does not look: who touches what lies behind the end of a file dies of SIGBUS.
    What is no ELF of this class is left to the loader, which says so.  */
static bool is_whole (int fd, const uint8_t *ident, size_t size)
{
    Elf64_Ehdr head;
    Elf64_Phdr part;
    if (ident[EI_CLASS] != ELFCLASS64)
        return true;
    if (!read_at (fd, &head, sizeof head, 0)
        || !is_within (head.e_phoff, (uint64_t) head.e_phnum * sizeof part, size))
        return false;
    for (size_t i = 0; i < head.e_phnum; i++)
        if (!read_at (fd, &part, sizeof part, head.e_phoff + i * sizeof part)
            || (part.p_type == PT_LOAD && !is_within (part.p_offset, part.p_filesz, size)))
            return false;
    return true;
}

static plv_err_t check_content (int fd, const char *name, size_t size, plv_fail_t *ret_fail)
{
    uint8_t ident[EI_NIDENT];
    if (!read_at (fd, ident, sizeof ident, 0) || memcmp (ident, ELFMAG, SELFMAG) != 0)
        return plv_fail (ret_fail, ERR_ARG, "%s: is not an ELF file: copy the plugin again", name);
    if (!is_whole (fd, ident, size))
        return plv_fail (ret_fail, ERR_ARG, "%s: is cut off: copy the plugin again", name);
    return ERR_OK;
}

/* ------------------------------------------------------------------ the copy */

plv_err_t plugin_copy_new (int dir_fd, const char *name, const char *copies,
                           plugin_copy_t **ret_copy, plv_fail_t *ret_fail)
{
    size_t size = 0;
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
    err = check_file (fd, name, &size, ret_fail);
    if (!err)
        err = check_content (fd, name, size, ret_fail);
    if (err) {
        close (fd);
        return err;
    }
    plugin_copy_t *self = plv_alloc_zero (1, sizeof *self);
    self->name = plv_strdup (name);
    self->copies = plv_strdup (copies);
    self->from = fd;
    self->to = -1;
    self->size = size;
    crypto_generichash_init (&self->hash, NULL, 0, HASH_BYTES);
    *ret_copy = self;
    return ERR_OK;
}

void plugin_copy_destroy (plugin_copy_t **self_p)
{
    plugin_copy_t *self = *self_p;
    if (!self)
        return;
    close (self->from);
    if (self->to >= 0)
        close (self->to);
    if (self->made[0])
        unlink (self->made);
    free (self->name);
    free (self->copies);
    free (self);
    *self_p = NULL;
}

static int stem (const plugin_copy_t *self)
{
    return (int) (strrchr (self->name, '.') - self->name);
}

static plv_err_t not_written (const plugin_copy_t *self, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, plv_err_of_errno (errno),
                     "%s: cannot be written: %s; when that is mended: palaver adapters reload %.*s",
                     self->path, strerror (errno), stem (self), self->name);
}

static plv_err_t changes (const plugin_copy_t *self, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_IO, "%s: changes while it is read", self->name);
}

static plv_err_t read_piece (plugin_copy_t *self, size_t *ret_size, plv_fail_t *ret_fail)
{
    size_t rest = self->size - self->at;
    ssize_t got;
    do
        got = pread (self->from, self->piece, rest < sizeof self->piece ? rest : sizeof self->piece,
                     (off_t) self->at);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return changes (self, ret_fail);
    if (got < 0)
        return plv_fail (ret_fail, ERR_IO, "%s: %s", self->name, strerror (errno));
    *ret_size = (size_t) got;
    return ERR_OK;
}

static bool write_piece (const plugin_copy_t *self, size_t size)
{
    for (size_t at = 0; self->to >= 0 && at < size;) {
        ssize_t put = write (self->to, self->piece + at, size - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t) put : 0;
    }
    return true;
}

static void path_of (plugin_copy_t *self, char ret_path[PLUGIN_PATH_BYTES])
{
    uint8_t hash[HASH_BYTES];
    char text[HASH_BYTES * 2 + 1];
    crypto_generichash_final (&self->hash, hash, sizeof hash);
    sodium_bin2hex (text, sizeof text, hash, sizeof hash);
    snprintf (ret_path, PLUGIN_PATH_BYTES, "%s/%.*s-%s.so", self->copies, stem (self), self->name,
              text);
}

/*  Its name is known now.  */
static plv_err_t begin_to_write (plugin_copy_t *self, plv_fail_t *ret_fail)
{
    snprintf (self->made, sizeof self->made, "%s/%.*s.new.so", self->copies, stem (self),
              self->name);
    unlink (self->made);
    self->to = open (self->made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0555);
    if (self->to < 0)
        return not_written (self, ret_fail);
    self->at = 0;
    crypto_generichash_init (&self->hash, NULL, 0, HASH_BYTES);
    return ERR_OK;
}

static plv_err_t end_of_writing (plugin_copy_t *self, plv_fail_t *ret_fail)
{
    char path[PLUGIN_PATH_BYTES];
    path_of (self, path);
    if (strcmp (path, self->path) != 0)
        return changes (self, ret_fail);
    if (rename (self->made, path) < 0)
        return not_written (self, ret_fail);
    self->made[0] = 0;
    return ERR_OK;
}

/*  All was read, once or twice.  */
static plv_err_t at_end (plugin_copy_t *self, char ret_path[PLUGIN_PATH_BYTES],
                         plv_fail_t *ret_fail)
{
    bool is_there = false;
    plv_err_t err;
    if (self->to >= 0) {
        err = end_of_writing (self, ret_fail);
    } else {
        path_of (self, self->path);
        is_there = access (self->path, R_OK) == 0;
        err = is_there ? ERR_OK : begin_to_write (self, ret_fail);
    }
    if (!err && (is_there || !self->made[0]))
        memcpy (ret_path, self->path, PLUGIN_PATH_BYTES);
    return err;
}

plv_err_t plugin_copy_step (plugin_copy_t *self, char ret_path[PLUGIN_PATH_BYTES],
                            plv_fail_t *ret_fail)
{
    size_t size;
    ret_path[0] = 0;
    plv_err_t err = read_piece (self, &size, ret_fail);
    if (err)
        return err;
    crypto_generichash_update (&self->hash, self->piece, size);
    if (!write_piece (self, size))
        return not_written (self, ret_fail);
    self->at += size;
    return self->at < self->size ? ERR_OK : at_end (self, ret_path, ret_fail);
}
