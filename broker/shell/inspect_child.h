/*  inspect_child -- palaver-adapter in one of its modes that only look, as a child with a deadline
    OWNS    nothing
    THREAD  main
    FAILS   inspect_child_run with ERR_IO, ERR_TIMEOUT or ERR_RANGE and a text
    COST    that of the process; it is killed after 5 s  */

#ifndef SHELL_INSPECT_CHILD_H
#define SHELL_INSPECT_CHILD_H

#include "base/buf.h"
#include "base/err.h"

typedef struct {
    const char *program;
    const char *mode; /* "--check-conf", "--print-keys" */
    const char *plugin;
    const char *name;
    const char *conf_name;
    plv_view_t section; /* the adapter's group */
    char **environment;
} inspect_child_t;

/*  `ret_output` gets what it wrote, `ret_status` how it ended, as from waitpid.  */
plv_err_t inspect_child_run (const inspect_child_t *self, plv_buf_t *ret_output, int *ret_status,
                             plv_fail_t *ret_fail);

#endif
