/*  keys -- CURVE key pairs as files: who is let in from other machines
    OWNS    the paths in keys_t, freed by keys_free; the secret is in memory for a moment only
    THREAD  main
    FAILS   keys_make with ERR_ARG for a bad name, ERR_EXISTS when a file is there already (nothing is overwritten),
            else the code of the errno
    COST    two or three small files  */

#ifndef PALAVER_KEYS_H
#define PALAVER_KEYS_H

#include "base/err.h"

#include <stdbool.h>

enum { KEYS_TEXT_BYTES = 41 };

typedef struct {
    char public_key[KEYS_TEXT_BYTES];
    char *cert;    /* DIR/NAME.cert, the public part */
    char *secret;  /* DIR/NAME.cert_secret, mode 0600 */
    char *allowed; /* DIR/agents/NAME.cert: the broker lets it in; NULL for the broker's own */
} keys_t;

plv_err_t keys_make (const char *dir, const char *name, keys_t *ret_keys, plv_fail_t *ret_fail);
void keys_free (keys_t *self);

#endif
