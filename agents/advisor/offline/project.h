/*  project -- what an amount may become
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one multiplication a month  */

#ifndef ADVISOR_PROJECT_H
#define ADVISOR_PROJECT_H

/*  `amount` after `months` at `rate` per cent a year, compounded monthly; with `every` > 0 the amount is
    paid in again at the beginning of each `every`-th month.  */
double project (double amount, int every, int months, double rate);

#endif
