/*  inspect -- the adapters' part of a configuration, held against the key tables of the plugins
    OWNS    nothing
    THREAD  main, before anything else runs
    FAILS   inspect_check with ERR_CONF and "file:line: adapters.NAME.key: what is wrong"
    COST    a process a plugin, each with a deadline

    A key table is in the plugin, and nothing foreign is loaded into the broker: palaver-adapter looks at it, in
    a process that has given up what it does not need.  */

#ifndef SHELL_INSPECT_H
#define SHELL_INSPECT_H

#include "base/conf/conf.h"

#include <stdio.h>

typedef struct {
    const char *dir;     /* the plugins'; one that is not there has none */
    const char *program; /* palaver-adapter */
} inspect_t;

/*  Where the configuration and the command line (`plugins`, NULL: not given) say that these are.  */
inspect_t inspect_of (const plv_conf_t *conf, const char *plugins);

/*  What could not be checked is said on `notes`, a line each.  */
plv_err_t inspect_check (const inspect_t *self, const plv_conf_t *conf, FILE *notes,
                         plv_fail_t *ret_fail);

/*  As plv_conf_print, and each adapter with all its keys.  */
void inspect_print (const inspect_t *self, const plv_conf_t *conf, FILE *out, FILE *notes);

#endif
