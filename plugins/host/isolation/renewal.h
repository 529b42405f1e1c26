/*  renewal -- files that this process has read, and another one would have to read when they are replaced
    OWNS    their names
    THREAD  any
    FAILS   never
    COST    a system call a file and look

    Rights to a file (isolation.h) go with the file, not with its name. The resolver's files are often replaced
    by renaming: then another process has to take over, which may read the new ones. A certificate is read once, and
    some write the next one into the same file: there new words matter, too.  */

#ifndef HOST_RENEWAL_H
#define HOST_RENEWAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { RENEWAL_FILES = 4 };

typedef struct {
    char name[PATH_MAX];
    bool by_words;
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed;
} renewal_file_t;

/*  All zero: none.  */
typedef struct {
    renewal_file_t files[RENEWAL_FILES];
    size_t count;
    const char *replaced; /* a moment ago */
} renewal_t;

/*  The file as it is now. `by_words`: it is another one, too, when it is written to. More than RENEWAL_FILES are not
    looked after.  */
void renewal_add (renewal_t *self, const char *name, bool by_words);

/*  The name of one that had become another file at the look before, when nothing has changed since: a certificate and
    its key are replaced one after the other. Once; NULL: none.  */
const char *renewal_look (renewal_t *self);

#endif
