#include "core/policy/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *default_rules[] = {"<script.*?>", "javascript:", "on\\w+\\s*="};

static plv_conf_t conf_of (char **rules, size_t count)
{
    return (plv_conf_t){
        .content_rules = {.items = rules, .count = count},
        .content_match_limit = 100000,
        .content_chars = 100,
    };
}

static content_t *content_of (const plv_conf_t *conf)
{
    content_t *content = NULL;
    plv_fail_t fail;
    assert_int_equal (content_new (conf, &content, &fail), ERR_OK);
    return content;
}

static void test_the_default_rules (void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int rule; /* -1: passes */
    } cases[] = {
        {"What should I do with my savings?", -1},
        {"", -1},
        {"I depend on it = you know", -1},
        {"<script>alert (1)</script>", 0},
        {"x <ScRiPt\ntype=a\n> y", 0},
        {"<script without an end", -1},
        {"< script>", -1},
        {"JAVASCRIPT:alert (1)", 1},
        {"java script:", -1},
        {"<img onerror = x>", 2},
        {"<img ONLOAD\n=x>", 2},
        {"on =", -1},
        {"bonds = low risk", 2}, /* the rule does not ask where the word begins */
        {"конец onclick= конец", 2},
        {"<script> javascript: onx=", 0}, /* the first one is named */
    };
    plv_conf_t conf = conf_of (default_rules, 3);
    content_t *content = content_of (&conf);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *rule = NULL;
        content_result_t result = content_check (content, plv_view_str (cases[i].text), &rule);
        assert_int_equal (result, cases[i].rule < 0 ? CONTENT_OK : CONTENT_MATCH);
        if (cases[i].rule < 0)
            assert_null (rule);
        else
            assert_string_equal (rule, default_rules[cases[i].rule]);
        assert_int_equal (content_check (content, plv_view_str (cases[i].text), NULL), result);
    }
    content_destroy (&content);
    assert_null (content);
}

static void test_the_length_is_in_characters (void **state)
{
    (void) state;
    const char *const units[] = {"a", "é", "€", "\xf0\x9f\x98\x80"};
    plv_conf_t conf = conf_of (NULL, 0);
    content_t *content = content_of (&conf);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char text[101 * 4 + 1] = "";
        for (int n = 0; n < 100; n++)
            strcat (text, units[i]);
        assert_int_equal (content_check (content, plv_view_str (text), NULL), CONTENT_OK);
        strcat (text, units[i]);
        assert_int_equal (content_check (content, plv_view_str (text), NULL), CONTENT_LONG);
    }
    content_destroy (&content);
}

static void test_what_cannot_be_decided_is_rejected (void **state)
{
    (void) state;
    char *rules[] = {"nothing", "(a+)+$"};
    plv_conf_t conf = conf_of (rules, 2);
    content_t *content = content_of (&conf);
    const char *rule = NULL;
    plv_view_t text =
        plv_view_str ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    assert_int_equal (content_check (content, text, &rule), CONTENT_LIMIT);
    assert_string_equal (rule, rules[1]);
    content_destroy (&content);
}

static void test_a_bad_rule_is_refused_by_name (void **state)
{
    (void) state;
    char *rules[] = {"fine", "(not"};
    plv_conf_t conf = conf_of (rules, 2);
    content_t *content = NULL;
    plv_fail_t fail = {0};
    assert_int_equal (content_new (&conf, &content, &fail), ERR_CONF);
    assert_null (content);
    assert_string_equal (fail.text, "content.rules: (not: missing closing parenthesis at offset 4");
}

static void test_platforms (void **state)
{
    (void) state;
    char *platforms[] = {"web", "telegram"};
    plv_conf_t conf = conf_of (NULL, 0);
    content_t *content = content_of (&conf);
    assert_true (content_platform_allowed (content, plv_view_str ("slack")));
    content_destroy (&content);
    conf.content_platforms = (plv_conf_list_t){.items = platforms, .count = 2};
    content = content_of (&conf);
    assert_true (content_platform_allowed (content, plv_view_str ("web")));
    assert_true (content_platform_allowed (content, plv_view_str ("telegram")));
    assert_false (content_platform_allowed (content, plv_view_str ("telegra")));
    assert_false (content_platform_allowed (content, plv_view_str ("slack")));
    content_destroy (&content);
}

static void test_results_have_names (void **state)
{
    (void) state;
    assert_string_equal (content_result_name (CONTENT_OK), "ok");
    assert_string_equal (content_result_name (CONTENT_MATCH), "content");
    assert_string_equal (content_result_name (CONTENT_LIMIT), "match_limit");
    assert_string_equal (content_result_name (CONTENT_LONG), "length");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_default_rules),
        cmocka_unit_test (test_the_length_is_in_characters),
        cmocka_unit_test (test_what_cannot_be_decided_is_rejected),
        cmocka_unit_test (test_a_bad_rule_is_refused_by_name),
        cmocka_unit_test (test_platforms),
        cmocka_unit_test (test_results_have_names),
    };
    return cmocka_run_group_tests_name ("content", tests, NULL, NULL);
}
