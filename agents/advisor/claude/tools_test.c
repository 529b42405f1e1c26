#include "advisor/claude/tools.h"

#include "advisor/claude/evidence.h"
#include "advisor/fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { YEAR = 2026 };

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

/*  The result as text; the caller frees it.  */
static char *run_after (catalogue_t *catalogue, const char *message, const char *name,
                        const char *input, bool *ret_is_error)
{
    profile_t profile;
    reading_t reading;
    json_t *json = json_loads (input, JSON_DECODE_ANY, NULL);
    profile_init (&profile);
    understand (catalogue, &profile, plv_view_str (message), YEAR, &reading);
    const tools_t tools = {catalogue, &reading, YEAR};
    json_t *result = tools_run (&tools, name, json, ret_is_error);
    char *text = json_dumps (result, JSON_COMPACT);
    json_decref (result);
    json_decref (json);
    return text;
}

static void expect (catalogue_t *catalogue, const char *message, const char *name,
                    const char *input, const char *has, const char *lacks)
{
    bool is_error;
    char *text = run_after (catalogue, message, name, input, &is_error);
    assert_false (is_error);
    if (!strstr (text, has) || (lacks && strstr (text, lacks)))
        fail_msg ("%s %s: %s", name, input, text);
    free (text);
}

static void search_finds_by_words_topics_and_limits (void **state)
{
    expect (*state, "", "search", "{\"query\":\"total world stock\"}", "\"VT\"", "\"GLD\"");
    expect (*state, "", "search", "{\"query\":\"VOO\"}", "\"VOO\"", NULL);
    expect (*state, "", "search", "{\"query\":\"gold\"}", "\"GLD\"", "\"BND\"");
    expect (*state, "", "search", "{\"query\":\"stocks\",\"max_risk\":3}", "\"products\"",
            "\"risk_level\":6");
    expect (*state, "", "search", "{\"query\":\"\",\"max_fee\":0.05}", "\"found\"",
            "\"fee_percent\":0.06");
    expect (*state, "", "search", "{\"query\":\"zzzzqqq\"}", "\"found\":0", "symbol");
    expect (*state, "I want no bonds", "search", "{\"query\":\"BND\"}", "\"found\":0", NULL);
    expect (*state, "10,000 USD for 20 years with low risk", "search",
            "{\"query\":\"\",\"suitable\":true}", "\"risk_limit\":3", "\"risk_level\":6");
}

static void detail_compare_and_project_by_symbol (void **state)
{
    expect (*state, "", "detail", "{\"symbols\":[\"vti\",\"ZZZZ\"]}",
            "\"not_in_the_catalogue\":[\"ZZZZ\"]", NULL);
    expect (*state, "", "detail", "{\"symbols\":[\"VTI\"]}", "\"fee_as_of\"", NULL);
    expect (*state, "", "compare", "{\"symbols\":[\"VT\",\"BND\"]}", "\"lowest_risk\":\"BND\"",
            NULL);
    expect (*state, "", "project", "{\"amount\":1000,\"months\":120,\"symbols\":[\"VT\"]}",
            "\"low\":1", NULL);
    expect (*state, "", "project",
            "{\"amount\":100,\"months\":120,\"every_months\":1,\"symbols\":[\"VT\"]}", "\"low\":1",
            NULL);
}

static void what_makes_no_sense_gets_an_error (void **state)
{
    static const char *const ROWS[][2] = {
        {"dance", "{}"},
        {"search", "{}"},
        {"search", "[]"},
        {"search", "{\"query\":7}"},
        {"detail", "{}"},
        {"detail", "{\"symbols\":[]}"},
        {"detail", "{\"symbols\":\"VTI\"}"},
        {"compare", "{\"symbols\":[\"VTI\"]}"},
        {"compare", "{\"symbols\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}"},
        {"project", "{\"amount\":-1,\"months\":1,\"symbols\":[\"VTI\"]}"},
        {"project", "{\"amount\":1,\"months\":100000,\"symbols\":[\"VTI\"]}"},
        {"project", "{\"amount\":1,\"months\":10,\"every_months\":11,\"symbols\":[\"VTI\"]}"},
        {"project", "{\"amount\":1,\"months\":10,\"symbols\":[\"ZZZZ\"]}"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        bool is_error = false;
        char *text = run_after (*state, "", ROWS[i][0], ROWS[i][1], &is_error);
        assert_true (is_error);
        assert_non_null (strstr (text, "error"));
        free (text);
    }
}

static void the_list_is_what_a_request_needs (void **state)
{
    json_t *list = tools_list ();
    const json_t *tool;
    size_t i;
    (void) state;
    assert_int_equal (json_array_size (list), 4);
    json_array_foreach (list, i, tool)
    {
        const json_t *schema = json_object_get (tool, "input_schema");
        assert_true (json_is_object (schema));
        assert_true (json_is_false (json_object_get (schema, "additionalProperties")));
        assert_true (json_string_length (json_object_get (tool, "description")) > 20);
    }
    json_decref (list);
}

static void evidence_knows_products_figures_and_words (void **state)
{
    catalogue_t *catalogue = *state;
    evidence_t evidence = {0};
    json_t *result = json_loads (
        "{\"products\":[{\"symbol\":\"VT\",\"fee\":0.06},{\"symbol\":\"NOPE\"}],\"low\":1234567}",
        0, NULL);
    evidence_person (&evidence, plv_view_str ("10k EUR or 2,500.50 at 3 %, not TSLA"));
    evidence_result (&evidence, catalogue, result, false);
    assert_true (evidence_has (&evidence, catalogue_find (catalogue, plv_view_str ("VT"))));
    assert_false (evidence_has (&evidence, catalogue_find (catalogue, plv_view_str ("BND"))));
    assert_true (evidence_word (&evidence, plv_view_str ("TSLA")));
    assert_false (evidence_word (&evidence, plv_view_str ("TSL")));
    assert_true (evidence_among (10000, 0, evidence.said, evidence.said_count));
    assert_true (evidence_among (2500.5, 2, evidence.said, evidence.said_count));
    assert_false (evidence_among (2600, 0, evidence.said, evidence.said_count));
    assert_true (evidence_among (1230000, 0, evidence.figures, evidence.figure_count));
    assert_true (evidence_among (0.1, 1, evidence.figures, evidence.figure_count));
    assert_false (evidence_among (0.07, 2, evidence.figures, evidence.figure_count));
    json_decref (result);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (search_finds_by_words_topics_and_limits),
        cmocka_unit_test (detail_compare_and_project_by_symbol),
        cmocka_unit_test (what_makes_no_sense_gets_an_error),
        cmocka_unit_test (the_list_is_what_a_request_needs),
        cmocka_unit_test (evidence_knows_products_figures_and_words),
    };
    return cmocka_run_group_tests_name ("tools", tests, load, unload);
}
