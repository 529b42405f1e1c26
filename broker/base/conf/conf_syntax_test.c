/*  What is found before libconfig reads the text, and that libconfig takes what is left.  */
#include "base/conf/conf_syntax.h"

#include <libconfig.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void refused (const char *text, const char *words)
{
    plv_buf_t out = {0};
    plv_fail_t fail;
    assert_int_equal (plv_conf_syntax ("f", plv_view_str (text), &out, &fail), ERR_CONF);
    assert_string_equal (fail.text, words);
    plv_buf_free (&out);
}

static void accepted_bytes (plv_view_t text, const char *expected)
{
    plv_buf_t out = {0};
    plv_fail_t fail;
    if (plv_conf_syntax ("f", text, &out, &fail))
        fail_msg ("%s", fail.text);
    assert_int_equal (out.data[out.size - 1], 0);
    if (expected)
        assert_string_equal (out.data, expected);
    config_t tree;
    config_init (&tree);
    if (!config_read_string (&tree, (const char *) out.data))
        fail_msg ("libconfig: %s in %s", config_error_text (&tree), (const char *) out.data);
    config_destroy (&tree);
    plv_buf_free (&out);
}

static void accepted (const char *text)
{
    accepted_bytes (plv_view_str (text), NULL);
}

static void the_grammar_of_libconfig_is_accepted (void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "\xef\xbb\xbf",
        "\xef\xbb\xbf"
        "a = 1;\r\n",
        "\n\n",
        "# c",
        "// c",
        "/* c */",
        "/* a\n * b */ a = 1;",
        "a=1",
        "a:1;",
        "a=1,b=2",
        "a=1 b=2",
        "a = \"x\" \"y\"\n\"z\";",
        "a = \"\\\"\\\\\\n\\x41\\q\";",
        "a = [];",
        "a = ();",
        "a = {};",
        "a = [1, 2];",
        "a = (1, \"x\", { b = 2; }, [3], (4));",
        "a = { b = { c = { d = true; }; }; };",
        "a = TRUE; b = False;",
        "a=.5;b=5.;c=1e5;d=+1e5;e=1.e5;f=-.5;",
        "a=+5;b=-5;c=0xfF;d=5L;e=5LL;f=010;",
        "*a-b_*9 = 1;",
        "a = \"new\nline\ttab\";",
        "a = 1 # c\n;",
        "truex = 1;",
        "a=\"\xc3\xa4\";",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts[0]; at++)
        accepted (texts[at]);
}

static void wide_numbers_are_marked (void **state)
{
    (void) state;
    accepted_bytes (plv_view_str ("a = 2147483647; b = 2147483648; c = [ -2147483649 ];# x"),
                    "a = 2147483647; b = 2147483648L; c = [ -2147483649L ];# x\n");
    accepted_bytes (plv_view_str ("a=0x7fffffff;b=0xffffffff;c=5000000000L"),
                    "a=0x7fffffff;b=0xffffffffL;c=5000000000L\n");
    refused ("a = 9223372036854775808;", "f:1: a: a number that needs more than 64 bits");
    refused ("a = -9223372036854775809L;", "f:1: a: a number that needs more than 64 bits");
    refused ("a = 1e999;", "f:1: a: a number that is too large");
}

static void mistakes_are_named_with_line_and_key (void **state)
{
    (void) state;
    refused ("a = { b = 1;\nc = ; };", "f:2: a.c: a value is missing here");
    refused ("a", "f:1: a: an = behind the name is missing at the end of the file");
    refused ("a 1;", "f:1: a: an = behind the name is missing here");
    refused ("a = yes;", "f:1: a: a text stands in double quotes");
    refused ("a = {\nb = 1;\n", "f:3: a: the group that begins on line 1 has no closing }");
    refused ("a = 1; };", "f:1: the name of a key is missing here");
    refused ("a = [ 1 2 ];", "f:1: a: a comma or the closing ] is missing here");
    refused ("a = ( 1, );", "f:1: a[1]: a value is missing here");
    refused ("a = ( { b = x; } );", "f:1: a[0].b: a text stands in double quotes");
    refused ("a = [ [ 1 ] ];", "f:1: a[0]: a text, a number, true or false is missing here");
    refused ("a = 1;; b = 2;", "f:1: the name of a key is missing here");
    refused ("a.b = 1;", "f:1: a: . has no meaning here");
    refused ("a = 12abc;", "f:1: a: neither a number nor a text in double quotes");
    refused ("a = inf;", "f:1: a: a text stands in double quotes");
    refused ("a = 0x1p3;", "f:1: a: neither a number nor a text in double quotes");
    refused ("1 = a;", "f:1: the name of a key is missing here");
    refused ("a = 1 ! 2;", "f:1: ! has no meaning here");
    refused (
        "a = \xe2\x80\x9cx\xe2\x80\x9d;",
        "f:1: a: \xe2\x80\x9c (U+201C) has no meaning here: a text stands in \"straight quotes\"");
    refused ("a =\xc2\xa0"
             "1;",
             "f:1: a: U+00A0 has no meaning here: a blank is meant?");
    refused ("a = \xf0\x9f\x98\x80;", "f:1: a: \xf0\x9f\x98\x80 (U+1F600) has no meaning here");
    refused ("a = 'x';", "f:1: a: ' has no meaning here: a text stands in \"double quotes\"");
    refused ("a = \x01;", "f:1: a: U+0001 has no meaning here");
}

static void what_libconfig_lets_through_is_refused (void **state)
{
    (void) state;
    refused ("a = 1;\n/* no end\nb = 2;", "f:2: a comment that begins here has no end");
    refused ("a = 1;\nb = \"no end\n\n", "f:2: b: a text that begins here has no closing quote");
    refused ("a = \"no end\\", "f:1: a: a text that begins here has no closing quote");
    refused ("\n@include \"/etc\"\n", "f:2: @include is not taken: a configuration is one file");
    refused ("a = \"x\\x00y\";", "f:1: a: a text cannot hold \\x00");
    refused ("a = \"\xff\";", "f:1: not UTF-8");
}

static void duplicates_are_named (void **state)
{
    (void) state;
    refused ("a = {\n b = 1;\n c = 2;\n b = 3;\n};",
             "f:4: a.b: given twice; the first is on line 2");
    refused ("a = 1; a = 2; b = 3;", "f:1: a: given twice; the first is on line 1");
    accepted ("a = { b = 1; }; c = { b = 1; };");
}

static void no_text_in_quotes_is_repeated (void **state)
{
    (void) state;
    static const char *const texts[] = {
        "a = SECRET;",  "a = \"x\" SECRET", "a = \"SECRET", "a = [ \"SECRET\" \"SECRET\" 1 ]",
        "a \"SECRET\"", "\"SECRET\" = 1",   "a = 1SECRET;",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts[0]; at++) {
        plv_buf_t out = {0};
        plv_fail_t fail;
        assert_int_equal (plv_conf_syntax ("f", plv_view_str (texts[at]), &out, &fail), ERR_CONF);
        /*  A bare word where a key may stand is a name, which is repeated.  */
        if (at != 1)
            assert_null (strstr (fail.text, "SECRET"));
        plv_buf_free (&out);
    }
}

static void zero_bytes_do_not_end_the_text (void **state)
{
    (void) state;
    plv_buf_t out = {0};
    plv_fail_t fail;
    assert_int_equal (plv_conf_syntax ("f", plv_view ("a=1;\n\0b=2;", 10), &out, &fail), ERR_CONF);
    assert_string_equal (fail.text, "f:2: a zero byte");
    plv_buf_clear (&out);
    assert_int_equal (plv_conf_syntax ("f", plv_view ("a=\"\0\";", 6), &out, &fail), ERR_CONF);
    plv_buf_free (&out);
}

static void depth_and_width_are_limited (void **state)
{
    (void) state;
    char text[200] = "a=";
    memset (text + 2, '(', CONF_DEPTH_MAX);
    memset (text + 2 + CONF_DEPTH_MAX, ')', CONF_DEPTH_MAX);
    accepted (text);
    memset (text + 2, '(', 100);
    plv_buf_t out = {0};
    plv_fail_t fail;
    assert_int_equal (plv_conf_syntax ("f", plv_view_str (text), &out, &fail), ERR_CONF);
    assert_non_null (strstr (fail.text, "nested more than 16 deep"));
    plv_buf_clear (&out);

    char *wide = calloc (1, 16 * (CONF_GROUP_KEYS_MAX + 2));
    for (size_t at = 0, size = 0; at <= CONF_GROUP_KEYS_MAX; at++)
        size += (size_t) snprintf (wide + size, 16, "a%zu=1;", at);
    assert_int_equal (plv_conf_syntax ("f", plv_view_str (wide), &out, &fail), ERR_CONF);
    assert_non_null (strstr (fail.text, "more than 1024 keys in one group"));
    free (wide);
    plv_buf_free (&out);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_grammar_of_libconfig_is_accepted),
        cmocka_unit_test (wide_numbers_are_marked),
        cmocka_unit_test (mistakes_are_named_with_line_and_key),
        cmocka_unit_test (what_libconfig_lets_through_is_refused),
        cmocka_unit_test (duplicates_are_named),
        cmocka_unit_test (no_text_in_quotes_is_repeated),
        cmocka_unit_test (zero_bytes_do_not_end_the_text),
        cmocka_unit_test (depth_and_width_are_limited),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
