#include "advisor/understand/target.h"

/*  Within so many words behind "how much must I": "regularly save".  */
enum { VERB_WORDS_MAX = 2 };

/*  "How much must I tip?" asks something else.  */
static bool is_paid_in (const words_t *words, size_t at)
{
    for (size_t word = at; word < at + VERB_WORDS_MAX; word++)
        if (words_at_any (words, word, "save saving put set lay contribute pay invest"))
            return true;
    return false;
}

/*  In months, of which 1 and 12 are what an answer is given for; 0: not said.  */
static int interval (const marks_t *marks)
{
    int every = 0;
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        bool says =
            mark->kind == MARK_EVERY
            || (mark->kind == MARK_TARGET && mark->value != TARGET_REACH && mark->value > 1);
        if (says)
            every = mark->value == 12 ? 12 : 1;
    }
    return every;
}

static bool is_asked (const words_t *words, const marks_t *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        bool asks = mark->kind == MARK_TARGET && mark->value != TARGET_REACH;
        if (asks && (mark->value > 0 || is_paid_in (words, mark->first + mark->count)))
            return true;
    }
    return false;
}

/*  Whoever asks without "to have" names one amount; "how much of my 10,000" is not it.  */
static double wanted (const quantities_t *found)
{
    double other = found->amount == found->owned || found->every ? 0 : found->amount;
    return found->target > 0 ? found->target : other;
}

target_t target_find (const words_t *words, const marks_t *marks, const quantities_t *found)
{
    int every = interval (marks);
    return (target_t){.amount = is_asked (words, marks) ? wanted (found) : 0,
                      .owned = found->owned,
                      .every = every ? every : 1};
}

bool target_change (target_t *self, const marks_t *marks, const quantities_t *found)
{
    int every = interval (marks);
    double amount = wanted (found);
    if (found->amount && found->every) /* what somebody can pay in, not what shall be there */
        return false;
    if (amount > 0)
        self->amount = amount;
    if (found->owned > 0)
        self->owned = found->owned;
    if (every)
        self->every = every;
    return amount > 0 || found->owned > 0 || every;
}
