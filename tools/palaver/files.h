/*  files -- directories as a whole: how big, made, copied, removed
    OWNS    nothing
    THREAD  main
    FAILS   with the code of the errno and a text that names the file
    COST    that of reading and writing the bytes; a copy is synced  */

#ifndef PALAVER_FILES_H
#define PALAVER_FILES_H

#include "base/err.h"

#include <stdint.h>

/*  Of the files in `dir` and below it; 0 when it is not there.  */
uint64_t files_bytes (const char *dir);

/*  Like mkdir -p; new folders are private.  */
plv_err_t files_make_folder (const char *dir, plv_fail_t *ret_fail);

/*  Copies the backup into the data directory `data`, which must be empty or not exist: beside it first, and then into
    its place at once. ERR_NOENT: `backup` is none. `ret_bytes`: how much it was.  */
plv_err_t files_restore (const char *backup, const char *data, uint64_t *ret_bytes,
                         plv_fail_t *ret_fail);

/*  Removes `dir` with all that is in it.  */
void files_remove (const char *dir);

#endif
