/*  broker -- the parts of palaverd, wired together
    OWNS    the core, the store, the sockets, the supervisor, the log
    THREAD  main
    FAILS   broker_new with the first thing that is wrong; broker_run with what stopped it
    COST    see the parts  */

#ifndef SHELL_BROKER_H
#define SHELL_BROKER_H

#include "base/conf/conf.h"
#include "base/log/log.h"
#include "shell/options.h"

typedef struct broker broker_t;

/*  From here on signals wait for the loop: one that comes while the broker starts must not end it half started, and a
    SIGHUP must not be missed that comes once the configuration has been read. Before any thread is started.  */
void broker_hold_signals (void);

/*  Opens the store, reads everything back, opens the sockets. Takes `conf` on success.  */
plv_err_t broker_new (const options_t *options, plv_conf_t **conf_p, plv_log_t *log,
                      broker_t **ret_broker, plv_fail_t *ret_fail);

/*  Until a signal asks it to stop (ERR_OK) or a commit fails.  */
plv_err_t broker_run (broker_t *self, plv_fail_t *ret_fail);
void broker_destroy (broker_t **self_p);

#endif
