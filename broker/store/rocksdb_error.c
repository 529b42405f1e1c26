#include "store/rocksdb.h"

#include <stdlib.h>
#include <sys/statvfs.h>

typedef struct {
    const char *words; /* in RocksDB's text */
    plv_err_t code;
    const char *advice;
} meaning_t;

/*  RocksDB's C interface gives words only. The first row that fits says what they mean.  */
static const meaning_t meanings[] = {
    {"No space left", ERR_NOSPC, "free some space, then start again: nothing acknowledged is lost"},
    {"Disk quota exceeded", ERR_NOSPC,
     "raise the quota, then start again: nothing acknowledged is lost"},
    {"File too large", ERR_NOSPC, "raise the limit on file sizes (ulimit -f), then start again"},
    {"Corruption", ERR_CORRUPT, "restore the directory from a backup, or keep it and ask for help"},
    {"checksum mismatch", ERR_CORRUPT,
     "restore the directory from a backup, or keep it and ask for help"},
    {"No such file", ERR_CORRUPT, "a file is gone: restore the directory from a backup"},
    {"Too many open files", ERR_FULL, "raise the limit on open files (ulimit -n)"},
    {"Permission denied", ERR_PERM,
     "give the directory and all files in it to the user that runs the broker"},
    {"Read-only file system", ERR_PERM, "make the file system writable"},
    {"lock", ERR_BUSY, "stop the other process that uses it"},
};

static const meaning_t other = {"", ERR_IO,
                                "look at the disk and the system log, then start again"};

static bool disk_is_full (const char *dir)
{
    struct statvfs status;
    return statvfs (dir, &status) == 0 && status.f_bavail * status.f_frsize < 64 * 1024;
}

static const meaning_t *meaning_of (const char *dir, const char *text)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strstr (text, meanings[i].words))
            return &meanings[i];
    return disk_is_full (dir) ? &meanings[0] : &other;
}

plv_err_t rdb_error (plv_fail_t *ret_fail, const char *dir, const char *doing, char *text)
{
    const meaning_t *meaning = meaning_of (dir, text);
    plv_err_t err = plv_fail (ret_fail, meaning->code, "%s %s failed: %s: %s", doing, dir, text,
                              meaning->advice);
    rocksdb_free (text);
    return err;
}
