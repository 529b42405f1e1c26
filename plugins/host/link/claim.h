/*  claim -- the right to speak to the broker under an adapter's name: one process has it at a time
    OWNS    an open file, and the lock on it
    THREAD  any
    FAILS   claim_new with ERR_IO and the file's name
    COST    claim_take: one system call until it succeeds

    The lock goes with the process, whatever brokers come and go meanwhile. A host that has
    outlived its broker still has replies in hand; if its successor said HELLO before they have ended, the
    next broker would take them for "unknown".  */

#ifndef HOST_CLAIM_H
#define HOST_CLAIM_H

#include "base/err.h"

#include <stdbool.h>

typedef struct claim claim_t;

/*  The file DIR/lock is made when it is missing, and stays.  */
plv_err_t claim_new (const char *dir, claim_t **ret_claim, plv_fail_t *ret_fail);

/*  Gives it up.  */
void claim_destroy (claim_t **self_p);

/*  True: it is ours, from now on or already. NULL: there is nobody to share the name with.  */
bool claim_take (claim_t *self);

#endif
