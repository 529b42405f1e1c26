/*  where -- where a running broker has its sockets
    OWNS    the text, freed by where_free
    THREAD  main
    FAILS   where_find with ERR_NOENT, or ERR_PERM where this user is not let in, and words that name every place that
            was looked at
    COST    a few calls of connect  */

#ifndef PALAVER_WHERE_H
#define PALAVER_WHERE_H

#include "base/err.h"

typedef struct {
    char *run; /* the run directory */
} where_t;

/*  `run`: --run, or NULL. Then $PALAVER_RUN; then the usual places, the first that has a broker's sockets.  */
plv_err_t where_find (const char *run, where_t *ret_where, plv_fail_t *ret_fail);
void where_free (where_t *self);

/*  DIR/control.ipc and so on; the caller frees it.  */
char *where_socket (const char *run, const char *door);

/*  The data directory: `given` unless it is empty, $STATE_DIRECTORY, ~/.local/state/palaver; NULL: nobody knows. The
    caller frees it.  */
char *where_data (const char *given);

/*  Does somebody listen on this socket? ERR_GONE or ERR_PERM with the reason.  */
plv_err_t where_probe (const char *path, plv_fail_t *ret_fail);

#endif
