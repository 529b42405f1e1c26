#include "base/alloc.h"
#include "base/sync.h"
#include "base/within.h"
#include "store/error.h"
#include "store/rocksdb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*  What is full, or closed to the broker, is the place of the copy: nothing is wrong with the data.  */
static bool is_of_place (plv_err_t err)
{
    return err == ERR_NOSPC || err == ERR_PERM;
}

static plv_err_t with_advice (plv_err_t err, plv_fail_t *fail)
{
    if (is_of_place (err))
        return plv_fail (
            fail, err,
            "%s; give a place for it that the broker can write to and that holds as much as its data",
            fail->text);
    return err;
}

static const char *advice_of (int error_number)
{
    if (error_number == EEXIST)
        return ": an earlier backup was cut off: remove it";
    return error_number == ENOENT ? ": make the directory above it first" : "";
}

static plv_err_t checkpoint_error (plv_fail_t *ret_fail, const char *dir, char *text)
{
    plv_err_t err = store_error (ret_fail, dir, "backing up to", text);
    if (is_of_place (err))
        plv_fail (ret_fail, err, "the backup %s cannot be made: %s", dir, text);
    rocksdb_free (text);
    return with_advice (err, ret_fail);
}

/*  The views as they are on disk now, and the journal: what the views of the copy lack is in the
    journal of the copy, which is copied later and so holds at least as much.  */
static plv_err_t fill (rdb_t *self, const char *dir, const char *inner,
                       const journal_meanwhile_t *meanwhile, plv_fail_t *ret_fail)
{
    char *text = NULL, *journal = NULL;
    if (asprintf (&journal, "%s/journal", inner) < 0)
        plv_out_of_memory (strlen (inner));
    uint64_t first = atomic_load (&self->first); /* before the flush: it only grows */
    plv_err_t err = rdb_flush (self, ret_fail);
    if (err)
        rdb_report_outside (self, ret_fail);
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create (self->db, &text);
    if (!err && !text)
        rocksdb_checkpoint_create (checkpoint, inner, UINT64_MAX /* no flush */, &text);
    if (text)
        err = checkpoint_error (ret_fail, dir, text);
    if (!err)
        err = with_advice (journal_copy (self->journal, journal, first,
                                         atomic_load (&self->written), meanwhile, ret_fail),
                           ret_fail);
    if (!err && !plv_sync_parent (journal))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "the backup %s cannot be synced: %s",
                        dir, strerror (errno));
    if (checkpoint)
        rocksdb_checkpoint_object_destroy (checkpoint);
    free (journal);
    return err;
}

static plv_err_t check_place (const rdb_t *self, const char *dir, plv_fail_t *ret_fail)
{
    struct stat info;
    if (lstat (dir, &info) == 0)
        return plv_fail (ret_fail, ERR_EXISTS,
                         "%s exists already: name a new directory for the backup", dir);
    if (plv_is_within (self->dir, dir))
        return plv_fail (ret_fail, ERR_ARG,
                         "%s is within the data directory %s: name a directory for the backup that "
                         "is not lost together with it",
                         dir, self->dir);
    return ERR_OK;
}

/*  The directory appears whole or not at all, and no other user can look in at any time:
    RocksDB makes it as the umask says, so it is made inside a private one and moved out when it
    is closed to others.  */
plv_err_t rdb_checkpoint_to (rdb_t *self, const char *wanted, const journal_meanwhile_t *meanwhile,
                             plv_fail_t *ret_fail)
{
    char *dir = plv_strdup (wanted), *outer = NULL, *inner = NULL;
    for (size_t size = strlen (dir); size > 1 && dir[size - 1] == '/'; size--)
        dir[size - 1] = '\0';
    if (asprintf (&outer, "%s.partial", dir) < 0 || asprintf (&inner, "%s.partial/data", dir) < 0)
        plv_out_of_memory (strlen (dir));
    plv_err_t err = check_place (self, dir, ret_fail);
    if (err)
        goto done;
    if (mkdir (outer, 0700) < 0) {
        err = plv_fail (ret_fail, plv_err_of_errno (errno),
                        "the backup directory %s cannot be made: %s%s", outer, strerror (errno),
                        advice_of (errno));
        err = with_advice (err, ret_fail);
        goto done;
    }
    err = fill (self, dir, inner, meanwhile, ret_fail);
    if (!err && (chmod (inner, 0700) < 0 || rename (inner, dir) < 0 || !plv_sync_parent (dir)))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "the backup %s cannot be finished: %s",
                        dir, strerror (errno));
    rdb_dir_remove (outer);
done:
    free (dir);
    free (outer);
    free (inner);
    return err;
}
