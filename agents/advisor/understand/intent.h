/*  intent -- what a message wants, once its words, numbers and marks are taken
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   never: what is not understood is INTENT_UNKNOWN
    COST    a few passes over the marks; over the catalogue for cheaper products of a kind

    It names in the reading the products that "the first one" or "something like VTI but cheaper" mean, and the
    glossary's text.  */

#ifndef ADVISOR_INTENT_H
#define ADVISOR_INTENT_H

#include "advisor/understand/context.h"

intent_t intent_find (context_t *self);

#endif
