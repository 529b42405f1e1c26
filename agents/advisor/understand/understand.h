/*  understand -- what a message wants, by rules alone
    OWNS    nothing: a reading is a plain value
    THREAD  that of the catalogue
    FAILS   never: what is not understood is INTENT_UNKNOWN
    COST    about a tenth of a millisecond

    Every phrase carries a weight (phrases.def): how surely it speaks of investing, or of something else.
    A message is about investing when the weights add up to SCORE_LEAST and at least one phrase or
    symbol speaks of it surely; in a session that already is about investing, less will do.  */

#ifndef ADVISOR_UNDERSTAND_H
#define ADVISOR_UNDERSTAND_H

#include "advisor/catalogue/catalogue.h"
#include "advisor/profile.h"
#include "advisor/understand/languages.h"
#include "advisor/understand/subjects.h"

enum { SYMBOLS_MAX = 6, BEYOND_MAX = 20, HITS_MAX = 64, SCORE_LEAST = 3 };

typedef enum {
    INTENT_UNKNOWN, /* nothing that the advisor could take hold of */
    INTENT_OUTSIDE, /* about something else */
    INTENT_SUBJECT, /* a matter beside the choice of a fund: subjects.def */
    INTENT_SOCIAL,  /* hello, thanks, help */
    INTENT_RESET,
    INTENT_EXPLAIN,  /* a term of the glossary */
    INTENT_FORECAST, /* what prices will do */
    INTENT_TRADE,    /* selling, leverage, single stocks */
    INTENT_DETAIL,   /* one product */
    INTENT_COMPARE,  /* several products */
    INTENT_TOPICS,   /* several kinds of products */
    INTENT_UNLISTED, /* a symbol that the catalogue does not have */
    INTENT_WHY,      /* why the last recommendations */
    INTENT_GROWTH,   /* what will be there one day */
    INTENT_TARGET,   /* what to pay in for an amount to be there one day */
    INTENT_ADVICE,   /* products that suit the profile */
} intent_t;

typedef struct {
    intent_t intent;
    profile_t profile; /* of the session, with what this message adds */
    unsigned follow;   /* follow_t bits */
    unsigned missing;  /* need_t bits: an answer would be a guess without them */
    bool changed;      /* the message added to the profile */
    social_t social;
    const char *term;         /* INTENT_EXPLAIN: the glossary's text */
    int symbols[SYMBOLS_MAX]; /* indexes in the catalogue, as mentioned */
    size_t symbol_count;
    int beyond[BEYOND_MAX]; /* mentioned behind the SYMBOLS_MAX-th */
    size_t beyond_count;
    char unlisted[PROFILE_SYMBOL_BYTES];
    topic_set_t topics; /* mentioned and not refused */
    int hits[HITS_MAX]; /* products that words of the message find */
    size_t hit_count;
    subject_set_t subjects;
    language_t language;
    int other_months;  /* a second time, which this answer is not for; 0: none */
    goal_t other_goal; /* a second one, which this answer is not for */
    bool odd;          /* a number in it makes no sense and is left out */
    int products;      /* how many are wanted; 0: not said */
    int score;
} reading_t;

/*  `before`: the session's profile; `year`: the current calendar year.  */
void understand (catalogue_t *catalogue, const profile_t *before, plv_view_t text, int year,
                 reading_t *ret_reading);

/*  The glossary's text about the longest term in the message, or NULL.  */
const char *glossary_find (const words_t *words);

/*  Does a term of the glossary begin at that word?  */
bool glossary_has (const words_t *words, size_t at);

#endif
