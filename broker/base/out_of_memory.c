#include "base/alloc.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

void plv_out_of_memory (size_t size)
{
    /*  No exit handlers: they may allocate.  */
    dprintf (2, "out of memory: %zu bytes were asked for\n", size);
    _exit (EX_OSERR);
}
