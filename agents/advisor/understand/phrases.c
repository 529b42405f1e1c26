#include "advisor/understand/phrases.h"

#include "advisor/understand/topics.h"

typedef struct {
    mark_kind_t kind;
    int value;
    int weight;
    const char *words;
} phrase_t;

static const phrase_t PHRASES[] = {
#define PHRASE(kind_, value_, weight_, words_) {MARK_##kind_, value_, weight_, words_},
#include "advisor/understand/phrases.def"
#undef PHRASE
#define TOPIC(id_, label_, weight_, words_, is_, holds_) {MARK_TOPIC, TOPIC_##id_, weight_, words_},
#include "advisor/understand/topics.def"
#undef TOPIC
#define GOAL(id_, label_, weight_, months_, words_, favours_)                                      \
    {MARK_GOAL, GOAL_##id_, weight_, words_},
#include "advisor/understand/goals.def"
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

typedef struct {
    const words_t *words;
    bool begins[256];       /* does a word of the message begin with this byte? */
    mark_t best[WORDS_MAX]; /* by its first word; count 0: none */
} search_t;

/*  On equal length the earlier row of the tables wins.  */
static void match_everywhere (search_t *self, const phrase_t *row, const char *phrase)
{
    for (size_t at = 0; at < self->words->count; at++) {
        if (*phrase != self->words->items[at].text[0])
            continue;
        size_t count = match_one (phrase, self->words, at);
        if (count > self->best[at].count)
            self->best[at] = (mark_t){row->kind, row->value, row->weight, at, count};
    }
}

/*  Each phrase is looked at once, however long the message is: most begin as none of its words does.  */
static void match_all (search_t *self)
{
    for (size_t at = 0; at < self->words->count; at++)
        self->begins[(uint8_t) self->words->items[at].text[0]] = true;
    for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++)
        for (const char *phrase = PHRASES[i].words; phrase; phrase = strchr (phrase, '|')) {
            phrase += *phrase == '|';
            if (self->begins[(uint8_t) *phrase])
                match_everywhere (self, &PHRASES[i], phrase);
        }
}

void phrases_find (const words_t *words, marks_t *ret_marks)
{
    search_t search = {.words = words};
    match_all (&search);
    ret_marks->count = 0;
    for (size_t at = 0; at < words->count && ret_marks->count < MARKS_MAX;) {
        const mark_t *mark = &search.best[at];
        if (mark->count)
            ret_marks->items[ret_marks->count++] = *mark;
        at += mark->count ? mark->count : 1;
    }
}

const mark_t *phrases_from (const marks_t *marks, size_t word)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i].first == word)
            return &marks->items[i];
    return NULL;
}
