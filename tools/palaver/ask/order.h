/*  order -- tells the broker to do something with each adapter that a call names
    OWNS    nothing
    THREAD  main
    FAILS   as ask does; what the broker does not know is said, and the others are done
    COST    one round trip an adapter; what has an outcome is asked for ten times a second until it is there  */

#ifndef PALAVER_ORDER_H
#define PALAVER_ORDER_H

#include "palaver/ask/ask.h"

typedef struct {
    const char *command; /* of commands.def */
    const char *done;    /* what is said of an adapter with which it is done: "is replaced" */
    const char *
        not_done; /* what has an outcome, that is waited for: "is not replaced"; NULL: it has none */
} order_t;

ending_t order_each (call_t *call, const order_t *order);

#endif
