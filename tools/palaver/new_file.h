/*  new_file -- a file that only its user may read, and that is there whole or not at all
    OWNS    the open file, without a name until it is whole, or with one beside it where the file system must have that;
            freed by new_file_end
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    that of writing; it is on the disk in the end

    Whoever else writes a file of the same name at the same time writes another one: the first to be whole has the
    name.  */

#ifndef PALAVER_NEW_FILE_H
#define PALAVER_NEW_FILE_H

#include "base/buf.h"
#include "palaver/command.h"

#include <stdio.h>

typedef struct {
    FILE *file;
    const char *path;
    int directory;
    plv_buf_t beside; /* the name that it has until it is whole; empty: it has none */
} new_file_t;

/*  END_OK when nothing of that name is there: what needs a broker first asks this before it looks for one.  */
ending_t new_file_check (const char *path);

/*  `path` must not exist, and outlive the file.  */
ending_t new_file_begin (new_file_t *self, const char *path);

/*  "PATH: cannot be written", and why.  */
ending_t new_file_failed (const new_file_t *self);

/*  Gives it its name, when `end` is END_OK; else there is no such file, and it returns `end`.  */
ending_t new_file_end (new_file_t *self, ending_t end);

#endif
