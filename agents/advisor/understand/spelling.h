/*  spelling -- mends the words that decide what a message wants
    OWNS    nothing; const tables made from spelling.def
    THREAD  any
    FAILS   never; words that it does not know stay as they are
    COST    a message's words times the table's  */

#ifndef ADVISOR_SPELLING_H
#define ADVISOR_SPELLING_H

#include "advisor/understand/words.h"

/*  Words in capitals, as tickers are written, are left alone.  */
void spelling_mend (words_t *words);

#endif
