#include "advisor/understand/languages.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static language_t language_of (const char *text)
{
    static words_t words;
    words_read (&words, plv_view_str (text));
    return languages_find (&words);
}

static void is_told_by_everyday_words (void **state)
{
    static const struct {
        const char *text;
        language_t language;
    } rows[] = {
        {"Ich m\xc3\xb6"
         "chte Geld anlegen",
         LANGUAGE_GERMAN},
        {"Je voudrais placer mon argent", LANGUAGE_FRENCH},
        {"Quiero invertir por 10 a\xc3\xb1os", LANGUAGE_SPANISH},
        {"Vorrei investire per 10 anni", LANGUAGE_ITALIAN},
        {"Quero investir dinheiro", LANGUAGE_PORTUGUESE},
        {"Ik wil geld beleggen", LANGUAGE_DUTCH},
        {"Vreau să investesc 10000 euro pe 10 ani", LANGUAGE_ROMANIAN},
        {"Chci investovat 100000 Kč na 10 let", LANGUAGE_CZECH},
        {"Chcem investovať 10000 eur na 10 rokov", LANGUAGE_SLOVAK},
        {"10 évre szeretnék befektetni 1 millió forintot", LANGUAGE_HUNGARIAN},
        {"Jag vill investera 100 000 kr i 10 år med låg risk", LANGUAGE_SWEDISH},
        {"Jeg vil investere penge i 10 år", LANGUAGE_DANISH},
        {"Jeg vil spare penger i 10 år", LANGUAGE_NORWEGIAN},
        {"Haluan sijoittaa 10000 euroa", LANGUAGE_FINNISH},
        {"Saya ingin berinvestasi 10 juta selama 5 tahun", LANGUAGE_INDONESIAN},
        {"toi muon dau tu", LANGUAGE_VIETNAMESE},
        {"Искам да инвестирам 5000 лева", LANGUAGE_BULGARIAN},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal (language_of (rows[i].text), rows[i].language);
}

static void is_told_by_its_script (void **state)
{
    (void) state;
    assert_int_equal (language_of ("Tôi muốn đầu tư"), LANGUAGE_VIETNAMESE);
    assert_int_equal (language_of ("Хочу інвестувати"), LANGUAGE_UKRAINIAN);
    assert_int_equal (language_of ("Желим да уложим новац једном"), LANGUAGE_SERBIAN);
    assert_int_equal (language_of ("Ես ուզում եմ"), LANGUAGE_ARMENIAN);
    assert_int_equal (language_of ("მინდა"), LANGUAGE_GEORGIAN);
    assert_int_equal (language_of ("ฉันต้องการ"), LANGUAGE_THAI);
    assert_int_equal (language_of ("আমি চাই"), LANGUAGE_BENGALI);
    assert_int_equal (language_of ("நான்"), LANGUAGE_TAMIL);
    assert_int_equal (language_of ("میخواهم"), LANGUAGE_PERSIAN);
    assert_int_equal (language_of ("میں چاہتا ہوں کے"), LANGUAGE_URDU);
    assert_int_equal (language_of ("నేను"), LANGUAGE_OTHER);
    assert_int_equal (language_of ("\xd0\xa5\xd0\xbe\xd1\x87\xd1\x83 100"), LANGUAGE_RUSSIAN);
    assert_int_equal (language_of ("\xe6\x8a\x95\xe8\xb5\x84"), LANGUAGE_CHINESE);
    assert_int_equal (language_of ("\xe6\x8a\x95\xe8\xb3\x87\xe3\x81\x97"), LANGUAGE_JAPANESE);
}

static void english_and_noise_are_none (void **state)
{
    static const char *const TEXTS[] = {
        "I want to invest in an ETF for 10 years",
        "How is it per month, and not high risk and not low risk?",
        "VTI or VOO?",
        "What is the β of an ETF?",
        "para",
        "caf\xc3\xa9",
        "\xf0\x9f\x9a\x80 to the moon",
        "\xff\xfe\xe6",
        "",
    };
    (void) state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        assert_int_equal (language_of (TEXTS[i]), LANGUAGE_NONE);
}

static void each_has_something_to_say (void **state)
{
    (void) state;
    assert_string_equal (language_notice (LANGUAGE_NONE), "");
    for (int i = 1; i < LANGUAGE_COUNT_; i++)
        assert_true (*language_notice ((language_t) i));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (is_told_by_everyday_words),
        cmocka_unit_test (is_told_by_its_script),
        cmocka_unit_test (english_and_noise_are_none),
        cmocka_unit_test (each_has_something_to_say),
    };
    return cmocka_run_group_tests_name ("languages", tests, NULL, NULL);
}
