/*  subjects -- matters beside the choice of a fund: taxes, debts, insurance, despair
    OWNS    nothing; const tables made from subjects.def
    THREAD  any
    FAILS   never
    COST    a message's words times the table's rows  */

#ifndef ADVISOR_SUBJECTS_H
#define ADVISOR_SUBJECTS_H

#include "advisor/understand/phrases.h"

typedef enum {
#define SUBJECT(id, sole, words, text) SUBJECT_##id,
#include "advisor/understand/subjects.def"
#undef SUBJECT
    SUBJECT_COUNT_
} subject_t;

typedef uint64_t subject_set_t;

#define SUBJECT_BIT(subject) (1ULL << (subject))

/*  Those that the message speaks of: "mortgage bonds" are bonds, and no mortgage.  */
subject_set_t subjects_find (const words_t *words, const marks_t *marks);

/*  The one that is answered whatever else the message says, or SUBJECT_COUNT_.  */
subject_t subjects_sole (subject_set_t set);

const char *subject_text (subject_t subject);

#endif
