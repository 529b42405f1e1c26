#include "advisor/understand/share.h"

enum { FILL_WORDS_MAX = 6 };

typedef struct {
    int percent; /* 0: none */
    int rest;    /* of "80/20": what the second one says; 0: it was one number */
    size_t next; /* the word behind it */
} part_t;

static int whole (const words_t *words, size_t at)
{
    const word_t *word = &words->items[at];
    bool good = at < words->count && word->number && word->value >= 1 && word->value <= 100;
    return good ? (int) word->value : 0;
}

/*  "Half", "60 %", "80/20" or "80:20" at that word.  */
static part_t part_at (const words_t *words, const marks_t *marks, size_t at)
{
    const mark_t *mark = phrases_from (marks, at);
    int one = whole (words, at), other = whole (words, at + 1);
    if (mark && mark->kind == MARK_SHARE)
        return (part_t){mark->value, 0, at + mark->count};
    bool ratio = other && (words->items[at + 1].slash || words->items[at + 1].colon);
    if (one && ratio && one + other == 100)
        return (part_t){one, other, at + 2};
    if (one && words_at (words, at + 1, "%"))
        return (part_t){one, 0, at + 2};
    return (part_t){0};
}

/*  May the word stand between a share and what it is a share of?  */
static bool fills (const words_t *words, size_t at)
{
    static const char FILLS[] =
        "of my the it our money in into to be goes go should savings capital cash "
        "amount invested put k with split portfolio mix between sum";
    const word_t *word = &words->items[at];
    if (word->stop || word->comma)
        return false;
    return words_at_any (words, at, FILLS) || (word->number && !words_at (words, at + 1, "%"));
}

/*  The kind of product that the share is one of, or -1.  */
static int topic_behind (const words_t *words, const marks_t *marks, size_t at)
{
    for (size_t end = at + FILL_WORDS_MAX; at <= end && at < words->count; at++) {
        const mark_t *mark = phrases_from (marks, at);
        if (mark && mark->kind == MARK_TOPIC && !words->items[at].stop)
            return mark->value;
        if (words_at (words, at, "shares"))
            return TOPIC_STOCKS;
        if (!fills (words, at))
            return -1;
    }
    return -1;
}

/*  Are all kinds that the message names stocks, bonds, or both?  */
static bool is_plain (const marks_t *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i].kind == MARK_TOPIC
            && !(SHARE_TOPICS & TOPIC_BIT (marks->items[i].value)))
            return false;
    return true;
}

static bool is_of_stocks (int topic)
{
    return topic == TOPIC_STOCKS || topic == TOPIC_WORLD || topic == TOPIC_MIXED;
}

int share_find (const words_t *words, const marks_t *marks)
{
    int stocks = 0, bonds = 0;
    for (size_t at = 0; at < words->count; at++) {
        part_t part = part_at (words, marks, at);
        if (!part.percent)
            continue;
        int topic = topic_behind (words, marks, part.next);
        bool yield = words_at (words, part.next, "bond"); /* "an 8 % bond" */
        if (yield)
            topic = -1;
        bool of_stocks = topic < 0 ? part.rest > 0 : is_of_stocks (topic);
        if (!stocks && of_stocks)
            stocks = part.percent;
        else if (!bonds && topic == TOPIC_BONDS)
            bonds = part.percent;
        at = part.next - 1;
    }
    if (!stocks && bonds)
        stocks = 100 - bonds;
    return is_plain (marks) && stocks >= SHARE_LEAST && stocks <= SHARE_MOST ? stocks : 0;
}
