/*  sync -- that a name in a directory lasts
    OWNS    nothing
    THREAD  any
    FAILS   plv_sync_parent with false, and errno
    COST    one sync  */

#ifndef PLV_SYNC_H
#define PLV_SYNC_H

#include <stdbool.h>

/*  The name of what is new or renamed is on disk when the directory that holds it is: that of `path`, or where we are
    for a name alone.  */
bool plv_sync_parent (const char *path);

#endif
