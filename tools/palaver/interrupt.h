/*  interrupt -- Ctrl-C asks a long command to stop in good order; a second one ends it at once
    OWNS    the handlers of SIGINT and SIGTERM, and one flag
    THREAD  main
    FAILS   never
    COST    none  */

#ifndef PALAVER_INTERRUPT_H
#define PALAVER_INTERRUPT_H

#include <stdbool.h>

void interrupt_begin (void);
bool interrupt_seen (void);

#endif
