/*  savings -- what has to be paid in for an amount to be there one day, how long that takes, and what will be there one
               day, in words
    OWNS    nothing
    THREAD  any
    FAILS   as answer.h
    COST    a few dozen multiplications a month for each kind of investment that is named

    The ranges are those of assumptions.def, of whole markets from the safest to stocks; none is named that is
    above the limit that the user gave, or above what the horizon bears. No product is recommended.  */

#ifndef ADVISOR_SAVINGS_H
#define ADVISOR_SAVINGS_H

#include "advisor/answer.h"

/*  What has to be paid in for the target, or how long it takes; or what has to be known for that.  */
void savings_say (reading_t *reading, answer_t *answer);

/*  What the amounts of the profile come to; or what has to be known for that.  */
void savings_say_growth (reading_t *reading, answer_t *answer);

#endif
