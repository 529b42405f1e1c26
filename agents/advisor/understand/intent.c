#include "advisor/understand/intent.h"

/*  Does a message in a running session speak of the same thing still?  */
static bool continues (const context_t *self)
{
    const unsigned bits = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK | FOLLOW_CHEAPER | FOLLOW_OTHERS
                          | FOLLOW_SKIP | FOLLOW_THESE;
    if (!self->in_session || self->negative > 1)
        return false;
    return self->reading->changed || self->found.products || (self->reading->follow & bits)
           || (self->grew && context_has (self, MARK_ASK));
}

static bool about_investing (const context_t *self)
{
    return self->anchored && self->reading->score >= SCORE_LEAST;
}

static bool wants_products (const context_t *self)
{
    return context_has (self, MARK_ASK) || context_has (self, MARK_GOAL)
           || context_has (self, MARK_TOPIC) || self->reading->changed || self->reading->follow
           || context_is_fragment (self);
}

/*  The product that was shown in that place, as if the message had named it.  */
static void add_shown (context_t *self, size_t place)
{
    reading_t *reading = self->reading;
    const symbols_t *shown = &reading->profile.shown;
    int product = place < shown->count
                      ? catalogue_find (self->catalogue, plv_view_str (shown->items[place]))
                      : -1;
    if (product >= 0 && reading->symbol_count < SYMBOLS_MAX)
        reading->symbols[reading->symbol_count++] = product;
}

static void add_ordinals (context_t *self)
{
    for (size_t i = 0; i < self->marks.count; i++)
        if (self->marks.items[i].kind == MARK_ORDINAL)
            add_shown (self, (size_t) self->marks.items[i].value);
}

/*  Questions about the products shown last: "the first one", "compare them", "why?".  */
static intent_t intent_of_shown (context_t *self)
{
    reading_t *reading = self->reading;
    size_t shown = reading->profile.shown.count;
    if (!shown || reading->symbol_count || self->negative || self->topics || self->found.months)
        return INTENT_UNKNOWN;
    add_ordinals (self);
    bool these = (reading->follow & FOLLOW_THESE) && (reading->follow & FOLLOW_CHEAPER);
    bool all = !reading->symbol_count && (self->compare == 2 || these);
    for (size_t i = 0; all && i < shown; i++)
        add_shown (self, i);
    if (reading->symbol_count)
        return reading->symbol_count > 1 ? INTENT_COMPARE : INTENT_DETAIL;
    bool chosen = reading->profile.risk || reading->profile.wants || reading->profile.assumed;
    return (reading->follow & FOLLOW_WHY) && chosen && !reading->changed ? INTENT_WHY
                                                                         : INTENT_UNKNOWN;
}

/*  A fee that nobody knows is none to recommend a product for.  */
static bool is_cheaper (const product_t *product, const product_t *other)
{
    return product->fee != FEE_UNKNOWN && (other->fee == FEE_UNKNOWN || product->fee < other->fee);
}

static bool is_named (const reading_t *reading, size_t product)
{
    for (size_t i = 0; i < reading->symbol_count; i++)
        if ((size_t) reading->symbols[i] == product)
            return true;
    return false;
}

/*  "Something like VTI, but cheaper": the others of its asset class, the cheapest first; of equal ones the one
    that the catalogue names first.  */
static void add_alike (context_t *self)
{
    reading_t *reading = self->reading;
    const product_t *like = catalogue_product (self->catalogue, (size_t) reading->symbols[0]);
    while (reading->symbol_count < SYMBOLS_MAX) {
        const product_t *best = NULL;
        size_t best_at = 0;
        for (size_t i = 0; i < catalogue_size (self->catalogue); i++) {
            const product_t *product = catalogue_product (self->catalogue, i);
            if (product->asset_class != like->asset_class || is_named (reading, i)
                || (best && !is_cheaper (product, best)))
                continue;
            best = product;
            best_at = i;
        }
        if (!best)
            return;
        reading->symbols[reading->symbol_count++] = (int) best_at;
    }
}

static intent_t intent_of_symbols (context_t *self)
{
    reading_t *reading = self->reading;
    if (self->negative > 3)
        return INTENT_UNKNOWN;
    if (reading->symbol_count == 1 && context_has_word (self, "sell"))
        return INTENT_TRADE;
    if (reading->symbol_count == 1 && (reading->follow & (FOLLOW_OTHERS | FOLLOW_CHEAPER)))
        add_alike (self);
    if (reading->symbol_count > 1)
        return INTENT_COMPARE;
    if (reading->symbol_count == 1)
        return INTENT_DETAIL;
    if (reading->unlisted[0] && !self->negative && !self->topics && !reading->changed)
        return INTENT_UNLISTED;
    return INTENT_UNKNOWN;
}

/*  Questions that are about investing and want no products.  */
static intent_t intent_of_question (context_t *self)
{
    reading_t *reading = self->reading;
    bool dated = self->found.months && !self->found.months_vague;
    bool asks_first = self->marks.count && self->marks.items[0].kind == MARK_EXPLAIN;
    bool owns = self->found.amount_marked || (self->found.risk && !asks_first)
                || context_has (self, MARK_GOAL);
    bool personal = dated || owns;
    if (context_has (self, MARK_TRADE) && self->negative < 3)
        return INTENT_TRADE;
    /* "will it crash in 2027?" has a date and is no plan; "should I wait, for 10 years, low risk" is one */
    bool foretells = context_has (self, MARK_FORECAST) && !(self->foretells ? owns : personal);
    if (foretells && (self->anchored || self->topics) && reading->score >= 2)
        return INTENT_FORECAST;
    if (self->negative > 1)
        return INTENT_UNKNOWN;
    bool several = (reading->topics & (reading->topics - 1)) != 0;
    if (several && self->compare && !personal
        && (self->compare == 2 || !context_has (self, MARK_ASK)))
        return INTENT_TOPICS;
    if (context_has (self, MARK_EXPLAIN) && !personal && !context_has (self, MARK_ASK)) {
        reading->term = glossary_find (&self->words);
        return reading->term ? INTENT_EXPLAIN : INTENT_UNKNOWN;
    }
    return INTENT_UNKNOWN;
}

static intent_t intent_of_rest (const context_t *self)
{
    const reading_t *reading = self->reading;
    if ((about_investing (self) && wants_products (self)) || continues (self))
        return INTENT_ADVICE;
    if (self->negative > 0 && !self->anchored)
        return INTENT_OUTSIDE;
    if (reading->social && self->words.count <= 12)
        return INTENT_SOCIAL;
    return INTENT_UNKNOWN;
}

/*  What is said about a matter beside the choice of a fund, where nothing else is to be said.  */
static bool subject_is_all (intent_t intent)
{
    return intent == INTENT_UNKNOWN || intent == INTENT_OUTSIDE || intent == INTENT_EXPLAIN
           || intent == INTENT_SOCIAL;
}

static intent_t find_intent_alone (context_t *self)
{
    intent_t intent = INTENT_UNKNOWN;
    if (self->reading->follow & FOLLOW_RESET)
        return self->negative > 1 ? INTENT_OUTSIDE : INTENT_RESET;
    if (self->reading->profile.target.amount && self->negative < 3)
        return INTENT_TARGET;
    if (self->reading->profile.growth)
        return INTENT_GROWTH;
    intent = intent_of_shown (self);
    if (!intent)
        intent = intent_of_symbols (self);
    if (!intent)
        intent = intent_of_question (self);
    return intent ? intent : intent_of_rest (self);
}

intent_t intent_find (context_t *self)
{
    subject_set_t subjects = self->reading->subjects;
    if (subjects_sole (subjects) != SUBJECT_COUNT_)
        return INTENT_SUBJECT;
    intent_t intent = find_intent_alone (self);
    /* "what did it do last year?", "can I get it back at any time?": they ask for no product */
    const subject_set_t whole = SUBJECT_BIT (SUBJECT_PAST) | SUBJECT_BIT (SUBJECT_SELLING)
                                | SUBJECT_BIT (SUBJECT_OWN) | SUBJECT_BIT (SUBJECT_ADVISER)
                                | SUBJECT_BIT (SUBJECT_PACE) | SUBJECT_BIT (SUBJECT_DRAWING);
    bool dated = self->found.months && !self->found.months_vague;
    bool wants = context_has (self, MARK_ASK) || context_has (self, MARK_RISK) || dated;
    if ((subjects & whole) && intent == INTENT_ADVICE && !wants)
        return INTENT_SUBJECT;
    if (self->found.draws) /* said beside the plan, which it does not replace */
        subjects = self->reading->subjects |= SUBJECT_BIT (SUBJECT_DRAWING);
    return subjects && subject_is_all (intent) ? INTENT_SUBJECT : intent;
}
