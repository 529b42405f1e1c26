#include "fault/fault.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct {
    atomic_ullong count;
    atomic_ullong nth;
} fault_t;

/*  An allocator has no argument that could carry this.  */
static fault_t *the_fault (void)
{
    static fault_t fault;
    return &fault;
}

__attribute__ ((constructor)) static void arm_from_environment (void)
{
    const char *nth = getenv ("PALAVER_FAULT_ALLOC");
    fault_arm (nth ? strtoull (nth, NULL, 10) : 0);
}

void fault_arm (uint64_t nth)
{
    atomic_store (&the_fault ()->count, 0);
    atomic_store (&the_fault ()->nth, nth);
}

uint64_t fault_count (void)
{
    return atomic_load (&the_fault ()->count);
}

bool fault_here (void)
{
    return atomic_fetch_add (&the_fault ()->count, 1) + 1 == atomic_load (&the_fault ()->nth);
}
