#include "advisor/offline/rank.h"

#include <stdlib.h>

enum { CORE_LEAST = 40, BELOW_MOST = 3 };

typedef struct {
    int product;
    double score;
    double fee;
} candidate_t;

typedef struct {
    const reading_t *reading;
    int limit;
    int year;
    bool over;
    bool loose; /* of the region or of the kind that was asked for, not of both */
    bool near;  /* not more than BELOW_MOST levels below the limit, where no kind was asked for */
} context_t;

int rank_horizon_limit (int months)
{
    static const struct {
        int below;
        int limit;
    } ROWS[] = {{1, RISK_MAX}, {24, 2}, {36, 3}, {60, 4}, {84, 5}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (months < ROWS[i].below)
            return ROWS[i].limit;
    return RISK_MAX;
}

/*  The place of a product's group, class or tags in a list of words, from 0; -1 when none is there.  */
static int place_in (const char *list, const product_t *product)
{
    assumption_t assumed = assume_of (product->asset_class);
    const char *group = assume_group_name (assumed.group);
    for (int place = 0; *list; place++) {
        size_t size = strcspn (list, " ");
        plv_view_t word = plv_view (list, size);
        const char *tag = size ? strstr (product->tags, " ") : NULL;
        bool tagged = strncmp (product->tags, list, size) == 0
                      || (tag && memmem (tag, strlen (tag), list, size));
        if (plv_view_is (word, group) || plv_view_is (word, assumed.id) || tagged)
            return place;
        list += size + (list[size] == ' ');
    }
    return -1;
}

static bool was_hit (const reading_t *reading, int product)
{
    for (size_t i = 0; i < reading->hit_count; i++)
        if (reading->hits[i] == product)
            return true;
    return false;
}

/*  "European bonds" are of the region and of the kind; "European" alone means stocks, as the labels say.  */
static bool is_wanted (const context_t *self, const product_t *product)
{
    topic_set_t wants = self->reading->profile.wants;
    topic_set_t regions = wants & REGION_TOPICS, kinds = wants & ~REGION_TOPICS;
    if (self->loose || !regions)
        return product->topics & wants;
    if (!kinds && !(regions & TOPIC_BIT (TOPIC_US)))
        kinds = TOPIC_BIT (TOPIC_STOCKS);
    return (product->topics & regions) && (!kinds || (product->topics & kinds));
}

static bool passes (const context_t *self, int index, const product_t *product)
{
    const profile_t *profile = &self->reading->profile;
    bool others = self->reading->follow & FOLLOW_OTHERS;
    if ((product->topics | product->holds) & profile->refuses)
        return false;
    if (symbols_has (&profile->held, product->symbol)
        || (others
            && (symbols_has (&profile->shown, product->symbol)
                || symbols_has (&profile->seen, product->symbol))))
        return false;
    if (self->over ? product->risk <= self->limit : product->risk > self->limit)
        return false;
    if (profile->wants)
        return is_wanted (self, product);
    if (self->near && self->limit - product->risk > BELOW_MOST)
        return false;
    return assume_of (product->asset_class).core >= CORE_LEAST || was_hit (self->reading, index);
}

static double fee_of (const product_t *product)
{
    return product->fee == FEE_UNKNOWN ? 1.0 : product->fee;
}

static double score_of_goal (const context_t *self, const product_t *product)
{
    int place = place_in (profile_goal_favours (self->reading->profile.goal), product);
    return place < 0 ? 0 : 25.0 - 3.0 * place;
}

static double score_of_wants (const profile_t *profile, const product_t *product)
{
    int wanted = __builtin_popcountll (profile->wants);
    return wanted ? 40.0 * __builtin_popcountll (product->topics & profile->wants) / wanted : 0;
}

/*  How near a mixed fund comes to the share of stocks that was asked for.  */
static double score_of_share (const profile_t *profile, const product_t *product)
{
    assumption_t assumed = assume_of (product->asset_class);
    if (!profile->share || assumed.group != GROUP_MIX)
        return 0;
    int off = profile->share - assumed.equity;
    return -2.0 * (off < 0 ? -off : off);
}

static double score_of_form (const profile_t *profile, const product_t *product)
{
    bool ucits = product->topics & TOPIC_BIT (TOPIC_UCITS);
    bool mutual = product->topics & TOPIC_BIT (TOPIC_MUTUAL);
    double score = mutual && !(profile->wants & TOPIC_BIT (TOPIC_MUTUAL)) ? -3.0 : 0.0;
    if (profile_wants_ucits (profile))
        return score + (ucits ? 15.0 : -15.0);
    return score - (ucits && !(profile->wants & TOPIC_BIT (TOPIC_UCITS)) ? 15.0 : 0.0);
}

/*  A target-date fund is right for its year and wrong for every other.  */
static double score_of_date (const context_t *self, const product_t *product)
{
    const profile_t *profile = &self->reading->profile;
    const char *tag = strstr (product->tags, "target");
    if (!tag || !profile->months)
        return 0;
    long off = strtol (tag + strlen ("target"), NULL, 10) - (self->year + profile->months / 12);
    off = off < 0 ? -off : off;
    bool fits =
        profile->goal == GOAL_RETIREMENT || (profile->wants & TOPIC_BIT (TOPIC_TARGET_DATE));
    return off <= 2 && fits ? 25.0 : -25.0;
}

static double score_of (const context_t *self, int index, const product_t *product)
{
    const profile_t *profile = &self->reading->profile;
    double fee = fee_of (product) > 1.0 ? 1.0 : fee_of (product);
    int off = self->limit - product->risk;
    double score = 30.0 - 10.0 * (off < 0 ? -off : off);
    score = score < 0 ? 0 : score;
    score += score_of_goal (self, product) + score_of_wants (profile, product);
    score += score_of_share (profile, product);
    score += score_of_form (profile, product) + score_of_date (self, product);
    score += 0.2 * assume_of (product->asset_class).core;
    score += (profile->cheap ? 60.0 : 20.0) * (1.0 - fee);
    return score + (was_hit (self->reading, index) ? 30.0 : 0.0);
}

/*  Best first; of equal ones the cheaper, then the one that the file names first.  */
static int compare (const void *a_, const void *b_)
{
    const candidate_t *a = a_, *b = b_;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->fee != b->fee)
        return a->fee > b->fee ? 1 : -1;
    return a->product - b->product;
}

static size_t gather (const context_t *self, const catalogue_t *catalogue, candidate_t *candidates)
{
    size_t count = 0;
    for (size_t i = 0; i < catalogue_size (catalogue); i++) {
        const product_t *product = catalogue_product (catalogue, i);
        if (passes (self, (int) i, product))
            candidates[count++] =
                (candidate_t){(int) i, score_of (self, (int) i, product), fee_of (product)};
    }
    qsort (candidates, count, sizeof *candidates, compare);
    return count;
}

/*  Two mixed funds are as good as one: what is in them is the same.  */
static bool alike (const catalogue_t *catalogue, int a, int b)
{
    asset_class_t of_a = catalogue_product (catalogue, (size_t) a)->asset_class;
    asset_class_t of_b = catalogue_product (catalogue, (size_t) b)->asset_class;
    return of_a == of_b
           || (assume_of (of_a).group == GROUP_MIX && assume_of (of_b).group == GROUP_MIX);
}

static bool picked (const picks_t *picks, const catalogue_t *catalogue, int index, bool by_class)
{
    for (size_t i = 0; i < picks->count; i++)
        if (picks->products[i] == index
            || (by_class && alike (catalogue, picks->products[i], index)))
            return true;
    return false;
}

static void pick (picks_t *picks, const catalogue_t *catalogue, const candidate_t *candidates,
                  size_t count, size_t most, bool by_class)
{
    for (size_t i = 0; i < count && picks->count < most; i++)
        if (!picked (picks, catalogue, candidates[i].product, by_class))
            picks->products[picks->count++] = candidates[i].product;
}

static int wanted_limit (const profile_t *profile)
{
    if (profile->risk)
        return profile->risk;
    if (profile->assumed & NEED_RISK)
        return 3;
    /* whoever asks for a kind of product without saying what risk they want sees that kind, without the bets in it */
    return profile->wants ? RISK_KIND_LIMIT : RISK_UNKNOWN_LIMIT;
}

int rank_limit (const profile_t *profile)
{
    int wanted = wanted_limit (profile), borne = rank_horizon_limit (profile->months);
    return borne < wanted ? borne : wanted;
}

void rank (catalogue_t *catalogue, const reading_t *reading, int year, picks_t *ret_picks)
{
    *ret_picks = (picks_t){0};
    ret_picks->limit = rank_limit (&reading->profile);
    ret_picks->by_horizon = ret_picks->limit < wanted_limit (&reading->profile);
    candidate_t *candidates = malloc (catalogue_size (catalogue) * sizeof *candidates);
    if (!candidates)
        return;
    context_t self = {.reading = reading, .limit = ret_picks->limit, .year = year, .near = true};
    size_t count = gather (&self, catalogue, candidates);
    if (count == 0) {
        self.near = false;
        count = gather (&self, catalogue, candidates);
    }
    if (count == 0 && (reading->profile.wants & REGION_TOPICS)) {
        self.loose = true;
        count = gather (&self, catalogue, candidates);
    }
    if (count == 0 && reading->profile.wants) {
        self.loose = false;
        self.over = true;
        count = gather (&self, catalogue, candidates);
        ret_picks->over = count > 0;
    }
    size_t most =
        reading->products && reading->products < PICKS_MAX ? (size_t) reading->products : PICKS_MAX;
    pick (ret_picks, catalogue, candidates, count, most, true);
    pick (ret_picks, catalogue, candidates, count, most < 3 ? most : 3, false);
    free (candidates);
}
