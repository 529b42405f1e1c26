#include "advisor/offline/recommend.h"

#include "advisor/offline/facts.h"
#include "advisor/offline/outlook.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct {
    const catalogue_t *catalogue;
    const reading_t *reading;
    const picks_t *picks;
    answer_t *answer;
} context_t;

static void say_topics (topic_set_t set, answer_t *answer)
{
    const char *between = "";
    for (int topic = 0; topic < TOPIC_COUNT_; topic++)
        if (set & TOPIC_BIT (topic)) {
            answer_say (answer, "%s%s", between, topic_info ((topic_t) topic).label);
            between = ", ";
        }
}

/*  "For retirement in 20 years, 10,000 USD, risk up to level 5 of 7, without bonds"  */
static void say_profile (const profile_t *profile, answer_t *answer)
{
    char months[FIGURE_BYTES];
    answer_say (answer, "For %s", profile->goal ? profile_goal_label (profile->goal) : "you");
    if (profile->age)
        answer_say (answer, " at an age of %d", profile->age);
    if (profile->months)
        answer_say (answer, " in %s", answer_months (profile->months, months));
    if (profile->amount > 0) {
        answer_say (answer, ", ");
        outlook_say_paid (profile, answer);
    }
    if (profile->risk)
        answer_say (answer, ", risk up to level %d of %d", profile->risk, RISK_MAX);
    if (profile->share)
        answer_say (answer, ", %d %% in stocks", profile->share);
    if (profile->wants) {
        answer_say (answer, ", among ");
        say_topics (profile->wants, answer);
    }
    if (profile->refuses) {
        answer_say (answer, ", without ");
        say_topics (profile->refuses, answer);
    }
}

static void say_assumed (const profile_t *profile, answer_t *answer)
{
    if (profile->assumed & NEED_RISK)
        answer_say (answer,
                    "\nYou did not say how much risk you want, so I assume little (level 3).");
    if (profile->assumed & NEED_HORIZON)
        answer_say (answer,
                    "\nYou did not say when you need the money, so I leave the horizon open; "
                    "money needed within five years should not be in stocks.");
}

/*  Is there a product of that kind, and none within the limit?  */
static bool above_limit (const context_t *self, topic_t topic)
{
    bool any = false;
    for (size_t i = 0; i < catalogue_size (self->catalogue); i++) {
        const product_t *product = catalogue_product (self->catalogue, i);
        if (!(product->topics & TOPIC_BIT (topic)))
            continue;
        if (product->risk <= self->picks->limit)
            return false;
        any = true;
    }
    return any;
}

/*  Of several kinds that were asked for, those of which nothing could be named.  */
static void say_left_out (const context_t *self)
{
    topic_set_t left = 0;
    for (int topic = 0; topic < TOPIC_COUNT_; topic++)
        if (self->reading->profile.wants & TOPIC_BIT (topic) && above_limit (self, (topic_t) topic))
            left |= TOPIC_BIT (topic);
    if (!left || self->picks->over)
        return;
    answer_say (self->answer,
                "\nLeft out, because all of it is above risk level %d: ", self->picks->limit);
    say_topics (left, self->answer);
    answer_say (self->answer, ".");
}

/*  Whoever names a share can make it out of two funds, too.  */
static void say_share (const context_t *self)
{
    int share = self->reading->profile.share;
    if (share)
        answer_say (
            self->answer,
            "\nThe share of stocks in such a fund is what comes nearest to yours. Two funds make it exactly: "
            "%d %% in one of world stocks and %d %% in one of bonds, brought back to that once a year.",
            share, 100 - share);
}

/*  What the user must not overlook.  */
static void say_warnings (const context_t *self)
{
    const profile_t *profile = &self->reading->profile;
    const picks_t *picks = self->picks;
    char months[FIGURE_BYTES];
    if (picks->over)
        answer_say (self->answer,
                    "\nWarning: everything of the kind that you ask for is above risk "
                    "level %d, %s. I would choose something calmer.",
                    picks->limit,
                    picks->by_horizon ? "the most that your horizon bears"
                    : profile->risk   ? "the limit that you gave"
                                      : "which I assume as your limit");
    else if (picks->by_horizon && profile->risk)
        answer_say (self->answer,
                    "\nWith %s to go I stay at risk level %d or below, although you would "
                    "take %d: a fall would not have time to recover.",
                    answer_months (profile->months, months), picks->limit, profile->risk);
    const topic_set_t spread = TOPIC_BIT (TOPIC_TECH) | TOPIC_BIT (TOPIC_ENERGY)
                               | TOPIC_BIT (TOPIC_HEALTH) | TOPIC_BIT (TOPIC_FINANCIALS)
                               | TOPIC_BIT (TOPIC_CHINA) | TOPIC_BIT (TOPIC_INDIA);
    if (profile->refuses & spread)
        answer_say (self->answer, "\nBroad index funds still hold a little of what you leave out.");
}

static size_t add (char *why, size_t at, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static size_t add (char *why, size_t at, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    int size = vsnprintf (why + at, WHY_BYTES_MAX - at, format, args);
    va_end (args);
    at += size > 0 ? (size_t) size : 0;
    return at < WHY_BYTES_MAX ? at : WHY_BYTES_MAX - 1;
}

static void explain (const context_t *self, const product_t *product, char *why)
{
    const profile_t *profile = &self->reading->profile;
    assumption_t assumed = assume_of (product->asset_class);
    size_t at = 0;
    if (self->picks->over)
        at = add (why, at, "Warning: risk level %d is above the limit of %d. ", product->risk,
                  self->picks->limit);
    size_t label = at;
    at = add (why, at, "%s: %s", assumed.label, assumed.meaning);
    why[label] = (char) toupper ((unsigned char) why[label]);
    if (!self->picks->over)
        at = add (why, at, "; risk level %d is within the limit of %d", product->risk,
                  self->picks->limit);
    if (profile->goal)
        at = add (why, at, "; for %s", profile_goal_label (profile->goal));
    if (strstr (product->tags, "target") && profile->months)
        at = add (why, at, ", it turns to bonds by itself as the date comes near");
    if (product->fee != FEE_UNKNOWN && product->fee <= 0.1)
        at = add (why, at, "; one of the lowest fees there are");
    else if (product->fee > 0.5)
        at = add (why, at, "; the fee is high, which its kind explains only in part");
    if (profile_wants_ucits (profile))
        at = add (why, at,
                  product->topics & TOPIC_BIT (TOPIC_UCITS)
                      ? "; under European rules (UCITS)"
                      : "; under US rules, which many European brokers do not sell");
}

static void say_products (const context_t *self)
{
    answer_t *answer = self->answer;
    for (size_t i = 0; i < self->picks->count; i++) {
        recommendation_t *recommendation = &answer->recommendations[i];
        recommendation->product = self->picks->products[i];
        const product_t *product =
            catalogue_product (self->catalogue, (size_t) recommendation->product);
        explain (self, product, recommendation->why);
        answer_say (answer, "\n%zu. %s, %s: ", i + 1, product->symbol, product->name);
        facts_figures (product, answer);
        answer_say (answer, ". %s.", recommendation->why);
    }
    answer->recommendation_count = self->picks->count;
}

/*  The amount over the horizon, at the means of the picks' ranges.  */
static void say_projection (const context_t *self)
{
    const profile_t *profile = &self->reading->profile;
    double low = 0, high = 0;
    if (self->picks->over)
        return;
    for (size_t i = 0; i < self->picks->count; i++) {
        const product_t *product =
            catalogue_product (self->catalogue, (size_t) self->picks->products[i]);
        low += product->low / (double) self->picks->count;
        high += product->high / (double) self->picks->count;
    }
    outlook_say (profile, "In equal parts, and if these ranges hold, that is", low, high,
                 self->answer);
}

/*  The rule is in answer.h.  */
static double confidence (const profile_t *profile, const picks_t *picks)
{
    double sum = 0.50;
    sum += profile->risk ? 0.10 : 0;
    sum += profile->months ? 0.10 : 0;
    sum += profile->goal || profile->wants ? 0.10 : 0;
    sum += profile->amount > 0 ? 0.05 : 0;
    sum += picks->count >= 3 ? 0.05 : 0;
    sum -= profile->assumed ? 0.15 : 0;
    sum -= picks->over ? 0.10 : 0;
    return sum;
}

static void remember (const context_t *self, reading_t *reading)
{
    profile_t *profile = &reading->profile;
    if (!(reading->follow & FOLLOW_OTHERS))
        profile->seen.count = 0;
    for (size_t i = 0; i < profile->shown.count; i++)
        symbols_add (&profile->seen, plv_view_str (profile->shown.items[i]));
    profile->shown.count = 0;
    for (size_t i = 0; i < self->picks->count; i++)
        symbols_add (
            &profile->shown,
            plv_view_str (
                catalogue_product (self->catalogue, (size_t) self->picks->products[i])->symbol));
    profile->asked = 0;
}

void recommend (const catalogue_t *catalogue, reading_t *reading, const picks_t *picks,
                answer_t *answer)
{
    context_t self = {catalogue, reading, picks, answer};
    say_profile (&reading->profile, answer);
    if (picks->count == 0) {
        answer_say (answer,
                    ", nothing in the catalogue is left. Loosen one of these, and I look again.");
        answer->confidence = 0.10;
        facts_sources (answer);
        reading->profile.asked = 0;
        return;
    }
    answer_say (answer, picks->over ? ", there is this, and all of it is riskier than suits you:"
                                    : ", these suit best:");
    say_products (&self);
    say_assumed (&reading->profile, answer);
    say_left_out (&self);
    say_share (&self);
    say_warnings (&self);
    say_projection (&self);
    facts_sources (answer);
    answer->confidence = confidence (&reading->profile, picks);
    remember (&self, reading);
}

void recommend_ask_needs (reading_t *reading, answer_t *answer)
{
    answer_say (answer, "A recommendation would be a guess without one more thing:");
    if (reading->missing & NEED_HORIZON)
        answer_say (answer, "\n- When do you need the money (for example \"in 10 years\")?");
    if (reading->missing & NEED_RISK)
        answer_say (answer,
                    "\n- How much risk do you want: low, medium or high, or a level from 1 to 7?");
    reading->profile.asked = reading->missing;
    answer->confidence = 0.30;
}

void recommend_ask (reading_t *reading, answer_t *answer)
{
    const profile_t *profile = &reading->profile;
    if (profile->goal || profile->age || profile->amount > 0 || profile->months || profile->risk
        || profile->wants || profile->refuses) {
        say_profile (profile, answer);
        answer_say (answer, ": understood. ");
    }
    recommend_ask_needs (reading, answer);
}
