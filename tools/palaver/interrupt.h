/*  interrupt -- Ctrl-C asks a long command to stop in good order; a second one ends it at once
    OWNS    the handlers of SIGINT, SIGTERM, SIGHUP and SIGPIPE, and two flags
    THREAD  main
    FAILS   never
    COST    none  */

#ifndef PALAVER_INTERRUPT_H
#define PALAVER_INTERRUPT_H

#include <stdbool.h>

void interrupt_begin (void);

/*  The same; that nobody reads stdout any more is an interrupt, too.  */
void interrupt_begin_with_pipe (void);

/*  Whether an interrupt ends a read that waits, with EINTR; at first it does not.  */
void interrupt_cuts_reads (bool cuts);

bool interrupt_seen (void);

/*  Ends the process by the signal that was seen: a shell goes on with its loop when it only gets an exit code.  */
void interrupt_end (void);

/*  It was that nobody reads: there is nobody to tell.  */
bool interrupt_by_pipe (void);

#endif
