#include "advisor/offline/savings.h"

#include "advisor/offline/outlook.h"
#include "advisor/offline/project.h"

enum { SHORT_MONTHS = 24, LONG_MONTHS = 70 * 12 };

/*  Whole markets, each of which may carry a plan, from the calmest on.  */
static const asset_class_t KINDS[] = {CLASS_money_market, CLASS_core_bond, CLASS_mix_60,
                                      CLASS_mix_80, CLASS_global_equity};

/*  What is still missing when all that is there already has grown; not below nothing.  */
static double missing (const reading_t *reading, double rate)
{
    const target_t *target = &reading->profile.target;
    double left = target->amount - project (target->owned, 0, reading->profile.months, rate);
    return left > 0 ? left : 0;
}

static double payment (const reading_t *reading, int every, double rate)
{
    return missing (reading, rate) / project (1, every, reading->profile.months, rate);
}

/*  The higher return needs the lower payment, which comes first.  */
static void say_range (const reading_t *reading, int every, const assumption_t *kind,
                       answer_t *answer)
{
    outlook_say_rounded (&reading->profile, payment (reading, every, kind->high), answer);
    answer_say (answer, " to ");
    outlook_say_rounded (&reading->profile, payment (reading, every, kind->low), answer);
}

static void say_payment (const reading_t *reading, const assumption_t *kind, answer_t *answer)
{
    if (missing (reading, kind->low) <= 0) {
        answer_say (answer, "nothing more, what you have is enough");
        return;
    }
    say_range (reading, reading->profile.target.every, kind, answer);
    answer_say (answer, reading->profile.target.every == 1 ? " a month, or " : " a year, or ");
    say_range (reading, 0, kind, answer);
    answer_say (answer, " at once");
}

static void ask_when (reading_t *reading, answer_t *answer)
{
    answer_say (answer, "What has to be paid in depends on the time. When shall ");
    outlook_say_amount (&reading->profile, reading->profile.target.amount, answer);
    answer_say (answer, " be there: in how many years?");
    reading->profile.asked = NEED_HORIZON;
    answer->confidence = 0.30;
}

typedef void say_kind_t (const reading_t *reading, const assumption_t *kind, answer_t *answer);

static void say_kind (const reading_t *reading, const assumption_t *kind, say_kind_t *say,
                      answer_t *answer)
{
    answer_say (answer, "\n- %s (risk level %d of %d, %.1f to %.1f %% a year): ", kind->label,
                kind->risk, RISK_MAX, kind->low, kind->high);
    say (reading, kind, answer);
}

static void say_kinds (const reading_t *reading, say_kind_t *say, answer_t *answer)
{
    int horizon = rank_horizon_limit (reading->profile.months), risk = reading->profile.risk;
    int limit = risk && risk < horizon ? risk : horizon;
    bool left_out = false;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        assumption_t kind = assume_of (KINDS[i]);
        if (kind.risk <= limit)
            say_kind (reading, &kind, say, answer);
        left_out |= kind.risk > limit;
    }
    if (left_out)
        answer_say (answer, "\nWhat is above risk level %d is left out: %s.", limit,
                    limit < horizon ? "that is the limit that you gave"
                                    : "a fall would not have time to recover");
}

static void say_payments (reading_t *reading, answer_t *answer)
{
    const target_t *target = &reading->profile.target;
    char months[FIGURE_BYTES];
    if (!reading->profile.months) {
        ask_when (reading, answer);
        return;
    }
    answer_say (answer, "To have ");
    outlook_say_amount (&reading->profile, target->amount, answer);
    answer_say (answer, " in %s", answer_months (reading->profile.months, months));
    if (target->owned > 0) {
        answer_say (answer, " out of ");
        outlook_say_amount (&reading->profile, target->owned, answer);
        answer_say (answer, " that you have");
    }
    answer_say (answer, ", if these ranges hold, pay in about:");
    say_kinds (reading, say_payment, answer);
    answer_say (answer, "\nWithout any return it is ");
    outlook_say_rounded (&reading->profile, payment (reading, target->every, 0), answer);
    answer_say (answer,
                " a %s. All of this is before fees, inflation and tax. A range is assumed for the "
                "long-run average, so less may come out. %s, and I say which funds suit.",
                target->every == 1 ? "month" : "year",
                reading->profile.risk ? "Ask for funds" : "Tell me how much risk you want");
    answer_source (answer, "capital-market assumptions by asset class (assumptions.def)");
    answer->confidence = 0.95;
}

/* ------------------------------------------------------------------ how long it takes */

/*  After how many months the amounts of the profile come to its target; more than LONG_MONTHS: never within that.  */
static int months_until (const profile_t *given, double rate)
{
    profile_t profile = *given;
    int least = 0, most = LONG_MONTHS + 1;
    while (least < most) {
        profile.months = (least + most) / 2;
        if (outlook_grown (&profile, rate) >= profile.target.amount)
            most = profile.months;
        else
            least = profile.months + 1;
    }
    return least;
}

static void say_time (int months, bool in_years, answer_t *answer)
{
    if (in_years)
        answer_say (answer, "%.1f", months / 12.0);
    else
        answer_say (answer, "%d", months);
}

/*  The higher return comes to it sooner.  */
static void say_wait (const reading_t *reading, const assumption_t *kind, answer_t *answer)
{
    int soon = months_until (&reading->profile, kind->high);
    int late = months_until (&reading->profile, kind->low);
    bool in_years = late > SHORT_MONTHS;
    if (soon > LONG_MONTHS) {
        answer_say (answer, "more than %d years", LONG_MONTHS / 12);
        return;
    }
    if (soon < late) {
        say_time (soon, in_years, answer);
        answer_say (answer, " to ");
    }
    if (late > LONG_MONTHS)
        answer_say (answer, "more than %d", LONG_MONTHS / 12);
    else
        say_time (late, in_years, answer);
    answer_say (answer, in_years ? " years" : late == 1 ? " month" : " months");
}

/*  Each kind of investment has its own time here, and that must bear its risk.  */
static void say_waits (const reading_t *reading, answer_t *answer)
{
    const profile_t *profile = &reading->profile;
    bool too_short = false, too_risky = false;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        assumption_t kind = assume_of (KINDS[i]);
        bool beyond = profile->risk && kind.risk > profile->risk;
        bool hasty = kind.risk > rank_horizon_limit (months_until (profile, kind.low));
        too_risky |= beyond;
        too_short |= hasty && !beyond;
        if (!beyond && !hasty)
            say_kind (reading, &kind, say_wait, answer);
    }
    if (too_risky)
        answer_say (answer,
                    "\nWhat is above risk level %d is left out: that is the limit that you gave.",
                    profile->risk);
    if (too_short)
        answer_say (answer,
                    "\nWhat is riskier is left out: a fall would not have time to recover.");
}

static void ask_payment (const reading_t *reading, answer_t *answer)
{
    answer_say (answer, "How long it takes until ");
    outlook_say_amount (&reading->profile, reading->profile.target.amount, answer);
    answer_say (
        answer,
        " are there depends on what goes in. Tell me how much a month (\"200 a month\"), and what is "
        "there already (\"I have 10,000\").");
    answer->confidence = 0.30;
}

static void say_when (const reading_t *reading, answer_t *answer)
{
    const profile_t *profile = &reading->profile;
    if (profile->amount <= 0) {
        ask_payment (reading, answer);
        return;
    }
    const assumption_t none = {0};
    if (months_until (profile, 0) == 0) {
        answer_say (answer, "With what you have, ");
        outlook_say_amount (profile, profile->target.amount, answer);
        answer_say (answer, " are there already.");
        answer->confidence = 0.95;
        return;
    }
    answer_say (answer, "With ");
    outlook_say_paid (profile, answer);
    answer_say (answer, ", and if these ranges hold, it takes about so long until ");
    outlook_say_amount (profile, profile->target.amount, answer);
    answer_say (answer, " are there:");
    say_waits (reading, answer);
    answer_say (answer, "\nWithout any return it is ");
    say_wait (reading, &none, answer);
    answer_say (
        answer,
        ". All of this is before fees, inflation and tax. A range is assumed for the long-run average, so it "
        "may take longer. %s, and I say which funds suit.",
        profile->risk ? "Ask for funds" : "Tell me how much risk you want");
    answer_source (answer, "capital-market assumptions by asset class (assumptions.def)");
    answer->confidence = 0.95;
}

void savings_say (reading_t *reading, answer_t *answer)
{
    reading->profile.asked = 0;
    if (reading->profile.target.when)
        say_when (reading, answer);
    else
        say_payments (reading, answer);
}

/* ------------------------------------------------------------------ what will be there */

static void say_sum (const reading_t *reading, const assumption_t *kind, answer_t *answer)
{
    outlook_say_rounded (&reading->profile, outlook_grown (&reading->profile, kind->low), answer);
    answer_say (answer, " to ");
    outlook_say_rounded (&reading->profile, outlook_grown (&reading->profile, kind->high), answer);
}

static void ask_what (reading_t *reading, answer_t *answer)
{
    const profile_t *profile = &reading->profile;
    answer_say (answer, "What will be there depends on what goes in, and for how long. Tell me");
    if (profile->amount <= 0)
        answer_say (answer,
                    "\n- an amount (\"10,000 USD\"), or how much a month (\"200 a month\")");
    if (!profile->months && profile->until_age)
        answer_say (answer, "\n- how old you are now (\"I am 40\")");
    else if (!profile->months)
        answer_say (answer,
                    "\n- in how many years, or how old you are and at what age you want it");
    answer_say (answer, "\nand I say what it may come to.");
    reading->profile.asked = profile->months || profile->until_age ? 0 : NEED_HORIZON;
    answer->confidence = 0.30;
}

void savings_say_growth (reading_t *reading, answer_t *answer)
{
    profile_t *profile = &reading->profile;
    char months[FIGURE_BYTES];
    if (profile->until_age)
        profile->months = 0; /* an earlier time is not the one that is asked about */
    if (profile->amount <= 0 || !profile->months) {
        ask_what (reading, answer);
        return;
    }
    profile->asked = 0;
    outlook_say_paid (profile, answer);
    answer_say (answer, ", after %s and if these ranges hold, come to about:",
                answer_months (profile->months, months));
    say_kinds (reading, say_sum, answer);
    answer_say (answer, "\nPaid in is ");
    outlook_say_rounded (profile, outlook_grown (profile, 0), answer);
    answer_say (answer,
                " of it. All of this is before fees, inflation and tax, and a range is assumed for "
                "the long-run average: less may be there, above all right after a fall. %s, and I "
                "say which funds suit.",
                profile->risk ? "Ask for funds" : "Tell me how much risk you want");
    answer_source (answer, "capital-market assumptions by asset class (assumptions.def)");
    answer->confidence = 0.95;
}
