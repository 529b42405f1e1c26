#include "advisor/phrases.h"

#include "advisor/topics.h"

typedef struct {
    mark_kind_t kind;
    int value;
    int weight;
    const char *words;
} phrase_t;

static const phrase_t PHRASES[] = {
#define PHRASE(kind_, value_, weight_, words_) {MARK_##kind_, value_, weight_, words_},
#include "advisor/phrases.def"
#undef PHRASE
#define TOPIC(id_, label_, weight_, words_, is_, holds_) {MARK_TOPIC, TOPIC_##id_, weight_, words_},
#include "advisor/topics.def"
#undef TOPIC
#define GOAL(id_, label_, weight_, months_, words_, favours_)                                      \
    {MARK_GOAL, GOAL_##id_, weight_, words_},
#include "advisor/goals.def"
#undef GOAL
};

/*  Words of the alternative at `phrase` (it ends at | or NUL) that stand at word `at`, or 0.  */
static size_t match_one (const char *phrase, const words_t *words, size_t at)
{
    size_t count = 0;
    for (;; count++) {
        if (at + count >= words->count)
            return 0;
        const word_t *word = &words->items[at + count];
        if ((count && word->stop) || strncmp (phrase, word->text, word->size) != 0)
            return 0;
        phrase += word->size;
        if (*phrase == '|' || *phrase == '\0')
            return count + 1;
        if (*phrase++ != ' ')
            return 0;
    }
}

size_t phrases_match (const char *phrases, const words_t *words, size_t at)
{
    size_t longest = 0;
    char first = words->items[at].text[0];
    for (const char *phrase = phrases; phrase; phrase = strchr (phrase, '|')) {
        phrase += *phrase == '|';
        if (*phrase == first) {
            size_t count = match_one (phrase, words, at);
            longest = count > longest ? count : longest;
        }
    }
    return longest;
}

/*  On equal length the earlier row of the tables wins.  */
static bool match_at (const words_t *words, size_t at, mark_t *ret_mark)
{
    mark_t best = {.first = at};
    for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++) {
        size_t count = phrases_match (PHRASES[i].words, words, at);
        if (count > best.count)
            best = (mark_t){PHRASES[i].kind, PHRASES[i].value, PHRASES[i].weight, at, count};
    }
    *ret_mark = best;
    return best.count > 0;
}

void phrases_find (const words_t *words, marks_t *ret_marks)
{
    ret_marks->count = 0;
    for (size_t at = 0; at < words->count && ret_marks->count < MARKS_MAX;) {
        mark_t mark;
        if (match_at (words, at, &mark)) {
            ret_marks->items[ret_marks->count++] = mark;
            at += mark.count;
        } else {
            at++;
        }
    }
}
