/*  busy_poll -- whether the loop looks for more before it sleeps
    OWNS    nothing
    THREAD  main
    FAILS   never
    COST    a few instructions a call

    To fall asleep and be woken takes longer than a quick agent needs for its answer. So the loop looks for more, for
    some microseconds after a commit, as long as that finds something. Each time that it does not, twice as many
    commits go by before it is tried again: with agents that think for seconds it costs next to nothing.  */

#ifndef SHELL_BUSY_POLL_H
#define SHELL_BUSY_POLL_H

#include <stdbool.h>

typedef struct {
    bool off;        /* there is one processor: who would bring something waits for it */
    unsigned misses; /* since something was found last; counted up to a bound */
    unsigned pass;   /* commits that still go by */
} busy_poll_t;

void busy_poll_init (busy_poll_t *self);

/*  After a commit.  */
bool busy_poll_begins (busy_poll_t *self);
void busy_poll_ended (busy_poll_t *self, bool found);

#endif
