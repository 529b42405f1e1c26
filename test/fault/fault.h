/*  fault -- the N-th allocation fails
    OWNS    one count for the process
    THREAD  any
    FAILS   on purpose
    COST    one atomic increment an allocation

    A program that links alloc_fault.c in place of base/alloc.c counts every allocation of the broker's own
    code. One that is linked with `-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup` counts those
    of the SDKs and hosts as well (malloc_fault.c); libraries are never touched. Count one run, then let
    allocation 1, 2, ... fail in a run of its own, each in a child: a soft failure has to come back as
    ERR_NOMEM or plv_buf_t.failed, a hard one ends the child with 71.

    PALAVER_FAULT_ALLOC=N in the environment arms a whole program from its start.  */

#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/*  The `nth` allocation from now on fails, and that one alone; 0: none does. The count starts anew.  */
void fault_arm (uint64_t nth);

/*  Allocations since fault_arm, failed ones included.  */
uint64_t fault_count (void);

/*  Counts one, for the allocators: whether it is the one that fails.  */
bool fault_here (void);

#endif
