#include "advisor/offline/outlook.h"

#include "advisor/offline/project.h"

#include <stdio.h>

void outlook_say_amount (const profile_t *profile, double amount, answer_t *answer)
{
    char digits[32], grouped[48];
    int size = snprintf (digits, sizeof digits, "%.0f", amount);
    size_t to = 0;
    for (int i = 0; i < size && to + 2 < sizeof grouped; i++) {
        if (i && (size - i) % 3 == 0)
            grouped[to++] = ',';
        grouped[to++] = digits[i];
    }
    grouped[to] = '\0';
    answer_say (answer, "%s%s%s", grouped, profile->currency < 0 ? "" : " ",
                profile_currency (profile->currency));
}

void outlook_say_rounded (const profile_t *profile, double amount, answer_t *answer)
{
    double unit = 1;
    while (amount >= 1000 * unit)
        unit *= 10;
    outlook_say_amount (profile, (double) (int64_t) (amount / unit + 0.5) * unit, answer);
}

double outlook_grown (const profile_t *profile, double rate)
{
    return project (profile->lump, 0, profile->months, rate)
           + project (profile->amount, profile->every, profile->months, rate);
}

static void say_grown (const profile_t *profile, double rate, answer_t *answer)
{
    outlook_say_rounded (profile, outlook_grown (profile, rate), answer);
}

void outlook_say_paid (const profile_t *profile, answer_t *answer)
{
    if (profile->lump > 0) {
        outlook_say_amount (profile, profile->lump, answer);
        answer_say (answer, " and ");
    }
    outlook_say_amount (profile, profile->amount, answer);
    if (profile->every == 1 || profile->every == 12)
        answer_say (answer, profile->every == 1 ? " a month" : " a year");
    else if (profile->every)
        answer_say (answer, " every %d months", profile->every);
}

void outlook_say (const profile_t *profile, const char *lead, double low, double high,
                  answer_t *answer)
{
    char months[FIGURE_BYTES];
    if (profile->amount <= 0 || profile->months < 12)
        return;
    answer_say (answer, "\n%s about ", lead);
    say_grown (profile, low, answer);
    answer_say (answer, " to ");
    say_grown (profile, high, answer);
    answer_say (answer, " after %s, before inflation and tax.",
                answer_months (profile->months, months));
}
