#include "advisor/offline/advise.h"

#include "advisor/offline/facts.h"
#include "advisor/offline/recommend.h"
#include "advisor/offline/savings.h"
#include "wire/mp.h"

static const char CAN[] =
    "I answer questions about funds and ETFs: what suits a goal, a horizon and an "
    "appetite for risk (\"10,000 USD for retirement in 20 years, medium risk\"), how "
    "products compare (\"VTI or VOO?\"), and what terms mean (\"what is an ETF?\").";

static void say_social (social_t social, answer_t *answer)
{
    static const char *const WORDS[] = {
        [SOCIAL_NONE] = "",
        [SOCIAL_HELLO] = "Hello. ",
        [SOCIAL_THANKS] = "You are welcome. ",
        [SOCIAL_BYE] = "Goodbye. ",
        [SOCIAL_HELP] = "",
    };
    answer_say (answer, "%s", WORDS[social]);
    if (social != SOCIAL_BYE && social != SOCIAL_THANKS)
        answer_say (answer, "%s", CAN);
    answer->confidence = 0.90;
}

/*  In a conversation what it is about is not forgotten.  */
static void say_not_understood (reading_t *reading, answer_t *answer)
{
    const profile_t *profile = &reading->profile;
    if (profile->asked) {
        reading->missing = profile->asked;
        answer_say (answer, "I did not understand that. ");
        recommend_ask_needs (reading, answer);
    } else {
        answer_say (answer,
                    "I did not understand that. You can ask for less or more risk, another time "
                    "or amount, other or cheaper products, why these were chosen, what they may "
                    "come to or how two of them compare, or say \"start over\".");
    }
    answer->confidence = 0.20;
}

static void say_outside (bool sure, reading_t *reading, answer_t *answer)
{
    language_t language = reading->language;
    if (language)
        answer_say (answer, "%s\n", language_notice (language));
    const profile_t *profile = &reading->profile;
    bool goes_on = profile->asked || profile->shown.count || profile->growth;
    if (!sure && !language && goes_on) {
        say_not_understood (reading, answer);
        return;
    }
    answer_say (answer,
                sure ? "That is outside of what I know, so I recommend nothing. "
                     : "I did not understand that as a question about investing, so I recommend "
                       "nothing. ");
    answer_say (answer, "%s", CAN);
    answer->confidence = sure ? 0.90 : 0.20;
}

/*  Is one of the products that were shown above the limit? All of a kind that was asked for may be.  */
static bool is_over (catalogue_t *catalogue, const profile_t *profile)
{
    int limit = rank_limit (profile);
    for (size_t i = 0; i < profile->shown.count; i++) {
        int product = catalogue_find (catalogue, plv_view_str (profile->shown.items[i]));
        if (product >= 0 && catalogue_product (catalogue, (size_t) product)->risk > limit)
            return true;
    }
    return false;
}

static void say_why (catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    bool over = is_over (catalogue, &reading->profile);
    answer_say (answer,
                "The last products were chosen so: nothing that you refuse is in them, %s, and "
                "among those I prefer what serves your goal, spreads widely, and costs little. "
                "Each asset class is named once, so that they fall less together.",
                over ? "they are of the kind that you asked for, which is riskier than your limit "
                       "or your horizon bears"
                     : "their risk level is within your limit and what your horizon bears");
    facts_sources (answer);
    answer->confidence = 0.95;
}

/*  Were the products that were shown last chosen for this person, and not only compared?  */
static bool is_chosen (const profile_t *profile)
{
    return profile->shown.count && (profile->risk || profile->wants || profile->assumed);
}

/*  The sole one, or all that the message speaks of.  */
static void say_subjects (catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    subject_t sole = subjects_sole (reading->subjects);
    const char *between = reading->intent == INTENT_SUBJECT ? "" : "\n";
    for (int subject = 0; subject < SUBJECT_COUNT_; subject++) {
        if (!(reading->subjects & SUBJECT_BIT (subject))
            || (sole != SUBJECT_COUNT_ && sole != (subject_t) subject))
            continue;
        answer_say (answer, "%s%s", between, subject_text ((subject_t) subject));
        between = "\n";
    }
    if (reading->intent != INTENT_SUBJECT)
        return;
    if (reading->subjects == SUBJECT_BIT (SUBJECT_DEPOSIT))
        facts_nearest_deposits (catalogue, answer);
    if ((reading->subjects & SUBJECT_BIT (SUBJECT_OWN)) && is_chosen (&reading->profile)) {
        answer_say (answer, "\n");
        say_why (catalogue, reading, answer);
    }
    answer_source (answer, "fixed texts of the advisor (subjects.def)");
    answer->confidence = 0.90;
}

/*  As a ticker is written.  */
static const char *unlisted (const reading_t *reading, char ret_symbol[PROFILE_SYMBOL_BYTES])
{
    size_t i = 0;
    for (; reading->unlisted[i]; i++) {
        char c = reading->unlisted[i];
        ret_symbol[i] = c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
    }
    ret_symbol[i] = '\0';
    return ret_symbol;
}

static void say_unlisted (const catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    char symbol[PROFILE_SYMBOL_BYTES];
    answer_say (
        answer,
        "%s is not among the %zu products of my catalogue, so I say nothing about it. Tell me "
        "what it should do for you, and I look for a fund or ETF that does.",
        unlisted (reading, symbol), catalogue_size (catalogue));
    answer_source (answer, "product catalogue (fees as published by the issuers; see fee_as_of)");
    answer->confidence = 0.95;
}

/*  "IWDA or VWCE?": one of them is answered.  */
static void say_unlisted_beside (const reading_t *reading, answer_t *answer)
{
    char symbol[PROFILE_SYMBOL_BYTES];
    bool named = reading->intent == INTENT_DETAIL || reading->intent == INTENT_COMPARE;
    if (named && reading->unlisted[0])
        answer_say (answer, "\n%s is not in my catalogue, so I say nothing about it.",
                    unlisted (reading, symbol));
}

/*  What must not get lost beside the answer itself.  */
static void say_remarks (catalogue_t *catalogue, const reading_t *reading, answer_t *answer)
{
    char months[FIGURE_BYTES];
    if (reading->other_goal && reading->intent == INTENT_ADVICE)
        answer_say (
            answer,
            "\nThis is for %s alone. You also named %s, which has its own time and risk: ask "
            "for it by itself, after \"start over\".",
            profile_goal_label (reading->profile.goal), profile_goal_label (reading->other_goal));
    if (reading->other_months)
        answer_say (
            answer,
            "\nThis is until you retire. You also named %s: what is needed then bears less risk, ask for "
            "it by itself, after \"start over\".",
            answer_months (reading->other_months, months));
    say_unlisted_beside (reading, answer);
    if (reading->odd && reading->intent > INTENT_OUTSIDE && reading->intent != INTENT_SUBJECT)
        answer_say (answer,
                    "\nI left out a number that makes no sense to me: an amount or a time of "
                    "nothing, below zero, or beyond what anybody can plan.");
    if (reading->intent != INTENT_SUBJECT)
        say_subjects (catalogue, reading, answer);
}

static void say_forecast (answer_t *answer)
{
    answer_say (answer,
                "Nobody can say what prices will do, and I do not guess. What can be chosen is how "
                "much risk fits your horizon: tell me when you need the money and how much risk "
                "you want, and I say what suits.");
    answer->confidence = 0.10;
}

static void say_trade (answer_t *answer)
{
    answer_say (
        answer,
        "I do not advise on single stocks, on selling, on leverage or on trading for the short "
        "term. I know broad funds and ETFs; tell me your goal, horizon and risk appetite and "
        "I say which of them suit.");
    answer->confidence = 0.90;
}

static void say_term (const reading_t *reading, answer_t *answer)
{
    answer_say (answer, "%s", reading->term);
    answer_source (answer, "glossary of the advisor (glossary.def)");
    answer->confidence = 0.95;
}

static void say_reset (reading_t *reading, answer_t *answer)
{
    profile_init (&reading->profile);
    answer_say (answer, "Forgotten: we start afresh. %s", CAN);
    answer->confidence = 0.90;
}

/*  "The second one", "which of them?" may come next.  */
static void remember_symbols (const catalogue_t *catalogue, reading_t *reading)
{
    symbols_t *shown = &reading->profile.shown;
    bool known =
        reading->symbol_count == 1
        && symbols_has (shown, catalogue_product (catalogue, (size_t) reading->symbols[0])->symbol);
    if (known)
        return;
    shown->count = 0;
    for (size_t i = 0; i < reading->symbol_count; i++)
        symbols_add (
            shown,
            plv_view_str (catalogue_product (catalogue, (size_t) reading->symbols[i])->symbol));
}

bool advise_needs_picks (const reading_t *reading)
{
    return reading->intent == INTENT_ADVICE && !reading->missing;
}

static void write_advice (const catalogue_t *catalogue, reading_t *reading, const picks_t *picks,
                          answer_t *answer)
{
    if (reading->missing || !picks)
        recommend_ask (reading, answer);
    else
        recommend (catalogue, reading, picks, answer);
}

void advise_write (catalogue_t *catalogue, reading_t *reading, const picks_t *picks,
                   answer_t *answer)
{
    if (reading->language && reading->intent > INTENT_OUTSIDE)
        answer_say (answer, "%s\n", language_notice (reading->language));
    switch (reading->intent) {
    case INTENT_SUBJECT:
        say_subjects (catalogue, reading, answer);
        break;
    case INTENT_UNKNOWN:
        say_outside (false, reading, answer);
        break;
    case INTENT_OUTSIDE:
        say_outside (true, reading, answer);
        break;
    case INTENT_SOCIAL:
        say_social (reading->social, answer);
        break;
    case INTENT_RESET:
        say_reset (reading, answer);
        break;
    case INTENT_EXPLAIN:
        say_term (reading, answer);
        break;
    case INTENT_FORECAST:
        say_forecast (answer);
        break;
    case INTENT_TRADE:
        say_trade (answer);
        break;
    case INTENT_DETAIL:
        facts_detail (catalogue, reading, answer);
        remember_symbols (catalogue, reading);
        break;
    case INTENT_COMPARE:
        facts_compare (catalogue, reading, answer);
        remember_symbols (catalogue, reading);
        break;
    case INTENT_TOPICS:
        facts_topics (catalogue, reading, answer);
        break;
    case INTENT_UNLISTED:
        say_unlisted (catalogue, reading, answer);
        break;
    case INTENT_WHY:
        say_why (catalogue, reading, answer);
        break;
    case INTENT_GROWTH:
        savings_say_growth (reading, answer);
        break;
    case INTENT_TARGET:
        savings_say (reading, answer);
        break;
    case INTENT_ADVICE:
        write_advice (catalogue, reading, picks, answer);
        break;
    }
    say_remarks (catalogue, reading, answer);
}

void advise (catalogue_t *catalogue, plv_view_t text, int year, profile_t *profile,
             answer_t *answer)
{
    reading_t reading;
    picks_t picks = {0};
    understand (catalogue, profile, text, year, &reading);
    if (advise_needs_picks (&reading))
        rank (catalogue, &reading, year, &picks);
    advise_write (catalogue, &reading, &picks, answer);
    *profile = reading.profile;
}

void advise_write_picks (const catalogue_t *catalogue, const picks_t *picks, plv_buf_t *out)
{
    plv_mp_put_map (out, 4);
    plv_mp_pair_i64 (out, "limit", picks->limit);
    plv_mp_pair_bool (out, "by_horizon", picks->by_horizon);
    plv_mp_pair_bool (out, "over", picks->over);
    plv_mp_put_text (out, "symbols");
    plv_mp_put_array (out, (uint32_t) picks->count);
    for (size_t i = 0; i < picks->count; i++)
        plv_mp_put_text (out, catalogue_product (catalogue, (size_t) picks->products[i])->symbol);
}

bool advise_read_picks (catalogue_t *catalogue, plv_view_t bytes, picks_t *ret_picks)
{
    picks_t picks = {0};
    plv_mp_t limit, by_horizon, over, symbols;
    plv_view_t symbol;
    int64_t level;
    uint32_t count;
    if (!plv_mp_valid (bytes, MP_MAP) || !plv_mp_find (bytes, "limit", &limit)
        || !plv_mp_find (bytes, "by_horizon", &by_horizon) || !plv_mp_find (bytes, "over", &over)
        || !plv_mp_find (bytes, "symbols", &symbols) || !plv_mp_i64 (&limit, &level)
        || level < RISK_MIN || level > RISK_MAX || !plv_mp_bool (&by_horizon, &picks.by_horizon)
        || !plv_mp_bool (&over, &picks.over) || !plv_mp_array (&symbols, &count))
        return false;
    picks.limit = (int) level;
    while (count-- && plv_mp_str (&symbols, &symbol) && picks.count < PICKS_MAX) {
        int product = catalogue_find (catalogue, symbol);
        if (product >= 0)
            picks.products[picks.count++] = product;
    }
    *ret_picks = picks;
    return true;
}
