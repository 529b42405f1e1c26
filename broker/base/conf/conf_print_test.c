/*  What is printed is what is loaded; and the files in conf/ say what the table says.
    With the argument --write, conf/palaver.conf is made anew from the table.  */
#include "base/conf/conf.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] = "conf/palaver.conf";

static char *printed (const plv_conf_t *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    if (conf)
        plv_conf_print (conf, out);
    else
        plv_conf_print_sample (out);
    fclose (out);
    return text;
}

static plv_conf_t *load (const char *text)
{
    plv_conf_t *conf = NULL;
    plv_fail_t fail = {0};
    if (plv_conf_load_text (plv_view_str (text), "text", &conf, &fail))
        fail_msg ("%s", fail.text);
    return conf;
}

/*  Prints, loads, prints again: the same text, which is returned.  */
static char *there_and_back (const plv_conf_t *conf)
{
    char *first = printed (conf);
    plv_conf_t *again = load (first);
    char *second = printed (again);
    assert_string_equal (first, second);
    plv_conf_destroy (&again);
    free (second);
    return first;
}

static void the_defaults_come_back (void **state)
{
    (void) state;
    plv_conf_t *conf = NULL;
    plv_conf_defaults (&conf, NULL);
    char *text = there_and_back (conf);
    assert_null (strstr (text, "# default:"));
    free (text);
    plv_conf_destroy (&conf);
}

static void other_values_come_back_beside_their_defaults (void **state)
{
    (void) state;
    plv_conf_t *conf = load (
        "data = { dir = \"/a \\\"b\\\" \\\\ c\\n\\td\"; sync = false; };\n"
        "limits = { pending = 7; };\n"
        "content = { rules = [ \"\\\\d+\", \"#;}\" ]; platforms = [ \"web\" ]; };\n"
        "log = { level = \"error\"; };\n"
        "routes = ( { name = \"a\"; service = \"b\"; attempts = 9; types = [ \"chat.edit\" ]; },\n"
        "           { name = \"c\"; service = \"d\"; on_dead = \"park\"; } );\n"
        "adapters = { web = { port = 1; big = 5000000000; part = -0.25; on = TRUE; deep = ( ( 1 ),\n"
        " { x = []; } ); empty = {}; }; x = { key = \"file:k\"; }; };\n");
    char *text = there_and_back (conf);
    static const char *const expected[] = {
        "    # default: \"\"\n    dir = \"/a \\\"b\\\" \\\\ c\\n\\td\";\n",
        "    # default: true\n    sync = false;\n",
        " (1 to 100000000)\n    # default: 2000000\n    pending = 7;\n",
        " (debug|info|warn|error)\n    # default: \"info\"\n    level = \"error\";\n",
        "    rules = [ \"\\\\d+\", \"#;}\" ];\n",
        "    {\n        name = \"a\";\n        service = \"b\";\n        types = [ \"chat.edit\" ];\n"
        "        attempts = 9;\n    },\n",
        "    web = {\n        port = 1;\n        big = 5000000000L;\n        part = -0.25;\n",
    };
    for (size_t at = 0; at < sizeof expected / sizeof expected[0]; at++)
        if (!strstr (text, expected[at]))
            fail_msg ("missing: %s", expected[at]);
    free (text);
    plv_conf_destroy (&conf);
}

static void the_sample_changes_nothing (void **state)
{
    (void) state;
    char *text = printed (NULL);
    plv_conf_t *conf = load (text);
    plv_conf_t *defaults = NULL;
    plv_conf_defaults (&defaults, NULL);
    char *one = printed (conf);
    char *other = printed (defaults);
    assert_string_equal (one, other);
    free (one);
    free (other);
    free (text);
    plv_conf_destroy (&conf);
    plv_conf_destroy (&defaults);
}

static char *read_text (const char *path)
{
    FILE *in = fopen (path, "r");
    if (!in)
        fail_msg ("%s: cannot be read; tests run at the top of the tree", path);
    char *text = calloc (1, 1024 * 1024);
    size_t size = fread (text, 1, 1024 * 1024 - 1, in);
    assert_true (size > 0);
    fclose (in);
    return text;
}

static void the_shipped_sample_is_what_the_table_makes (void **state)
{
    (void) state;
    char *expected = printed (NULL);
    char *text = read_text (sample);
    if (strcmp (text, expected) != 0)
        fail_msg ("%s is stale: run this test with --write at the top of the tree", sample);
    free (text);
    free (expected);
}

static void every_shipped_file_can_be_loaded (void **state)
{
    (void) state;
    DIR *folder = opendir ("conf");
    assert_non_null (folder);
    int files = 0;
    for (struct dirent *entry; (entry = readdir (folder));) {
        size_t size = strlen (entry->d_name);
        bool others = strcmp (entry->d_name, "advisor.conf") == 0; /* its worker reads it */
        if (others || size < 5 || strcmp (entry->d_name + size - 5, ".conf") != 0)
            continue;
        char path[300];
        plv_conf_t *conf = NULL;
        plv_fail_t fail;
        snprintf (path, sizeof path, "conf/%s", entry->d_name);
        if (plv_conf_load (path, &conf, &fail))
            fail_msg ("%s", fail.text);
        plv_conf_destroy (&conf);
        files++;
    }
    closedir (folder);
    assert_true (files >= 2);
}

static int write_sample (void)
{
    FILE *out = fopen (sample, "w");
    if (!out)
        return 1;
    plv_conf_print_sample (out);
    return fclose (out) ? 1 : 0;
}

int main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (the_defaults_come_back),
        cmocka_unit_test (other_values_come_back_beside_their_defaults),
        cmocka_unit_test (the_sample_changes_nothing),
        cmocka_unit_test (the_shipped_sample_is_what_the_table_makes),
        cmocka_unit_test (every_shipped_file_can_be_loaded),
    };
    if (argc == 2 && strcmp (argv[1], "--write") == 0)
        return write_sample ();
    return cmocka_run_group_tests (tests, NULL, NULL);
}
