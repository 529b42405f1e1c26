/*  memory -- a store without a disk, for tests and the simulator
    OWNS    copies of everything that was committed, and of every checkpoint
    THREAD  one; nothing happens behind the caller's back, fd () is -1
    FAILS   when the test says so
    COST    a commit copies its bytes; a row is found by binary search

    The test plays the disk: an appended batch stays under way until memory_commit or
    memory_fail. A crash is memory_crash and then recover (), on the same store. The secret is
    always the same 32 bytes, so a run can be repeated.  */

#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

/*  The position of the batch that is under way; 0: none.  */
uint64_t memory_pending (const store_t *store);

/*  The batch under way is kept (and on disk, if it asked for that): STORE_STORED is ready. With
    none under way: nothing happens.  */
void memory_commit (store_t *store);

/*  The batch under way fails: STORE_FAILED is ready, nothing more is taken until memory_crash.
    A failed commit may all the same be found after a restart, as with a sync that failed:
    `kept` says whether it is.  */
void memory_fail (store_t *store, plv_err_t code, const char *text, bool kept);

/*  A view has no rows, as in the data of a release that did not know it.  */
void memory_forget_view (store_t *store, plv_row_view_t view);

/*  Everything written without sync so far is on disk now, as after a second of time.  */
void memory_sync (store_t *store);

/*  The process ends, and with `power_cut` the machine too: the batch under way is lost,
    unanswered scans too, and at a power cut also what was committed but not synced. Call
    recover () next.  */
void memory_crash (store_t *store, bool power_cut);

/*  A new store that holds what the checkpoint `dir` of `store` holds; NULL: there is none.  */
store_t *memory_restore (const store_t *store, const char *dir);

#endif
