#include "base/conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char folder[40];
    char path[64];
    char conf[64];
} place_t;

static int make_place (void **state)
{
    place_t *place = calloc (1, sizeof *place);
    strcpy (place->folder, "/tmp/palaver-secret-XXXXXX");
    if (!mkdtemp (place->folder))
        return -1;
    snprintf (place->path, sizeof place->path, "%s/token", place->folder);
    snprintf (place->conf, sizeof place->conf, "%s/palaver.conf", place->folder);
    *state = place;
    return 0;
}

static int remove_place (void **state)
{
    place_t *place = *state;
    unlink (place->path);
    rmdir (place->folder);
    free (place);
    return 0;
}

static void write_token (const place_t *place, const char *bytes, size_t size, mode_t mode)
{
    FILE *out = fopen (place->path, "w");
    assert_non_null (out);
    assert_int_equal (fwrite (bytes, 1, size, out), size);
    fclose (out);
    assert_int_equal (chmod (place->path, mode), 0);
}

static void expect (const char *reference, const char *conf_file, const char *secret)
{
    char *text = NULL;
    plv_fail_t fail = {0};
    if (plv_conf_secret (reference, conf_file, &text, &fail))
        fail_msg ("%s", fail.text);
    assert_string_equal (text, secret);
    plv_conf_secret_destroy (&text);
    assert_null (text);
    plv_conf_secret_destroy (&text);
}

static void refuse (const char *reference, const char *conf_file, plv_err_t code, const char *words)
{
    char *text = (char *) 8;
    plv_fail_t fail;
    assert_int_equal (plv_conf_secret (reference, conf_file, &text, &fail), code);
    assert_ptr_equal (text, (char *) 8);
    if (!strstr (fail.text, words))
        fail_msg ("\"%s\" is not in \"%s\"", words, fail.text);
}

static void a_variable_is_read (void **state)
{
    (void) state;
    setenv ("PALAVER_TEST_TOKEN", "abc def", 1);
    expect ("env:PALAVER_TEST_TOKEN", NULL, "abc def");
    setenv ("PALAVER_TEST_TOKEN", "", 1);
    refuse ("env:PALAVER_TEST_TOKEN", NULL, ERR_CONF, "variable PALAVER_TEST_TOKEN is empty");
    unsetenv ("PALAVER_TEST_TOKEN");
    refuse ("env:PALAVER_TEST_TOKEN", NULL, ERR_CONF, "variable PALAVER_TEST_TOKEN is not set");
}

static void a_file_is_read_without_its_newline (void **state)
{
    place_t *place = *state;
    char reference[80];
    snprintf (reference, sizeof reference, "file:%s", place->path);
    write_token (place, "abc\n", 4, 0600);
    expect (reference, NULL, "abc");
    expect ("file:token", place->conf, "abc");
    write_token (place, "abc\r\n", 5, 0640);
    expect (reference, place->conf, "abc");
    write_token (place, "a\nb\n\n", 5, 0400);
    expect (reference, place->conf, "a\nb\n");
}

static void what_is_no_reference_is_not_repeated (void **state)
{
    (void) state;
    static const char *const wrong[] = {"hunter2",      "",
                                        "env",          "ENV:hunter2",
                                        "file:",        "env:",
                                        "env:hunter2!", "env:2hunter2",
                                        "env: hunter2", "sk-ant-hunter2"};
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        char *text = NULL;
        plv_fail_t fail;
        assert_int_equal (plv_conf_secret (wrong[at], "p.conf", &text, &fail), ERR_CONF);
        assert_null (text);
        assert_null (strstr (fail.text, "hunter2"));
        assert_non_null (strstr (fail.text, "env:"));
    }
}

static void files_that_others_can_reach_are_refused (void **state)
{
    place_t *place = *state;
    write_token (place, "abc\n", 4, 0604);
    refuse ("file:token", place->conf, ERR_PERM, "everybody can read this file: chmod o=");
    write_token (place, "abc\n", 4, 0602);
    refuse ("file:token", place->conf, ERR_PERM, "everybody can write this file: chmod o=");
}

static void files_without_a_secret_are_refused (void **state)
{
    place_t *place = *state;
    refuse ("file:token", place->conf, ERR_NOENT, "/token: No such file");
    refuse ("file:.", place->conf, ERR_CONF, "a secret stands in a regular file");
    refuse ("file:/dev/null", place->conf, ERR_CONF, "a secret stands in a regular file");
    write_token (place, "\n", 1, 0600);
    refuse ("file:token", place->conf, ERR_CONF, "is empty");
    write_token (place, "ab\0c", 4, 0600);
    refuse ("file:token", place->conf, ERR_CONF, "holds a zero byte");
    char *large = calloc (1, 64 * 1024 + 1);
    memset (large, 'x', 64 * 1024 + 1);
    write_token (place, large, 64 * 1024 + 1, 0600);
    free (large);
    refuse ("file:token", place->conf, ERR_CONF, "larger than 65536 bytes");
}

#define with_place(test) cmocka_unit_test_setup_teardown (test, make_place, remove_place)

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_variable_is_read),
        with_place (a_file_is_read_without_its_newline),
        cmocka_unit_test (what_is_no_reference_is_not_repeated),
        with_place (files_that_others_can_reach_are_refused),
        with_place (files_without_a_secret_are_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
