/*  store -- where Palaver keeps what it has accepted
    OWNS    the journal (one value a turn of the loop) and the views (rows that are derived from it)
    THREAD  called from one thread; an implementation may use others behind it
    FAILS   a commit that fails is final: STORE_FAILED is reported once and the store takes nothing
            more
    COST    append: a hand-over; the sync is paid behind it

    Nothing here assumes a local disk, a synchronous answer, or a transaction across sessions. A
    batch is atomic: its journal value and its view rows are kept together or not at all, in
    order of `seq`.  */

#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/rows.h"

/*  One turn. The buffers are lent until the batch is reported stored, or anything failed.  */
typedef struct {
    uint64_t seq;       /* 1, 2, 3 ... without a gap */
    plv_view_t journal; /* empty: nothing to journal (rows only) */
    plv_view_t ops;
    bool sync; /* must survive a power cut before it is reported stored */
    /*  A hint: one peer said all that is in it, and nobody else had anything to say. So it may be
        kept at once, inside append, without much harm to others.  */
    bool alone;
    /*  Journal values below this position may be forgotten; 0: none. The store never goes
        beyond what the views reflect, nor drops the newest value, and forgets for ever: the
        position survives restarts.  */
    uint64_t drop_below;
} store_batch_t;

typedef enum {
    STORE_NOTHING,      /* nothing has finished */
    STORE_STORED,       /* every batch up to `seq` is kept */
    STORE_FAILED,       /* a commit failed: `fail` says why; nothing after it is kept */
    STORE_ROWS,         /* the answer to a scan: `rows`, packed as puts, or `fail` */
    STORE_CHECKPOINTED, /* the answer to a checkpoint; `fail` when there is none */
} store_done_type_t;

typedef struct {
    store_done_type_t type;
    uint64_t seq;
    uint64_t token;
    plv_buf_t rows;     /* given to the caller, who frees it */
    bool more;          /* ROWS: the range holds more; ask again from behind the last key */
    plv_fail_t fail;    /* code ERR_OK: none */
    uint32_t batches;   /* STORED: how many batches this commit held */
    uint32_t commit_us; /* STORED: how long it took */
} store_done_t;

typedef struct store store_t;

typedef struct {
    /*  Gives every row of every view, then every journal value above `meta/reflected` in order.  */
    void (*row) (void *arg, plv_row_view_t view, plv_view_t key, plv_view_t value);
    void (*journal) (void *arg, uint64_t seq, plv_view_t value);
    /*  Something was begun behind the last batch, `last`, at this place, and is cut off: a write that had not
        reached the disk, or damage to the very last one. NULL: nobody wants to know.  */
    void (*torn) (void *arg, const char *place, uint64_t last);
    void *arg;
} store_recovery_t;

typedef struct {
    const char *name;
    /*  Reads everything back, once, before the first append. `ret_next_seq`: the seq of the
        next batch. Views that are looked up only on demand (DEAD) are not given.  */
    plv_err_t (*recover) (store_t *self, const store_recovery_t *recovery, uint64_t *ret_next_seq,
                          plv_fail_t *ret_fail);
    /*  At most one batch is under way: the next may be appended after STORE_STORED.  */
    void (*append) (store_t *self, const store_batch_t *batch);
    /*  Readable when store_next has something; -1: poll store_next instead.  */
    int (*fd) (store_t *self);
    store_done_type_t (*next) (store_t *self, store_done_t *ret_done);
    /*  Rows with from <= key < to in key order (to empty: to the end), at most `limit` rows (0:
        no limit) and about 8 MiB an answer. Everything reported stored before the call is seen.  */
    void (*scan) (store_t *self, uint64_t token, plv_row_view_t view, plv_view_t from,
                  plv_view_t to, uint32_t limit);
    /*  The journal's values with from <= seq < to; rows carry the seq as 8-byte keys and say
        VIEW_META.  */
    void (*scan_journal) (store_t *self, uint64_t token, uint64_t from, uint64_t to,
                          uint32_t limit);
    /*  A consistent copy of everything stored so far into the new directory `dir`, while
        running. To restore is to copy that directory and open the copy.  */
    void (*checkpoint) (store_t *self, uint64_t token, const char *dir);
    /*  Bytes on disk, and the first journal position that is still there.  */
    void (*usage) (store_t *self, uint64_t *ret_bytes, uint64_t *ret_first_seq);
    /*  Brings everything to disk that was reported stored, whatever the batches asked for. Only destroy may follow.  */
    plv_err_t (*finish) (store_t *self, plv_fail_t *ret_fail);
    void (*destroy) (store_t **self_p);
} store_vtable_t;

/*  Every implementation begins with this.  */
struct store {
    const store_vtable_t *vtable;
};

static inline void store_destroy (store_t **self_p)
{
    if (self_p && *self_p)
        (*self_p)->vtable->destroy (self_p);
}

/*  Rows of VIEW_META that the store itself reads. It writes schema and secret; reflected comes in
    the ops of the batch that brings the views up to date.  */
#define STORE_META_SCHEMA "schema" /* 4 bytes: STORE_SCHEMA of the release that wrote it */
#define STORE_META_REFLECTED                                                                       \
    "reflected"                    /* 8 bytes: every journal position up to this is in the views */
#define STORE_META_SECRET "secret" /* 32 random bytes made with the store: keys of hashes */

/*  2: a journal of its own; 1 kept it in RocksDB.  */
enum { STORE_SCHEMA = 2 };

/*  `dir` is made with mode 0700 when missing; locked against a second daemon. `sync`: false
    trades the last moments before a power cut for speed (a crash of the process loses nothing
    either way).  */
typedef struct {
    const char *dir;
    bool sync;
    bool read_only; /* look at a stopped broker's data, or a backup: nothing in it changes */
    uint64_t memtable_bytes; /* of the views, and of a file of the journal; 0: default, 64 MiB */
} store_rocksdb_options_t;

plv_err_t store_rocksdb_open (const store_rocksdb_options_t *options, store_t **ret_store,
                              plv_fail_t *ret_fail);

/*  In memory, for tests and the simulator (store/memory.h): nothing is stored until
    memory_commit says so.  */
store_t *store_memory_new (void);

#endif
