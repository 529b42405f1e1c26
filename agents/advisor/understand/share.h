/*  share -- how much of the money shall be in stocks: "half in stocks", "60 % bonds", "80/20"
    OWNS    nothing
    THREAD  any
    FAILS   never; what is not said is 0
    COST    one pass over the words

    Only where the rest is in bonds or is not spoken of: "half in gold" says nothing of stocks.  */

#ifndef ADVISOR_SHARE_H
#define ADVISOR_SHARE_H

#include "advisor/understand/phrases.h"
#include "advisor/understand/topics.h"

/*  What a mixed fund holds, and is.  */
#define SHARE_TOPICS                                                                               \
    (TOPIC_BIT (TOPIC_STOCKS) | TOPIC_BIT (TOPIC_WORLD) | TOPIC_BIT (TOPIC_BONDS)                  \
     | TOPIC_BIT (TOPIC_MIXED))

/*  Per cent, SHARE_LEAST to SHARE_MOST, or 0.  */
enum { SHARE_LEAST = 10, SHARE_MOST = 95 };
int share_find (const words_t *words, const marks_t *marks);

#endif
