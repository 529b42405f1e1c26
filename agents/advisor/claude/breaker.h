/*  breaker -- stops asking a server that fails, and tries again later with one request
    OWNS    nothing: a plain value; its owner holds a lock around it
    THREAD  that of its owner
    FAILS   never
    COST    a comparison

    It opens after `most` failures in a row, or at once on a failure that another try cannot mend, such as a wrong
    key. After `pause_us` one request goes through; when that is answered, it closes.  */

#ifndef ADVISOR_CLAUDE_BREAKER_H
#define ADVISOR_CLAUDE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    unsigned most;
    int64_t pause_us;
    unsigned failures;
    int64_t open_until_us; /* 0: closed */
    bool trying;           /* the one request is on its way */
    int why;               /* the caller's word for what opened it */
} breaker_t;

/*  May a request begin? Whoever gets true calls one of the others afterwards.  */
bool breaker_allows (breaker_t *self, int64_t now_us);

void breaker_good (breaker_t *self);
/*  `fatal`: opens at once. */
void breaker_bad (breaker_t *self, bool fatal, int why, int64_t now_us);
/*  The request says nothing about the server: it was cancelled.  */
void breaker_unknown (breaker_t *self);

#endif
