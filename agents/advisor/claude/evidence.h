/*  evidence -- what an answer of the model may rest on: products that a tool returned, and figures
    OWNS    nothing: a plain value
    THREAD  that of the catalogue
    FAILS   beyond its room things are left out: what is not there may not be said
    COST    one pass over the texts  */

#ifndef ADVISOR_CLAUDE_EVIDENCE_H
#define ADVISOR_CLAUDE_EVIDENCE_H

#include "advisor/catalogue/catalogue.h"

#include <jansson.h>

enum { EVIDENCE_PRODUCTS_MAX = 128, EVIDENCE_FIGURES_MAX = 512, EVIDENCE_WORDS_BYTES = 2048 };

typedef struct {
    int products[EVIDENCE_PRODUCTS_MAX];
    size_t product_count;
    double said
        [EVIDENCE_FIGURES_MAX]; /* figures that people said, and that the project tool computed */
    size_t said_count;
    double figures[EVIDENCE_FIGURES_MAX]; /* all figures of tool results */
    size_t figure_count;
    char words
        [EVIDENCE_WORDS_BYTES]; /* words in capitals that the person wrote, each behind a blank */
    size_t words_size;
} evidence_t;

/*  What a person wrote: its figures and its words in capitals.  */
void evidence_person (evidence_t *self, plv_view_t text);

/*  A tool's result: the products in it (each "symbol"), and its figures. `computed`: they belong to no product.  */
void evidence_result (evidence_t *self, catalogue_t *catalogue, const json_t *result,
                      bool computed);

bool evidence_has (const evidence_t *self, int product);
bool evidence_word (const evidence_t *self, plv_view_t word);

/*  A number with an optional sign, digits, commas as thousands and one decimal point, at the beginning of `text`:
    its size and its decimals; 0 when there is none.  */
size_t evidence_number (plv_view_t text, double *ret_value, unsigned *ret_decimals);

/*  Is `value`, which was written with so many decimals, one of these (rounded)?  */
bool evidence_among (double value, unsigned decimals, const double *figures, size_t count);

#endif
