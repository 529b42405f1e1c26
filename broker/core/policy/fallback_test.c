#include "core/policy/fallback.h"

#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *investment[] = {"invest", "ETF", "épargne"};
static char *risk[] = {"risk", "safe", ""};

static plv_conf_t conf_new (void)
{
    return (plv_conf_t){
        .fallback_general_error = "general",
        .fallback_data_unavailable = "data",
        .fallback_llm_unavailable = "llm",
        .fallback_timeout = "timeout",
        .fallback_rate_limited = "rate",
        .fallback_rejected = "rejected",
        .fallback_investment_words = {.items = investment, .count = 3},
        .fallback_investment = "INVESTMENT",
        .fallback_risk_words = {.items = risk, .count = 3},
        .fallback_risk = "RISK",
    };
}

static void assert_text (const plv_conf_t *conf, const char *query, const char *expected)
{
    plv_buf_t body = {0};
    fallback_body (&body, conf, FALLBACK_TIMEOUT, plv_view_str (query));
    plv_view_t text = plv_mp_find_str (plv_buf_view (&body), "response_text");
    assert_int_equal (text.size, strlen (expected));
    assert_memory_equal (text.data, expected, text.size);
    plv_buf_free (&body);
}

static void test_codes_name_kinds (void **state)
{
    (void) state;
    for (fallback_kind_t kind = 0; kind < FALLBACK_COUNT_; kind++)
        assert_int_equal (fallback_of_code (plv_view_str (fallback_name (kind))), kind);
    assert_int_equal (fallback_of_code (plv_view_str ("worker_lost")), FALLBACK_GENERAL_ERROR);
    assert_int_equal (fallback_of_code (plv_view_str ("")), FALLBACK_GENERAL_ERROR);
    assert_int_equal (fallback_of_code (plv_view (NULL, 0)), FALLBACK_GENERAL_ERROR);
    assert_int_equal (fallback_of_code (plv_view_str ("timeout ")), FALLBACK_GENERAL_ERROR);
}

static void test_each_kind_has_its_text (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    assert_string_equal (fallback_text (&conf, FALLBACK_GENERAL_ERROR), "general");
    assert_string_equal (fallback_text (&conf, FALLBACK_DATA_UNAVAILABLE), "data");
    assert_string_equal (fallback_text (&conf, FALLBACK_LLM_UNAVAILABLE), "llm");
    assert_string_equal (fallback_text (&conf, FALLBACK_TIMEOUT), "timeout");
    assert_string_equal (fallback_text (&conf, FALLBACK_RATE_LIMITED), "rate");
    assert_string_equal (fallback_text (&conf, FALLBACK_REJECTED), "rejected");
    conf.fallback_rejected = NULL;
    assert_string_equal (fallback_text (&conf, FALLBACK_REJECTED), "");
}

static void test_queries_get_extra_sentences (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    assert_text (&conf, "", "timeout");
    assert_text (&conf, "What is the weather?", "timeout");
    assert_text (&conf, "Where can I INVEST?", "timeout INVESTMENT");
    assert_text (&conf, "investing", "timeout INVESTMENT");
    assert_text (&conf, "Reinvest it", "timeout"); /* not where a word begins */
    assert_text (&conf, "mes_ÉPARGNES", "timeout INVESTMENT");
    assert_text (&conf, "l'épargne", "timeout INVESTMENT");
    assert_text (&conf, "(etfs)", "timeout INVESTMENT");
    assert_text (&conf, "Is it safe?", "timeout RISK");
    assert_text (&conf, "asterisk", "timeout");
    assert_text (&conf, "risky ETF", "timeout INVESTMENT RISK");
    assert_text (&conf, "inves", "timeout"); /* ends inside the word */
    assert_text (&conf,
                 "\xff"
                 "risk \xc3",
                 "timeout RISK");
}

static void test_empty_sentences_leave_no_blanks (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    conf.fallback_investment = "";
    assert_text (&conf, "risky ETF", "timeout RISK");
    conf.fallback_timeout = "";
    assert_text (&conf, "risky ETF", "RISK");
}

static void assert_empty_array (plv_view_t body, const char *key)
{
    plv_mp_t at;
    uint32_t count = 1;
    assert_true (plv_mp_find (body, key, &at));
    assert_true (plv_mp_array (&at, &count));
    assert_int_equal (count, 0);
}

static void assert_zero (plv_view_t body, const char *key)
{
    plv_mp_t at;
    double value = 1;
    assert_true (plv_mp_find (body, key, &at));
    assert_true (plv_mp_double (&at, &value));
    assert_true (value == 0);
}

static void test_the_body_is_a_whole_response (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    for (fallback_kind_t kind = 0; kind < FALLBACK_COUNT_; kind++) {
        plv_buf_t buf = {0};
        plv_buf_add_u8 (&buf, 0xc0); /* appended behind what is there */
        fallback_body (&buf, &conf, kind, plv_view_str ("x"));
        plv_view_t body = plv_view (buf.data + 1, buf.size - 1);
        assert_true (plv_mp_valid (body, MP_MAP));
        assert_true (
            plv_view_is (plv_mp_find_str (body, "response_text"), fallback_text (&conf, kind)));
        assert_empty_array (body, "recommendations");
        assert_empty_array (body, "sources");
        assert_zero (body, "confidence");
        assert_zero (body, "processing_time");
        plv_mp_t metadata;
        plv_view_t raw;
        assert_true (plv_mp_find (body, "metadata", &metadata));
        assert_true (plv_mp_skip (&metadata, &raw));
        assert_true (plv_view_is (plv_mp_find_str (raw, "fallback"), fallback_name (kind)));
        plv_buf_free (&buf);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_codes_name_kinds),
        cmocka_unit_test (test_each_kind_has_its_text),
        cmocka_unit_test (test_queries_get_extra_sentences),
        cmocka_unit_test (test_empty_sentences_leave_no_blanks),
        cmocka_unit_test (test_the_body_is_a_whole_response),
    };
    return cmocka_run_group_tests_name ("fallback", tests, NULL, NULL);
}
