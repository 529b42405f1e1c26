#include "advisor/offline/facts.h"

#include "advisor/offline/outlook.h"

void facts_sources (answer_t *answer)
{
    answer_source (answer, "product catalogue (fees as published by the issuers; see fee_as_of)");
    answer_source (answer, "capital-market assumptions by asset class (assumptions.def)");
}

void facts_figures (const product_t *product, answer_t *answer)
{
    char expected[FIGURE_BYTES], fee[FIGURE_BYTES];
    answer_say (answer, "risk level %d of %d, expected %s, fee %s", product->risk, RISK_MAX,
                answer_return (product, expected), answer_fee (product, fee));
}

static const product_t *mentioned (const catalogue_t *catalogue, const reading_t *reading,
                                   size_t at)
{
    return catalogue_product (catalogue, (size_t) reading->symbols[at]);
}

/*  Says so when a product is above what the user wants to risk, or what the time bears.  */
static void warn (const product_t *product, const profile_t *profile, answer_t *answer)
{
    char months[FIGURE_BYTES];
    if (profile->risk && product->risk > profile->risk)
        answer_say (answer, "\nWarning: %s has risk level %d, above the limit of %d that you gave.",
                    product->symbol, product->risk, profile->risk);
    else if (product->risk > rank_horizon_limit (profile->months))
        answer_say (
            answer,
            "\nWarning: %s has risk level %d, and with %s to go a fall would not have time to recover: "
            "level %d is the most that this time bears.",
            product->symbol, product->risk, answer_months (profile->months, months),
            rank_horizon_limit (profile->months));
}

void facts_detail (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    const product_t *product = mentioned (catalogue, reading, 0);
    assumption_t assumed = assume_of (product->asset_class);
    answer_say (answer, "%s is the %s: %s (%s). ", product->symbol, product->name, assumed.label,
                assumed.meaning);
    answer_say (answer, "In figures: ");
    facts_figures (product, answer);
    answer_say (answer, "%s%s.", *product->currency ? ", currency " : "", product->currency);
    outlook_say (&reading->profile, "If that range holds, it is", product->low, product->high,
                 answer);
    warn (product, &reading->profile, answer);
    if (!reading->profile.risk)
        answer_say (answer,
                    " Whether it suits you depends on your horizon and on the risk that you "
                    "want to take: tell me both and I compare it with others.");
    facts_sources (answer);
    answer->confidence = 0.95;
}

static void say_cheapest (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    const product_t *least = NULL;
    bool equal = false;
    for (size_t i = 0; i < reading->symbol_count; i++) {
        const product_t *product = mentioned (catalogue, reading, i);
        if (product->fee == FEE_UNKNOWN)
            continue;
        if (least && product->fee == least->fee)
            equal = true;
        if (!least || product->fee < least->fee) {
            least = product;
            equal = false;
        }
    }
    if (equal)
        answer_say (answer, "\nThe lowest fee is shared, so cost does not decide.");
    else if (least)
        answer_say (answer, "\nThe cheapest is %s.", least->symbol);
}

static void say_risk (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    const product_t *low = mentioned (catalogue, reading, 0), *high = low;
    bool same = true;
    for (size_t i = 1; i < reading->symbol_count; i++) {
        const product_t *product = mentioned (catalogue, reading, i);
        same &= product->asset_class == low->asset_class;
        low = product->risk < low->risk ? product : low;
        high = product->risk > high->risk ? product : high;
    }
    if (same)
        answer_say (answer, "\nAll are %s: owning one is enough, they rise and fall together.",
                    assume_of (low->asset_class).label);
    else if (low->risk != high->risk)
        answer_say (answer, "\nThe calmest is %s (risk level %d), the riskiest %s (%d).",
                    low->symbol, low->risk, high->symbol, high->risk);
    else
        answer_say (answer, "\nThe risk level is the same; they hold different things.");
}

/*  Those that there is no room for must not get lost in silence.  */
static void say_beyond (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    const char *between = "";
    if (!reading->beyond_count)
        return;
    answer_say (answer, "\nOnly the first %d are compared. Not looked at: ", SYMBOLS_MAX);
    for (size_t i = 0; i < reading->beyond_count; i++) {
        answer_say (answer, "%s%s", between,
                    catalogue_product (catalogue, (size_t) reading->beyond[i])->symbol);
        between = ", ";
    }
    answer_say (answer, reading->beyond_count == BEYOND_MAX
                            ? ", and perhaps more. Ask for them by themselves."
                            : ". Ask for them by themselves.");
}

void facts_compare (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    answer_say (answer, "Side by side:");
    for (size_t i = 0; i < reading->symbol_count; i++) {
        const product_t *product = mentioned (catalogue, reading, i);
        answer_say (answer, "\n- %s, %s (%s): ", product->symbol, product->name,
                    assume_of (product->asset_class).label);
        facts_figures (product, answer);
    }
    say_beyond (catalogue, reading, answer);
    say_cheapest (catalogue, reading, answer);
    say_risk (catalogue, reading, answer);
    for (size_t i = 0; i < reading->symbol_count; i++)
        warn (mentioned (catalogue, reading, i), &reading->profile, answer);
    facts_sources (answer);
    answer->confidence = 0.95;
}

typedef struct {
    size_t count;
    int risk_low;
    int risk_high;
    double low;
    double high;
    const product_t *cheapest;
} summary_t;

static summary_t summarise (const catalogue_t *catalogue, topic_t topic)
{
    summary_t self = {.risk_low = RISK_MAX, .low = 100, .high = -100};
    for (size_t i = 0; i < catalogue_size (catalogue); i++) {
        const product_t *product = catalogue_product (catalogue, i);
        if (!(product->topics & TOPIC_BIT (topic)))
            continue;
        self.count++;
        self.risk_low = product->risk < self.risk_low ? product->risk : self.risk_low;
        self.risk_high = product->risk > self.risk_high ? product->risk : self.risk_high;
        self.low = product->low < self.low ? product->low : self.low;
        self.high = product->high > self.high ? product->high : self.high;
        if (product->fee != FEE_UNKNOWN && (!self.cheapest || product->fee < self.cheapest->fee))
            self.cheapest = product;
    }
    return self;
}

static void say_topic (const catalogue_t *catalogue, topic_t topic, answer_t *answer)
{
    summary_t found = summarise (catalogue, topic);
    answer_say (answer, "\n- %s: ", topic_info (topic).label);
    if (found.count == 0) {
        answer_say (answer, "none in the catalogue");
        return;
    }
    answer_say (answer, "%zu product%s, risk level %d", found.count, found.count == 1 ? "" : "s",
                found.risk_low);
    if (found.risk_high != found.risk_low)
        answer_say (answer, " to %d", found.risk_high);
    answer_say (answer, ", expected %.1f to %.1f %% a year", found.low, found.high);
    if (found.cheapest)
        answer_say (answer, ", the cheapest is %s at %.4g %%", found.cheapest->symbol,
                    found.cheapest->fee);
}

void facts_nearest_deposits (const catalogue_t *catalogue, answer_t *answer)
{
    say_topic (catalogue, TOPIC_CASH, answer);
    say_topic (catalogue, TOPIC_SHORT_BONDS, answer);
    facts_sources (answer);
}

void facts_topics (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    answer_say (answer, "Compared by what we assume for the long run:");
    for (int topic = 0; topic < TOPIC_COUNT_; topic++)
        if (reading->topics & TOPIC_BIT (topic))
            say_topic (catalogue, (topic_t) topic, answer);
    answer_say (answer,
                "\nThe higher expectation is paid for with deeper falls on the way. Tell me your "
                "horizon and how much risk you want, and I say what suits you.");
    facts_sources (answer);
    answer->confidence = 0.95;
}
