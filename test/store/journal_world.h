/*  journal_world -- a journal under test, in a directory of its own
    OWNS    the journal and its directory, removed at the end
    THREAD  that of the test
    FAILS   the running test, by an assertion of cmocka
    COST    real files and real syncs  */

#ifndef STORE_JOURNAL_WORLD_H
#define STORE_JOURNAL_WORLD_H

#include "subject.h"

#include "store/journal.h"

typedef struct {
    char dir[64], data[80]; /* the journal's is `data` */
    journal_t *journal;
    uint64_t segment_bytes;
    bool direct;
    uint64_t next_seq; /* behind what was found */
    uint64_t synced;   /* what the next record says */
} journal_world_t;

/*  For cmocka, with small segments; and the end of all orders to fail.  */
int journal_world_setup (void **state);
int journal_world_teardown (void **state);

/*  Closes it and opens it again, which reads from position `from` on.  */
plv_err_t journal_world_open (journal_world_t *self, bool read_only, uint64_t from,
                              plv_fail_t *ret_fail);
/*  The same to write, and it has to be good; the last position that was found.  */
uint64_t journal_world_reopen (journal_world_t *self);

void journal_world_path (const journal_world_t *self, uint64_t number, char *path, size_t size);

/*  Where the first byte of a segment lies that nobody ever wrote; -1: there is no such file.  */
int64_t journal_world_hole (const journal_world_t *self, uint64_t number);
/*  Until it lies at `at` or behind that, which is the work of the journal's thread.  */
void journal_world_wait (const journal_world_t *self, uint64_t number, int64_t at);

#endif
