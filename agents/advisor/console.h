/*  console -- a conversation on the command line, without a broker
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   as the advisor does: there is always an answer
    COST    that of the answers

    With a model each question goes to it first, as worker.h says; nothing is saved, and the session is this call.  */

#ifndef ADVISOR_CONSOLE_H
#define ADVISOR_CONSOLE_H

#include "advisor/catalogue/catalogue.h"
#include "advisor/claude/model.h"

/*  Answers the texts one after the other. `model`: NULL for offline.  */
void console_ask (catalogue_t *catalogue, model_t *model, char *const *texts, int count, int year,
                  FILE *out);

#endif
