/*  renewal -- files that this process cannot read any more once something has replaced them
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    two system calls a look

    Rights to a file (isolation.h) go with the file, not with its name. The resolver's files are often replaced
    by renaming: then another process has to take over, which may read the new ones.  */

#ifndef HOST_RENEWAL_H
#define HOST_RENEWAL_H

#include <sys/types.h>

enum { RENEWAL_FILES = 2 };

typedef struct {
    const char *files[RENEWAL_FILES];
    dev_t devices[RENEWAL_FILES];
    ino_t numbers[RENEWAL_FILES];
} renewal_t;

/*  The files as they are now; names are lent for the life of `self`.  */
void renewal_begin (renewal_t *self, const char *one, const char *other);

/*  The name of one that is another file now, once; NULL: none.  */
const char *renewal_look (renewal_t *self);

#endif
