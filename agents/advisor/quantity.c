#include "advisor/quantity.h"

enum { YEARS_AHEAD_MAX = 70, AGE_MAX = 110, AMOUNT_LEAST = 100, MONTHS_MAX = 12 * YEARS_AHEAD_MAX };

typedef struct {
    const words_t *words;
    const marks_t *marks;
    int year;
    quantities_t *found;
} context_t;

/*  A number in the text, and the marks on both sides of it.  */
typedef struct {
    double value;
    size_t first;
    size_t next; /* the word behind it */
    bool scaled;
    const mark_t *before;
    const mark_t *after;
} number_t;

static const mark_t *mark_from (const context_t *self, size_t word)
{
    for (size_t i = 0; i < self->marks->count; i++)
        if (self->marks->items[i].first == word)
            return &self->marks->items[i];
    return NULL;
}

static const mark_t *mark_until (const context_t *self, size_t word)
{
    for (size_t i = 0; i < self->marks->count; i++)
        if (self->marks->items[i].first + self->marks->items[i].count == word)
            return &self->marks->items[i];
    return NULL;
}

static bool is (const mark_t *mark, mark_kind_t kind)
{
    return mark && mark->kind == kind;
}

/*  Another three digits of a number that is written with spaces: "10 000".  */
static bool continues (const context_t *self, size_t at)
{
    const word_t *word = &self->words->items[at];
    return at < self->words->count && word->number && word->size == 3 && !word->stop && !word->comma
           && !word->joined && word->value == (double) (int) word->value;
}

static bool read_digits (const context_t *self, size_t at, number_t *number)
{
    const word_t *word = &self->words->items[at];
    if (!word->number)
        return false;
    number->value = word->value;
    number->next = at + 1;
    if (word->size <= 3 && word->value >= 1 && !strchr (word->text, '.'))
        while (number->value < 1e9 && continues (self, number->next))
            number->value = number->value * 1000 + self->words->items[number->next++].value;
    return true;
}

/*  "k", "m" and "bn" right behind digits, or a word such as "thousand".  */
static void read_scale (const context_t *self, number_t *number)
{
    const mark_t *mark = mark_from (self, number->next);
    bool joined = number->next < self->words->count && self->words->items[number->next].joined;
    if (is (mark, MARK_SCALE)) {
        number->value *= mark->value;
        number->next += mark->count;
        number->scaled = true;
    } else if (joined && words_at (self->words, number->next, "m")) {
        number->value *= 1e6;
        number->next++;
        number->scaled = true;
    }
}

/*  "S&P 500", "401k", "60/40": numbers that are names.  */
static bool part_of_name (const context_t *self, size_t at)
{
    for (size_t i = 0; i < self->marks->count; i++) {
        const mark_t *mark = &self->marks->items[i];
        if (at >= mark->first && at < mark->first + mark->count)
            return mark->kind == MARK_TOPIC || mark->kind == MARK_GOAL;
    }
    return false;
}

static bool read_number (const context_t *self, size_t at, number_t *ret_number)
{
    number_t number = {.first = at};
    const mark_t *mark = mark_from (self, at);
    if (part_of_name (self, at))
        return false;
    if (!read_digits (self, at, &number)) {
        if (!is (mark, MARK_NUMBER))
            return false;
        number.value = mark->value;
        number.next = at + mark->count;
    }
    read_scale (self, &number);
    number.before = mark_until (self, at);
    number.after = mark_from (self, number.next);
    *ret_number = number;
    return true;
}

/*  The unit behind a number, or behind the second one of "5-10 years" and "5 to 10 years".  */
static const mark_t *unit_of (const context_t *self, const number_t *number)
{
    number_t second;
    if (is (number->after, MARK_UNIT))
        return number->after;
    size_t at = number->next;
    at += words_at (self->words, at, "to") || words_at (self->words, at, "or");
    if (at < self->words->count && !self->words->items[at].stop && !self->words->items[at].comma
        && read_number (self, at, &second) && is (second.after, MARK_UNIT)
        && second.value > number->value)
        return second.after;
    return NULL;
}

static bool take_risk (const context_t *self, const number_t *number)
{
    bool of_seven = is (number->after, MARK_OUT_OF)
                    && words_at (self->words, number->next + number->after->count, "7");
    bool level =
        number->value == (double) (int) number->value && number->value >= 1 && number->value <= 7;
    if (!level || !(of_seven || is (number->before, MARK_RISK_IS)) || unit_of (self, number))
        return false;
    self->found->risk = (int) number->value;
    return true;
}

static bool take_age (const context_t *self, const number_t *number)
{
    bool old = is (number->after, MARK_OLD), named = is (number->before, MARK_AGE);
    if ((!old && !named) || number->value > AGE_MAX || number->scaled
        || is (number->after, MARK_UNIT) || is (number->after, MARK_CURRENCY))
        return false;
    if (named && number->before->value == 2)
        self->found->retire_age = (int) number->value;
    else
        self->found->age = (int) number->value;
    return true;
}

static bool take_months (const context_t *self, const number_t *number)
{
    const mark_t *unit = unit_of (self, number);
    int months = 0;
    if (unit && number->value <= YEARS_AHEAD_MAX * 12)
        months = unit->value ? (int) (number->value * unit->value + 0.5) : 1;
    else if (!number->scaled && number->value > self->year
             && number->value <= self->year + YEARS_AHEAD_MAX && !is (number->before, MARK_CURRENCY)
             && !is (number->after, MARK_CURRENCY))
        months = ((int) number->value - self->year) * 12;
    if (months > MONTHS_MAX)
        months = MONTHS_MAX;
    if (months && !self->found->months)
        self->found->months = months;
    return unit || months;
}

static bool take_amount (const context_t *self, const number_t *number)
{
    const mark_t *behind = number->after;
    const mark_t *currency = is (number->before, MARK_CURRENCY) ? number->before : NULL;
    if (!currency && is (behind, MARK_CURRENCY))
        currency = behind;
    if (behind && behind == currency)
        behind = mark_from (self, behind->first + behind->count);
    bool every =
        is (behind, MARK_EVERY)
        || (currency && is (behind, MARK_UNIT) && behind->value > 0 && behind->value <= 12);
    if (!currency && !number->scaled && !every && number->value < AMOUNT_LEAST)
        return false;
    if (number->value <= 0 || (self->found->amount_marked && !currency && !number->scaled))
        return number->value > 0;
    self->found->amount = number->value;
    self->found->amount_marked = currency || number->scaled;
    self->found->currency = currency ? currency->value : self->found->currency;
    self->found->every = every ? behind->value : 0;
    return true;
}

static void take_number (const context_t *self, const number_t *number)
{
    if (words_at (self->words, number->next, "%"))
        return;
    if (take_risk (self, number) || take_age (self, number) || take_months (self, number)
        || take_amount (self, number))
        return;
    if (self->found->bare < 0 && number->value < AMOUNT_LEAST)
        self->found->bare = (int) number->value;
}

/*  "long term", "a decade": only where no number says it better.  */
static void take_words (const context_t *self)
{
    for (size_t i = 0; i < self->marks->count && !self->found->months; i++) {
        const mark_t *mark = &self->marks->items[i];
        if (mark->kind == MARK_HORIZON) {
            self->found->months = mark->value;
            self->found->months_vague = true;
        } else if (mark->kind == MARK_UNIT && mark->value > 12) {
            self->found->months = mark->value;
        }
    }
}

void quantities_find (const words_t *words, const marks_t *marks, int year, quantities_t *ret_found)
{
    context_t self = {words, marks, year, ret_found};
    *ret_found = (quantities_t){.currency = -1, .bare = -1};
    for (size_t at = 0; at < words->count;) {
        number_t number;
        if (read_number (&self, at, &number)) {
            take_number (&self, &number);
            at = number.next;
        } else {
            at++;
        }
    }
    take_words (&self);
}
