#include "advisor/understand/understand.h"

#include "advisor/understand/intent.h"
#include "advisor/understand/mention.h"
#include "advisor/understand/share.h"
#include "advisor/understand/spelling.h"

enum {
    RETIRE_AGE = 67,
    SCOPE_WORDS_MAX = 6,
    BARE_WORDS_MAX = 8,
    LATE_AGE = 95,
    SAME_KIND = 10 /* times what was paid in each time may still be paid in each time */
};

/*  No asset class but crypto is assumed to earn as much: assumptions.def.  */
static const double RETURN_MOST = 10;

typedef enum { SCOPE_OPEN, SCOPE_NOT, SCOPE_HAVE } scope_t;

/*  "Gold" may be a ring; "gold ETF" is an investment.  */
static int weight_of (const context_t *self, const mark_t *mark)
{
    static const char PRODUCTS[] = "etf etfs fund funds stocks bonds index";
    size_t next = mark->first + mark->count;
    bool product = words_at_any (&self->words, next - 1, PRODUCTS)
                   || words_at_any (&self->words, next, PRODUCTS);
    return mark->kind == MARK_TOPIC && product ? 2 : mark->weight;
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
    bool planned = (context_has (self, MARK_GOAL) || retires) && dated && self->negative == 0;
    bool saves = self->found.every && self->found.amount > 0 && self->negative == 0;
    bool bare_risk = (self->risk_named || self->found.risk) && self->negative == 0
                     && self->words.count <= BARE_WORDS_MAX;
    self->anchored |= planned || saves;
    bool careful =
        context_has (self, MARK_RISK) && self->found.amount_marked && self->negative == 0;
    reading->score += planned || bare_risk || saves || careful;
    reading->score += saves && self->words.count <= BARE_WORDS_MAX;
    reading->score += self->found.bears && self->negative == 0 ? 2 : 0;
    /* an amount and a date, or an amount that somebody has, and nothing about something else */
    bool money = self->found.amount_marked || self->found.owned >= MONEY_LEAST;
    bool sum = money && self->negative == 0 && (dated || self->found.owned > 0);
    self->anchored |= sum;
    reading->score += sum ? SCORE_LEAST : 0;
    /* "etf?", "bonds please": somebody who writes in fragments */
    if (self->anchored && self->negative == 0 && context_is_fragment (self)
        && reading->score < SCORE_LEAST)
        reading->score = SCORE_LEAST;
    /* whoever names a risk with an amount or a date, or in words that all are about money */
    self->anchored |= (context_has (self, MARK_RISK) || self->found.risk)
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

static int lone_risk (const context_t *self, size_t at)
{
    return words_at (&self->words, at, "low") ? 3 : words_at (&self->words, at, "high") ? 6 : 0;
}

/*  "Actually high", "no, low again": words that say nothing beside it.  */
static int corrected_risk (const context_t *self)
{
    static const char FILLERS[] =
        "actually no again rather ok then maybe please make it hmm well but go "
        "take instead yes better";
    int risk = 0;
    for (size_t at = 0; at < self->words.count; at++) {
        int here = lone_risk (self, at);
        bool denied = at && words_at (&self->words, at - 1, "no") && !self->words.items[at].comma;
        if (here ? denied : !words_at_any (&self->words, at, FILLERS))
            return 0;
        risk = here ? here : risk;
    }
    return self->in_session ? risk : 0;
}

/*  A lone number or word answers what was asked last: "10" is ten years, or risk level 4; "low" a risk.  */
static void take_bare (context_t *self)
{
    quantities_t *found = &self->found;
    unsigned asked = self->reading->profile.asked;
    if (self->words.count > 4)
        return;
    if (!found->risk)
        found->risk = (asked & NEED_RISK) ? lone_risk (self, 0) : corrected_risk (self);
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
    if (!target->amount || self->negative > 1 || context_has (self, MARK_ASK) || self->topics
        || reading->symbol_count)
        return false;
    bool changed = target_change (target, &self->marks, &self->found);
    target->when = target->when && !self->found.months;
    return changed || self->found.months || self->found.risk || (reading->follow & risk);
}

/*  "How long does it take for 500 euros to arrive in my account?" asks a bank.  */
static bool asks_bank (const context_t *self)
{
    return self->negative > 0 && !self->found.paid && !self->found.owned;
}

static void take_target (context_t *self)
{
    target_t asked = target_find (&self->words, &self->marks, &self->found);
    target_t *target = &self->reading->profile.target;
    if (asked.when && asks_bank (self))
        asked = (target_t){0};
    else if (asked.when && !asked.amount) /* "and how long with 300 a month?" */
        asked.amount = target->amount;
    asked.when = asked.when && asked.amount > 0;
    if (asked.amount || context_has (self, MARK_GROWTH) || !goes_on (self, target))
        *target = asked;
}

/*  "How much will I have when I am 60?", and behind it "and with 300 a month?".  */
static void take_growth (context_t *self)
{
    const unsigned risk = FOLLOW_LESS_RISK | FOLLOW_MORE_RISK;
    const quantities_t *found = &self->found;
    profile_t *profile = &self->reading->profile;
    if (self->grew && found->bare > 0 && context_has_word (self, "at") && !found->retire_age)
        self->found.retire_age = found->bare; /* "and at 67?" */
    bool figure = found->months || found->amount || found->age || found->retire_age || found->risk;
    figure |= context_has (self, MARK_CURRENCY);
    bool goes_on = self->grew && (figure || (self->reading->follow & risk))
                   && !context_has (self, MARK_ASK) && !self->topics;
    bool asks = context_has (self, MARK_GROWTH) && (figure || self->in_session);
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

/*  "Without the 200", behind 10,000 and 200 a month.  */
static bool takes_back (const context_t *self)
{
    const profile_t *profile = &self->reading->profile;
    return profile->lump > 0 && profile->every && self->found.amount == profile->amount
           && context_has_word (self, "without");
}

/*  What goes in until a target is there, beside what goes in already.  */
static void take_paid (context_t *self)
{
    const quantities_t *found = &self->found;
    profile_t *profile = &self->reading->profile;
    if (found->paid > 0) {
        if (!profile->every)
            profile->lump = profile->amount;
        profile->amount = found->paid;
        profile->every = found->paid_every;
    }
    if (found->owned > 0)
        *(profile->every ? &profile->lump : &profile->amount) = found->owned;
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
    if (profile->target.when)
        take_paid (self);
    if (!self->found.amount || profile->target.amount)
        return; /* what shall be there one day is not there to be invested */
    /* what is there at once stays when an amount that comes again is named, and the other way round */
    bool beside = self->found.owned > 0 || self->found.lump > 0 || context_has_word (self, "start");
    if (takes_back (self)) {
        profile->amount = profile->lump;
        profile->every = 0;
        profile->lump = 0;
        self->reading->changed = true;
        return;
    }
    /* "and with 300?" behind 200 a month */
    bool alike =
        (profile->growth && self->grew) || self->found.amount <= SAME_KIND * profile->amount;
    if (self->in_session && alike && profile->every && !beside && !self->found.every)
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
    ret_reading->intent = intent_find (&self);
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
