/*  paths -- where this broker keeps its data and its sockets
    OWNS    the texts, freed by paths_free
    THREAD  any
    FAILS   with ERR_PERM, ERR_IO or ERR_BUSY and a text that names the directory and what to do
    COST    at start only  */

#ifndef SHELL_PATHS_H
#define SHELL_PATHS_H

#include "base/conf/conf.h"

typedef struct {
    char *data;
    char *run;
    int run_lock; /* held for as long as the broker runs; -1: not held */
} paths_t;

/*  `data`, `run`: from the command line, or NULL: then from conf, the environment, or the usual place.  */
plv_err_t paths_find (const plv_conf_t *conf, const char *data, const char *run, paths_t *ret_paths,
                      plv_fail_t *ret_fail);

/*  Makes the run directory private (0700) and takes it for this broker.  */
plv_err_t paths_lock_run (paths_t *self, plv_fail_t *ret_fail);
void paths_free (paths_t *self);

/*  `path`, named from the root. The caller frees it.  */
char *paths_absolute (const char *path);

/*  `name`, relative to the folder of the conf file. The caller frees it.  */
char *paths_beside (const char *conf_file, const char *name);

#endif
