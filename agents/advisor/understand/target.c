#include "advisor/understand/target.h"

/*  Within so many words behind "how much must I": "regularly save".  */
enum { VERB_WORDS_MAX = 2 };

/*  "How much must I tip?" asks something else.  */
static bool is_paid_in (const words_t *words, size_t at)
{
    static const char *const VERBS[] = {"save", "saving",     "put", "set",
                                        "lay",  "contribute", "pay", "invest"};
    for (size_t word = at; word < at + VERB_WORDS_MAX; word++)
        for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
            if (words_at (words, word, VERBS[i]))
                return true;
    return false;
}

target_t target_find (const words_t *words, const marks_t *marks, const quantities_t *found)
{
    target_t self = {.owned = found->owned, .every = 1};
    bool asked = false;
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        if (mark->kind == MARK_EVERY && mark->value == 12)
            self.every = 12;
        if (mark->kind != MARK_TARGET || mark->value == TARGET_REACH)
            continue;
        if (mark->value > 1)
            self.every = mark->value;
        asked |= mark->value > 0 || is_paid_in (words, mark->first + mark->count);
    }
    /* whoever asks without "to have" names one amount; "how much of my 10,000" is not it */
    double other = found->amount == found->owned || found->every ? 0 : found->amount;
    if (asked)
        self.amount = found->target > 0 ? found->target : other;
    return self;
}
