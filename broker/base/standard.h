/*  standard -- the three descriptors that a program is begun with
    OWNS    those of them that were missing
    THREAD  main, before anything is opened
    FAILS   never: without /dev/null it leaves things as they are
    COST    a system call or two

    Who is begun without one of them would have the next file that it opens in its place, and write into that whatever
    it logs.  */

#ifndef BASE_STANDARD_H
#define BASE_STANDARD_H

/*  Each of the three is open; what was not leads nowhere.  */
void plv_standard_hold (void);

#endif
