#include "core/policy/compliance.h"

#include "base/rng.h"
#include "wire/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODIES = 20000 };

static plv_conf_t conf_new (void)
{
    return (plv_conf_t){
        .compliance_on = true,
        .compliance_version = "7",
        .compliance_investment_advice = "ADVICE",
        .compliance_risk_disclosure = "RISK",
        .compliance_regulatory_notice = "NOTICE",
    };
}

/*  The disclaimers of `body` joined by commas.  */
static void assert_disclaimers (plv_view_t body, const char *expected)
{
    plv_buf_t joined = {0};
    plv_mp_t at;
    uint32_t count = 0;
    assert_true (plv_mp_valid (body, MP_MAP));
    assert_true (plv_mp_find (body, "disclaimers", &at));
    assert_true (plv_mp_array (&at, &count));
    for (uint32_t i = 0; i < count; i++) {
        plv_view_t text;
        assert_true (plv_mp_str (&at, &text));
        if (i)
            plv_buf_add_u8 (&joined, ',');
        plv_buf_add_view (&joined, text);
    }
    assert_true (plv_view_is (plv_buf_view (&joined), expected));
    assert_true (plv_view_is (plv_mp_find_str (body, "compliance_version"), "7"));
    plv_buf_free (&joined);
}

static void test_a_response_without_recommendations (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    plv_buf_t body = {0}, buf = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_pair_text (&body, "response_text", "hello");
    plv_mp_put_text (&body, "recommendations");
    plv_mp_put_array (&body, 0);
    plv_buf_add_u8 (&buf, 0xc0);
    compliance_add (&buf, &conf, plv_buf_view (&body));
    plv_view_t out = plv_view (buf.data + 1, buf.size - 1);
    assert_disclaimers (out, "ADVICE,NOTICE");
    assert_true (plv_view_is (plv_mp_find_str (out, "response_text"), "hello"));
    plv_buf_free (&body);
    plv_buf_free (&buf);
}

static void assert_risk (const plv_conf_t *conf, uint32_t first, uint32_t second,
                         const char *expected)
{
    plv_buf_t body = {0}, buf = {0};
    const uint32_t counts[] = {first, second};
    plv_mp_put_map (&body, 2);
    for (size_t i = 0; i < 2; i++) {
        plv_mp_put_text (&body, "recommendations");
        plv_mp_put_array (&body, counts[i]);
        for (uint32_t n = 0; n < counts[i]; n++)
            plv_mp_put_map (&body, 0);
    }
    compliance_add (&buf, conf, plv_buf_view (&body));
    assert_disclaimers (plv_buf_view (&buf), expected);
    plv_buf_free (&body);
    plv_buf_free (&buf);
}

static void test_recommendations_bring_the_risk_disclosure (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    assert_risk (&conf, 1, 0, "ADVICE,RISK,NOTICE");
    assert_risk (&conf, 0, 1, "ADVICE,NOTICE"); /* the first one counts */
    assert_risk (&conf, 20, 20, "ADVICE,RISK,NOTICE");
    conf.compliance_investment_advice = "";
    assert_risk (&conf, 1, 0, "RISK,NOTICE");
    conf.compliance_regulatory_notice = NULL;
    conf.compliance_risk_disclosure = "";
    assert_risk (&conf, 1, 0, "");
}

static void test_recommendations_that_are_no_array_do_not_count (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    plv_buf_t body = {0}, buf = {0};
    plv_mp_put_map (&body, 2);
    plv_mp_pair_text (&body, "recommendations", "buy");
    plv_mp_put_text (&body, "nested");
    plv_mp_put_map (&body, 1);
    plv_mp_put_text (&body, "recommendations");
    plv_mp_put_array (&body, 1);
    plv_mp_put_nil (&body);
    compliance_add (&buf, &conf, plv_buf_view (&body));
    assert_disclaimers (plv_buf_view (&buf), "ADVICE,NOTICE");
    plv_buf_free (&body);
    plv_buf_free (&buf);
}

static void test_a_worker_cannot_say_it_itself (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    plv_buf_t body = {0}, buf = {0};
    plv_mp_put_map (&body, 5);
    plv_mp_pair_text (&body, "compliance_version", "none");
    plv_mp_pair_text (&body, "a", "1");
    plv_mp_pair_text (&body, "disclaimers", "none at all");
    plv_mp_pair_text (&body, "disclaimers", "twice");
    plv_mp_pair_text (&body, "b", "2");
    compliance_add (&buf, &conf, plv_buf_view (&body));
    plv_view_t out = plv_buf_view (&buf);
    plv_mp_t at = plv_mp (out);
    uint32_t count = 0;
    assert_true (plv_mp_map (&at, &count));
    assert_int_equal (count, 4);
    assert_disclaimers (out, "ADVICE,NOTICE");
    assert_true (plv_view_is (plv_mp_find_str (out, "a"), "1"));
    assert_true (plv_view_is (plv_mp_find_str (out, "b"), "2"));
    plv_buf_free (&body);
    plv_buf_free (&buf);
}

static void test_off_is_a_copy (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    plv_buf_t body = {0}, buf = {0};
    conf.compliance_on = false;
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "disclaimers", "mine");
    compliance_add (&buf, &conf, plv_buf_view (&body));
    assert_true (plv_view_equal (plv_buf_view (&buf), plv_buf_view (&body)));
    plv_buf_free (&body);
    plv_buf_free (&buf);
}

static void test_what_is_no_map_passes_as_it_is (void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"", 0},
                 {"\x90", 1},
                 {"\x81\xa1", 2},
                 {"\x82\xa1"
                  "a\xc0",
                  4},
                 {"\x80\xc0", 2},
                 {"\xdf\xff\xff\xff\xff", 5},
                 {"\xc1", 1}};
    plv_conf_t conf = conf_new ();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plv_buf_t buf = {0};
        plv_view_t body = plv_view (cases[i].bytes, cases[i].size);
        compliance_add (&buf, &conf, body);
        assert_true (plv_view_equal (plv_buf_view (&buf), body));
        plv_buf_free (&buf);
    }
}

/*  A random map in which our keys appear anywhere, any number of times; returns how many others.  */
static uint32_t random_body (plv_rng_t *rng, plv_buf_t *body)
{
    static const char *const keys[] = {
        "a",          "disclaimers", "response_text", "compliance_version", "recommendations",
        "disclaimer", "disclaimerss"};
    uint32_t pairs = (uint32_t) plv_rng_below (rng, 20), others = 0;
    plv_mp_put_map (body, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        size_t key = plv_rng_below (rng, 8);
        others += key != 1 && key != 3;
        if (key == 7)
            plv_mp_put_u64 (body, 5); /* a key that is no text */
        else
            plv_mp_put_text (body, keys[key]);
        uint32_t items = (uint32_t) plv_rng_below (rng, 3);
        plv_mp_put_array (body, items);
        for (uint32_t n = 0; n < items; n++)
            plv_mp_put_text (body, "item");
    }
    return others;
}

static void test_adding_twice_is_adding_once (void **state)
{
    (void) state;
    plv_conf_t conf = conf_new ();
    plv_rng_t rng = plv_rng_seed (5);
    for (int i = 0; i < BODIES; i++) {
        plv_buf_t body = {0}, once = {0}, twice = {0};
        uint32_t others = random_body (&rng, &body), count = 0;
        compliance_add (&once, &conf, plv_buf_view (&body));
        compliance_add (&twice, &conf, plv_buf_view (&once));
        assert_true (plv_mp_valid (plv_buf_view (&once), MP_MAP));
        assert_true (plv_view_equal (plv_buf_view (&once), plv_buf_view (&twice)));
        plv_mp_t at = plv_mp (plv_buf_view (&once));
        assert_true (plv_mp_map (&at, &count));
        assert_int_equal (count, others + 2);
        plv_buf_free (&body);
        plv_buf_free (&once);
        plv_buf_free (&twice);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_response_without_recommendations),
        cmocka_unit_test (test_recommendations_bring_the_risk_disclosure),
        cmocka_unit_test (test_recommendations_that_are_no_array_do_not_count),
        cmocka_unit_test (test_a_worker_cannot_say_it_itself),
        cmocka_unit_test (test_off_is_a_copy),
        cmocka_unit_test (test_what_is_no_map_passes_as_it_is),
        cmocka_unit_test (test_adding_twice_is_adding_once),
    };
    return cmocka_run_group_tests_name ("compliance", tests, NULL, NULL);
}
