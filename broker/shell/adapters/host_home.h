/*  host_home -- the directory of one adapter: COPIES/NAME, made anew in parts before each start of its host
    OWNS    nothing
    THREAD  that of the supervisor
    FAILS   host_home_prepare with ERR_IO or ERR_PERM and a text that names the file
    COST    a few system calls a start

    In it are the adapter's group of the configuration, and nothing of the others'; what a host leaves to its
    successor; and, when hosts run as another user, links to the plugin and to the broker's socket, which that
    user could not reach otherwise. That user may do as it likes there, so no name in it is followed.  */

#ifndef SHELL_HOST_HOME_H
#define SHELL_HOST_HOME_H

#include "base/err.h"

typedef struct {
    const char *copies;
    const char *name;
    const char *adapters; /* plugins_raw of the configuration */
    const char *plugin;   /* the copy */
    const char *socket;   /* the path of the broker's */
    const char *user;     /* NULL or "": hosts run as we do */
} host_home_t;

/*  The names of what is linked, relative to the directory.  */
#define HOST_HOME_CONF "conf"
#define HOST_HOME_PLUGIN "plugin.so"
#define HOST_HOME_SOCKET "broker.ipc"

plv_err_t host_home_prepare (const host_home_t *self, plv_fail_t *ret_fail);

/*  The environment of the host: what libraries read, and what its own configuration refers to. The array is the
    caller's to free, its entries are lent.  */
char **host_home_environment (const char *adapters, const char *name);

#endif
