/*  topics -- what people call the things they want or refuse, as sets
    OWNS    nothing; const tables made from topics.def
    THREAD  any
    FAILS   never
    COST    topics_of reads the table once per product, at load; everything else is a bit operation

    A product carries two sets: the topics that it belongs to, and those that it holds some of.  */

#ifndef ADVISOR_TOPICS_H
#define ADVISOR_TOPICS_H

#include "base/view.h"

typedef enum {
#define TOPIC(id, label, weight, words, is, holds) TOPIC_##id,
#include "advisor/understand/topics.def"
#undef TOPIC
    TOPIC_COUNT_
} topic_t;

typedef uint64_t topic_set_t;

#define TOPIC_BIT(topic) (1ULL << (topic))

/*  Where companies are, rather than what a product is: "European bonds" are both.  */
#define REGION_TOPICS                                                                              \
    (TOPIC_BIT (TOPIC_US) | TOPIC_BIT (TOPIC_EX_US) | TOPIC_BIT (TOPIC_EUROPE)                     \
     | TOPIC_BIT (TOPIC_ASIA) | TOPIC_BIT (TOPIC_EMERGING) | TOPIC_BIT (TOPIC_CHINA)               \
     | TOPIC_BIT (TOPIC_INDIA))
#define CRYPTO_TOPICS                                                                              \
    (TOPIC_BIT (TOPIC_CRYPTO) | TOPIC_BIT (TOPIC_BITCOIN) | TOPIC_BIT (TOPIC_ETHEREUM))

typedef struct {
    const char *id; /* "EM_BONDS": what a session's state keeps */
    const char *label;
    const char *words;
    int weight;
} topic_info_t;

topic_info_t topic_info (topic_t topic);

/*  The topic of that id, or -1.  */
int topic_find (plv_view_t id);

/*  The topics that a product with these words (group, class, region and each tag) belongs to, and with
    `holds` those that it holds some of without belonging to them.  */
topic_set_t topics_of (const plv_view_t *words, size_t count, bool holds);

#endif
