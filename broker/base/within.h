/*  within -- whether what is to be made would lie in a directory
    OWNS    nothing
    THREAD  any
    FAILS   never: what cannot be looked at is not within
    COST    an open for each directory above it  */

#ifndef PLV_WITHIN_H
#define PLV_WITHIN_H

#include <stdbool.h>

/*  `path` need not exist, nor what leads to it. By whatever name: symbolic links are followed.  */
bool plv_is_within (const char *dir, const char *path);

#endif
