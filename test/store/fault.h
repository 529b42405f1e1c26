/*  fault -- writes and syncs that fail when the test says so
    OWNS    one order, for the whole program
    THREAD  give an order while nothing runs; any thread may meet it
    FAILS   never
    COST    one look per call when there is no order

    The calls of the C library are replaced in every program that links this file; without an
    order they do what they always do.  */

#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <stdbool.h>

/*  DIRECT: writes past the system's cache, and no others. RESERVE: of room for a file.  */
typedef enum { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_DIRECT = 4, FAULT_RESERVE = 8 } fault_call_t;

/*  From the `nth` (1: the first) of these calls on files whose path contains `part` on, they
    fail with `error_number`. `once`: only that one.  */
void fault_order (int calls, const char *part, long nth, int error_number, bool once);

/*  Every sync of such files takes so long more; 0: no longer.  */
void fault_slow_syncs (const char *part, unsigned us);

/*  No more; the number of calls that matched.  */
long fault_end (void);

#endif
