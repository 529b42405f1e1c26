/*  savings -- what has to be paid in for an amount to be there one day, in words
    OWNS    nothing
    THREAD  any
    FAILS   as answer.h
    COST    two multiplications a month for each kind of investment that is named

    The ranges are those of assumptions.def, of whole markets from the safest to stocks; none is named that is
    above the limit that the user gave, or above what the horizon bears. No product is recommended.  */

#ifndef ADVISOR_SAVINGS_H
#define ADVISOR_SAVINGS_H

#include "advisor/answer.h"

void savings_say (reading_t *reading, answer_t *answer);

#endif
