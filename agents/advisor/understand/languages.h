/*  languages -- which language a message is in, when it is not English
    OWNS    nothing; const tables made from languages.def
    THREAD  any
    FAILS   never: what it does not know is LANGUAGE_NONE, as English is
    COST    a message's words times the table's  */

#ifndef ADVISOR_LANGUAGES_H
#define ADVISOR_LANGUAGES_H

#include "advisor/understand/words.h"

typedef enum {
    LANGUAGE_NONE,
#define LANGUAGE(id, words, notice) LANGUAGE_##id,
#include "advisor/understand/languages.def"
#undef LANGUAGE
    LANGUAGE_COUNT_
} language_t;

language_t languages_find (const words_t *words);

/*  What is said about it, in it; "" for LANGUAGE_NONE.  */
const char *language_notice (language_t language);

#endif
