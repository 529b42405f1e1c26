#include "advisor/claude/settings.h"

#include "advisor/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static void write_file (const char *text)
{
    snprintf (path, sizeof path, "/tmp/palaver-advisor-conf-XXXXXX");
    FILE *file = fdopen (mkstemp (path), "w");
    fputs (text, file);
    fclose (file);
}

static plv_err_t load (const char *text, settings_t *settings, plv_fail_t *fail)
{
    write_file (text);
    assert_int_equal (settings_init (settings, fail), ERR_OK);
    plv_err_t err = settings_load (settings, path, fail);
    unlink (path);
    return err;
}

static void keys_of_every_type_are_read (void **state)
{
    settings_t settings;
    plv_fail_t fail = {0};
    (void) state;
    assert_int_equal (
        load ("claude: { model = \"m\"; retries = 7; price_input = 3; price_output = 1.5; "
              "stream = false; };",
              &settings, &fail),
        ERR_OK);
    assert_string_equal (settings.model, "m");
    assert_int_equal (settings.retries, 7);
    assert_true (settings.price_input == 3 && settings.price_output == 1.5 && !settings.stream);
    assert_int_equal (settings_set (&settings, "model=n", &fail), ERR_OK);
    assert_int_equal (settings_set (&settings, "day_usd=2.5", &fail), ERR_OK);
    assert_int_equal (settings_set (&settings, "stream=true", &fail), ERR_OK);
    assert_string_equal (settings.model, "n");
    assert_true (settings.day_usd == 2.5 && settings.stream);
    settings_free (&settings);
}

static void what_is_wrong_is_named (void **state)
{
    static const char *const TEXTS[][2] = {
        {"claude: { colour = 1; };", "claude.colour"},
        {"claude: { retries = 11; };", "claude.retries"},
        {"claude: { retries = \"1\"; };", "claude.retries"},
        {"claude: { model = 1; };", "claude.model"},
        {"claude: { stream = 1; };", "claude.stream"},
        {"claude = 1;", "claude"},
        {"other: { };", "other"},
        {"claude: { ", ":1"},
    };
    static const char *const SETS[] = {"retries=x", "retries=1.5", "stream=1", "model",
                                       "colour=1",  "day_usd=-1",  "day_usd=", "retries=99"};
    settings_t settings;
    (void) state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        plv_fail_t fail = {0};
        assert_int_equal (load (TEXTS[i][0], &settings, &fail), ERR_CONF);
        assert_non_null (strstr (fail.text, TEXTS[i][1]));
        assert_non_null (strstr (fail.text, path));
        settings_free (&settings);
    }
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++) {
        plv_fail_t fail = {0};
        assert_int_equal (settings_init (&settings, &fail), ERR_OK);
        assert_int_equal (settings_set (&settings, SETS[i], &fail), ERR_CONF);
        settings_free (&settings);
    }
}

static plv_err_t resolve (const char *base, const char *key, settings_t *settings, plv_fail_t *fail)
{
    char text[256];
    assert_int_equal (settings_init (settings, fail), ERR_OK);
    snprintf (text, sizeof text, "base=%s", base);
    assert_int_equal (settings_set (settings, text, fail), ERR_OK);
    snprintf (text, sizeof text, "key=%s", key);
    assert_int_equal (settings_set (settings, text, fail), ERR_OK);
    return settings_resolve (settings, NULL, fail);
}

static void the_address_and_the_key_are_found (void **state)
{
    static const struct {
        const char *base;
        const char *variable; /* ANTHROPIC_BASE_URL */
        const char *url;      /* NULL: refused */
    } rows[] = {
        {"", NULL, "https://api.anthropic.com/v1/messages"},
        {"", "https://gate.example.org/", "https://gate.example.org/v1/messages"},
        {"https://own.example.org/x/", "https://gate.example.org",
         "https://own.example.org/x/v1/messages"},
        {"http://127.0.0.1:80", NULL, "http://127.0.0.1:80/v1/messages"},
        {"http://[::1]/a", NULL, "http://[::1]/a/v1/messages"},
        {"http://127.0.0.1.example.org", NULL, NULL},
        {"http://example.org", NULL, NULL},
        {"ftp://example.org", NULL, NULL},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        settings_t settings;
        plv_fail_t fail = {0};
        unsetenv ("ANTHROPIC_BASE_URL");
        if (rows[i].variable)
            setenv ("ANTHROPIC_BASE_URL", rows[i].variable, 1);
        plv_err_t err = resolve (rows[i].base, "", &settings, &fail);
        assert_int_equal (err, rows[i].url ? ERR_OK : ERR_CONF);
        if (rows[i].url)
            assert_string_equal (settings.url, rows[i].url);
        settings_free (&settings);
    }
    unsetenv ("ANTHROPIC_BASE_URL");
}

static void a_key_that_is_named_must_be_there (void **state)
{
    settings_t settings;
    plv_fail_t fail = {0};
    (void) state;
    unsetenv ("ANTHROPIC_API_KEY");
    assert_int_equal (resolve ("", "env:ANTHROPIC_API_KEY", &settings, &fail), ERR_OK);
    assert_null (settings.secret);
    settings_free (&settings);
    setenv ("ANTHROPIC_API_KEY", "k", 1);
    assert_int_equal (resolve ("", "env:ANTHROPIC_API_KEY", &settings, &fail), ERR_OK);
    assert_string_equal (settings.secret, "k");
    settings_free (&settings);
    setenv ("ANTHROPIC_API_KEY", "k\r\nx: y", 1);
    assert_int_equal (resolve ("", "env:ANTHROPIC_API_KEY", &settings, &fail), ERR_CONF);
    settings_free (&settings);
    assert_int_not_equal (resolve ("", "env:NO_SUCH_KEY_HERE", &settings, &fail), ERR_OK);
    settings_free (&settings);
    assert_int_not_equal (resolve ("", "sk-secret", &settings, &fail), ERR_OK);
    assert_null (strstr (fail.text, "sk-secret"));
    settings_free (&settings);
}

/*  conf/advisor.conf is what is printed: palaver-advisor --print-conf > conf/advisor.conf.  */
static void expect_shipped (const char *text)
{
    char *own = fixture_file ("catalogue.csv"), *shipped = NULL, have[32768];
    assert_non_null (own);
    *strrchr (own, '/') = '\0';
    assert_true (asprintf (&shipped, "%s/../../conf/advisor.conf", own) > 0);
    FILE *file = fopen (shipped, "r");
    assert_non_null (file);
    have[fread (have, 1, sizeof have - 1, file)] = '\0';
    fclose (file);
    assert_string_equal (have, text);
    free (shipped);
    free (own);
}

/*  What is printed can be loaded, commented out or not.  */
static void the_printed_file_is_the_standard (void **state)
{
    settings_t settings;
    plv_fail_t fail = {0};
    char *text = NULL;
    size_t size;
    (void) state;
    FILE *file = open_memstream (&text, &size);
    settings_print (file);
    fclose (file);
    expect_shipped (text);
    assert_int_equal (load (text, &settings, &fail), ERR_OK);
    settings_free (&settings);
    for (char *at = text; (at = strstr (at, "    #")) != NULL; at++)
        if (at[5] != ' ')
            at[4] = ' ';
    assert_int_equal (load (text, &settings, &fail), ERR_OK);
    settings_t standard;
    assert_int_equal (settings_init (&standard, &fail), ERR_OK);
    assert_string_equal (settings.model, standard.model);
    assert_true (settings.price_cache_read == standard.price_cache_read
                 && settings.stream == standard.stream);
    settings_free (&settings);
    settings_free (&standard);
    free (text);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (keys_of_every_type_are_read),
        cmocka_unit_test (what_is_wrong_is_named),
        cmocka_unit_test (the_address_and_the_key_are_found),
        cmocka_unit_test (a_key_that_is_named_must_be_there),
        cmocka_unit_test (the_printed_file_is_the_standard),
    };
    return cmocka_run_group_tests_name ("settings", tests, NULL, NULL);
}
