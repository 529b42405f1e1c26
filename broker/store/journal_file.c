#include "store/error.h"
#include "store/journal_inside.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void segment_name (uint64_t number, char *ret_name)
{
    snprintf (ret_name, SEGMENT_NAME_BYTES, "%010" PRIu64 SEGMENT_SUFFIX, number);
}

uint64_t segment_number (const char *name, const char *suffix)
{
    size_t digits = strspn (name, "0123456789");
    bool ours = digits >= 10 && digits < 20 && strcmp (name + digits, suffix) == 0;
    return ours ? strtoull (name, NULL, 10) : 0;
}

static void path_of (const journal_t *self, uint64_t number, char *path, size_t size)
{
    char name[SEGMENT_NAME_BYTES] = "";
    if (number)
        segment_name (number, name);
    snprintf (path, size, "%s%s%s", self->dir, number ? "/" : "", name);
}

plv_err_t journal_errno (const journal_t *self, uint64_t number, const char *doing,
                         plv_fail_t *ret_fail)
{
    int error_number = errno;
    char path[1024];
    path_of (self, number, path, sizeof path);
    return store_error (ret_fail, path, doing, strerror (error_number));
}

char *journal_place (const journal_t *self, uint64_t number, uint64_t offset)
{
    char path[1024], place[1024 + 40];
    path_of (self, number, path, sizeof path);
    snprintf (place, sizeof place, "%s at byte %" PRIu64, path, offset);
    return plv_strdup (place);
}

plv_err_t journal_damage (const journal_t *self, uint64_t number, uint64_t offset, const char *what,
                          plv_fail_t *ret_fail)
{
    char path[1024];
    path_of (self, number, path, sizeof path);
    return plv_fail (ret_fail, ERR_CORRUPT, "%s is damaged at byte %" PRIu64 ": %s: %s", path,
                     offset, what, STORE_RESTORE);
}

bool write_all (int fd, const void *data, size_t size, uint64_t offset)
{
    const char *at = data;
    while (size) {
        ssize_t done = pwrite (fd, at, size, (off_t) offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        at += done;
        size -= (size_t) done;
        offset += (uint64_t) done;
    }
    return true;
}

/*  A file that was in use before is written already, and its blocks are allocated.  */
static void take_free_file (const journal_t *self)
{
    int fd = dup (self->dir_fd);
    DIR *stream = fd < 0 ? NULL : fdopendir (fd);
    if (stream)
        rewinddir (stream);
    for (struct dirent *entry; stream && (entry = readdir (stream));)
        if (segment_number (entry->d_name, ".free")) {
            (void) !renameat (self->dir_fd, entry->d_name, self->dir_fd, SEGMENT_NEXT);
            break;
        }
    if (stream)
        closedir (stream);
    else if (fd >= 0)
        close (fd);
}

bool segment_set_direct (int fd, bool direct)
{
    int flags = fcntl (fd, F_GETFL);
    return flags >= 0 && fcntl (fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/*  Up to where it was written before: a file that was ready and never used may hold zeros in its first part only. Who
    cannot say where the rest begins says that all of it is written.  */
static uint64_t written_of (int fd, uint64_t size)
{
    off_t hole = lseek (fd, 0, SEEK_HOLE);
    return hole >= 0 && (uint64_t) hole < size ? (uint64_t) hole : size;
}

/*  Where the file system cannot reserve blocks, zeros take them.  */
static bool reserve (int fd, uint64_t bytes, uint64_t *written)
{
    int error_number = 0;
    if (*written >= bytes)
        return true;
    do
        error_number = fallocate (fd, 0, 0, (off_t) bytes) == 0 ? 0 : errno;
    while (error_number == EINTR);
    if (error_number == 0)
        return true;
    if (error_number == ENOSPC || error_number == EDQUOT)
        return false;
    uint64_t from = *written;
    *written = bytes;
    return zeros_fill (fd, from, bytes);
}

int segment_make (const journal_t *self, uint64_t bytes, uint64_t *ret_written)
{
    struct stat status;
    take_free_file (self);
    int fd = openat (self->dir_fd, SEGMENT_NEXT, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    bool good = fstat (fd, &status) == 0;
    *ret_written = good ? written_of (fd, (uint64_t) status.st_size) : 0;
    if (good && reserve (fd, bytes, ret_written) && fsync (fd) == 0)
        return fd;
    int error_number = errno;
    close (fd);
    unlinkat (self->dir_fd, SEGMENT_NEXT, 0);
    errno = error_number;
    return -1;
}

bool segment_set_followed (const journal_t *self, int fd, const segment_id_t *id, bool followed)
{
    segment_id_t said = *id;
    uint8_t head[SEGMENT_HEAD_BYTES];
    said.followed = followed;
    segment_head_put (&self->crc, &said, head);
    return segment_set_direct (fd, false) && write_all (fd, head, sizeof head, 0);
}

/*  The name comes last: a segment that has one has a head.  */
bool segment_publish (const journal_t *self, int fd, const char *from, uint64_t number,
                      segment_id_t *ret_id)
{
    char name[SEGMENT_NAME_BYTES];
    uint8_t head[JOURNAL_BLOCK_BYTES] = {0};
    uint64_t salt;
    randombytes_buf (&salt, sizeof salt);
    segment_id_t id = segment_id (&self->crc, number, salt, self->store);
    segment_head_put (&self->crc, &id, head);
    segment_name (number, name);
    if (!write_all (fd, head, sizeof head, 0) || fsync (fd) < 0
        || renameat (self->dir_fd, from, self->dir_fd, name) < 0 || fsync (self->dir_fd) < 0)
        return false;
    *ret_id = id;
    return true;
}
