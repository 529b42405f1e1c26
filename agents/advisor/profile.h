/*  profile -- what a session has told the advisor so far, and what it was shown
    OWNS    nothing: a plain value of fixed size
    THREAD  any
    FAILS   profile_read on bytes that profile_write did not write: it takes what it understands
    COST    a small msgpack map

    It is kept in the session's state under the key PROFILE_KEY and goes back with the reply.  */

#ifndef ADVISOR_PROFILE_H
#define ADVISOR_PROFILE_H

#include "advisor/understand/phrases.h"
#include "advisor/understand/target.h"
#include "advisor/understand/topics.h"
#include "base/buf.h"

#define PROFILE_KEY "advisor"

enum { PROFILE_SYMBOLS_MAX = 12, PROFILE_SYMBOL_BYTES = 17 };

/*  What may be missing for a recommendation; also: what was asked for already.  */
typedef enum { NEED_RISK = 1, NEED_HORIZON = 2 } need_t;

typedef struct {
    char items[PROFILE_SYMBOLS_MAX][PROFILE_SYMBOL_BYTES];
    size_t count;
} symbols_t;

typedef struct {
    goal_t goal;
    int months;    /* until the money is needed; 0: not known */
    double amount; /* 0: not known */
    int currency;  /* currency_t, or -1 */
    int every;     /* months between amounts; 0: once */
    double lump;   /* what is there at once beside an amount that comes again; 0: nothing */
    int age;       /* of the person who asks; 0: not known */
    int until_age; /* the plan ends at this age, as of one that is not known; 0: not said */
    int risk;      /* the highest level wanted, 1 to 7; 0: not known */
    int share;     /* per cent that shall be in stocks, beside bonds; 0: not said */
    bool cheap;    /* low fees matter most */
    topic_set_t wants;
    topic_set_t refuses;
    unsigned asked;   /* need_t bits: what the last answer asked for */
    unsigned assumed; /* need_t bits: what was assumed since the user did not say */
    symbols_t shown;  /* by the last answer, in its order */
    symbols_t seen;   /* before, while the user asked for others */
    symbols_t held;   /* owned already */
    target_t target;  /* what the last answer was to reach; amount 0: it was about something else */
    bool growth;      /* the last answer was what will be there one day */
} profile_t;

void profile_init (profile_t *self);

/*  `value`: the encoded map, or empty for a new session.  */
void profile_read (profile_t *self, plv_view_t value);
void profile_write (const profile_t *self, plv_buf_t *out);

/*  Of more than PROFILE_SYMBOLS_MAX the oldest are forgotten.  */
void symbols_add (symbols_t *self, plv_view_t symbol);
bool symbols_has (const symbols_t *self, const char *symbol);

const char *profile_goal_label (goal_t goal);   /* "retirement"; "" for GOAL_NONE */
const char *profile_goal_favours (goal_t goal); /* see goals.def */
int profile_goal_months (goal_t goal);
const char *profile_currency (int currency); /* "USD"; "" for -1 */
bool profile_wants_ucits (const profile_t *self);

#endif
