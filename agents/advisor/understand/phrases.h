/*  phrases -- which of the known phrases stand in a message, and where
    OWNS    nothing but fixed space, by value; const tables from phrases.def, topics.def and goals.def
    THREAD  any
    FAILS   never; what is behind the MARKS_MAX-th mark is left out
    COST    one pass over all phrases, and a comparison for each that begins as a word does: tens of microseconds

    Of the phrases that match at a word the longest wins, and matching goes on behind it: marks never
    overlap, and they stand in the order of the text.  */

#ifndef ADVISOR_PHRASES_H
#define ADVISOR_PHRASES_H

#include "advisor/understand/words.h"

typedef enum {
    MARK_RISK,
    MARK_HORIZON,
    MARK_UNIT,
    MARK_NUMBER,
    MARK_SCALE,
    MARK_CURRENCY,
    MARK_EVERY,
    MARK_SHARE,
    MARK_AGE,
    MARK_OLD,
    MARK_UNTIL,
    MARK_RISK_IS,
    MARK_OUT_OF,
    MARK_FOLLOW,
    MARK_ORDINAL,
    MARK_ASK,
    MARK_COMPARE,
    MARK_TARGET,
    MARK_WHEN,
    MARK_GROWTH,
    MARK_EXPLAIN,
    MARK_FORECAST,
    MARK_TRADE,
    MARK_SOCIAL,
    MARK_NOT,
    MARK_HAVE,
    MARK_END,
    MARK_NONE,
    MARK_TOPIC,
    MARK_GOAL,
} mark_kind_t;

typedef enum {
    FOLLOW_LESS_RISK = 1,
    FOLLOW_MORE_RISK = 2,
    FOLLOW_CHEAPER = 4,
    FOLLOW_OTHERS = 8,
    FOLLOW_WHY = 16,
    FOLLOW_THESE = 32,
    FOLLOW_RESET = 64,
    FOLLOW_SKIP = 128,
} follow_t;

/*  What MARK_TARGET says: see phrases.def.  */
enum { TARGET_REACHED = -2, TARGET_REACH = -1, TARGET_ASKS = 0 };

/*  What MARK_WHEN says: see phrases.def.  */
enum { WHEN_ASKS = 0, WHEN_REACH = 1 };

typedef enum { SOCIAL_NONE, SOCIAL_HELLO, SOCIAL_THANKS, SOCIAL_BYE, SOCIAL_HELP } social_t;

typedef enum {
#define CURRENCY(id, ucits) CURRENCY_##id,
#include "advisor/understand/currencies.def"
#undef CURRENCY
    CURRENCY_COUNT_
} currency_t;

typedef enum {
    GOAL_NONE,
#define GOAL(id, label, weight, months, words, favours) GOAL_##id,
#include "advisor/understand/goals.def"
#undef GOAL
    GOAL_COUNT_
} goal_t;

enum { MARKS_MAX = 128 };

typedef struct {
    mark_kind_t kind;
    int value; /* see phrases.def; a topic_t or goal_t for MARK_TOPIC and MARK_GOAL */
    int weight;
    size_t first; /* word */
    size_t count;
} mark_t;

typedef struct {
    mark_t items[MARKS_MAX];
    size_t count;
} marks_t;

void phrases_find (const words_t *words, marks_t *ret_marks);

/*  The mark whose first word that is, or NULL.  */
const mark_t *phrases_from (const marks_t *marks, size_t word);

/*  How many words `phrases` (alternatives divided by |) match at word `at`: the longest, or 0.  */
size_t phrases_match (const char *phrases, const words_t *words, size_t at);

#endif
