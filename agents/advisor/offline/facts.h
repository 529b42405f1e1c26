/*  facts -- answers that rest on the catalogue alone: one product, several, kinds of products
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   as answer.h
    COST    the size of the text

    These answers list products as facts, in response_text; they recommend none, so `recommendations` stays empty.  */

#ifndef ADVISOR_FACTS_H
#define ADVISOR_FACTS_H

#include "advisor/answer.h"

void facts_detail (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer);
void facts_compare (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer);
void facts_topics (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer);

/*  The kinds of products that come nearest to money in a bank account.  */
void facts_nearest_deposits (const catalogue_t *catalogue, answer_t *answer);

/*  "risk level 6 of 7, expected 5.0 to 8.0 % a year, fee 0.03 % a year": the figures of one product.  */
void facts_figures (const product_t *product, answer_t *answer);

/*  The sources of every answer with figures.  */
void facts_sources (answer_t *answer);

#endif
