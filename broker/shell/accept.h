/*  accept -- connections are let in while enough descriptors are left for the broker itself
    OWNS    a flag
    THREAD  any: libzmq's threads accept
    FAILS   never: who has no place is closed at once
    COST    two system calls more for each connection

    libzmq ends the whole process when a local socket finds no descriptor for the next connection, and the store cannot
    open its files then. So palaverd is linked with accept_let_in in the place of accept4, which libzmq calls: a
    connection whose number lies among the last ones that a process may have is closed before libzmq hears of it.  */

#ifndef SHELL_ACCEPT_H
#define SHELL_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

/*  How many may be open, what is kept for the broker itself not counted.  */
uint64_t accept_most (void);

/*  accept4, as the system has it.  */
int accept_let_in (int door, void *address, void *size, int flags)
    __attribute__ ((visibility ("default")));

/*  Was anybody turned away since the last call?  */
bool accept_refused (void);

#endif
