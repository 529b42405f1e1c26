/*  rocksdb -- the inside of the RocksDB store, shared by its files and by nobody else
    OWNS    the journal, the database, the lock on their directory, two threads
    THREAD  the caller's thread, the commit thread (rocksdb_commit.c) and the helper
            (rocksdb_helper.c)
    FAILS   see store.h
    COST    see store.h, journal.h and rocksdb_options.c

    The journal (journal.h) lies in DIR/journal. It is also the log of the views, which are in
    RocksDB, each in a column family by the name that views.def gives it, and RocksDB writes no
    log of its own: what a stop without a goodbye leaves behind in its memtables is applied again
    from the journal. The default family holds `applied`: everything up to this position is on disk in
    every family, and `journal`: which journal it is. Some may hold more than that, which does no harm: operations put
    and delete whole rows, so applying them once more in their order ends where it ended before.

    Two rules keep the two together. The views on disk are never ahead of the journal on disk:
    before a family is flushed the journal is synced (rocksdb_flush.c), and what is applied during
    a flush, or when memtables may be full, is synced first. And no part of the journal is
    forgotten before the views on disk hold it.

    Which thread touches what: `next_seq` and `under_way` belong to the caller; a batch that is
    under way and `commit_ewma_us` belong to whoever commits it, handed over and back by `lock`
    and by the queue of answers; `commit_lock` is held while anything is written to the journal or
    applied, and guards what stands below it; everything atomic is read by all.  */

#ifndef STORE_ROCKSDB_H
#define STORE_ROCKSDB_H

#include "base/list.h"
#include "store/done.h"
#include "store/journal.h"
#include "store/store.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

enum { FAMILY_OWN = VIEW_COUNT_, FAMILY_COUNT_ };

/*  In the default family.  */
#define RDB_APPLIED "applied" /* 8 bytes */
#define RDB_JOURNAL                                                                                \
    "journal" /* 8 bytes: journal_store; not there: an older release made the store */

typedef struct job job_t; /* rocksdb_helper.c */

typedef struct {
    store_t base;
    char *dir;
    bool sync;
    bool read_only;
    int lock_fd;

    journal_t *journal;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[FAMILY_COUNT_];
    rocksdb_writeoptions_t *no_log;
    rocksdb_writebatch_t *write_batch;
    rocksdb_writebatch_wi_t *overlay; /* for reading only: what the database does not hold yet */
    store_queue_t done;

    uint64_t next_seq;
    bool under_way;
    uint32_t commit_ewma_us; /* how long a synced commit takes */

    _Atomic uint64_t written;      /* the last position in the journal, and applied */
    _Atomic uint64_t synced;       /* the last position that survives a power cut */
    _Atomic uint64_t reflected;    /* the last position whose meaning the views hold (store.h) */
    _Atomic uint64_t first;        /* the first position that is not forgotten */
    _Atomic uint64_t synced_first; /* `first`, as the journal on disk has it */
    _Atomic uint64_t flushed;      /* the last position whose operations are on disk in the views */

    pthread_mutex_t commit_lock;
    bool flushing;            /* what is applied may be on disk at once */
    uint64_t memtable_bytes;  /* applied and not flushed, at most so many */
    uint64_t unflushed_bytes; /* of the journal, since the last flush */
    uint64_t memtable_bound;  /* a flush is due */
    uint64_t unflushed_bound; /* the same: it bounds the work of a restart */

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
    bool flush_due;
    plv_node_t jobs;
    journal_cursor_t place; /* of the helper, where its last scan of the journal stopped */
    uint64_t place_from;    /* the position that is read on there; 0: nowhere */
} rdb_t;

/*  rocksdb_dir.c: the directory exists, is ours alone, holds a store or nothing, and nobody
    else uses it.  */
plv_err_t rdb_dir_prepare (const char *dir, bool read_only, int *ret_lock_fd, plv_fail_t *ret_fail);
uint64_t rdb_dir_bytes (const char *dir);
bool rdb_dir_has_current (const char *dir);
/*  A directory with files in it, as a backup that failed.  */
void rdb_dir_remove (const char *dir);

/*  What RocksDB said (error.h); frees `text`.  */
plv_err_t rdb_error (plv_fail_t *ret_fail, const char *dir, const char *doing, char *text);

/*  rocksdb_options.c  */
rocksdb_options_t *rdb_options_new (const store_rocksdb_options_t *options, const char *log_dir,
                                    plv_fail_t *ret_fail);
rocksdb_options_t *rdb_family_options_new (const rocksdb_options_t *base,
                                           const store_rocksdb_options_t *options);
const char *rdb_family_name (int family);
uint64_t rdb_memtable_bound (const store_rocksdb_options_t *options);
uint64_t rdb_segment_bytes (const store_rocksdb_options_t *options);

/*  rocksdb_open.c: opens what may be opened.  */
plv_err_t rdb_open_database (rdb_t *self, const store_rocksdb_options_t *options,
                             plv_fail_t *ret_fail);
plv_err_t rdb_write_identity (rdb_t *self, plv_fail_t *ret_fail);
void rdb_close_database (rdb_t *self);

/*  rocksdb_recover.c: finds where the journal ends and brings the views there; recover of
    store_vtable_t.  */
plv_err_t rdb_recover_position (rdb_t *self, plv_fail_t *ret_fail);
plv_err_t rdb_recover (store_t *base, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                       plv_fail_t *ret_fail);

/*  rocksdb_apply.c: the operations of a batch, in one piece. `fill` only collects them and sets
    `reflected`; false: they end in the middle.  */
bool rdb_fill (rdb_t *self, plv_view_t ops);
plv_err_t rdb_apply (rdb_t *self, plv_fail_t *ret_fail);
uint64_t rdb_memtable_cost (const rdb_t *self, plv_view_t ops);

/*  rocksdb_flush.c: the views on disk hold all that is written so far. Helper, or nobody else
    is there.  */
plv_err_t rdb_flush (rdb_t *self, plv_fail_t *ret_fail);
plv_err_t rdb_sync (rdb_t *self, plv_fail_t *ret_fail);
plv_err_t rdb_forget (rdb_t *self, plv_fail_t *ret_fail);

/*  rocksdb_report.c: what became of a batch. Any thread; not under `lock`.  */
bool rdb_has_failed (rdb_t *self);
void rdb_report_stored (rdb_t *self, uint64_t seq, int64_t commit_us);
/*  Reports STORE_FAILED, once.  */
void rdb_report_failure (rdb_t *self, uint64_t seq, const plv_fail_t *fail);
/*  What the store itself needs of its disk has failed outside of a commit: STORE_FAILED.  */
void rdb_report_outside (rdb_t *self, const plv_fail_t *fail);

/*  rocksdb_commit.c  */
void rdb_append (store_t *base, const store_batch_t *batch);
void *rdb_commit_main (void *arg);

/*  rocksdb_helper.c  */
void rdb_scan (store_t *base, uint64_t token, plv_row_view_t view, plv_view_t from, plv_view_t to,
               uint32_t limit);
void rdb_scan_journal (store_t *base, uint64_t token, uint64_t from, uint64_t to, uint32_t limit);
void rdb_checkpoint (store_t *base, uint64_t token, const char *dir);
void *rdb_helper_main (void *arg);
/*  There is something to sync or to remove, within a second.  */
void rdb_helper_ask (rdb_t *self);
/*  A flush is due.  */
void rdb_helper_ask_flush (rdb_t *self);
void rdb_helper_drop_jobs (rdb_t *self);
void rdb_helper_forget_place (rdb_t *self);

/*  rocksdb_checkpoint.c: a copy of everything, in the new directory `wanted`.  */
plv_err_t rdb_checkpoint_to (rdb_t *self, const char *wanted, const journal_meanwhile_t *meanwhile,
                             plv_fail_t *ret_fail);

/*  rocksdb_iterate.c: an iterator that never leaves its bounds (it lends `from` and `to` until
    the end).  */
typedef struct {
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *cursor;
    plv_view_t to;
    bool started;
} rdb_range_t;

rdb_range_t rdb_range (rdb_t *self, int family, plv_view_t from, plv_view_t to);
/*  One row, to be freed by rocksdb_free; NULL: there is none, or `*text` says why.  */
char *rdb_get (rdb_t *self, int family, const char *key, size_t *ret_size, char **text);
/*  The views are good until the next call.  */
bool rdb_range_next (rdb_range_t *self, plv_view_t *ret_key, plv_view_t *ret_value);
/*  Closes it; ERR_CORRUPT and so on when it ended before its time.  */
plv_err_t rdb_range_end (rdb_range_t *self, const rdb_t *store, plv_fail_t *ret_fail);

#endif
