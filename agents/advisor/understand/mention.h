/*  mention -- which products a message names, by symbol or by words of their names
    OWNS    nothing
    THREAD  that of the catalogue
    FAILS   never
    COST    a look-up a word

    Capitals make a symbol ("is SHY safe"), and so does a dollar sign. Small letters make one only beside
    words that ask or compare ("vti or voo?"), and never for common English words, because many symbols
    are words ("tip", "corn", "moon").  */

#ifndef ADVISOR_MENTION_H
#define ADVISOR_MENTION_H

#include "advisor/catalogue/catalogue.h"
#include "advisor/understand/phrases.h"

/*  The product that word `at` names, or -1.  */
int mention_symbol (catalogue_t *catalogue, const words_t *words, const marks_t *marks, size_t at);

/*  Does word `at` look like a symbol that is not in the catalogue?  */
bool mention_unlisted (const words_t *words, const marks_t *marks, size_t at);

/*  Products that the words outside of all marks find, without those words that find too many: how many,
    at most `room`.  */
size_t mention_search (catalogue_t *catalogue, const words_t *words, const marks_t *marks,
                       int *ret_hits, size_t room);

/*  The mark that covers word `at`, or NULL.  */
const mark_t *mention_mark (const marks_t *marks, size_t at);

#endif
