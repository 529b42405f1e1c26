/*  author -- the model's answer as an answer of the advisor, after everything in it was checked
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   TROUBLE_UNGROUNDED when nothing is left of it
    COST    that of ground.h

    Names, fees, risk levels and returns of recommended products come from the catalogue, never from the model. A
    product above the risk that the person said they want, or above what their horizon bears, carries the word
    "Warning", in its `why` and in the text.

    confidence, by what the model's answer is:
        recommendation  0.50, and 0.10 each for a known risk limit, horizon, and goal or kind of product, 0.05 for an
                        amount, 0.05 for three products or more; less 0.15 when something is missing that a
                        recommendation needs, and 0.10 when a warning is given
        facts           0.90 when a tool returned products, else 0.50
        outside         0.90
        question        0.30
        other           0.50
    and less 0.10 for each sentence or product that was left out (0.30 at most); never below 0.10.  */

#ifndef ADVISOR_CLAUDE_AUTHOR_H
#define ADVISOR_CLAUDE_AUTHOR_H

#include "advisor/answer.h"
#include "advisor/claude/talk.h"

typedef struct {
    unsigned sentences; /* left out */
    unsigned products;  /* recommended by the model, and left out */
} author_removed_t;

/*  Also remembers in reading->profile what was recommended.  */
trouble_t author_write (catalogue_t *catalogue, const talk_result_t *talked, reading_t *reading,
                        answer_t *answer, author_removed_t *ret_removed);

#endif
