#include "advisor/understand/target.h"

/*  Within so many words behind "how much must I": "regularly save".  */
enum { VERB_WORDS_MAX = 2 };

/*  "How much must I tip?" asks something else.  */
static bool is_paid_in (const words_t *words, const marks_t *marks, size_t at)
{
    static const char VERBS[] =
        "save saving put set lay contribute pay invest sparen ansparen zurücklegen weglegen einzahlen anlegen "
        "investieren épargner économiser mettre placer verser investir ahorrar aportar apartar guardar invertir "
        "risparmiare accantonare versare mettere investire poupar economizar juntar aplicar depositar inleggen "
        "beleggen opzij investeren";
    for (size_t words_left = VERB_WORDS_MAX; words_left > 0; words_left--, at++) {
        const mark_t *rhythm = phrases_from (marks, at);
        at += rhythm && rhythm->kind == MARK_EVERY ? rhythm->count : 0; /* "im Monat zurücklegen" */
        if (words_at_any (words, at, VERBS))
            return true;
    }
    return false;
}

/*  In months, of which 1 and 12 are what an answer is given for; 0: not said.  */
static int interval (const marks_t *marks)
{
    int every = 0;
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        bool says = mark->kind == MARK_EVERY || (mark->kind == MARK_TARGET && mark->value > 1);
        if (says)
            every = mark->value == 12 ? 12 : 1;
    }
    return every;
}

static bool is_asked (const words_t *words, const marks_t *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        const mark_t *mark = &marks->items[i];
        bool asks = mark->kind == MARK_TARGET && mark->value >= TARGET_ASKS;
        if (asks && (mark->value > 0 || is_paid_in (words, marks, mark->first + mark->count)))
            return true;
    }
    return false;
}

/*  "How long until I have 100,000?"; "how long does it take to get 500 of my money back?" asks something else, and so
    does "how long to reach 100?", which may be anything.  */
static bool asks_when (const marks_t *marks, const quantities_t *found)
{
    bool paid = found->paid > 0 || found->owned > 0;
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i].kind == MARK_WHEN)
            return paid || found->target >= MONEY_LEAST
                   || (found->target > 0 && found->amount_marked);
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
    bool when = asks_when (marks, found);
    double paid_for = is_asked (words, marks) ? wanted (found) : 0;
    return (target_t){.amount = when ? found->target : paid_for,
                      .owned = found->owned,
                      .every = every ? every : 1,
                      .when = when};
}

bool target_change (target_t *self, const marks_t *marks, const quantities_t *found)
{
    int every = interval (marks);
    double amount = wanted (found);
    if (found->amount && found->every) /* what somebody can pay in, not what shall be there */
        return self->when;
    if (amount > 0)
        self->amount = amount;
    if (found->owned > 0)
        self->owned = found->owned;
    if (every)
        self->every = every;
    return amount > 0 || found->owned > 0 || every;
}
