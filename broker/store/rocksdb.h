/*  rocksdb -- the inside of the RocksDB store, shared by its files and by nobody else
    OWNS    the database, the lock on its directory, two threads
    THREAD  the caller's thread, the commit thread (rocksdb_commit.c) and the helper
            (rocksdb_helper.c)
    FAILS   see store.h
    COST    see store.h and rocksdb_options.c

    The journal is the default column family, each view is one of its own by the name that views.def
    gives it.

    Which thread touches what: `next_seq` and `under_way` belong to the caller; a batch that is
    under way and `commit_ewma_us` belong to whoever commits it, handed over and back by `lock`
    and by the queue of answers; everything atomic is read by all.  */

#ifndef STORE_ROCKSDB_H
#define STORE_ROCKSDB_H

#include "base/list.h"
#include "store/done.h"
#include "store/store.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

enum { FAMILY_JOURNAL = VIEW_COUNT_, FAMILY_COUNT_ };

typedef struct job job_t; /* rocksdb_helper.c */

typedef struct {
    store_t base;
    char *dir;
    bool sync;
    bool read_only;
    int lock_fd;

    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[FAMILY_COUNT_];
    rocksdb_writeoptions_t *write_synced;
    rocksdb_writeoptions_t *write_unsynced;
    rocksdb_writebatch_t *write_batch;
    store_queue_t done;

    uint64_t next_seq;
    bool under_way;
    uint32_t commit_ewma_us; /* how long a synced commit takes */

    _Atomic uint64_t written;   /* the last position in the log */
    _Atomic uint64_t synced;    /* the last position that survives a power cut */
    _Atomic uint64_t reflected; /* the last position that the views hold */
    _Atomic uint64_t first;     /* the first position that is not forgotten */

    pthread_mutex_t lock;
    pthread_cond_t commit_wake;
    pthread_cond_t helper_wake;
    pthread_t commit_thread;
    pthread_t helper_thread;
    bool threads_run;
    bool stopping;
    bool failed;      /* STORE_FAILED was reported */
    bool batch_ready; /* `batch` waits for the commit thread */
    store_batch_t batch;
    int64_t chores_at_us; /* 0: everything is synced, and forgotten files are removed */
    plv_node_t jobs;
} rdb_t;

/*  rocksdb_dir.c: the directory exists, is ours alone, holds a store or nothing, and nobody
    else uses it.  */
plv_err_t rdb_dir_prepare (const char *dir, bool read_only, int *ret_lock_fd, plv_fail_t *ret_fail);
bool rdb_dir_sync_parent (const char *path);
uint64_t rdb_dir_bytes (const char *dir);

/*  rocksdb_error.c: what RocksDB said, for a person; frees `text`.  */
plv_err_t rdb_error (plv_fail_t *ret_fail, const char *dir, const char *doing, char *text);

/*  rocksdb_options.c  */
rocksdb_options_t *rdb_options_new (const store_rocksdb_options_t *options, const char *log_dir,
                                    plv_fail_t *ret_fail);
rocksdb_options_t *rdb_family_options_new (const rocksdb_options_t *base, int family,
                                           const store_rocksdb_options_t *options);
const char *rdb_family_name (int family);

/*  rocksdb_open.c: opens what may be opened, and finds where it ends.  */
plv_err_t rdb_open_database (rdb_t *self, const store_rocksdb_options_t *options,
                             plv_fail_t *ret_fail);
plv_err_t rdb_write_identity (rdb_t *self, plv_fail_t *ret_fail);
void rdb_close_database (rdb_t *self);

/*  rocksdb_recover.c: reads the store's own rows; recover of store_vtable_t.  */
plv_err_t rdb_recover_position (rdb_t *self, plv_fail_t *ret_fail);
plv_err_t rdb_recover (store_t *base, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                       plv_fail_t *ret_fail);

/*  rocksdb_commit.c  */
void rdb_append (store_t *base, const store_batch_t *batch);
void *rdb_commit_main (void *arg);
/*  Reports STORE_FAILED, once. Any thread; not under `lock`.  */
void rdb_report_failure (rdb_t *self, uint64_t seq, const plv_fail_t *fail);

/*  rocksdb_helper.c  */
void rdb_scan (store_t *base, uint64_t token, plv_row_view_t view, plv_view_t from, plv_view_t to,
               uint32_t limit);
void rdb_scan_journal (store_t *base, uint64_t token, uint64_t from, uint64_t to, uint32_t limit);
void rdb_checkpoint (store_t *base, uint64_t token, const char *dir);
void *rdb_helper_main (void *arg);
/*  There is something to sync or to remove, within a second.  */
void rdb_helper_ask (rdb_t *self);
void rdb_helper_drop_jobs (rdb_t *self);

/*  rocksdb_checkpoint.c: a copy of everything, in the new directory `dir`.  */
plv_err_t rdb_checkpoint_to (rdb_t *self, const char *dir, plv_fail_t *ret_fail);

/*  rocksdb_iterate.c: an iterator that never leaves its bounds (it lends `from` and `to` until
    the end).  */
typedef struct {
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *cursor;
    bool started;
} rdb_range_t;

rdb_range_t rdb_range (rdb_t *self, int family, plv_view_t from, plv_view_t to);
/*  The views are good until the next call.  */
bool rdb_range_next (rdb_range_t *self, plv_view_t *ret_key, plv_view_t *ret_value);
/*  Closes it; ERR_CORRUPT and so on when it ended before its time.  */
plv_err_t rdb_range_end (rdb_range_t *self, const rdb_t *store, plv_fail_t *ret_fail);

#endif
