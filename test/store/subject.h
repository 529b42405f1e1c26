/*  subject -- a store under test, and the few words that every test of it needs
    OWNS    the store and its directory under /tmp, removed at the end
    THREAD  that of the test
    FAILS   the running test, by an assertion of cmocka
    COST    a real directory and real syncs for RocksDB  */

#ifndef STORE_SUBJECT_H
#define STORE_SUBJECT_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cmocka.h>

typedef struct subject subject_t;

typedef struct {
    const char *name;
    void (*open) (subject_t *self);
    /*  Finishes the batch under way where that does not happen by itself.  */
    void (*settle) (subject_t *self);
    /*  Closes the store and opens it again.  */
    void (*restart) (subject_t *self);
    /*  Swaps the store for the one that the checkpoint `dir` holds.  */
    void (*restore) (subject_t *self, const char *dir);
    void (*close) (subject_t *self);
} subject_kind_t;

struct subject {
    const subject_kind_t *kind;
    store_t *store;
    store_t *original; /* while a restored one is looked at */
    char dir[64];
    uint64_t next_seq;
    uint64_t token;
};

extern const subject_kind_t subject_rocksdb;
extern const subject_kind_t subject_memory;

/*  A new directory below /tmp (or $PALAVER_TEST_DIR), and its removal with all that is in it and in
    its backup `dir`.backup.  */
void subject_make_dir (char *ret_dir, size_t size);
void subject_remove_dir (const char *dir);

/*  This program again as a child `role` with `dir`; the child's stdout is `*ret_out` when
    wanted. A mere fork will not do: RocksDB's threads do not survive it.  */
pid_t subject_spawn (const char *role, const char *dir, int *ret_out);
/*  Its exit status; -1 after a signal.  */
int subject_join (pid_t pid);

/*  In a child: puts a small file system over `dir`; false: no right to do that.  */
bool subject_mount (const char *dir, const char *options);
enum { SUBJECT_NO_MOUNT = 77 };

/*  Rows in a growing buffer, as a batch takes them.  */
void subject_put (plv_buf_t *ops, plv_row_view_t view, const char *key, const char *value);
void subject_put_number (plv_buf_t *ops, plv_row_view_t view, const char *key, uint64_t value);

/*  The next answer that is ready within ten seconds.  */
store_done_t subject_wait (store_t *store);

/*  Appends the next batch and waits until it is stored.  */
void subject_commit (subject_t *self, plv_view_t journal, const plv_buf_t *ops,
                     uint64_t drop_below);
void subject_commit_text (subject_t *self, const char *journal);

/*  The rows of a scan; the caller frees them.  */
plv_buf_t subject_scan (subject_t *self, plv_row_view_t view, const char *from, const char *to,
                        uint32_t limit, bool *ret_more);
plv_buf_t subject_scan_journal (subject_t *self, uint64_t from, uint64_t to, uint32_t limit,
                                bool *ret_more);

/*  "key=value key=value" of packed rows, for comparisons; the journal's keys as numbers.  */
const char *subject_text (plv_view_t rows, bool journal, char *buffer, size_t size);

/*  What recover () gives, as "view/key=value ..." and "7=value ..."; the secret and the numbers
    of META are left out.  */
typedef struct {
    char rows[8192];
    char journal[8192];
    size_t row_count;
    size_t journal_count;
    size_t secret_bytes;
    uint32_t schema;
    uint64_t next_seq;
} recovered_t;

recovered_t *subject_recover (store_t *store);

#endif
