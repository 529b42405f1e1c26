#include "base/fold.h"

#include "base/rng.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <wctype.h>

#include <cmocka.h>

enum { TEXTS = 20000, TEXT_BYTES = 24 };

static void assert_normal (const char *text, const char *expected)
{
    plv_buf_t buf = {0};
    plv_buf_add_u8 (&buf, ' '); /* what was there before plays no part */
    plv_fold_normal (&buf, plv_view_str (text));
    assert_int_equal (buf.size, 1 + strlen (expected));
    assert_memory_equal (buf.data + 1, expected, strlen (expected));
    plv_buf_free (&buf);
}

static uint32_t fold_one (uint32_t character)
{
    plv_buf_t buf = {0};
    size_t at = 0;
    plv_fold_put (&buf, character);
    uint32_t folded = plv_fold_next (plv_buf_view (&buf), &at);
    assert_int_equal (at, buf.size);
    plv_buf_free (&buf);
    return folded;
}

static void test_normal_forms (void **state)
{
    (void) state;
    assert_normal ("", "");
    assert_normal (" \t\r\n", "");
    assert_normal ("What ETF?", "what etf?");
    assert_normal ("  What \n\n  ETF?\t", "what etf?");
    assert_normal ("\xc2\xa0"
                   "A\xe3\x80\x80"
                   "B\xe2\x80\x83",
                   "a b");
    assert_normal ("ÉPARGNE Œuvre ŸØÞ", "épargne œuvre ÿøþ");
    assert_normal ("ΑΣΦΆΛΕΙΑ ς", "ασφάλεια σ");
    assert_normal ("ϑϐϕϖϰϱϵ ϴ", "θβφπκρε θ");
    assert_normal ("GROẞE Straße", "große straße");
    assert_normal ("Ёлка И ЖИЗНЬ", "ёлка и жизнь");
    assert_normal ("Straße İ 東京 \xf0\x9f\x98\x80", "straße İ 東京 \xf0\x9f\x98\x80");
    assert_normal ("\xff"
                   "A\xc3 \xed\xa0\x80",
                   "\xff"
                   "a\xc3 \xed\xa0\x80");
}

/*  The C library's table is the independent witness; where folding is not lower case is listed.  */
static void test_folds_as_the_c_library_does (void **state)
{
    (void) state;
    if (!setlocale (LC_CTYPE, "C.UTF-8"))
        fail_msg ("the locale C.UTF-8 is part of every Debian");
    for (uint32_t c = 1; c < 0x1f00; c = c == 0x58f ? 0x1e00 : c + 1) {
        bool other = c == 0xb5 || c == 0x130 || c == 0x17f || c == 0x3c2 || c == 0x1e9b;
        bool longer = c == 0x23a || c == 0x23e;
        bool variant = c == 0x3d0 || c == 0x3d1 || c == 0x3d5 || c == 0x3d6 || c == 0x3f0
                       || c == 0x3f1 || c == 0x3f5;
        if (!other && !variant && !longer)
            assert_int_equal (fold_one (c), towlower ((wint_t) c));
    }
    assert_int_equal (fold_one (0xb5), 0x3bc);
    assert_int_equal (fold_one (0x130), 0x130);
    assert_int_equal (fold_one (0x17f), 's');
    assert_int_equal (fold_one (0x3c2), 0x3c3);
    assert_int_equal (fold_one (0x1e9e), 0xdf);
    assert_int_equal (fold_one (0x1e9b), 0x1e61);
    assert_int_equal (fold_one (0x23a), 0x23a);
}

static void test_every_character_survives (void **state)
{
    (void) state;
    for (uint32_t c = 0x590; c < 0x110000; c += c < 0x3000 ? 1 : 7) {
        if ((c < 0xd800 || c >= 0xe000) && (c < 0x1e00 || c >= 0x1f00))
            assert_int_equal (fold_one (c), c);
    }
}

static void test_folding_twice_is_folding_once (void **state)
{
    (void) state;
    static const char *const pieces[] = {"A",        "z",
                                         " ",        "\n",
                                         "É",        "ß",
                                         "Σ",        "Я",
                                         "\xc2\xa0", "\xe2\x80\x83",
                                         "\xff",     "\xe2\x82",
                                         "東",       "\xf0\x9f\x98\x80"};
    plv_rng_t rng = plv_rng_seed (11);
    for (int i = 0; i < TEXTS; i++) {
        plv_buf_t text = {0}, once = {0}, twice = {0};
        for (uint64_t n = plv_rng_below (&rng, TEXT_BYTES); n > 0; n--)
            plv_buf_add_view (&text, plv_view_str (pieces[plv_rng_below (&rng, 14)]));
        plv_fold_normal (&once, plv_buf_view (&text));
        plv_fold_normal (&twice, plv_buf_view (&once));
        assert_true (plv_view_equal (plv_buf_view (&once), plv_buf_view (&twice)));
        plv_buf_free (&text);
        plv_buf_free (&once);
        plv_buf_free (&twice);
    }
}

static void test_what_is_not_utf8_is_taken_byte_by_byte (void **state)
{
    (void) state;
    static const char *const texts[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xe2"
        "a",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf0\x9f\x98",
        "\xff",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t at = 0;
        uint32_t character = plv_fold_next (plv_view_str (texts[i]), &at);
        assert_int_equal (at, 1);
        assert_int_equal (character, PLV_FOLD_RAW + (uint8_t) texts[i][0]);
    }
}

static void test_words_and_spaces (void **state)
{
    (void) state;
    static const uint32_t words[] = {'a', 'Z', '0', 0xe9, 0x3b1, 0x44f, 0x6771};
    static const uint32_t others[] = {'_',  '-',  '\'',   '.',     0xa0,
                                      0xbf, 0xd7, 0x2019, 0x1f600, 0x3002};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_true (plv_fold_is_word (words[i]));
        assert_false (plv_fold_is_space (words[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false (plv_fold_is_word (others[i]));
    assert_false (plv_fold_is_word (PLV_FOLD_RAW + 0xff));
}

static void test_capitals (void **state)
{
    static const char *const CAPITALS[] = {"Fund",    "Ökologie", "Šiauliai", "Ωmega",
                                           "Энергия", "Հայաստան", "ẞ"};
    static const char *const OTHERS[] = {"",  "fund", "ökologie", "ß",   "э",
                                         "7", "東京", "\xff",     "\xc3"};
    (void) state;
    for (size_t i = 0; i < sizeof CAPITALS / sizeof *CAPITALS; i++)
        assert_true (plv_fold_is_capital (plv_view_str (CAPITALS[i])));
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        assert_false (plv_fold_is_capital (plv_view_str (OTHERS[i])));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_normal_forms),
        cmocka_unit_test (test_capitals),
        cmocka_unit_test (test_folds_as_the_c_library_does),
        cmocka_unit_test (test_every_character_survives),
        cmocka_unit_test (test_folding_twice_is_folding_once),
        cmocka_unit_test (test_what_is_not_utf8_is_taken_byte_by_byte),
        cmocka_unit_test (test_words_and_spaces),
    };
    return cmocka_run_group_tests_name ("fold", tests, NULL, NULL);
}
