/*  error -- what a disk or RocksDB said, for a person
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    a look at the free space, on the failing path only  */

#ifndef STORE_ERROR_H
#define STORE_ERROR_H

#include "base/err.h"

/*  "`doing` `path` failed: `text`: what to do", and the code that the words stand for. `path` is
    in the data directory or is it.  */
plv_err_t store_error (plv_fail_t *ret_fail, const char *path, const char *doing, const char *text);

/*  Why there is no thread, which are bounded as processes are, and by the memory of their stacks.  */
plv_err_t store_no_thread (plv_fail_t *ret_fail, int error_number);

/*  The advice for whatever is damaged or gone.  */
#define STORE_RESTORE "restore the directory from a backup, or keep it and ask for help"

#endif
