/*  orders -- what an operator asks of the adapters' processes: adapters.hosts, start, stop, reload
    OWNS    nothing
    THREAD  main
    FAILS   never: what cannot be done is an answer
    COST    one walk over the adapters; reload reads the configuration  */

#ifndef SHELL_ORDERS_H
#define SHELL_ORDERS_H

#include "core/effects.h"
#include "shell/adapters/supervisor.h"

/*  Carries an order out; `ret_body` gets a map. Returns NULL, or the name of the error that the map's "text" is
    about. `supervisor` NULL: there is no plugin directory. `conf_file` is what reload reads; "": there is none.  */
const char *orders_carry_out (supervisor_t *supervisor, const char *conf_file,
                              const effects_order_t *order, int64_t now_us, plv_buf_t *ret_body);

#endif
