/*  outlook -- what an amount may become, in words
    OWNS    nothing
    THREAD  any
    FAILS   as answer.h
    COST    one multiplication a month  */

#ifndef ADVISOR_OUTLOOK_H
#define ADVISOR_OUTLOOK_H

#include "advisor/answer.h"

/*  "10,000 USD"  */
void outlook_say_amount (const profile_t *profile, double amount, answer_t *answer);

/*  The same, to three digits: more would pretend to know.  */
void outlook_say_rounded (const profile_t *profile, double amount, answer_t *answer);

/*  "60,000 EUR and 800 EUR a month"  */
void outlook_say_paid (const profile_t *profile, answer_t *answer);

/*  What the profile's amounts come to at the end of its time, at `rate` per cent a year.  */
double outlook_grown (const profile_t *profile, double rate);

/*  On a line of its own `lead`, then "about 1,720 USD to 2,200 USD after 10 years, ...": at `low` to
    `high` per cent a year. Says nothing where the amount is not known, or the time is less than a year.  */
void outlook_say (const profile_t *profile, const char *lead, double low, double high,
                  answer_t *answer);

#endif
