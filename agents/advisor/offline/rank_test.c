#include "advisor/fixture.h"
#include "advisor/offline/advise.h"
#include "advisor/offline/recommend.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { YEAR = 2026, ROUNDS = 3000 };

static int load (void **state)
{
    *state = fixture_catalogue ();
    return *state ? 0 : -1;
}

static int unload (void **state)
{
    catalogue_t *catalogue = *state;
    catalogue_destroy (&catalogue);
    return 0;
}

static const product_t *pick (catalogue_t *catalogue, const picks_t *picks, size_t at)
{
    return catalogue_product (catalogue, (size_t) picks->products[at]);
}

static reading_t some_reading (plv_rng_t *rng)
{
    reading_t reading = {.intent = INTENT_ADVICE};
    profile_t *profile = &reading.profile;
    profile_init (profile);
    profile->risk = (int) plv_rng_below (rng, 8);
    profile->months = plv_rng_below (rng, 4) ? (int) plv_rng_below (rng, 400) : 0;
    profile->goal = (goal_t) plv_rng_below (rng, GOAL_COUNT_);
    profile->currency = (int) plv_rng_below (rng, CURRENCY_COUNT_ + 1) - 1;
    profile->amount = (double) plv_rng_below (rng, 100000);
    if (plv_rng_below (rng, 2))
        profile->wants = TOPIC_BIT (plv_rng_below (rng, TOPIC_COUNT_));
    if (plv_rng_below (rng, 2))
        profile->refuses = TOPIC_BIT (plv_rng_below (rng, TOPIC_COUNT_)) & ~profile->wants;
    profile->cheap = plv_rng_below (rng, 2);
    return reading;
}

/*  What must hold for whatever a user may have said.  */
static void check (catalogue_t *catalogue, reading_t *reading, const picks_t *picks)
{
    const profile_t *profile = &reading->profile;
    answer_t answer = {0};
    if (profile->risk)
        assert_true (picks->limit <= profile->risk);
    assert_true (picks->limit <= rank_horizon_limit (profile->months));
    for (size_t i = 0; i < picks->count; i++) {
        const product_t *product = pick (catalogue, picks, i);
        assert_true (picks->over ? product->risk > picks->limit : product->risk <= picks->limit);
        assert_false ((product->topics | product->holds) & profile->refuses);
        assert_true (!profile->wants || product->topics & profile->wants);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal (picks->products[i], picks->products[j]);
    }
    assert_true (!picks->over || profile->wants);
    recommend (catalogue, reading, picks, &answer);
    assert_true (answer.confidence >= 0 && answer.confidence <= 1);
    assert_int_equal (answer.recommendation_count, picks->count);
    for (size_t i = 0; i < picks->count; i++)
        if (profile->risk && pick (catalogue, picks, i)->risk > profile->risk)
            assert_non_null (strstr (answer.recommendations[i].why, "Warning"));
    if (picks->over)
        assert_non_null (memmem (answer.text.data, answer.text.size, "\nWarning", 8));
    answer_free (&answer);
}

static void never_above_the_limit_without_a_warning (void **state)
{
    plv_rng_t rng = plv_rng_seed (20261122);
    size_t with_picks = 0, over = 0;
    for (int round = 0; round < ROUNDS; round++) {
        picks_t picks;
        reading_t reading = some_reading (&rng);
        rank (*state, &reading, YEAR, &picks);
        check (*state, &reading, &picks);
        with_picks += picks.count > 0;
        over += picks.over;
    }
    assert_true (with_picks > ROUNDS / 2 && over > ROUNDS / 100);
}

static void the_horizon_sets_the_limit (void **state)
{
    reading_t reading = {.profile = {.risk = 7, .months = 18, .currency = -1}};
    picks_t picks;
    rank (*state, &reading, YEAR, &picks);
    assert_int_equal (picks.limit, 2);
    assert_true (picks.by_horizon && picks.count);
    reading.profile.months = 240;
    rank (*state, &reading, YEAR, &picks);
    assert_int_equal (picks.limit, 7);
    assert_false (picks.by_horizon);
}

static void retirement_gets_the_fund_of_its_year (void **state)
{
    reading_t reading = {
        .profile = {.risk = 6, .months = 24 * 12, .currency = -1, .goal = GOAL_RETIREMENT}};
    picks_t picks;
    rank (*state, &reading, YEAR, &picks);
    assert_string_equal (pick (*state, &picks, 0)->name, "Vanguard Target Retirement 2050 Fund");
}

static void general_advice_bets_on_nothing_and_repeats_no_class (void **state)
{
    for (int risk = 1; risk <= RISK_MAX; risk++) {
        reading_t reading = {.profile = {.risk = risk, .months = 200, .currency = -1}};
        picks_t picks;
        rank (*state, &reading, YEAR, &picks);
        assert_true (picks.count >= 3);
        assert_false (picks.over);
        for (size_t i = 0; i < picks.count; i++) {
            assumption_t assumed = assume_of (pick (*state, &picks, i)->asset_class);
            assert_true (assumed.core >= 40 && assumed.group != GROUP_CRYPTO);
        }
    }
}

static void the_cheapest_wins_where_fees_matter_most (void **state)
{
    reading_t reading = {.profile = {.risk = 6,
                                     .months = 200,
                                     .currency = -1,
                                     .cheap = true,
                                     .wants = TOPIC_BIT (TOPIC_GOLD)}};
    picks_t picks;
    rank (*state, &reading, YEAR, &picks);
    assert_string_equal (pick (*state, &picks, 0)->symbol, "GLDM");
}

static void picks_survive_the_way_through_a_step (void **state)
{
    reading_t reading = {.profile = {.risk = 5, .months = 200, .currency = -1}};
    picks_t before, after;
    plv_buf_t bytes = {0};
    rank (*state, &reading, YEAR, &before);
    advise_write_picks (*state, &before, &bytes);
    assert_true (advise_read_picks (*state, plv_buf_view (&bytes), &after));
    assert_int_equal (after.count, before.count);
    assert_int_equal (after.limit, before.limit);
    assert_memory_equal (after.products, before.products, before.count * sizeof *before.products);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false (advise_read_picks (*state, plv_view (bytes.data, size), &after));
    plv_buf_free (&bytes);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (never_above_the_limit_without_a_warning),
        cmocka_unit_test (the_horizon_sets_the_limit),
        cmocka_unit_test (retirement_gets_the_fund_of_its_year),
        cmocka_unit_test (general_advice_bets_on_nothing_and_repeats_no_class),
        cmocka_unit_test (the_cheapest_wins_where_fees_matter_most),
        cmocka_unit_test (picks_survive_the_way_through_a_step),
    };
    return cmocka_run_group_tests_name ("rank", tests, load, unload);
}
