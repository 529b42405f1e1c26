#include "advisor/understand/spelling.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static words_t words;

static const char *mended (const char *text)
{
    words_read (&words, plv_view_str (text));
    spelling_mend (&words);
    return words.items[0].text;
}

static void mends_one_slip (void **state)
{
    (void) state;
    assert_string_equal (mended ("invset"), "invest");        /* two changed places */
    assert_string_equal (mended ("retirment"), "retirement"); /* one is missing */
    assert_string_equal (mended ("porttfolio"), "portfolio"); /* one too many */
    assert_string_equal (mended ("mediun"), "medium");        /* one is wrong */
    assert_string_equal (mended ("yeers"), "years");
    assert_int_equal (words.items[0].size, 5);
}

static void leaves_other_words_alone (void **state)
{
    static const char *const WORDS[] = {"investing", "balance", "savings", "saving", "retire",
                                        "harvest",   "digest",  "VESTS",   "rcmmnd"};
    (void) state;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        words_read (&words, plv_view_str (WORDS[i]));
        char before[WORD_BYTES_MAX + 1];
        memcpy (before, words.items[0].text, sizeof before);
        assert_string_equal (mended (WORDS[i]), before);
    }
    /* tickers are not misspelt words */
    assert_string_equal (mended ("MEDIUN is a ticker"), "mediun");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (mends_one_slip),
        cmocka_unit_test (leaves_other_words_alone),
    };
    return cmocka_run_group_tests_name ("spelling", tests, NULL, NULL);
}
