/*  recommend -- puts picks into words: what, why, and what to beware of
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   as answer.h
    COST    the size of the text

    A product above the risk that the user wants is never named here without the word "Warning", in the
    text and in its own `why`.  */

#ifndef ADVISOR_RECOMMEND_H
#define ADVISOR_RECOMMEND_H

#include "advisor/answer.h"

/*  Writes the answer and remembers in reading->profile what it showed.  */
void recommend (const catalogue_t *catalogue, reading_t *reading, const picks_t *picks,
                answer_t *answer);

/*  Asks for what is missing, says what is understood so far, and remembers that it has asked.  */
void recommend_ask (reading_t *reading, answer_t *answer);

/*  The same without what is understood.  */
void recommend_ask_needs (reading_t *reading, answer_t *answer);

#endif
