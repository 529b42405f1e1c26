#include "advisor/understand/share.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int share_of (const char *text)
{
    static words_t words;
    static marks_t marks;
    words_read (&words, plv_view_str (text));
    phrases_find (&words, &marks);
    return share_find (&words, &marks);
}

static void is_read_in_words_and_figures (void **state)
{
    static const struct {
        const char *text;
        int share;
    } ROWS[] = {
        {"half in stocks", 50},
        {"I want half of my money in stocks, 10 years", 50},
        {"half in stocks, half in bonds, 15 years", 50},
        {"put a third in bonds and two thirds in stocks for 20 years", 67},
        {"three quarters stocks, one quarter bonds", 75},
        {"a quarter of it in bonds", 75},
        {"most of it in stocks", 80},
        {"mostly bonds", 20},
        {"about half of the 40k in shares of companies", 50},
        {"I want 60% stocks and 40% bonds", 60},
        {"40 % bonds, 60 % stocks", 60},
        {"80/20 stocks bonds for 20 years", 80},
        {"50/50 portfolio", 50},
        {"70:30 stocks bonds for 15 years", 70},
        {"20 years, 60:40", 60},
        {"a fifth in stocks", 20},
        {"30 % bonds, rest world stocks", 70},
        {"90% world etf, 10% bonds", 90},
        {"about half of the 40k in shares, rest safe", 50},
    };
    (void) state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        assert_int_equal (share_of (ROWS[i].text), ROWS[i].share);
}

static void other_halves_are_none (void **state)
{
    static const char *const TEXTS[] = {
        "half in gold, half in stocks",
        "I do not want to lose half",
        "half a year in bonds",
        "half a million in bonds",
        "the most popular stocks",
        "a quarter of it in gold",
        "100 % stocks",
        "stocks or bonds",
        "5 % return with bonds",
        "1200 a quarter into stocks",
        "on 30/11 I want stocks",
        "at 20:15 I want stocks",
        "of my 70: 30 in stocks",
        "guaranteed 8% bond",
        "",
    };
    (void) state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        assert_int_equal (share_of (TEXTS[i]), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (is_read_in_words_and_figures),
        cmocka_unit_test (other_halves_are_none),
    };
    return cmocka_run_group_tests_name ("share", tests, NULL, NULL);
}
