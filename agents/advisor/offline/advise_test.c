/*  The questions of questions.csv, a bank's real ones, and text that nobody should be harmed by.  */

#include "advisor/catalogue/csv.h"
#include "advisor/eval.h"
#include "advisor/fixture.h"
#include "advisor/offline/advise.h"
#include "advisor/reply.h"
#include "base/rng.h"
#include "wire/event.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { YEAR = 2026, QUESTIONS_LEAST = 250, ROUNDS = 2000 };

static int load (void **state)
{
    *state = fixture_catalogue ();
    return *state ? 0 : -1;
}

static int unload (void **state)
{
    catalogue_t *catalogue = *state;
    catalogue_destroy (&catalogue);
    return 0;
}

static void own_questions_are_answered_as_expected (void **state)
{
    eval_result_t result;
    plv_fail_t fail = {0};
    char *path = fixture_file ("questions.csv");
    assert_int_equal (eval_file (*state, path, YEAR, false, stdout, &result, &fail), ERR_OK);
    assert_true (result.questions >= QUESTIONS_LEAST);
    assert_int_equal (result.passed, result.questions);
    free (path);
}

static void an_unknown_property_is_an_error_and_a_broken_one_fails (void **state)
{
    static const char *const TEXTS[] = {"question,expect\nHello,none\nVTI or VOO?,recommends\n",
                                        "question,expect\nHello,dances\n", "question\nHello\n"};
    const plv_err_t expected[] = {ERR_OK, ERR_SYNTAX, ERR_SYNTAX};
    char *told = NULL;
    size_t told_size = 0;
    FILE *out = open_memstream (&told, &told_size);
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        char path[] = "/tmp/palaver-eval-XXXXXX";
        eval_result_t result = {0};
        plv_fail_t fail = {0};
        int fd = mkstemp (path);
        assert_int_equal (write (fd, TEXTS[i], strlen (TEXTS[i])), strlen (TEXTS[i]));
        close (fd);
        assert_int_equal (eval_file (*state, path, YEAR, false, out, &result, &fail), expected[i]);
        unlink (path);
        if (i == 0)
            assert_true (result.questions == 2 && result.passed == 1);
    }
    fclose (out);
    assert_non_null (strstr (told, "FAILED"));
    assert_non_null (strstr (told, "recommends            1      0\n"));
    free (told);
}

/*  Ten thousand questions of people to their bank: none asks for an investment.  */
static void a_banks_questions_get_hardly_any_recommendation (void **state)
{
    char *path = fixture_shared ("banking77-train.csv");
    csv_t *csv = NULL;
    plv_fail_t fail = {0};
    size_t questions = 0, recommended = 0;
    if (!path)
        skip ();
    assert_int_equal (csv_open (path, &csv, &fail), ERR_OK);
    while (csv_next (csv, &fail) == ERR_OK) {
        profile_t profile;
        answer_t answer = {0};
        profile_init (&profile);
        advise (*state, csv_field (csv, 0), YEAR, &profile, &answer);
        questions++;
        recommended += answer.recommendation_count > 0;
        answer_free (&answer);
    }
    printf ("%zu of %zu questions to a bank got a recommendation\n", recommended, questions);
    assert_true (questions >= 10000);
    assert_true (recommended * 50 <= questions);
    csv_destroy (&csv);
    free (path);
}

/*  Every answer is a body that the broker takes.  */
static void check_reply (catalogue_t *catalogue, const answer_t *answer)
{
    plv_buf_t body = {0};
    plv_view_t text;
    plv_fail_t fail = {0};
    reply_write (catalogue, answer, 0.001, plv_view (NULL, 0), &body);
    assert_int_equal (plv_body_check (EVENT_CHAT_RESPONSE, plv_buf_view (&body), &text, &fail),
                      ERR_OK);
    assert_true (text.size > 0);
    plv_buf_free (&body);
}

/*  Words that the rules know, thrown together, with bytes of any kind between them.  */
static size_t some_text (plv_rng_t *rng, char *text, size_t room)
{
    static const char *const WORDS[] = {
        "invest",    "10k",    "$",     "no",      "without", "bonds",
        "gold",      "VTI",    "or",    "compare", "them",    "risk",
        "low",       "years",  "5",     "2045",    "why",     "the first one",
        "less risk", "reset",  "\xff",  "ä",       "\n",      "'",
        "\"",        "%s%n",   "?",     ",",       "AAPL",    "$XYZ",
        "crypto",    "retire", "at",    "65",      "i own",   "what is",
        "an etf",    "hello",  "1e999", "0",       "-1",      "100000000000000000000000",
    };
    size_t size = 0, count = plv_rng_below (rng, 20);
    for (size_t i = 0; i < count; i++) {
        const char *word = WORDS[plv_rng_below (rng, sizeof WORDS / sizeof *WORDS)];
        size += (size_t) snprintf (text + size, room - size, "%s%s", word,
                                   plv_rng_below (rng, 5) ? " " : "");
    }
    return size;
}

static void any_text_in_any_order_gets_a_sound_answer (void **state)
{
    plv_rng_t rng = plv_rng_seed (77);
    profile_t profile;
    profile_init (&profile);
    for (int round = 0; round < ROUNDS; round++) {
        char text[1024];
        answer_t answer = {0};
        size_t size = some_text (&rng, text, sizeof text);
        int before = profile.risk;
        advise (*state, plv_view (text, size), YEAR, &profile, &answer);
        assert_false (answer.text.failed);
        check_reply (*state, &answer);
        for (size_t i = 0; i < answer.recommendation_count; i++) {
            const product_t *product =
                catalogue_product (*state, (size_t) answer.recommendations[i].product);
            if (profile.risk && product->risk > profile.risk)
                assert_non_null (strstr (answer.recommendations[i].why, "Warning"));
        }
        answer_free (&answer);
        if (before && !plv_rng_below (&rng, 10))
            profile_init (&profile);
    }
}

static void what_was_said_before_is_not_asked_again (void **state)
{
    profile_t profile;
    answer_t first = {0}, second = {0}, third = {0};
    profile_init (&profile);
    advise (*state, plv_view_str ("I want to invest 5000 EUR, no crypto"), YEAR, &profile, &first);
    assert_int_equal (profile.asked, NEED_RISK | NEED_HORIZON);
    advise (*state, plv_view_str ("for 10 years"), YEAR, &profile, &second);
    assert_int_equal (profile.asked, NEED_RISK);
    advise (*state, plv_view_str ("medium"), YEAR, &profile, &third);
    assert_int_equal (profile.asked, 0);
    assert_true (third.recommendation_count >= 3);
    assert_int_equal (profile.months, 120);
    assert_true (profile.refuses & TOPIC_BIT (TOPIC_CRYPTO));
    assert_float_equal (profile.amount, 5000, 0);
    answer_free (&first);
    answer_free (&second);
    answer_free (&third);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (own_questions_are_answered_as_expected),
        cmocka_unit_test (an_unknown_property_is_an_error_and_a_broken_one_fails),
        cmocka_unit_test (a_banks_questions_get_hardly_any_recommendation),
        cmocka_unit_test (any_text_in_any_order_gets_a_sound_answer),
        cmocka_unit_test (what_was_said_before_is_not_asked_again),
    };
    return cmocka_run_group_tests_name ("advise", tests, load, unload);
}
