#include "advisor/understand/target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { YEAR = 2026 };

typedef struct {
    words_t words;
    marks_t marks;
    quantities_t found;
} message_t;

static void read (const char *text, message_t *ret_message)
{
    words_read (&ret_message->words, plv_view_str (text));
    phrases_find (&ret_message->words, &ret_message->marks);
    quantities_find (&ret_message->words, &ret_message->marks, YEAR, &ret_message->found);
}

static target_t of (const char *text)
{
    message_t message;
    read (text, &message);
    return target_find (&message.words, &message.marks, &message.found);
}

static void an_amount_in_the_end_is_found (void **state)
{
    static const struct {
        const char *text;
        target_t expected;
    } CASES[] = {
        {"How much must I save per month to have 50,000 in 10 years?", {50000, 0, 1}},
        {"I need $50k in 5 years, how much do I have to put aside?", {50000, 0, 1}},
        {"I have $10,000. How much should I save to have about $50,000 in 9 years?",
         {50000, 10000, 1}},
        {"to reach 1.5 million in 30 years, how much a year if I already have 20k?",
         {1500000, 20000, 12}},
        {"how much do I need to invest to become a millionaire by 2050", {1000000, 0, 1}},
    };
    (void) state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        target_t found = of (CASES[i].text);
        if (found.amount != CASES[i].expected.amount || found.owned != CASES[i].expected.owned
            || found.every != CASES[i].expected.every)
            fail_msg ("%s: %.0f out of %.0f every %d", CASES[i].text, found.amount, found.owned,
                      found.every);
    }
}

static void a_later_message_changes_what_it_names (void **state)
{
    static const struct {
        const char *text;
        bool changes;
        target_t expected;
    } CASES[] = {
        {"And for 80,000?", true, {80000, 10000, 1}},
        {"and per year?", true, {50000, 10000, 12}},
        {"what if I already have 20k?", true, {50000, 20000, 1}},
        {"and in 15 years?", false, {50000, 10000, 1}},
        {"what would I have if I pay in 200 a month?", false, {50000, 10000, 1}},
        {"thanks", false, {50000, 10000, 1}},
    };
    (void) state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        message_t message;
        target_t target = {50000, 10000, 1};
        read (CASES[i].text, &message);
        bool changes = target_change (&target, &message.marks, &message.found);
        if (changes != CASES[i].changes || target.amount != CASES[i].expected.amount
            || target.owned != CASES[i].expected.owned || target.every != CASES[i].expected.every)
            fail_msg ("%s: %d, %.0f out of %.0f every %d", CASES[i].text, changes, target.amount,
                      target.owned, target.every);
    }
}

static void other_questions_have_no_target (void **state)
{
    static const char *const CASES[] = {
        "I want to have 50,000 in 10 years",
        "How much will I have after 20 years with 200 a month?",
        "I have 20,000, how much should I invest for 10 years?",
        "How much should I save for retirement?",
        "How much do I have to pay for a card to be sent?",
        "How much should I tip to get 20 smiles?",
        "Invest 100 a month for 18 years",
    };
    (void) state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (of (CASES[i]).amount != 0)
            fail_msg ("%s: %.0f", CASES[i], of (CASES[i]).amount);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (an_amount_in_the_end_is_found),
        cmocka_unit_test (a_later_message_changes_what_it_names),
        cmocka_unit_test (other_questions_have_no_target),
    };
    return cmocka_run_group_tests_name ("target", tests, NULL, NULL);
}
