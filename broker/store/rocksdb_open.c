#include "store/rocksdb.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "store/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32 };

/*  RocksDB insists on a log of its own. Debian's build has assertions on, and one of them stops the
    whole program when a line of that log cannot be written, as on a full disk. So the log lies in
    memory and loses its name at once (a reader's may fail to be made, and does). Where that is not
    possible it lies with the data. NULL: it is not.  */
static const char *make_log_dir (char *path, size_t size)
{
    struct stat status;
    snprintf (path, size, "/dev/shm/palaver-%u", (unsigned) geteuid ());
    if (mkdir (path, 0700) < 0 && errno != EEXIST)
        return NULL;
    bool ours = lstat (path, &status) == 0 && S_ISDIR (status.st_mode)
                && status.st_uid == geteuid () && !(status.st_mode & 077);
    return ours ? path : NULL;
}

static void empty_log_dir (const char *path)
{
    DIR *stream = opendir (path);
    for (struct dirent *entry; stream && (entry = readdir (stream));)
        if (entry->d_type != DT_DIR)
            unlinkat (dirfd (stream), entry->d_name, 0);
    if (stream)
        closedir (stream);
}

void rdb_close_database (rdb_t *self)
{
    for (int i = 0; i < FAMILY_COUNT_; i++) {
        if (self->families[i])
            rocksdb_column_family_handle_destroy (self->families[i]);
        self->families[i] = NULL;
    }
    if (self->db)
        rocksdb_close (self->db);
    self->db = NULL;
}

/*  A family that this release does not know was made by a newer one.  */
static plv_err_t check_families (const rdb_t *self, const rocksdb_options_t *options,
                                 plv_fail_t *ret_fail)
{
    char *text = NULL;
    if (!rdb_dir_has_current (self->dir))
        return self->read_only
                   ? plv_fail (ret_fail, ERR_NOENT,
                               "there is no Palaver data in %s: name its directory", self->dir)
                   : ERR_OK;
    size_t count = 0;
    char **names = rocksdb_list_column_families (options, self->dir, &count, &text);
    plv_err_t err = text ? rdb_error (ret_fail, self->dir, "opening", text) : ERR_OK;
    for (size_t i = 0; !err && i < count; i++) {
        int family = 0;
        while (family < FAMILY_COUNT_ && strcmp (names[i], rdb_family_name (family)) != 0)
            family++;
        if (family == FAMILY_COUNT_)
            err = plv_fail (
                ret_fail, ERR_SCHEMA,
                "%s was written by a newer release (it holds \"%s\"): install that release, "
                "or restore a backup made before",
                self->dir, names[i]);
    }
    rocksdb_list_column_families_destroy (names, count);
    return err;
}

static plv_err_t open_views (rdb_t *self, const store_rocksdb_options_t *options,
                             plv_fail_t *ret_fail)
{
    bool read_only = options->read_only;
    char path[64];
    const char *log_dir = read_only ? "/dev/null" : make_log_dir (path, sizeof path);
    rocksdb_options_t *base = rdb_options_new (options, log_dir, ret_fail);
    if (!base)
        return ERR_IO;
    rocksdb_options_t *each[FAMILY_COUNT_];
    const char *names[FAMILY_COUNT_];
    for (int i = 0; i < FAMILY_COUNT_; i++) {
        each[i] = rdb_family_options_new (base, options);
        names[i] = rdb_family_name (i);
    }
    char *text = NULL;
    const rocksdb_options_t *const *lent = (const rocksdb_options_t *const *) each;
    plv_err_t err = check_families (self, base, ret_fail);
    if (!err && read_only)
        self->db = rocksdb_open_for_read_only_column_families (
            base, self->dir, FAMILY_COUNT_, names, lent, self->families, 0, &text);
    else if (!err)
        self->db = rocksdb_open_column_families (base, self->dir, FAMILY_COUNT_, names, lent,
                                                 self->families, &text);
    if (text)
        err = rdb_error (ret_fail, self->dir, "opening", text);
    for (int i = 0; i < FAMILY_COUNT_; i++)
        rocksdb_options_destroy (each[i]);
    rocksdb_options_destroy (base);
    if (!read_only && log_dir)
        empty_log_dir (log_dir);
    return err;
}

static plv_err_t open_journal (rdb_t *self, const store_rocksdb_options_t *options,
                               plv_fail_t *ret_fail)
{
    char *dir = NULL;
    if (asprintf (&dir, "%s/journal", self->dir) < 0)
        plv_out_of_memory (strlen (self->dir));
    journal_options_t wanted = {
        .dir = dir,
        .read_only = self->read_only,
        .direct =
            options->sync, /* who does not wait for the disk does not wait for a write either */
        .segment_bytes = rdb_segment_bytes (options),
    };
    plv_err_t err = journal_open (&wanted, &self->journal, ret_fail);
    free (dir);
    if (!err && journal_has_records (self->journal) && !rdb_dir_has_current (self->dir))
        err = plv_fail (ret_fail, ERR_CORRUPT,
                        "the data directory %s has a journal but no views (CURRENT is gone): %s",
                        self->dir, STORE_RESTORE);
    return err;
}

plv_err_t rdb_open_database (rdb_t *self, const store_rocksdb_options_t *options,
                             plv_fail_t *ret_fail)
{
    plv_err_t err = open_journal (self, options, ret_fail);
    if (!err)
        err = open_views (self, options, ret_fail);
    return err ? err : rdb_recover_position (self, ret_fail);
}

/*  Made once, before the first batch, and on disk when it is made.  */
plv_err_t rdb_write_identity (rdb_t *self, plv_fail_t *ret_fail)
{
    uint8_t schema[4], secret[SECRET_BYTES], journal[8];
    char *text = NULL;
    size_t size = 0;
    char *found = rdb_get (self, VIEW_META, STORE_META_SECRET, &size, &text);
    rocksdb_free (found);
    if (text)
        return rdb_error (ret_fail, self->dir, "reading", text);
    if (found || self->read_only)
        return ERR_OK;
    if (sodium_init () < 0)
        return plv_fail (ret_fail, ERR_IO,
                         "the system gives no random bytes: is /dev/urandom there?");
    randombytes_buf (secret, sizeof secret);
    plv_put_u32 (schema, STORE_SCHEMA);
    rocksdb_writebatch_clear (self->write_batch);
    rocksdb_writebatch_put_cf (self->write_batch, self->families[VIEW_META], STORE_META_SCHEMA,
                               strlen (STORE_META_SCHEMA), (const char *) schema, sizeof schema);
    rocksdb_writebatch_put_cf (self->write_batch, self->families[VIEW_META], STORE_META_SECRET,
                               strlen (STORE_META_SECRET), (const char *) secret, sizeof secret);
    plv_put_u64 (journal, journal_store (self->journal));
    rocksdb_writebatch_put_cf (self->write_batch, self->families[FAMILY_OWN], RDB_JOURNAL,
                               strlen (RDB_JOURNAL), (const char *) journal, sizeof journal);
    rocksdb_write (self->db, self->no_log, self->write_batch, &text);
    sodium_memzero (secret, sizeof secret);
    return text ? rdb_error (ret_fail, self->dir, "writing to", text) : rdb_flush (self, ret_fail);
}
