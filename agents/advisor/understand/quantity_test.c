#include "advisor/understand/quantity.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { YEAR = 2026 };

static quantities_t read_text (const char *text)
{
    static words_t words;
    static marks_t marks;
    quantities_t found;
    words_read (&words, plv_view_str (text));
    phrases_find (&words, &marks);
    quantities_find (&words, &marks, YEAR, &found);
    return found;
}

static void reads_amounts (void **state)
{
    static const struct {
        const char *text;
        double amount;
        int currency;
        int every;
    } rows[] = {
        {"I have $10,000", 10000, CURRENCY_USD, 0},
        {"10.000 EUR", 10000, CURRENCY_EUR, 0},
        {"10 000 euros", 10000, CURRENCY_EUR, 0},
        {"1,234,567.89 dollars", 1234567.89, CURRENCY_USD, 0},
        {"£1.5m", 1500000, CURRENCY_GBP, 0},
        {"20k", 20000, -1, 0},
        {"five thousand francs", 5000, CURRENCY_CHF, 0},
        {"two million", 2000000, -1, 0},
        {"€200 a month", 200, CURRENCY_EUR, 1},
        {"250 USD per month for 10 years", 250, CURRENCY_USD, 1},
        {"3000 every year", 3000, -1, 12},
        {"invest 8000", 8000, -1, 0},
        {"I am 40 and have 5000", 5000, -1, 0},
        {"until 2045", 0, -1, 0},
        {"in 2045 with 10000", 10000, -1, 0},
        {"5 % of it", 0, -1, 0},
        {"500€/month", 500, CURRENCY_EUR, 1},
        {"£1,000/mo", 1000, CURRENCY_GBP, 1},
        {"200/month", 200, -1, 1},
        {"3000/yr", 3000, -1, 12},
        {"$300 a week", 1300, CURRENCY_USD, 1},
        {"240 every two weeks", 520, -1, 1},
        {"1200 per quarter", 1200, -1, 3},
        {"₹5 lakh", 500000, CURRENCY_INR, 0},
        {"2 crore rupees", 20000000, CURRENCY_INR, 0},
        {"an income of 4k per month", 0, -1, 0},
        {"100-200 euro per month", 200, CURRENCY_EUR, 1},
        {"100–200 euro per month", 200, CURRENCY_EUR, 1},
        {"£500 pm", 500, CURRENCY_GBP, 1},
        {"call me at 3 pm", 0, -1, 0},
        {"two hundred dollars every month", 200, CURRENCY_USD, 1},
        {"twenty five hundred dollars", 2500, CURRENCY_USD, 0},
        {"five hundred thousand pounds", 500000, CURRENCY_GBP, 0},
        {"a grand a month", 1000, -1, 1},
        {"1000 a month in dividends", 0, -1, 0},
        {"2000 zł monthly", 2000, CURRENCY_PLN, 1},
        {"the S&P 500 in my 401k", 0, -1, 0},
        {"I have 3 kids", 0, -1, 0},
        {"", 0, -1, 0},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        quantities_t found = read_text (rows[i].text);
        assert_float_equal (found.amount, rows[i].amount, 1e-6);
        assert_int_equal (found.currency, rows[i].currency);
        assert_int_equal (found.every, rows[i].every);
    }
}

static void reads_two_amounts_that_both_count (void **state)
{
    static const struct {
        const char *text;
        double amount;
        double lump;
        int every;
    } rows[] = {
        {"60,000 EUR and 800 EUR a month", 800, 60000, 1},
        {"800 a month, and I have 60,000", 800, 60000, 1},
        {"I have 20k and can save 3000 a year", 3000, 20000, 12},
        {"500 a month from 100,000 euros", 100000, 0, 0}, /* a pension, not a plan */
        {"300 a month to reach 50,000", 300, 0, 1},
        {"I earn 4000 a month", 0, 0, 0},
        {"I make 60k a year and have 15k", 15000, 0, 0},
        {"I have 500k, want 20k a year", 500000, 0, 0},
        {"I have 20k and want to invest 300 a month", 300, 20000, 1},
        {"100-200 euro a month", 200, 0, 1},
        {"for my pension 300 a month", 300, 0, 1},
        {"I pay 1200 rent a month and can invest 300 a month", 300, 0, 1},
        {"100 each per month", 100, 0, 1},
        {"a pension of 1500 a month", 0, 0, 0},
        {"my salary is 4000, I save 500 a month", 500, 0, 1},
        {"I earn 3000 and spend 2500", 0, 0, 0},
        {"I earn 3000 a month and my expenses are 2500 a month, I can save 500 a month", 500, 0, 1},
        {"I earn 3000 but my rent is 1200. I have 10,000", 10000, 0, 0},
        {"I earn 3000, and want to spend 500 a month on funds", 500, 0, 1},
        {"my income is 4000 a month", 0, 0, 0},
        {"my net income is about 4000, my rent is 900", 0, 0, 0},
        {"I want an income of 500 a month from 100,000", 100000, 0, 0},
        {"I like a steady income, 10,000 is there", 10000, 0, 0},
        {"I spend 2500 and earn 3000", 0, 0, 0},
        {"my rent is 1200 and I earn 3000, I can save 500 a month", 500, 0, 1},
        {"how should I spend 5000", 5000, 0, 0},
        {"I want to earn 500 a month", 0, 0, 0},
        {"300 a month and 200 a month", 200, 0, 1},
        {"200 a month, not 300", 200, 0, 1},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        quantities_t found = read_text (rows[i].text);
        assert_float_equal (found.amount, rows[i].amount, 1e-6);
        assert_float_equal (found.lump, rows[i].lump, 1e-6);
        assert_int_equal (found.every, rows[i].every);
    }
}

static void reads_horizons (void **state)
{
    static const struct {
        const char *text;
        int months;
    } rows[] = {
        {"for 10 years", 120},
        {"a 5-year horizon", 60},
        {"18 months", 18},
        {"twenty years", 240},
        {"1.5 years", 18},
        {"5-10 years", 60},
        {"5 to 10 years", 60},
        {"until 2045", 228},
        {"a decade", 120},
        {"two decades", 240},
        {"long term", 180},
        {"a couple of years", 24},
        {"next year", 12},
        {"in 3 weeks", 1},
        {"I am 40 years old", 0},
        {"a 35 year old", 0},
        {"in 1999", 0},
        {"999999999999 years", 0},
        {"half a year", 6},
        {"long term, say 12 years", 144},
        {"from 2027 to 2040", 168},
        {"from 2040 on", 168},
        {"200/month", 0},
        {"6 months of expenses saved", 0},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal (read_text (rows[i].text).months, rows[i].months);
}

static void reads_ages_and_risk_levels (void **state)
{
    (void) state;
    assert_int_equal (read_text ("I'm 35 and want to retire at 65").age, 35);
    assert_int_equal (read_text ("I'm 35 and want to retire at 65").retire_age, 65);
    assert_int_equal (read_text ("I am a 52 year old nurse").age, 52);
    assert_int_equal (read_text ("risk level 4").risk, 4);
    assert_int_equal (read_text ("my risk is 3 of 7").risk, 3);
    assert_int_equal (read_text ("6 out of 7").risk, 6);
    assert_int_equal (read_text ("risk level 9").risk, 0);
    assert_int_equal (read_text ("low risk 5 years").risk, 0);
    assert_int_equal (read_text ("about 12").bare, 12);
    assert_int_equal (read_text ("1 million by 65").retire_age, 65);
    assert_int_equal (read_text ("j'ai 25 ans").own_age, 25);
    assert_int_equal (read_text ("tengo 5 años").own_age, 0);
    assert_int_equal (read_text ("Ich bin 45 Jahre alt").own_age, 45);
    assert_int_equal (read_text ("Ich bin 45").own_age, 45);
    assert_int_equal (read_text ("explain it like I'm 5").own_age, 0);
    assert_int_equal (read_text ("I can live with a 20% drop").risk, 4);
    assert_int_equal (read_text ("I do not want to lose more than 5 %").risk, 2);
    assert_int_equal (read_text ("the market lost 20%").risk, 0);
}

static void what_nobody_can_mean_is_left_out (void **state)
{
    static const char *const ODD[] = {
        "-5000 dollars", "$-5000",  "-$5000",  "$0 for 5 years", "-5 years",
        "500 years",     "0 years", "1e6 USD", "by 2020",        "9999999999999999 euros for it"};
    static const char *const EVEN[] = {"5-10 years", "10,000 USD", "2045", "until 2045",
                                       "70 years"};
    (void) state;
    for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++) {
        quantities_t found = read_text (ODD[i]);
        assert_true (found.odd);
        assert_float_equal (found.amount, 0, 1e-9);
    }
    for (size_t i = 0; i < sizeof EVEN / sizeof *EVEN; i++)
        assert_false (read_text (EVEN[i]).odd);
}

static void reads_what_is_hoped_for_and_how_many_are_wanted (void **state)
{
    (void) state;
    assert_float_equal (read_text ("I want 15% a year").percent, 15, 1e-9);
    assert_float_equal (read_text ("50 % return by tomorrow").percent, 50, 1e-9);
    assert_float_equal (read_text ("60 % in stocks").percent, 0, 1e-9);
    assert_float_equal (read_text ("1% a month").percent, 12, 1e-9);
    assert_float_equal (read_text ("5% a week").percent, 260, 1e-9);
    assert_int_equal (read_text ("just one fund please").products, 1);
    assert_int_equal (read_text ("three real estate ETFs").products, 3);
    assert_int_equal (read_text ("the S&P 500 index fund").products, 0);
}

static void reads_hasty_notes (void **state)
{
    quantities_t found = read_text ("10k\xe2\x82\xac 5y risk 9 out of 10");
    (void) state;
    assert_float_equal (found.amount, 10000, 1e-6);
    assert_int_equal (found.currency, CURRENCY_EUR);
    assert_int_equal (found.months, 60);
    assert_int_equal (found.risk, 6);
    assert_float_equal (read_text ("500 a month beside 20k credit card debt").amount, 500, 1e-6);
    assert_float_equal (read_text ("50k, and a 30k student loan").amount, 50000, 1e-6);
    assert_int_equal (read_text ("I am 16").own_age, 16);
    assert_int_equal (read_text ("she is 8").own_age, 0);
    assert_int_equal (read_text ("I am 35, my son is 3").own_age, 35);
    assert_int_equal (read_text ("my son is 3, I am 35").age, 3);
}

static void capitals_are_tickers_or_shouts (void **state)
{
    static words_t words;
    (void) state;
    words_read (&words, plv_view_str ("Compare VTI, VOO, SPY, IVV and QQQ"));
    assert_false (words.shout);
    words_read (&words, plv_view_str ("VTI VXUS BND split?"));
    assert_false (words.shout);
    words_read (&words, plv_view_str ("INVEST 10000 USD FOR TEN YEARS"));
    assert_true (words.shout);
}

static void divides_words (void **state)
{
    static words_t words;
    (void) state;
    words_read (&words, plv_view_str ("Don\xe2\x80\x99t buy S&P500 (VOO), 10k... ok? \xc3\x84h"));
    static const char *const EXPECTED[] = {"dont", "buy", "s&p", "500", "voo", "10", "k", "ok"};
    for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++)
        assert_true (words_at (&words, i, EXPECTED[i]));
    assert_true (words.items[4].upper && words.items[4].comma);
    assert_true (words.items[6].joined && words.items[7].stop && words.asks);
    assert_false (words_at (&words, 100, "ok"));
}

static void a_flood_of_words_is_cut (void **state)
{
    static char text[4 * (WORDS_MAX + 10)];
    static words_t words;
    static marks_t marks;
    (void) state;
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy (text + i, "etf ", 4);
    words_read (&words, plv_view_str (text));
    assert_int_equal (words.count, WORDS_MAX);
    assert_true (words.cut);
    phrases_find (&words, &marks);
    assert_int_equal (marks.count, MARKS_MAX);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (reads_amounts),
        cmocka_unit_test (reads_two_amounts_that_both_count),
        cmocka_unit_test (reads_horizons),
        cmocka_unit_test (reads_ages_and_risk_levels),
        cmocka_unit_test (what_nobody_can_mean_is_left_out),
        cmocka_unit_test (reads_what_is_hoped_for_and_how_many_are_wanted),
        cmocka_unit_test (reads_hasty_notes),
        cmocka_unit_test (capitals_are_tickers_or_shouts),
        cmocka_unit_test (divides_words),
        cmocka_unit_test (a_flood_of_words_is_cut),
    };
    return cmocka_run_group_tests_name ("quantity", tests, NULL, NULL);
}
