/*  eval -- questions with properties that their answers must have
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   with "file:line: what is wrong" for a file that it cannot read or an unknown property
    COST    one answer a question

    The file is CSV with the columns session, question, expect. Questions of one session follow each other
    in the file and share its state. `expect` holds properties, divided by spaces, all of which must hold:
        recommends  none          at least one recommendation, or none
        asks:risk  asks:horizon   asks for it            warns      the text holds "Warning"
        risk<=N                   of every recommendation
        has:SYMBOL  lacks:SYMBOL  among the recommendations
        all:TOPIC  some:TOPIC  without:TOPIC   of the recommendations, by topics.def
        says:words_of_the_text    the text holds them (_ stands for a space), caps count
        silent:words_of_the_text  it does not
        confidence>=X  confidence<=X  */

#ifndef ADVISOR_EVAL_H
#define ADVISOR_EVAL_H

#include "advisor/offline/advise.h"

typedef struct {
    size_t questions;
    size_t passed;
} eval_result_t;

/*  `out`: gets a line for each question that failed (all of them when `verbose`), and a table of the properties:
    how often each was asked for, and held.  */
plv_err_t eval_file (catalogue_t *catalogue, const char *file, int year, bool verbose, FILE *out,
                     eval_result_t *ret_result, plv_fail_t *ret_fail);

#endif
