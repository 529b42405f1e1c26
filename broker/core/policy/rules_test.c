#include "core/policy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIMIT = 100000, TEXT_BYTES = 16384, DEEP_BYTES = 500000 };

static rules_answer_t match (const char *pattern, plv_view_t text)
{
    rules_t *rules = rules_new (LIMIT);
    plv_fail_t fail = {0};
    assert_int_equal (rules_add (rules, pattern, &fail), ERR_OK);
    rules_answer_t answer = rules_match (rules, 0, text);
    rules_destroy (&rules);
    assert_null (rules);
    return answer;
}

static void test_matches_anywhere_and_caseless (void **state)
{
    (void) state;
    assert_int_equal (match ("javascript:", plv_view_str ("see JavaScript:x")), RULES_YES);
    assert_int_equal (match ("javascript:", plv_view_str ("see javascript")), RULES_NO);
    assert_int_equal (match ("straße|ÉTÉ", plv_view_str ("cet été-là")), RULES_YES);
    assert_int_equal (match ("^.$", plv_view_str ("\xf0\x9f\x98\x80")), RULES_YES);
    assert_int_equal (match ("x*", plv_view (NULL, 0)), RULES_YES);
    assert_int_equal (match ("x", plv_view (NULL, 0)), RULES_NO);
}

static void test_a_dot_matches_a_line_break (void **state)
{
    (void) state;
    assert_int_equal (match ("<script.*?>", plv_view_str ("a<SCRIPT\n\r\n src=x\n>b")), RULES_YES);
}

static void test_a_text_may_hold_a_nul (void **state)
{
    (void) state;
    assert_int_equal (match ("<script.*?>", plv_view ("\0<script\0>", 10)), RULES_YES);
}

static void test_bytes_that_are_not_utf8_do_no_harm (void **state)
{
    (void) state;
    assert_int_equal (match ("javascript:", plv_view_str ("\xff\xc3 javascript: \xe2")), RULES_YES);
    assert_int_equal (match ("^\\X+$", plv_view_str ("\xff\xfe\xf8")), RULES_NO);
    uint8_t bytes[3];
    for (unsigned i = 0; i < 1u << 16; i++) {
        bytes[0] = (uint8_t) (i >> 8);
        bytes[1] = (uint8_t) i;
        bytes[2] = 0xe2;
        plv_view_t text = plv_view (bytes, 1 + i % 3);
        if (i % 97 == 0) /* every one under the sanitizer takes long */
            assert_int_not_equal (match (".+?\\w|on\\w+\\s*=", text), RULES_LIMIT);
    }
}

static void test_hostile_texts_end_at_the_limit (void **state)
{
    (void) state;
    char *text = malloc (TEXT_BYTES);
    memset (text, 'a', TEXT_BYTES);
    text[TEXT_BYTES - 1] = 'b';
    const char *const patterns[] = {
        "(a+)+$",       "(*NO_JIT)(a+)+$", "^(a|aa)+$", "(*NO_JIT)^(a|aa)+$", "(.*?,){11}P|(a*)*c",
        "((a*)*)*[^ab]"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        assert_int_not_equal (match (patterns[i], plv_view (text, TEXT_BYTES)), RULES_YES);
    assert_int_equal (match ("(a+)+$", plv_view (text, TEXT_BYTES)), RULES_LIMIT);
    assert_int_equal (match ("(*NO_JIT)(a+)+$", plv_view (text, TEXT_BYTES)), RULES_LIMIT);
    free (text);
}

static void test_the_limits_are_those_that_were_asked_for (void **state)
{
    (void) state;
    plv_view_t text = plv_view_str ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    const char *const patterns[] = {"^(a|aa){1,9}c|b", "(*NO_JIT)^(a|aa){1,9}c|b"};
    for (size_t i = 0; i < 2; i++) {
        rules_t *few = rules_new (20), *many = rules_new (LIMIT);
        assert_int_equal (rules_add (few, patterns[i], NULL), ERR_OK);
        assert_int_equal (rules_add (many, patterns[i], NULL), ERR_OK);
        assert_int_equal (rules_match (few, 0, text), RULES_LIMIT);
        assert_int_equal (rules_match (many, 0, text), RULES_YES);
        rules_destroy (&few);
        rules_destroy (&many);
    }
}

static void test_memory_is_limited_too (void **state)
{
    (void) state;
    char *text = malloc (DEEP_BYTES);
    memset (text, '(', DEEP_BYTES);
    text[DEEP_BYTES - 1] = ')';
    rules_t *rules = rules_new (UINT32_MAX);
    assert_int_equal (rules_add (rules, "^(\\((?1)*\\))", NULL), ERR_OK);
    assert_int_equal (rules_add (rules, "(*NO_JIT)^(\\((?1)*\\))", NULL), ERR_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal (rules_match (rules, i, plv_view (text, DEEP_BYTES)), RULES_LIMIT);
    rules_destroy (&rules);
    free (text);
}

static void test_deep_recursion_ends_at_the_limit (void **state)
{
    (void) state;
    char *text = malloc (DEEP_BYTES);
    memset (text, '(', DEEP_BYTES);
    text[DEEP_BYTES - 1] = ')';
    assert_int_equal (match ("^(\\((?1)*\\))", plv_view (text, DEEP_BYTES)), RULES_LIMIT);
    assert_int_equal (match ("(*NO_JIT)^(\\((?1)*\\))", plv_view (text, DEEP_BYTES)), RULES_LIMIT);
    free (text);
}

static void test_a_bad_pattern_is_refused_with_its_place (void **state)
{
    (void) state;
    rules_t *rules = rules_new (LIMIT);
    plv_fail_t fail = {0};
    assert_int_equal (rules_add (rules, "ab(c", &fail), ERR_CONF);
    assert_int_equal (fail.code, ERR_CONF);
    assert_string_equal (fail.text, "ab(c: missing closing parenthesis at offset 4");
    assert_int_equal (rules_add (rules, "\xff", &fail), ERR_CONF);
    assert_int_equal (rules_add (rules, "a\\Cb", &fail), ERR_CONF);
    assert_int_equal (rules_count (rules), 0);
    rules_destroy (&rules);
    rules_destroy (&rules);
}

static void test_rules_keep_their_numbers (void **state)
{
    (void) state;
    rules_t *rules = rules_new (LIMIT);
    const char *const patterns[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal (rules_add (rules, patterns[i], NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            assert_int_equal (rules_match (rules, i, plv_view_str (patterns[j])),
                              i == j ? RULES_YES : RULES_NO);
    rules_destroy (&rules);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_matches_anywhere_and_caseless),
        cmocka_unit_test (test_a_dot_matches_a_line_break),
        cmocka_unit_test (test_a_text_may_hold_a_nul),
        cmocka_unit_test (test_bytes_that_are_not_utf8_do_no_harm),
        cmocka_unit_test (test_hostile_texts_end_at_the_limit),
        cmocka_unit_test (test_the_limits_are_those_that_were_asked_for),
        cmocka_unit_test (test_memory_is_limited_too),
        cmocka_unit_test (test_deep_recursion_ends_at_the_limit),
        cmocka_unit_test (test_a_bad_pattern_is_refused_with_its_place),
        cmocka_unit_test (test_rules_keep_their_numbers),
    };
    return cmocka_run_group_tests_name ("rules", tests, NULL, NULL);
}
