#include "advisor/claude/author.h"

#include "advisor/claude/ground.h"
#include "advisor/offline/facts.h"
#include "base/format.h"

#include <ctype.h>
#include <string.h>

typedef struct {
    catalogue_t *catalogue;
    const talk_result_t *talked;
    reading_t *reading;
    answer_t *answer;
    author_removed_t removed;
    const char *kind;
    int wanted; /* the highest risk level that the person wants; 0: not known */
    int borne;  /* what the horizon bears */
    bool warns;
} author_t;

static plv_view_t text_of (const json_t *object, const char *key)
{
    const json_t *text = json_object_get (object, key);
    return plv_view (json_string_value (text), json_string_length (text));
}

static bool is_kind (const author_t *self, const char *kind)
{
    return strcmp (self->kind, kind) == 0;
}

static void set_limits (author_t *self)
{
    const profile_t *profile = &self->reading->profile;
    json_int_t said = json_integer_value (json_object_get (self->talked->answer, "risk_tolerance"));
    self->wanted = profile->risk;
    if (said >= RISK_MIN && said <= RISK_MAX && (!self->wanted || said < self->wanted))
        self->wanted = (int) said;
    self->borne = rank_horizon_limit (profile->months);
}

/*  The product's index when it may be recommended, else -1.  */
static int allowed (const author_t *self, plv_view_t symbol)
{
    int product = catalogue_find (self->catalogue, symbol);
    if (product < 0 || !evidence_has (&self->talked->evidence, product)
        || self->answer->recommendation_count == RECOMMENDATIONS_MAX)
        return -1;
    const product_t *found = catalogue_product (self->catalogue, (size_t) product);
    if ((found->topics | found->holds) & self->reading->profile.refuses)
        return -1;
    for (size_t i = 0; i < self->answer->recommendation_count; i++)
        if (self->answer->recommendations[i].product == product)
            return -1;
    return product;
}

static size_t warn (author_t *self, const product_t *product, char *why)
{
    bool above = self->wanted && product->risk > self->wanted;
    if (!above && product->risk <= self->borne)
        return 0;
    self->warns = true;
    if (above)
        return plv_format (why, WHY_BYTES_MAX,
                           "Warning: risk level %d is above the %d that you want. ", product->risk,
                           self->wanted);
    return plv_format (why, WHY_BYTES_MAX,
                       "Warning: risk level %d is more than your horizon bears (level %d). ",
                       product->risk, self->borne);
}

/*  The model's reason, if the catalogue bears it out, else what the product is.  */
static void write_why (author_t *self, const json_t *one, int index, char *why)
{
    const product_t *product = catalogue_product (self->catalogue, (size_t) index);
    const ground_t ground = {self->catalogue, &self->talked->evidence, &self->reading->profile,
                             index};
    assumption_t assumed = assume_of (product->asset_class);
    plv_buf_t kept = {0};
    size_t at = warn (self, product, why);
    unsigned removed = ground_text (&ground, text_of (one, "why"), &kept);
    self->removed.sentences += removed;
    if (kept.size && !kept.failed)
        plv_format (why + at, WHY_BYTES_MAX - at, PLV_VIEW_FMT, PLV_VIEW_ARG (kept));
    else
        plv_format (why + at, WHY_BYTES_MAX - at, "%c%s: %s",
                    toupper ((unsigned char) assumed.label[0]), assumed.label + 1, assumed.meaning);
    for (size_t end = strlen (why); end && strchr (" .\n", why[end - 1]); end--)
        why[end - 1] = '\0';
    plv_buf_free (&kept);
}

static void take_recommendations (author_t *self)
{
    const json_t *one;
    size_t i;
    json_array_foreach (json_object_get (self->talked->answer, "recommendations"), i, one)
    {
        int product =
            is_kind (self, "recommendation") ? allowed (self, text_of (one, "symbol")) : -1;
        if (product < 0) {
            self->removed.products++;
            continue;
        }
        recommendation_t *to = &self->answer->recommendations[self->answer->recommendation_count];
        to->product = product;
        write_why (self, one, product, to->why);
        self->answer->recommendation_count++;
    }
}

static void say_products (const author_t *self)
{
    answer_t *answer = self->answer;
    for (size_t i = 0; i < answer->recommendation_count; i++) {
        const recommendation_t *one = &answer->recommendations[i];
        const product_t *product = catalogue_product (self->catalogue, (size_t) one->product);
        answer_say (answer, "\n%zu. %s, %s: ", i + 1, product->symbol, product->name);
        facts_figures (product, answer);
        answer_say (answer, ". %s.", one->why);
    }
}

static void say_text (author_t *self)
{
    const ground_t ground = {self->catalogue, &self->talked->evidence, &self->reading->profile, -1};
    answer_t *answer = self->answer;
    self->removed.sentences +=
        ground_text (&ground, text_of (self->talked->answer, "answer"), &answer->text);
    while (answer->text.size && strchr (" \n", answer->text.data[answer->text.size - 1]))
        answer->text.size--;
    if (!answer->text.size && answer->recommendation_count)
        answer_say (answer, "These fit what you asked for:");
}

static void say_notes (const author_t *self)
{
    unsigned removed = self->removed.sentences + self->removed.products;
    if (self->warns)
        answer_say (self->answer,
                    "\nWarning: not all of this is within the risk that you want or that your "
                    "horizon bears; it is marked above.");
    if (removed)
        answer_say (self->answer, "\n(%u %s left out that my catalogue does not confirm.)", removed,
                    removed == 1 ? "statement was" : "statements were");
}

/*  The rule is in author.h.  */
static double confidence (const author_t *self)
{
    const profile_t *profile = &self->reading->profile;
    unsigned removed = self->removed.sentences + self->removed.products;
    double sum = 0.50;
    if (is_kind (self, "recommendation")) {
        sum += self->wanted ? 0.10 : 0;
        sum += profile->months ? 0.10 : 0;
        sum += profile->goal || profile->wants ? 0.10 : 0;
        sum += profile->amount > 0 ? 0.05 : 0;
        sum += self->answer->recommendation_count >= 3 ? 0.05 : 0;
        sum -= self->reading->missing || profile->assumed ? 0.15 : 0;
        sum -= self->warns ? 0.10 : 0;
    } else if (is_kind (self, "facts")) {
        sum = self->talked->evidence.product_count ? 0.90 : 0.50;
    } else if (is_kind (self, "outside")) {
        sum = 0.90;
    } else if (is_kind (self, "question")) {
        sum = 0.30;
    }
    sum -= 0.10 * (removed < 3 ? removed : 3);
    return sum > 0.10 ? sum : 0.10;
}

static void remember (const author_t *self)
{
    profile_t *profile = &self->reading->profile;
    profile->asked = is_kind (self, "question") ? self->reading->missing : 0;
    if (!profile->risk)
        profile->risk = self->wanted;
    if (!self->answer->recommendation_count)
        return;
    if (!(self->reading->follow & FOLLOW_OTHERS))
        profile->seen.count = 0;
    for (size_t i = 0; i < profile->shown.count; i++)
        symbols_add (&profile->seen, plv_view_str (profile->shown.items[i]));
    profile->shown.count = 0;
    for (size_t i = 0; i < self->answer->recommendation_count; i++)
        symbols_add (
            &profile->shown,
            plv_view_str (catalogue_product (self->catalogue,
                                             (size_t) self->answer->recommendations[i].product)
                              ->symbol));
}

static void say_sources (const author_t *self)
{
    if (self->talked->evidence.product_count)
        facts_sources (self->answer);
    answer_source (self->answer, "language model (Claude), checked against the catalogue");
}

trouble_t author_write (catalogue_t *catalogue, const talk_result_t *talked, reading_t *reading,
                        answer_t *answer, author_removed_t *ret_removed)
{
    const char *kind = json_string_value (json_object_get (talked->answer, "kind"));
    author_t self = {.catalogue = catalogue,
                     .talked = talked,
                     .reading = reading,
                     .answer = answer,
                     .kind = kind ? kind : "other"};
    set_limits (&self);
    take_recommendations (&self);
    say_text (&self);
    *ret_removed = self.removed;
    bool none = !answer->recommendation_count;
    if (!answer->text.size || (none && self.removed.products && is_kind (&self, "recommendation")))
        return TROUBLE_UNGROUNDED;
    say_products (&self);
    say_notes (&self);
    say_sources (&self);
    answer->confidence = confidence (&self);
    remember (&self);
    return TROUBLE_NONE;
}
