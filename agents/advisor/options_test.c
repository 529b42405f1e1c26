#include "advisor/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*  Parses a line whose words a space divides.  */
static plv_err_t parse (const char *line, options_t *ret_options, plv_fail_t *ret_fail)
{
    static char copy[256];
    char *argv[16] = {"palaver-advisor"};
    int argc = 1;
    strncpy (copy, line, sizeof copy - 1);
    for (char *word = strtok (copy, " "); word && argc < 15; word = strtok (NULL, " "))
        argv[argc++] = word;
    return options_parse (argc, argv, ret_options, ret_fail);
}

static void has_sound_defaults (void **state)
{
    options_t options;
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (parse ("", &options, &fail), ERR_OK);
    assert_int_equal (options.action, DO_SERVE);
    assert_null (options.endpoint);
    assert_null (options.catalogue);
    assert_string_equal (options.name, "advisor");
    assert_int_equal (options.credit, 0);
    assert_null (options.conf);
    assert_int_equal (options.set_count, 0);
    assert_true (options.log);
}

static void reads_every_option (void **state)
{
    options_t options;
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (parse ("--endpoint ipc://x --catalogue=c.csv --name me --credit 3 --log off",
                             &options, &fail),
                      ERR_OK);
    assert_string_equal (options.endpoint, "ipc://x");
    assert_string_equal (options.catalogue, "c.csv");
    assert_string_equal (options.name, "me");
    assert_int_equal (options.credit, 3);
    assert_false (options.log);
    assert_int_equal (parse ("--conf a.conf --set model=x --set effort=low", &options, &fail),
                      ERR_OK);
    assert_string_equal (options.conf, "a.conf");
    assert_int_equal (options.set_count, 2);
    assert_string_equal (options.sets[1], "effort=low");
    assert_int_equal (parse ("--print-conf", &options, &fail), ERR_OK);
    assert_int_equal (options.action, DO_PRINT_CONF);
    assert_int_equal (parse ("--help", &options, &fail), ERR_OK);
    assert_int_equal (options.action, DO_HELP);
    assert_int_equal (parse ("--print-catalogue", &options, &fail), ERR_OK);
    assert_int_equal (options.action, DO_PRINT);
    assert_int_equal (parse ("--verbose eval a b", &options, &fail), ERR_OK);
    assert_int_equal (options.action, DO_EVAL);
    assert_int_equal (options.rest_count, 2);
}

static void says_what_is_wrong (void **state)
{
    static const struct {
        const char *line;
        const char *words;
    } rows[] = {
        {"--credit 0", "1 to 256"},   {"--credit x", "1 to 256"},
        {"--credit 257", "1 to 256"}, {"--log loud", "text or off"},
        {"--wrong", "--help"},        {"--name", "--help"},
        {"dance", "dance"},           {"ask", "a question"},
        {"eval", "a file"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options_t options;
        plv_fail_t fail = {0};
        assert_int_equal (parse (rows[i].line, &options, &fail), ERR_ARG);
        assert_non_null (strstr (fail.text, rows[i].words));
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (has_sound_defaults),
        cmocka_unit_test (reads_every_option),
        cmocka_unit_test (says_what_is_wrong),
    };
    return cmocka_run_group_tests_name ("options", tests, NULL, NULL);
}
