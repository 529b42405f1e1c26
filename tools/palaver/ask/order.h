/*  order -- tells the broker to do something with each adapter that a call names
    OWNS    nothing
    THREAD  main
    FAILS   as ask does; what the broker does not know is said, and the others are done
    COST    one round trip an adapter  */

#ifndef PALAVER_ORDER_H
#define PALAVER_ORDER_H

#include "palaver/ask/ask.h"

/*  `command` of commands.def; `done`: what is said of one that it did: "%s is stopped".  */
ending_t order_each (call_t *call, const char *command, const char *done);

#endif
