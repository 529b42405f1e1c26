#include "store/rocksdb.h"

#include "base/alloc.h"
#include "base/wait.h"
#include "store/error.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*  So many segments are read and applied again by a start, at most, but for what came during the
    flush.  */
enum { UNFLUSHED_SEGMENTS = 4 };

static plv_err_t start_threads (rdb_t *self, plv_fail_t *ret_fail)
{
    int error = pthread_create (&self->commit_thread, NULL, rdb_commit_main, self);
    if (!error) {
        error = pthread_create (&self->helper_thread, NULL, rdb_helper_main, self);
        if (error) {
            pthread_mutex_lock (&self->lock);
            self->stopping = true;
            pthread_cond_signal (&self->commit_wake);
            pthread_mutex_unlock (&self->lock);
            pthread_join (self->commit_thread, NULL);
        }
    }
    if (error)
        return store_no_thread (ret_fail, error);
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

/*  A clean stop keeps everything, whatever the batches asked for, and leaves nothing to be
    applied again.  */
static plv_err_t rdb_finish (store_t *base, plv_fail_t *ret_fail)
{
    rdb_t *self = (rdb_t *) base;
    if (!self->threads_run)
        return ERR_OK;
    stop_threads (self);
    self->threads_run = false;
    bool rest = !self->read_only && !self->failed
                && atomic_load (&self->written) > atomic_load (&self->flushed);
    return rest ? rdb_flush (self, ret_fail) : ERR_OK;
}

static void rdb_destroy (store_t **base_p)
{
    rdb_t *self = (rdb_t *) *base_p;
    plv_fail_t fail;
    (void) rdb_finish (*base_p, &fail);
    rdb_close_database (self);
    journal_destroy (&self->journal);
    rocksdb_writebatch_destroy (self->write_batch);
    rocksdb_writebatch_wi_destroy (self->overlay);
    rocksdb_writeoptions_destroy (self->no_log);
    store_queue_free (&self->done);
    pthread_cond_destroy (&self->commit_wake);
    pthread_cond_destroy (&self->helper_wake);
    pthread_mutex_destroy (&self->lock);
    pthread_mutex_destroy (&self->commit_lock);
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
    *ret_first_seq = atomic_load (&self->first);
    *ret_bytes = rdb_dir_bytes (self->dir) + journal_bytes (self->journal, *ret_first_seq);
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
    .finish = rdb_finish,
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
    self->overlay = rocksdb_writebatch_wi_create (0, 1);
    self->no_log = rocksdb_writeoptions_create ();
    rocksdb_writeoptions_disable_WAL (self->no_log, 1);
    self->memtable_bound = rdb_memtable_bound (options);
    self->unflushed_bound = UNFLUSHED_SEGMENTS * rdb_segment_bytes (options);
    plv_list_init (&self->jobs);
    pthread_mutex_init (&self->lock, NULL);
    pthread_mutex_init (&self->commit_lock, NULL);
    plv_wait_init (&self->commit_wake);
    plv_wait_init (&self->helper_wake);
    return self;
}

plv_err_t store_rocksdb_open (const store_rocksdb_options_t *options, store_t **ret_store,
                              plv_fail_t *ret_fail)
{
    rdb_t *self = rdb_new (options);
    store_t *base = &self->base;
    plv_err_t err = rdb_dir_prepare (self->dir, self->read_only, &self->lock_fd, ret_fail);
    if (!err && !store_queue_init (&self->done, true))
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "no descriptor for the store: %s",
                        strerror (errno));
    if (!err)
        err = rdb_open_database (self, options, ret_fail);
    if (!err)
        err = rdb_write_identity (self, ret_fail);
    if (!err)
        err = start_threads (self, ret_fail);
    if (err)
        store_destroy (&base);
    else
        *ret_store = base;
    return err;
}
