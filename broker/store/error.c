#include "store/error.h"

#include <stdbool.h>
#include <string.h>
#include <sys/statvfs.h>

typedef struct {
    const char *words; /* in RocksDB's text */
    plv_err_t code;
    const char *advice;
} meaning_t;

/*  RocksDB's C interface gives words only, and those of the system are among them. The first row
    that fits says what they mean.  */
static const meaning_t meanings[] = {
    {"No space left", ERR_NOSPC, "free some space, then start again: nothing acknowledged is lost"},
    {"Disk quota exceeded", ERR_NOSPC,
     "raise the quota, then start again: nothing acknowledged is lost"},
    {"File too large", ERR_NOSPC, "raise the limit on file sizes (ulimit -f), then start again"},
    {"Corruption", ERR_CORRUPT, STORE_RESTORE},
    {"checksum mismatch", ERR_CORRUPT, STORE_RESTORE},
    {"No such file", ERR_CORRUPT, "a file is gone: restore the directory from a backup"},
    {"Too many open files", ERR_FULL, "raise the limit on open files (ulimit -n)"},
    {"Permission denied", ERR_PERM,
     "give the directory and all files in it to the user that runs the broker"},
    {"Read-only file system", ERR_PERM, "make the file system writable"},
    {"While lock file", ERR_BUSY, "stop the other process that uses it"},
    {"lock hold by", ERR_BUSY, "stop the other process that uses it"},
};

static const meaning_t other = {"", ERR_IO,
                                "look at the disk and the system log, then start again"};

static bool disk_is_full (const char *path)
{
    struct statvfs status;
    return statvfs (path, &status) == 0 && status.f_bavail * status.f_frsize < 64 * 1024;
}

/*  A directory may be called anything, "Corruption" too.  */
static bool says_outside_path (const char *text, const char *words, const char *path)
{
    size_t path_size = strlen (path), size = strlen (words);
    for (const char *at = text; *at;) {
        if (path_size && strncmp (at, path, path_size) == 0)
            at += path_size;
        else if (strncmp (at++, words, size) == 0)
            return true;
    }
    return false;
}

static const meaning_t *meaning_of (const char *path, const char *text)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (says_outside_path (text, meanings[i].words, path))
            return &meanings[i];
    return disk_is_full (path) ? &meanings[0] : &other;
}

plv_err_t store_error (plv_fail_t *ret_fail, const char *path, const char *doing, const char *text)
{
    const meaning_t *meaning = meaning_of (path, text);
    return plv_fail (ret_fail, meaning->code, "%s %s failed: %s: %s", doing, path, text,
                     meaning->advice);
}

plv_err_t store_no_thread (plv_fail_t *ret_fail, int error_number)
{
    return plv_fail (
        ret_fail, ERR_FULL,
        "no thread could be started: %s: raise the limits on processes and memory (ulimit -u, ulimit -v)",
        strerror (error_number));
}
