/*  target -- an amount that somebody wants to have one day, and asks what must be paid in for it, or how long it takes
    OWNS    nothing: a plain value
    THREAD  any
    FAILS   never: what is no such question has the amount 0
    COST    one pass over the marks  */

#ifndef ADVISOR_TARGET_H
#define ADVISOR_TARGET_H

#include "advisor/understand/quantity.h"

typedef struct {
    double amount; /* 0: none is asked for */
    double owned;  /* there already */
    int every;     /* months between the payments: 1 or 12 */
    bool when;     /* how long it takes is asked for; what goes in is no part of the target */
} target_t;

target_t target_find (const words_t *words, const marks_t *marks, const quantities_t *found);

/*  The one of the message before, with what this one changes: "and for 80,000?", "and per year?", and where the time
    is asked for "and with 300 a month?". False: it says nothing of a target.  */
bool target_change (target_t *self, const marks_t *marks, const quantities_t *found);

#endif
