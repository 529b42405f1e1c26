/*  signals -- how a host answers to signals, whatever its plugin or a library of it does with them
    OWNS    nothing: what it remembers is the caller's
    THREAD  that of the loop; the masks of other threads are their own affair
    FAILS   never
    COST    two system calls a signal

    A host that does not hear SIGTERM is killed with what it has in hand.  */

#ifndef HOST_ISOLATION_SIGNALS_H
#define HOST_ISOLATION_SIGNALS_H

#include <signal.h>
#include <stddef.h>

enum { SIGNALS_MAX = 8 };

typedef struct {
    size_t count;
    int numbers[SIGNALS_MAX];
    struct sigaction actions[SIGNALS_MAX];
} signals_t;

/*  Remembers what is done with it now.  */
void signals_add (signals_t *self, int number);

/*  Does so again, and lets them through.  */
void signals_restore (const signals_t *self);

#endif
