/*  hosts -- the adapters: their processes as the supervisor sees them, and what the broker has for them
    OWNS    nothing
    THREAD  main
    FAILS   as ask does
    COST    two questions and one walk a process over the adapters  */

#ifndef PALAVER_HOSTS_H
#define PALAVER_HOSTS_H

#include "palaver/ask/ask.h"

/*  Appends a map with one array under "items": first each plugin, then adapters that are no plugin.  */
ending_t hosts_ask (asker_t *asker, plv_buf_t *ret_body);

#endif
