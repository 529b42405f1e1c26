/*  alloc -- memory for a daemon that stops, and says so, when there is none
    OWNS    what it returns belongs to the caller, freed with free ()
    THREAD  any
    FAILS   by exit code 71 (EX_OSERR), after one line on stderr that names the size asked for; nothing
            that was acknowledged is lost, because only what is on disk is acknowledged
    COST    that of malloc

    For broker/ and test/ only: the SDKs use malloc and return ERR_NOMEM. A test that wants the N-th
    allocation to fail links test/fault/alloc_fault.c in place of alloc.c.  */

#ifndef PLV_BASE_ALLOC_H
#define PLV_BASE_ALLOC_H

#include <stddef.h>

void *plv_alloc (size_t size) __attribute__ ((malloc, returns_nonnull, alloc_size (1)));
void *plv_alloc_zero (size_t count, size_t size)
    __attribute__ ((malloc, returns_nonnull, alloc_size (1, 2)));
void *plv_realloc (void *block, size_t size) __attribute__ ((returns_nonnull, alloc_size (2)));
char *plv_strdup (const char *text) __attribute__ ((malloc, returns_nonnull));

/*  The one that fails softly: NULL, and `block` stays as it was (see buf.h).  */
void *plv_try_realloc (void *block, size_t size) __attribute__ ((alloc_size (2)));

_Noreturn void plv_out_of_memory (size_t size);

#endif
