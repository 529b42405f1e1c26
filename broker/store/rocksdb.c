#include "store/rocksdb.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "store/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECRET_BYTES = 32 };

static void close_database (rdb_t *self)
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
static plv_err_t check_families (const rdb_t *self, const rocksdb_options_t *options, plv_fail_t *ret_fail)
{
    char *current = NULL, *text = NULL;
    if (asprintf (&current, "%s/CURRENT", self->dir) < 0)
        plv_out_of_memory (strlen (self->dir));
    bool empty = access (current, F_OK) < 0;
    free (current);
    if (empty)
        return self->read_only
                   ? plv_fail (ret_fail, ERR_NOENT, "there is no Palaver data in %s: name its directory", self->dir)
                   : ERR_OK;
    size_t count = 0;
    char **names = rocksdb_list_column_families (options, self->dir, &count, &text);
    if (text)
        return rdb_error (ret_fail, self->dir, "opening", text);
    plv_err_t err = ERR_OK;
    for (size_t i = 0; !err && i < count; i++) {
        int family = 0;
        while (family < FAMILY_COUNT_ && strcmp (names[i], rdb_family_name (family)) != 0)
            family++;
        if (family == FAMILY_COUNT_)
            err = plv_fail (ret_fail, ERR_SCHEMA,
                            "%s was written by a newer release (it holds \"%s\"): install that release, or restore "
                            "a backup made before",
                            self->dir, names[i]);
    }
    rocksdb_list_column_families_destroy (names, count);
    return err;
}

static plv_err_t open_database (rdb_t *self, const store_rocksdb_options_t *options, bool read_only,
                                plv_fail_t *ret_fail)
{
    store_rocksdb_options_t wanted = *options;
    wanted.read_only = read_only;
    rocksdb_options_t *base = rdb_options_new (&wanted, ret_fail);
    if (!base)
        return ERR_IO;
    rocksdb_options_t *each[FAMILY_COUNT_];
    const char *names[FAMILY_COUNT_];
    for (int i = 0; i < FAMILY_COUNT_; i++) {
        each[i] = rdb_family_options_new (base, i, &wanted);
        names[i] = rdb_family_name (i);
    }
    char *text = NULL;
    const rocksdb_options_t *const *lent = (const rocksdb_options_t *const *) each;
    plv_err_t err = check_families (self, base, ret_fail);
    if (!err && read_only)
        self->db = rocksdb_open_for_read_only_column_families (base, self->dir, FAMILY_COUNT_, names, lent,
                                                               self->families, 0, &text);
    else if (!err)
        self->db = rocksdb_open_column_families (base, self->dir, FAMILY_COUNT_, names, lent, self->families,
                                                 &text);
    if (text)
        err = rdb_error (ret_fail, self->dir, "opening", text);
    for (int i = 0; i < FAMILY_COUNT_; i++)
        rocksdb_options_destroy (each[i]);
    rocksdb_options_destroy (base);
    return err;
}

static plv_err_t check_promise (const rdb_t *self, const wal_survey_t *survey, plv_fail_t *ret_fail)
{
    uint64_t last = self->next_seq - 1;
    if (last >= survey->synced)
        return ERR_OK;
    return plv_fail (ret_fail, ERR_CORRUPT,
                     "%s/%s is damaged at byte %" PRIu64 ": the journal can be read up to position %" PRIu64
                     " only, but %" PRIu64 " was on disk: restore the directory from a backup, or keep it and ask "
                     "for help",
                     self->dir, survey->file, survey->offset, last, survey->synced);
}

/*  Opening for writing throws away what lies behind a bad byte. So where there is one, a look without
    writing says first whether that may be.  */
static plv_err_t open_checked (rdb_t *self, const store_rocksdb_options_t *options, plv_fail_t *ret_fail)
{
    wal_survey_t survey;
    plv_err_t err = wal_survey (self->dir, &survey, ret_fail);
    if (!err && survey.torn && !self->read_only) {
        err = open_database (self, options, true, ret_fail);
        if (!err)
            err = rdb_recover_position (self, ret_fail);
        if (!err)
            err = check_promise (self, &survey, ret_fail);
        close_database (self);
    }
    if (!err)
        err = open_database (self, options, self->read_only, ret_fail);
    if (!err)
        err = rdb_recover_position (self, ret_fail);
    if (!err)
        err = check_promise (self, &survey, ret_fail);
    return err;
}

static plv_err_t write_identity (rdb_t *self, plv_fail_t *ret_fail)
{
    uint8_t schema[4], secret[SECRET_BYTES];
    char *text = NULL;
    size_t size = 0;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create ();
    char *found = rocksdb_get_cf (self->db, options, self->families[VIEW_META], STORE_META_SECRET,
                                  strlen (STORE_META_SECRET), &size, &text);
    rocksdb_readoptions_destroy (options);
    rocksdb_free (found);
    if (text)
        return rdb_error (ret_fail, self->dir, "reading", text);
    if (found || self->read_only)
        return ERR_OK;
    if (sodium_init () < 0)
        return plv_fail (ret_fail, ERR_IO, "the system gives no random bytes: is /dev/urandom there?");
    randombytes_buf (secret, sizeof secret);
    plv_put_u32 (schema, STORE_SCHEMA);
    rocksdb_writebatch_clear (self->write_batch);
    rocksdb_writebatch_put_cf (self->write_batch, self->families[VIEW_META], STORE_META_SCHEMA,
                               strlen (STORE_META_SCHEMA), (const char *) schema, sizeof schema);
    rocksdb_writebatch_put_cf (self->write_batch, self->families[VIEW_META], STORE_META_SECRET,
                               strlen (STORE_META_SECRET), (const char *) secret, sizeof secret);
    rocksdb_write (self->db, self->write_synced, self->write_batch, &text);
    sodium_memzero (secret, sizeof secret);
    return text ? rdb_error (ret_fail, self->dir, "writing to", text) : ERR_OK;
}

static plv_err_t start_threads (rdb_t *self, plv_fail_t *ret_fail)
{
    int error = pthread_create (&self->commit_thread, NULL, rdb_commit_main, self);
    if (!error) {
        error = pthread_create (&self->helper_thread, NULL, rdb_helper_main, self);
        if (error) {
            self->stopping = true;
            pthread_cond_signal (&self->commit_wake);
            pthread_join (self->commit_thread, NULL);
        }
    }
    if (error)
        return plv_fail (ret_fail, plv_err_of_errno (error), "no thread could be started: %s", strerror (error));
    self->threads_run = true;
    return ERR_OK;
}

static void stop_threads (rdb_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->stopping = true;
    pthread_cond_signal (&self->commit_wake);
    pthread_cond_signal (&self->helper_wake);
    pthread_mutex_unlock (&self->lock);
    pthread_join (self->commit_thread, NULL);
    pthread_join (self->helper_thread, NULL);
    rdb_helper_drop_jobs (self);
}

/*  A clean stop keeps everything, whatever the batches asked for.  */
static void sync_rest (rdb_t *self)
{
    char *text = NULL;
    if (!self->read_only && !self->failed && atomic_load (&self->written) > atomic_load (&self->synced))
        rocksdb_flush_wal (self->db, 1, &text);
    rocksdb_free (text);
}

static void rdb_destroy (store_t **base_p)
{
    rdb_t *self = (rdb_t *) *base_p;
    if (self->threads_run) {
        stop_threads (self);
        sync_rest (self);
    }
    close_database (self);
    rocksdb_writebatch_destroy (self->write_batch);
    rocksdb_writeoptions_destroy (self->write_synced);
    rocksdb_writeoptions_destroy (self->write_unsynced);
    store_queue_free (&self->done);
    pthread_cond_destroy (&self->commit_wake);
    pthread_cond_destroy (&self->helper_wake);
    pthread_mutex_destroy (&self->lock);
    if (self->lock_fd >= 0)
        close (self->lock_fd);
    free (self->dir);
    free (self);
    *base_p = NULL;
}

static int rdb_fd (store_t *base)
{
    return ((rdb_t *) base)->done.fd;
}

static store_done_type_t rdb_next (store_t *base, store_done_t *ret_done)
{
    rdb_t *self = (rdb_t *) base;
    store_done_type_t type = store_queue_pop (&self->done, ret_done);
    if (type == STORE_STORED || type == STORE_FAILED)
        self->under_way = false;
    return type;
}

static void rdb_usage (store_t *base, uint64_t *ret_bytes, uint64_t *ret_first_seq)
{
    rdb_t *self = (rdb_t *) base;
    *ret_bytes = rdb_dir_bytes (self->dir);
    *ret_first_seq = atomic_load (&self->first);
}

static const store_vtable_t vtable = {
    .name = "rocksdb",
    .recover = rdb_recover,
    .append = rdb_append,
    .fd = rdb_fd,
    .next = rdb_next,
    .scan = rdb_scan,
    .scan_journal = rdb_scan_journal,
    .checkpoint = rdb_checkpoint,
    .usage = rdb_usage,
    .destroy = rdb_destroy,
};

static rdb_t *rdb_new (const store_rocksdb_options_t *options)
{
    rdb_t *self = plv_alloc_zero (1, sizeof *self);
    self->base.vtable = &vtable;
    self->dir = plv_strdup (options->dir);
    self->sync = options->sync;
    self->read_only = options->read_only;
    self->lock_fd = -1;
    self->done.fd = -1;
    self->write_batch = rocksdb_writebatch_create ();
    self->write_synced = rocksdb_writeoptions_create ();
    self->write_unsynced = rocksdb_writeoptions_create ();
    rocksdb_writeoptions_set_sync (self->write_synced, 1);
    plv_list_init (&self->jobs);
    pthread_condattr_t attributes;
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init (&self->lock, NULL);
    pthread_cond_init (&self->commit_wake, &attributes);
    pthread_cond_init (&self->helper_wake, &attributes);
    pthread_condattr_destroy (&attributes);
    return self;
}

plv_err_t store_rocksdb_open (const store_rocksdb_options_t *options, store_t **ret_store, plv_fail_t *ret_fail)
{
    rdb_t *self = rdb_new (options);
    store_t *base = &self->base;
    plv_err_t err = rdb_dir_prepare (self->dir, self->read_only, &self->lock_fd, ret_fail);
    if (!err && !store_queue_init (&self->done, true))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "no descriptor for the store: %s", strerror (errno));
    if (!err)
        err = open_checked (self, options, ret_fail);
    if (!err)
        err = write_identity (self, ret_fail);
    if (!err)
        err = start_threads (self, ret_fail);
    if (err)
        store_destroy (&base);
    else
        *ret_store = base;
    return err;
}
