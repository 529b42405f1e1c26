/*  alloc_fault -- base/alloc.h for tests: each call is counted, and the one that is armed fails. It defines
    everything that base/alloc.c does, so that a linker that has it does not look for the other.  */

#include "base/alloc.h"

#include "fault/fault.h"

#include <stdlib.h>
#include <string.h>

void *plv_try_realloc (void *block, size_t size)
{
    return fault_here () ? NULL : realloc (block, size ? size : 1);
}

void *plv_alloc (size_t size)
{
    void *block = fault_here () ? NULL : malloc (size ? size : 1);
    if (!block)
        plv_out_of_memory (size);
    return block;
}

void *plv_alloc_zero (size_t count, size_t size)
{
    void *block = fault_here () ? NULL : calloc (count ? count : 1, size ? size : 1);
    if (!block)
        plv_out_of_memory (count * size);
    return block;
}

void *plv_realloc (void *block, size_t size)
{
    void *moved = plv_try_realloc (block, size);
    if (!moved)
        plv_out_of_memory (size);
    return moved;
}

char *plv_strdup (const char *text)
{
    size_t size = strlen (text) + 1;
    return memcpy (plv_alloc (size), text, size);
}
