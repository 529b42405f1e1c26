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

typedef struct {
    const char *text;
    target_t expected;
} case_t;

static void are_read_so (const case_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        target_t found = of (cases[i].text), expected = cases[i].expected;
        if (found.amount != expected.amount || found.owned != expected.owned
            || found.every != expected.every || found.when != expected.when)
            fail_msg ("%s: %.0f out of %.0f every %d%s", cases[i].text, found.amount, found.owned,
                      found.every, found.when ? ", when" : "");
    }
}

static void an_amount_in_the_end_is_found (void **state)
{
    static const case_t CASES[] = {
        {"How much must I save per month to have 50,000 in 10 years?", {50000, 0, 1, false}},
        {"I need $50k in 5 years, how much do I have to put aside?", {50000, 0, 1, false}},
        {"I have $10,000. How much should I save to have about $50,000 in 9 years?",
         {50000, 10000, 1, false}},
        {"to reach 1.5 million in 30 years, how much a year if I already have 20k?",
         {1500000, 20000, 12, false}},
        {"how much do I need to invest to become a millionaire by 2050", {1000000, 0, 1, false}},
        {"How long until I have 100k if I save 500 a month?", {100000, 0, 1, true}},
        {"When will I have $50,000 if I invest 300 monthly and have 10k already?",
         {50000, 10000, 1, true}},
        {"how many years does it take to save 100,000 with 6000 a year", {100000, 0, 12, true}},
        {"With 1000 a month, how long to reach 1 million?", {1000000, 0, 1, true}},
        {"I have 50,000. How long until I have $100,000?", {100000, 50000, 1, true}},
    };
    (void) state;
    are_read_so (CASES, sizeof CASES / sizeof *CASES);
}

/*  In the languages that a plain request is understood in.  */
static void other_languages_ask_alike (void **state)
{
    static const case_t CASES[] = {
        {"Wie viel muss ich im Monat sparen, um in 10 Jahren 50.000 Euro zu haben?",
         {50000, 0, 1, false}},
        {"Ich habe 10.000 Euro. Wieviel muss ich jährlich zurücklegen, um in 9 Jahren 50.000 Euro zu "
         "haben?",
         {50000, 10000, 12, false}},
        {"Combien dois-je épargner par mois pour avoir 50 000 euros dans 10 ans ?",
         {50000, 0, 1, false}},
        {"J'ai 10 000 euros. Combien faut-il mettre chaque mois pour atteindre 50 000 euros ?",
         {50000, 10000, 1, false}},
        {"¿Cuánto tengo que ahorrar al mes para tener 50.000 euros en 10 años?",
         {50000, 0, 1, false}},
        {"cuanto debo invertir al año para llegar a 50.000 euros en 10 años",
         {50000, 0, 12, false}},
        {"Quanto devo risparmiare al mese per avere 50.000 euro in 10 anni?", {50000, 0, 1, false}},
        {"Quanto preciso poupar por mês para ter 50.000 euros em 10 anos?", {50000, 0, 1, false}},
        {"Hoeveel moet ik per maand sparen om over 10 jaar 50.000 euro te hebben?",
         {50000, 0, 1, false}},
        {"Wie lange dauert es, bis ich 100.000 Euro habe, wenn ich 500 Euro im Monat spare?",
         {100000, 0, 1, true}},
        {"Wie lange muss ich 500 Euro im Monat sparen, um 100.000 Euro zu haben?",
         {100000, 0, 1, true}},
        {"Combien de temps faut-il pour avoir 100 000 euros avec 500 euros par mois ?",
         {100000, 0, 1, true}},
        {"¿Cuánto tiempo tardo en llegar a 100.000 euros si ahorro 500 euros al mes?",
         {100000, 0, 1, true}},
        {"Quando avrò 100.000 euro con 500 euro al mese?", {100000, 0, 1, true}},
        {"Em quanto tempo terei 100.000 euros com 500 euros por mês?", {100000, 0, 1, true}},
        {"Hoe lang duurt het voordat ik 100.000 euro heb met 500 euro per maand?",
         {100000, 0, 1, true}},
    };
    (void) state;
    are_read_so (CASES, sizeof CASES / sizeof *CASES);
}

static void a_later_message_changes_what_it_names (void **state)
{
    static const struct {
        const char *text;
        bool changes;
        target_t expected;
    } CASES[] = {
        {"And for 80,000?", true, {80000, 10000, 1, false}},
        {"and per year?", true, {50000, 10000, 12, false}},
        {"what if I already have 20k?", true, {50000, 20000, 1, false}},
        {"and in 15 years?", false, {50000, 10000, 1, false}},
        {"what would I have if I pay in 200 a month?", false, {50000, 10000, 1, false}},
        {"thanks", false, {50000, 10000, 1, false}},
    };
    (void) state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        message_t message;
        target_t target = {50000, 10000, 1, false};
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
        "How long does it take to reach 100 km/h?",
        "I invest 20,000 and 300 a month, how long should I keep it?",
        "How long do I have to wait for 500 euros?",
        "Wie viel muss ich für 50 Euro Trinkgeld geben?",
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
        cmocka_unit_test (other_languages_ask_alike),
        cmocka_unit_test (a_later_message_changes_what_it_names),
        cmocka_unit_test (other_questions_have_no_target),
    };
    return cmocka_run_group_tests_name ("target", tests, NULL, NULL);
}
