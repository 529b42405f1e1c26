/*  answer -- what goes back to the user, before it is encoded
    OWNS    its texts, freed by answer_free
    THREAD  that of its owner
    FAILS   when memory runs out: `text.failed` is set
    COST    the size of the text

    confidence follows a rule, by what the answer rests on:
        0.95  facts of the catalogue (a product, a comparison), a definition, or what follows
              from the assumptions for an amount and a time that are given
        0.90  "this is not my field", when the message clearly speaks of something else; what subjects.def
              says about a matter beside the choice of a fund; thanks, help
        0.50 to 0.90  recommendations: 0.50, and 0.10 each for a known risk limit, horizon and goal or
              kind of product, 0.05 for an amount, 0.05 when at least three products suited; less 0.15
              when something was assumed and 0.10 when a warning is given
        0.30  a question back, as an answer would be a guess
        0.20  not understood
        0.10  nothing suits, or nobody can know (forecasts)  */

#ifndef ADVISOR_ANSWER_H
#define ADVISOR_ANSWER_H

#include "advisor/offline/rank.h"

enum { RECOMMENDATIONS_MAX = SYMBOLS_MAX, SOURCES_MAX = 4, WHY_BYTES_MAX = 512 };

typedef struct {
    int product; /* index in the catalogue */
    char why[WHY_BYTES_MAX];
} recommendation_t;

typedef struct {
    plv_buf_t text;
    recommendation_t recommendations[RECOMMENDATIONS_MAX];
    size_t recommendation_count;
    double confidence;
    const char *sources[SOURCES_MAX];
    size_t source_count;
} answer_t;

void answer_free (answer_t *self);

/*  Appends formatted text.  */
void answer_say (answer_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

void answer_source (answer_t *self, const char *source);

/*  "5.0 to 8.0 % a year" and "0.03 % a year" (or "not known") into fixed space.  */
enum { FIGURE_BYTES = 40 };
const char *answer_return (const product_t *product, char ret_text[FIGURE_BYTES]);
const char *answer_fee (const product_t *product, char ret_text[FIGURE_BYTES]);

/*  "20 years", "1 year", "18 months".  */
const char *answer_months (int months, char ret_text[FIGURE_BYTES]);

#endif
