#include "advisor/understand/subjects.h"

#include <assert.h>

static const struct {
    bool sole;
    const char *words;
    const char *text;
} ROWS[] = {
#define SUBJECT(id_, sole_, words_, text_) [SUBJECT_##id_] = {sole_, words_, text_},
#include "advisor/understand/subjects.def"
#undef SUBJECT
};

static_assert (SUBJECT_COUNT_ <= 64, "a set of subjects is one 64-bit number");

/*  How many words of a kind of product, of a phrase that says nothing ("after tax"), or of one that asks for a meaning
    begin at or before word `at` and reach beyond it.  */
static size_t topic_words (const marks_t *marks, size_t at)
{
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        bool names = mark->kind == MARK_TOPIC || mark->kind == MARK_EXPLAIN
                     || (mark->kind == MARK_NONE && !mark->weight);
        if (names && at >= mark->first && at < mark->first + mark->count)
            return mark->count;
    }
    return 0;
}

subject_set_t subjects_find (const words_t *words, const marks_t *marks)
{
    subject_set_t set = 0;
    for (size_t at = 0; at < words->count; at++) {
        size_t longer = topic_words (marks, at);
        for (int i = 0; i < SUBJECT_COUNT_; i++) {
            size_t count = phrases_match (ROWS[i].words, words, at);
            if (count && count >= longer)
                set |= SUBJECT_BIT (i);
        }
    }
    return set;
}

subject_t subjects_sole (subject_set_t set)
{
    for (int i = 0; i < SUBJECT_COUNT_; i++)
        if ((set & SUBJECT_BIT (i)) && ROWS[i].sole)
            return (subject_t) i;
    return SUBJECT_COUNT_;
}

const char *subject_text (subject_t subject)
{
    return ROWS[subject].text;
}
