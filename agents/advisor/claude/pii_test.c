#include "advisor/claude/pii.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>

#include <cmocka.h>

static void hide (pii_t *pii, const char *text, plv_buf_t *out)
{
    plv_buf_clear (out);
    pii_hide (pii, plv_view_str (text), out);
    assert_false (out->failed);
}

static void what_is_personal_is_taken_out_and_put_back (void **state)
{
    static const struct {
        const char *text;
        const char *hidden;
    } rows[] = {
        {"write to ann.b+c@mail.example.org, please", "write to <EMAIL_1>, please"},
        {"ann@example.org and bob@example.org and ann@example.org",
         "<EMAIL_1> and <EMAIL_2> and <EMAIL_1>"},
        {"<ann@example.org>", "<<EMAIL_1>>"},
        {"ann@localhost a@b @ann", "ann@localhost a@b @ann"},
        {"4111 1111 1111 1111", "<CARD_1>"},
        {"card 4111-1111-1111-1111 123 ok", "card <CARD_1> 123 ok"},
        {"my card:378282246310005.", "my card:<CARD_1>."},
        {"6011000990139424 4222222222222", "<CARD_1> <CARD_2>"},
        {"4111 1111 1111 1112", "4111 1111 1111 1112"},
        {"to DE89 3704 0044 0532 0130 00 now", "to <IBAN_1> now"},
        {"GB29NWBK60161331926819, de89370400440532013000", "<IBAN_1>, <IBAN_2>"},
        {"DE88 3704 0044 0532 0130 00 now", NULL},
        {"my ssn is 123-45-6789", "my ssn is <SSN_1>"},
        {"123 45 6789", "<SSN_1>"},
        {"666-45-6789, 987-45-6789, 123-00-6789, 123-45-0000",
         "666-45-6789, 987-45-6789, 123-00-6789, 123-45-0000"},
        {"\xe5\x8d\xa1"
         "4111111111111111\xe3\x80\x82",
         "\xe5\x8d\xa1<CARD_1>\xe3\x80\x82"},
        {"SSN 123456789", "SSN <SSN_1>"},
        {"I have 123456789 dollars", "I have 123456789 dollars"},
        {"call +49 171 1234567 or (555) 123-4567", "call <PHONE_1> or <PHONE_2>"},
        {"555-123-4567, 1-555-123-4567, 555.123.4567, 5551234567",
         "<PHONE_1>, <PHONE_2>, <PHONE_3>, <PHONE_4>"},
        {"030 12345678, 0049 30 12345678", "<PHONE_1>, <PHONE_2>"},
        {"10,000 USD in 2045 at 5.25 % for 20 years", "10,000 USD in 2045 at 5.25 % for 20 years"},
        {"10 000 000 or 1 000 000 000 or 100.000.000",
         "10 000 000 or 1 000 000 000 or 100.000.000"},
        {"from 2030-2045, on 2026-11-22, VTI 0.03%", "from 2030-2045, on 2026-11-22, VTI 0.03%"},
        {"I typed <EMAIL_1> and a@b.org", "I typed <EMAIL_1> and <EMAIL_2>"},
        {"J\xc3\xb6rg@m\xc3\xbcnchen.example", "<EMAIL_1>"},
        {"", ""},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pii_t pii = {0};
        plv_buf_t hidden = {0}, shown = {0};
        hide (&pii, rows[i].text, &hidden);
        if (rows[i].hidden && !plv_view_is (plv_buf_view (&hidden), rows[i].hidden))
            fail_msg ("%s: " PLV_VIEW_FMT, rows[i].text, PLV_VIEW_ARG (hidden));
        pii_show (&pii, plv_buf_view (&hidden), &shown);
        assert_true (plv_view_is (plv_buf_view (&shown), rows[i].text));
        plv_buf_free (&hidden);
        plv_buf_free (&shown);
        pii_free (&pii);
    }
}

static void one_word_stands_for_one_thing_in_all_texts (void **state)
{
    pii_t pii = {0};
    plv_buf_t out = {0};
    (void) state;
    hide (&pii, "a@b.org", &out);
    hide (&pii, "c@d.org and a@b.org", &out);
    assert_true (plv_view_is (plv_buf_view (&out), "<EMAIL_2> and <EMAIL_1>"));
    plv_buf_clear (&out);
    pii_show (&pii, plv_view_str ("<EMAIL_1><EMAIL_9><CARD_1> <EMAIL_2"), &out);
    assert_true (plv_view_is (plv_buf_view (&out), "a@b.org<EMAIL_9><CARD_1> <EMAIL_2"));
    plv_buf_free (&out);
    pii_free (&pii);
}

static void what_is_too_much_is_hidden_for_good (void **state)
{
    pii_t pii = {0};
    plv_buf_t out = {0};
    (void) state;
    for (unsigned i = 0; i <= PII_ITEMS_MAX; i++) {
        char text[32];
        snprintf (text, sizeof text, "a%u@b.org", i);
        hide (&pii, text, &out);
    }
    assert_true (plv_view_is (plv_buf_view (&out), "<HIDDEN>"));
    plv_buf_free (&out);
    pii_free (&pii);
}

static void the_end_of_a_growing_text_waits (void **state)
{
    (void) state;
    assert_int_equal (pii_open_end (plv_view_str ("hello <EMAIL_")), 7);
    assert_int_equal (pii_open_end (plv_view_str ("hello <")), 1);
    assert_int_equal (pii_open_end (plv_view_str ("hello <EMAIL_1>")), 0);
    assert_int_equal (pii_open_end (plv_view_str ("a < b")), 0);
    assert_int_equal (pii_open_end (plv_view_str ("<A_VERY_LONG_WORD_THAT_IS_NONE")), 0);
    assert_int_equal (pii_open_end (plv_view_str ("")), 0);
}

/*  Bits of personal things and others in any order: all comes back, and nothing of the kinds that have a check
    is left in what leaves.  */
static void any_text_comes_back_and_leaks_nothing (void **state)
{
    static const char *const BITS[] = {"a@b.org",
                                       "4111 1111 1111 1111",
                                       "DE89 3704 0044 0532 0130 00",
                                       "123-45-6789",
                                       "+1 555 123 4567",
                                       " ",
                                       ",",
                                       "-",
                                       "x",
                                       "7",
                                       "<EMAIL_1>",
                                       "<",
                                       ">",
                                       "\xff",
                                       "\xc3\xa4",
                                       ".",
                                       "@",
                                       "(",
                                       "00"};
    plv_rng_t rng = plv_rng_seed (11);
    (void) state;
    for (unsigned round = 0; round < 5000; round++) {
        pii_t pii = {0};
        plv_buf_t text = {0}, hidden = {0}, shown = {0};
        for (uint64_t i = plv_rng_below (&rng, 12); i > 0; i--)
            plv_buf_add_view (
                &text, plv_view_str (BITS[plv_rng_below (&rng, sizeof BITS / sizeof *BITS)]));
        pii_hide (&pii, plv_buf_view (&text), &hidden);
        pii_show (&pii, plv_buf_view (&hidden), &shown);
        assert_true (plv_view_equal (plv_buf_view (&text), plv_buf_view (&shown)));
        for (size_t at = 0; at < hidden.size; at++) {
            pii_kind_t kind;
            size_t size;
            if (pii_match (plv_buf_view (&hidden), at, &kind, &size) && hidden.data[at] != '<'
                && kind != PII_PHONE)
                fail_msg (PLV_VIEW_FMT " leaks in " PLV_VIEW_FMT, PLV_VIEW_ARG (text),
                          PLV_VIEW_ARG (hidden));
        }
        pii_free (&pii);
        plv_buf_free (&text);
        plv_buf_free (&hidden);
        plv_buf_free (&shown);
    }
}

/*  Half an hour, if each of its digits looks for the end of its number.  */
static void a_long_row_of_digits_is_read_at_once (void **state)
{
    enum { BYTES = 1024 * 1024, SECONDS_MAX = 10 };
    plv_buf_t text = {0}, hidden = {0};
    pii_t pii = {0};
    (void) state;
    while (text.size < BYTES)
        plv_buf_add (&text, "1-", 2);
    setitimer (ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = SECONDS_MAX}, NULL); /* of CPU */
    pii_hide (&pii, plv_buf_view (&text), &hidden);
    setitimer (ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 0}, NULL);
    assert_true (plv_view_equal (plv_buf_view (&text), plv_buf_view (&hidden)));
    pii_free (&pii);
    plv_buf_free (&text);
    plv_buf_free (&hidden);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (what_is_personal_is_taken_out_and_put_back),
        cmocka_unit_test (one_word_stands_for_one_thing_in_all_texts),
        cmocka_unit_test (what_is_too_much_is_hidden_for_good),
        cmocka_unit_test (the_end_of_a_growing_text_waits),
        cmocka_unit_test (any_text_comes_back_and_leaks_nothing),
        cmocka_unit_test (a_long_row_of_digits_is_read_at_once),
    };
    return cmocka_run_group_tests_name ("pii", tests, NULL, NULL);
}
