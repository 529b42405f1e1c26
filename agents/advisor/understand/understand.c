#include "advisor/understand/understand.h"

#include "advisor/understand/mention.h"
#include "advisor/understand/quantity.h"
#include "advisor/understand/share.h"
#include "advisor/understand/spelling.h"

enum {
    RETIRE_AGE = 67,
    SCOPE_WORDS_MAX = 6,
    BARE_WORDS_MAX = 8,
    FRAGMENT_WORDS_MAX = 2,
    LATE_AGE = 95
};

/*  No asset class but crypto is assumed to earn as much: assumptions.def.  */
static const double RETURN_MOST = 10;

typedef enum { SCOPE_OPEN, SCOPE_NOT, SCOPE_HAVE } scope_t;

typedef struct {
    catalogue_t *catalogue;
    words_t words;
    marks_t marks;
    quantities_t found;
    reading_t *reading;
    bool anchored;   /* something speaks of investing surely */
    bool risk_named; /* in words that are about nothing else */
    bool in_session; /* the session was about investing before */
    bool grew;       /* the last answer was what will be there one day */
    bool foretells;  /* a phrase asks for the future and nothing else */
    int negative;    /* weights of what speaks of something else */
    unsigned kinds;  /* bit per mark_kind_t that occurs */
    int compare;     /* the strongest COMPARE value */
    topic_set_t topics;
    topic_set_t refused;
} context_t;

static bool has (const context_t *self, mark_kind_t kind)
{
    return self->kinds & (1u << kind);
}

/*  "Gold" may be a ring; "gold ETF" is an investment.  */
static int weight_of (const context_t *self, const mark_t *mark)
{
    static const char *const PRODUCTS[] = {"etf",    "etfs",  "fund", "funds",
                                           "stocks", "bonds", "index"};
    if (mark->kind != MARK_TOPIC)
        return mark->weight;
    for (size_t i = 0; i < sizeof PRODUCTS / sizeof *PRODUCTS; i++)
        if (words_at (&self->words, mark->first + mark->count - 1, PRODUCTS[i])
            || words_at (&self->words, mark->first + mark->count, PRODUCTS[i]))
            return 2;
    return mark->weight;
}

/*  One or two words, beside those of courtesy.  */
static bool is_fragment (const context_t *self)
{
    size_t count = self->words.count;
    for (size_t i = 0; i < self->marks.count; i++) {
        const mark_t *mark = &self->marks.items[i];
        bool courtesy = mark->kind == MARK_SOCIAL || words_at (&self->words, mark->first, "please");
        count -= courtesy ? mark->count : 0;
    }
    return count > 0 && count <= FRAGMENT_WORDS_MAX;
}

static void weigh (context_t *self)
{
    reading_t *reading = self->reading;
    for (size_t i = 0; i < self->marks.count; i++) {
        const mark_t *mark = &self->marks.items[i];
        self->kinds |= 1u << mark->kind;
        int weight = weight_of (self, mark);
        self->anchored |= weight >= 2;
        self->negative += weight < 0 ? -weight : 0;
        reading->score += weight;
        self->risk_named |= mark->kind == MARK_RISK && weight >= 2;
        self->foretells |= mark->kind == MARK_FORECAST && weight >= 2;
        if (mark->kind == MARK_FOLLOW)
            reading->follow |= (unsigned) mark->value;
        if (mark->kind == MARK_SOCIAL && !reading->social)
            reading->social = (social_t) mark->value;
        if (mark->kind == MARK_COMPARE && mark->value > self->compare)
            self->compare = mark->value;
    }
    reading->score += (self->found.amount_marked ? 1 : 0) + (self->found.months ? 1 : 0);
    bool dated = self->found.months || self->found.age;
    bool retires = self->found.retire_age && self->found.own_age;
    bool planned = (has (self, MARK_GOAL) || retires) && dated && self->negative == 0;
    bool saves = self->found.every && self->found.amount > 0 && self->negative == 0;
    bool bare_risk = (self->risk_named || self->found.risk) && self->negative == 0
                     && self->words.count <= BARE_WORDS_MAX;
    self->anchored |= planned || saves;
    bool careful = has (self, MARK_RISK) && self->found.amount_marked && self->negative == 0;
    reading->score += planned || bare_risk || saves || careful;
    reading->score += self->found.bears && self->negative == 0 ? 2 : 0;
    /* an amount and a date, or an amount that somebody has, and nothing about something else */
    bool sum = self->found.amount_marked && self->negative == 0
               && (dated || (self->found.owned > 0 && has (self, MARK_HAVE)));
    self->anchored |= sum;
    reading->score += sum ? SCORE_LEAST : 0;
    /* "etf?", "bonds please": somebody who writes in fragments */
    if (self->anchored && self->negative == 0 && is_fragment (self) && reading->score < SCORE_LEAST)
        reading->score = SCORE_LEAST;
    /* whoever names a risk with an amount or a date, or in words that all are about money */
    self->anchored |= (has (self, MARK_RISK) || self->found.risk)
                      && (self->found.amount_marked || self->found.months || self->negative == 0);
}

/*  A negation reaches to the end of its clause: over "and", "or" and commas between topics.  */
static scope_t next_scope (const context_t *self, scope_t scope, size_t at, const mark_t *mark,
                           size_t *since)
{
    const word_t *word = &self->words.items[at];
    if (mark && mark->first == at) {
        if (mark->kind == MARK_NOT || mark->kind == MARK_HAVE) {
            *since = 0;
            return mark->kind == MARK_NOT ? SCOPE_NOT : SCOPE_HAVE;
        }
        if (mark->kind == MARK_TOPIC && !word->stop) {
            *since = 0;
            return scope;
        }
    }
    bool ends =
        word->stop || word->number
        || (mark && mark->first == at && (mark->kind == MARK_END || mark->kind == MARK_ASK));
    bool list = mark && mark->kind == MARK_COMPARE;
    if (ends || (word->comma && !list) || ++*since > SCOPE_WORDS_MAX)
        return SCOPE_OPEN;
    return scope;
}

static void take_symbol (context_t *self, scope_t scope, int product)
{
    reading_t *reading = self->reading;
    const char *symbol = catalogue_product (self->catalogue, (size_t) product)->symbol;
    self->anchored = true;
    reading->score += 3;
    if (scope == SCOPE_HAVE) {
        symbols_add (&reading->profile.held, plv_view_str (symbol));
        reading->changed = true;
        return;
    }
    for (size_t i = 0; i < reading->symbol_count; i++)
        if (reading->symbols[i] == product)
            return;
    for (size_t i = 0; i < reading->beyond_count; i++)
        if (reading->beyond[i] == product)
            return;
    if (reading->symbol_count < SYMBOLS_MAX)
        reading->symbols[reading->symbol_count++] = product;
    else if (reading->beyond_count < BEYOND_MAX)
        reading->beyond[reading->beyond_count++] = product;
}

static void take_topic (context_t *self, scope_t scope, int topic)
{
    if (scope == SCOPE_OPEN)
        self->topics |= TOPIC_BIT (topic);
    else if (scope == SCOPE_NOT)
        self->refused |= TOPIC_BIT (topic);
}

/*  "Not aggressive" asks for little risk; "not too conservative" for some.  */
static int risk_of (const mark_t *mark, scope_t scope)
{
    if (scope != SCOPE_NOT)
        return mark->value;
    return mark->value >= 5 ? 3 : 5;
}

/*  Goes through the words with the scope of "no ..." and "I own ...".  */
static void take_mentions (context_t *self)
{
    scope_t scope = SCOPE_OPEN;
    size_t since = 0;
    int risk = 0;
    bool topic = false; /* "except tech ... high risk" refuses tech, not the risk */
    for (size_t at = 0; at < self->words.count; at++) {
        const mark_t *mark = mention_mark (&self->marks, at);
        scope = next_scope (self, scope, at, mark, &since);
        int product = mention_symbol (self->catalogue, &self->words, &self->marks, at);
        if (product >= 0)
            take_symbol (self, scope, product);
        else if (!self->reading->unlisted[0] && mention_unlisted (&self->words, &self->marks, at))
            memcpy (self->reading->unlisted, self->words.items[at].text,
                    (size_t) self->words.items[at].size + 1);
        else if (mark && mark->first == at && mark->kind == MARK_TOPIC)
            take_topic (self, scope, mark->value), topic = true;
        else if (mark && mark->first == at && mark->kind == MARK_RISK && !risk)
            risk = risk_of (mark, topic ? SCOPE_OPEN : scope);
        topic = topic && scope != SCOPE_OPEN;
    }
    /* of two limits in one message the lower one binds */
    if (!self->found.risk || (risk && risk < self->found.risk))
        self->found.risk = risk;
}

static goal_t goal_of (const context_t *self)
{
    goal_t goal = GOAL_NONE;
    for (size_t i = 0; i < self->marks.count; i++) {
        const mark_t *mark = &self->marks.items[i];
        if (mark->kind == MARK_GOAL && (goal == GOAL_NONE || goal == GOAL_GROWTH))
            goal = (goal_t) mark->value;
    }
    return goal;
}

/*  A horizon from ages: until one retires, or until a child is of age.  */
static int months_of_age (const context_t *self, goal_t goal)
{
    const profile_t *profile = &self->reading->profile;
    bool asks = self->found.retire_age || (goal == GOAL_RETIREMENT && !profile->months);
    int age = self->found.age, end = self->found.retire_age;
    if (goal == GOAL_RETIREMENT && self->found.own_age)
        age = self->found.own_age;
    if (!age && asks)
        age = profile->age;
    if (!age)
        return 0;
    if (!end && self->found.own_age)
        end = profile->until_age;
    if (!end && goal == GOAL_EDUCATION && age < 18)
        end = 18;
    if (!end && goal == GOAL_RETIREMENT)
        end = RETIRE_AGE;
    return end > age ? (end - age) * 12 : 0;
}

/*  A lone number or word answers what was asked last: "10" is ten years, or risk level 4; "low" a risk.  */
static void take_bare (context_t *self)
{
    quantities_t *found = &self->found;
    unsigned asked = self->reading->profile.asked;
    if (self->words.count > 4)
        return;
    if ((asked & NEED_RISK) && !found->risk)
        found->risk = words_at (&self->words, 0, "low")    ? 3
                      : words_at (&self->words, 0, "high") ? 6
                                                           : 0;
    if (found->bare <= 0)
        return;
    if (asked == NEED_RISK && !found->risk && found->bare <= RISK_MAX)
        found->risk = found->bare;
    else if (asked == NEED_HORIZON && !found->months && found->bare <= 70)
        found->months = found->bare * 12;
}

/*  "And in 15 years?" after "how much must I save": the same question with another figure.  */
static bool goes_on (const context_t *self, target_t *target)
{
    const unsigned risk = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK;
    const reading_t *reading = self->reading;
    if (!target->amount || self->negative > 1 || has (self, MARK_ASK) || self->topics
        || reading->symbol_count)
        return false;
    bool changed = target_change (target, &self->marks, &self->found);
    return changed || self->found.months || self->found.risk || (reading->follow & risk);
}

static void take_target (context_t *self)
{
    target_t asked = target_find (&self->words, &self->marks, &self->found);
    target_t *target = &self->reading->profile.target;
    if (asked.amount || has (self, MARK_GROWTH) || !goes_on (self, target))
        *target = asked;
}

static bool has_word (const context_t *self, const char *text)
{
    for (size_t at = 0; at < self->words.count; at++)
        if (words_at (&self->words, at, text))
            return true;
    return false;
}

/*  "How much will I have when I am 60?", and behind it "and with 300 a month?".  */
static void take_growth (context_t *self)
{
    const unsigned risk = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK;
    const quantities_t *found = &self->found;
    profile_t *profile = &self->reading->profile;
    if (self->grew && found->bare > 0 && has_word (self, "at") && !found->retire_age)
        self->found.retire_age = found->bare; /* "and at 67?" */
    bool figure = found->months || found->amount || found->age || found->retire_age || found->risk;
    figure |= has (self, MARK_CURRENCY);
    bool goes_on = self->grew && (figure || (self->reading->follow & risk)) && !has (self, MARK_ASK)
                   && !self->topics;
    bool asks = has (self, MARK_GROWTH) && (figure || self->in_session);
    profile->growth = (asks || goes_on) && !profile->target.amount && !self->reading->symbol_count
                      && self->negative < 2;
}

static void take_age (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    if (self->found.own_age > 0) {
        profile->age = self->found.own_age;
        self->reading->changed = true;
    }
    if (self->found.retire_age)
        profile->until_age = profile->age || self->found.age ? 0 : self->found.retire_age;
}

static void take_amount (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    if (self->found.currency >= 0)
        profile->currency = self->found.currency;
    /* "in euros", to an answer without a currency */
    for (size_t i = 0; i < self->marks.count && self->in_session && profile->currency < 0; i++)
        if (self->marks.items[i].kind == MARK_CURRENCY) {
            profile->currency = self->marks.items[i].value;
            self->reading->changed = true;
        }
    if (!self->found.amount || profile->target.amount)
        return; /* what shall be there one day is not there to be invested */
    /* what is there at once stays when an amount that comes again is named, and the other way round */
    bool beside = self->found.owned > 0 || self->found.lump > 0 || has_word (self, "start");
    /* "and with 300?" behind 200 a month */
    if (profile->growth && self->grew && profile->every && !beside && !self->found.every)
        self->found.every = profile->every;
    if (self->found.every && !profile->every && profile->amount > 0)
        profile->lump = profile->amount;
    else if (!self->found.every && profile->every && beside) {
        profile->lump = self->found.amount;
        self->reading->changed = true;
        return;
    } else if (!self->found.every)
        profile->lump = 0;
    if (self->found.lump > 0)
        profile->lump = self->found.lump;
    profile->amount = self->found.amount;
    profile->every = self->found.every;
    self->reading->changed = true;
}

/*  "I'm 45 and retire at 65. My daughter needs 20k in 3 years": two plans, the first of which is answered.  */
static bool is_other_time (const context_t *self)
{
    size_t a = self->found.retire_at, b = self->found.months_at;
    bool apart = false;
    for (size_t at = (a < b ? a : b) + 1; at <= (a < b ? b : a); at++)
        apart |= self->words.items[at].stop;
    return self->found.retire_age && self->found.own_age && self->found.months
           && !self->found.months_vague && apart;
}

static void take_goal_and_horizon (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    goal_t goal = goal_of (self);
    bool child = self->found.age && self->found.age < 18 && !self->found.own_age;
    if (!goal && self->found.retire_age && !profile->growth)
        goal = child ? GOAL_EDUCATION : GOAL_RETIREMENT;
    int months = self->found.months;
    /* "growth" beside another goal, or as an aside later, is not a change of goal */
    if (goal && !(goal == GOAL_GROWTH && profile->goal)) {
        /* another goal is another plan: what was looked at before does not bind it */
        if (goal != profile->goal)
            profile->wants = 0;
        profile->goal = goal;
        self->reading->changed = true;
    }
    if (is_other_time (self)) {
        self->reading->other_months = months;
        months = 0;
    }
    if (!months || self->found.months_vague) {
        int by_age = months_of_age (self, profile->goal);
        months = by_age ? by_age : months;
    }
    if (!months && !profile->months)
        months = profile_goal_months (profile->goal);
    if (self->found.own_age)
        profile->until_age = 0;
    if (months) {
        profile->months = months;
        profile->assumed &= ~(unsigned) NEED_HORIZON;
        self->reading->changed = true;
    }
}

static void take_risk (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    unsigned follow = self->reading->follow;
    /* "which of VTI, BND and GLD is the safest?" compares */
    bool compares = self->reading->symbol_count > 1 && !self->found.months;
    int risk = compares ? 0 : self->found.risk;
    int now = profile->risk ? profile->risk : 5;
    if (!risk && (follow & FOLLOW_LESS_RISK))
        risk = self->in_session ? (now > 2 ? now - 1 : now) : 3;
    else if (!risk && (follow & FOLLOW_MORE_RISK))
        risk = self->in_session ? (now < RISK_MAX ? now + 1 : now) : 6;
    if (risk) {
        profile->risk = risk;
        profile->assumed &= ~(unsigned) NEED_RISK;
        self->reading->changed = true;
    }
}

static void take_topics (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    if (self->topics) {
        profile->wants = self->topics;
        profile->refuses &= ~self->topics;
    }
    if (self->refused) {
        profile->refuses |= self->refused;
        profile->wants &= ~self->refused;
    }
    if (self->reading->follow & FOLLOW_CHEAPER)
        profile->cheap = true;
    bool several = (self->topics & (self->topics - 1)) != 0;
    self->anchored |= several && self->compare == 2; /* "health care vs tech" */
    self->reading->changed |= self->topics || self->refused;
    self->reading->topics = self->topics;
}

/*  "Half in stocks" names a mixed fund, and the risk that it has.  */
static void take_share (context_t *self)
{
    profile_t *profile = &self->reading->profile;
    int share = share_find (&self->words, &self->marks);
    unsigned risk = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK;
    bool other = self->found.risk || self->topics || (self->reading->follow & risk);
    if (!share && profile->share && other) { /* that is said anew */
        profile->wants &= ~TOPIC_BIT (TOPIC_MIXED);
        profile->share = 0;
    }
    if (!share)
        return;
    profile->share = share;
    self->topics = (self->topics & ~SHARE_TOPICS) | TOPIC_BIT (TOPIC_MIXED);
    self->refused &= ~SHARE_TOPICS;
    self->anchored = true;
    self->reading->score += SCORE_LEAST;
    if (!self->found.risk)
        self->found.risk = assume_of (assume_mix (share)).risk;
}

/*  What one word alone says to somebody who has just answered.  */
static void take_single (context_t *self)
{
    static const struct {
        const char *word;
        follow_t follow;
    } ROWS[] = {{"less", FOLLOW_LESS_RISK},
                {"lower", FOLLOW_LESS_RISK},
                {"higher", FOLLOW_MORE_RISK},
                {"more", FOLLOW_OTHERS},
                {"fees", FOLLOW_THESE | FOLLOW_CHEAPER},
                {"fee", FOLLOW_THESE | FOLLOW_CHEAPER},
                {"costs", FOLLOW_THESE | FOLLOW_CHEAPER}};
    for (size_t i = 0; self->in_session && self->words.count == 1 && i < sizeof ROWS / sizeof *ROWS;
         i++)
        if (words_at (&self->words, 0, ROWS[i].word))
            self->reading->follow |= (unsigned) ROWS[i].follow;
}

/*  Does a message in a running session speak of the same thing still?  */
static bool continues (const context_t *self)
{
    const unsigned bits = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK | FOLLOW_CHEAPER | FOLLOW_OTHERS
                          | FOLLOW_SKIP | FOLLOW_THESE;
    if (!self->in_session || self->negative > 1)
        return false;
    return self->reading->changed || self->found.products || (self->reading->follow & bits)
           || (self->grew && has (self, MARK_ASK));
}

static bool about_investing (const context_t *self)
{
    return self->anchored && self->reading->score >= SCORE_LEAST;
}

static bool wants_products (const context_t *self)
{
    return has (self, MARK_ASK) || has (self, MARK_GOAL) || has (self, MARK_TOPIC)
           || self->reading->changed || self->reading->follow || is_fragment (self);
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
    if (reading->symbol_count == 1 && has_word (self, "sell"))
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
    bool owns =
        self->found.amount_marked || (self->found.risk && !asks_first) || has (self, MARK_GOAL);
    bool personal = dated || owns;
    if (has (self, MARK_TRADE) && self->negative < 3)
        return INTENT_TRADE;
    /* "will it crash in 2027?" has a date and is no plan; "should I wait, for 10 years, low risk" is one */
    bool foretells = has (self, MARK_FORECAST) && !(self->foretells ? owns : personal);
    if (foretells && (self->anchored || self->topics) && reading->score >= 2)
        return INTENT_FORECAST;
    if (self->negative > 1)
        return INTENT_UNKNOWN;
    bool several = (reading->topics & (reading->topics - 1)) != 0;
    if (several && self->compare && !personal && (self->compare == 2 || !has (self, MARK_ASK)))
        return INTENT_TOPICS;
    if (has (self, MARK_EXPLAIN) && !personal && !has (self, MARK_ASK)) {
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

static intent_t find_intent (context_t *self)
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
    bool wants = has (self, MARK_ASK) || has (self, MARK_RISK) || dated;
    if ((subjects & whole) && intent == INTENT_ADVICE && !wants)
        return INTENT_SUBJECT;
    return subjects && subject_is_all (intent) ? INTENT_SUBJECT : intent;
}

static void find_subjects (context_t *self)
{
    subject_set_t subjects = subjects_find (&self->words, &self->marks);
    if (self->found.percent >= RETURN_MOST)
        subjects |= SUBJECT_BIT (SUBJECT_RETURN);
    if (self->found.own_age && self->found.own_age < 18)
        subjects |= SUBJECT_BIT (SUBJECT_MINOR);
    if (self->found.own_age && self->found.own_age + self->reading->profile.months / 12 > LATE_AGE)
        subjects |= SUBJECT_BIT (SUBJECT_LATE);
    if (self->refused & CRYPTO_TOPICS)
        subjects &= ~SUBJECT_BIT (SUBJECT_COINS);
    if (!self->anchored)
        subjects &= ~SUBJECT_BIT (SUBJECT_BORROW);
    /* "get my money out" of an ATM, "order" a card */
    if (self->negative > 1 && !self->anchored)
        subjects &= ~(SUBJECT_BIT (SUBJECT_SELLING) | SUBJECT_BIT (SUBJECT_ORDER)
                      | SUBJECT_BIT (SUBJECT_RESERVE));
    if (subjects & SUBJECT_BIT (SUBJECT_BANKING))
        subjects &= ~(SUBJECT_BIT (SUBJECT_DEBT) | SUBJECT_BIT (SUBJECT_SECRETS));
    if (subjects & SUBJECT_BIT (SUBJECT_DEBT))
        subjects &= ~SUBJECT_BIT (SUBJECT_LOAN);
    self->reading->subjects = subjects;
}

/*  Of two goals the first is answered; the other must not get lost in silence.  */
static goal_t other_goal (const context_t *self)
{
    goal_t goal = goal_of (self);
    for (size_t i = 0; i < self->marks.count; i++) {
        const mark_t *mark = &self->marks.items[i];
        bool plan = mark->kind == MARK_GOAL && mark->value != GOAL_GROWTH
                    && mark->value != GOAL_INFLATION && mark->value != GOAL_PRESERVE;
        if (plan && (goal_t) mark->value != goal)
            return (goal_t) mark->value;
    }
    return GOAL_NONE;
}

/*  What is missing; what was asked for and not answered is assumed with caution the second time.  */
static void find_missing (reading_t *reading)
{
    profile_t *profile = &reading->profile;
    unsigned missing = (profile->risk ? 0 : NEED_RISK) | (profile->months ? 0 : NEED_HORIZON);
    missing &= ~profile->assumed; /* it was said already that it is assumed */
    /* whoever names a narrow kind of product wants to see that kind, not a plan */
    const topic_set_t broad = TOPIC_BIT (TOPIC_STOCKS) | TOPIC_BIT (TOPIC_BONDS)
                              | TOPIC_BIT (TOPIC_MIXED) | TOPIC_BIT (TOPIC_MUTUAL)
                              | TOPIC_BIT (TOPIC_UCITS) | TOPIC_BIT (TOPIC_ESG) | CRYPTO_TOPICS;
    if ((reading->topics & ~broad) && !profile->goal)
        missing = 0;
    unsigned again = missing & profile->asked;
    if (reading->changed && !(reading->follow & FOLLOW_SKIP))
        again = 0;
    if (again) {
        profile->assumed |= again;
        missing &= ~again;
    }
    reading->missing = missing;
}

void understand (catalogue_t *catalogue, const profile_t *before, plv_view_t text, int year,
                 reading_t *ret_reading)
{
    context_t self = {.catalogue = catalogue, .reading = ret_reading};
    *ret_reading = (reading_t){.profile = *before};
    self.grew = before->growth;
    self.in_session =
        before->asked || before->shown.count || before->target.amount || before->growth;
    words_read (&self.words, text);
    spelling_mend (&self.words);
    phrases_find (&self.words, &self.marks);
    quantities_find (&self.words, &self.marks, year, &self.found);
    weigh (&self);
    take_mentions (&self);
    take_share (&self);
    take_bare (&self);
    take_single (&self);
    take_target (&self);
    take_growth (&self);
    take_age (&self);
    take_amount (&self);
    take_goal_and_horizon (&self);
    take_risk (&self);
    take_topics (&self);
    find_subjects (&self);
    ret_reading->language = languages_find (&self.words);
    ret_reading->other_goal = other_goal (&self);
    ret_reading->odd = self.found.odd;
    ret_reading->products = self.found.products;
    ret_reading->intent = find_intent (&self);
    if (ret_reading->intent == INTENT_ADVICE) {
        ret_reading->hit_count =
            mention_search (catalogue, &self.words, &self.marks, ret_reading->hits, HITS_MAX);
        find_missing (ret_reading);
    } else if (ret_reading->intent == INTENT_SOCIAL || ret_reading->intent == INTENT_EXPLAIN) {
        ret_reading->profile.target = before->target;
        ret_reading->profile.growth = before->growth;
    } else if (ret_reading->intent == INTENT_UNKNOWN || ret_reading->intent == INTENT_OUTSIDE
               || ret_reading->intent == INTENT_SUBJECT) {
        ret_reading->profile = *before;
    }
}
