/*  What a configuration file may say, and in which words it is refused.  */
#include "base/conf/conf.h"

#include "base/conf/conf_key.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static plv_conf_t *load (const char *text)
{
    plv_conf_t *conf = NULL;
    plv_fail_t fail = {0};
    if (plv_conf_load_text (plv_view_str (text), "p.conf", &conf, &fail))
        fail_msg ("%s", fail.text);
    return conf;
}

static void refused (const char *text, const char *words)
{
    plv_conf_t *conf = (plv_conf_t *) 8;
    plv_fail_t fail = {0};
    assert_int_equal (plv_conf_load_text (plv_view_str (text), "p.conf", &conf, &fail), ERR_CONF);
    assert_int_equal (fail.code, ERR_CONF);
    assert_ptr_equal (conf, (plv_conf_t *) 8);
    assert_string_equal (fail.text, words);
    assert_int_equal (plv_conf_load_text (plv_view_str (text), "p.conf", &conf, NULL), ERR_CONF);
}

static void defaults_are_those_of_the_table (void **state)
{
    (void) state;
    plv_conf_t *conf = NULL;
    assert_int_equal (plv_conf_defaults (&conf, NULL), ERR_OK);
    assert_true (conf->data_sync);
    assert_int_equal (conf->rate_limit_messages, 10);
    assert_int_equal (conf->rate_limit_window_s, 60);
    assert_int_equal (conf->content_rules.count, 3);
    assert_string_equal (conf->content_rules.items[2], "on\\w+\\s*=");
    assert_int_equal (conf->content_platforms.count, 0);
    assert_int_equal (conf->log_level, 1);
    assert_string_equal (conf->file, "");
    assert_string_equal (conf->plugins_raw, "");
    assert_int_equal (conf->route_count, 1);
    assert_string_equal (conf->routes[0].name, "default");
    assert_string_equal (conf->routes[0].service, "advisor");
    assert_int_equal (conf->routes[0].attempts, -1);
    assert_int_equal (conf->routes[0].overlap, OVERLAP_QUEUE);
    plv_conf_destroy (&conf);
    assert_null (conf);
    plv_conf_destroy (&conf);
}

static void every_kind_of_key_can_be_set (void **state)
{
    (void) state;
    plv_conf_t *conf = load ("data = { dir = \"/x\"; sync = FALSE; retain_mb : 4096L, }\n"
                             "// a comment\n"
                             "delivery = { late = \"mark\" };\n"
                             "content = { rules = ( \"a\", \"b\" \"c\" ); platforms = []; };\n"
                             "limits = { pending = 0x10; };\n");
    assert_string_equal (conf->data_dir, "/x");
    assert_false (conf->data_sync);
    assert_int_equal (conf->data_retain_mb, 4096);
    assert_int_equal (conf->delivery_late, LATE_MARK);
    assert_int_equal (conf->content_rules.count, 2);
    assert_string_equal (conf->content_rules.items[1], "bc");
    assert_int_equal (conf->content_platforms.count, 0);
    assert_int_equal (conf->limits_pending, 16);
    assert_string_equal (conf->file, "p.conf");
    assert_string_equal (conf->routes[0].service, "advisor");
    plv_conf_destroy (&conf);
}

static void an_empty_file_is_the_defaults (void **state)
{
    (void) state;
    plv_conf_t *conf = load ("");
    assert_int_equal (conf->route_count, 1);
    plv_conf_destroy (&conf);
    conf = load ("# only a comment, and no newline");
    plv_conf_destroy (&conf);
}

static void unknown_keys_are_refused_with_the_nearest (void **state)
{
    (void) state;
    refused ("\nrate_limit = {\n    mesages = 3;\n};",
             "p.conf:3: rate_limit.mesages: unknown key; did you mean rate_limit.messages?");
    refused ("ratelimit = { messages = 3; };",
             "p.conf:1: ratelimit: unknown key; did you mean rate_limit?");
    refused ("agents = { messages = 3; };",
             "p.conf:1: agents.messages: unknown key; did you mean rate_limit.messages?");
    refused ("messages = 3;", "p.conf:1: messages: unknown key; did you mean rate_limit.messages?");
    refused ("route = ();", "p.conf:1: route: unknown key; did you mean routes?");
    refused ("xyzzy = 1;", "p.conf:1: xyzzy: unknown key");
    refused ("data = { xyzzy = { a = 1; }; };", "p.conf:1: data.xyzzy: unknown key");
}

static void values_of_another_type_are_refused (void **state)
{
    (void) state;
    refused ("rate_limit = { messages = \"ten\"; };",
             "p.conf:1: rate_limit.messages: takes a whole number, not a text");
    refused ("rate_limit = { messages = 1.5; };",
             "p.conf:1: rate_limit.messages: takes a whole number, not a number with a fraction");
    refused ("session = { idle_s = \"10m\"; };",
             "p.conf:1: session.idle_s: takes a whole number of seconds, not a text");
    refused (
        "agents = { heartbeat_ms = 0.5; };",
        "p.conf:1: agents.heartbeat_ms: takes a whole number of milliseconds, not a number with a fraction");
    refused ("rate_limit = { on = 1; };",
             "p.conf:1: rate_limit.on: takes true or false, not a whole number");
    refused ("data = { dir = { }; };",
             "p.conf:1: data.dir: takes a text in double quotes, not a group");
    refused ("log = { level = 1; };",
             "p.conf:1: log.level: takes one of \"debug|info|warn|error\", not a whole number");
    refused ("content = { rules = \"x\"; };",
             "p.conf:1: content.rules: takes a list of texts such as [ \"a\", \"b\" ], not a text");
    refused ("content = { rules = [ \"x\", \"\" ]; };",
             "p.conf:1: content.rules: item 2: an empty text");
    refused ("content = { rules = ( \"x\", 1 ); };",
             "p.conf:1: content.rules: item 2: takes a text in double quotes, not a whole number");
    refused ("data = 1;",
             "p.conf:1: data: takes a group such as { key = value; }, not a whole number");
}

static void ranges_are_named (void **state)
{
    (void) state;
    refused ("rate_limit = {\n messages = 0; };",
             "p.conf:2: rate_limit.messages: 0 is out of range: 1 to 1000000");
    refused ("rate_limit = { messages = -3; };",
             "p.conf:1: rate_limit.messages: -3 is out of range: 1 to 1000000");
    refused ("limits = { pending = 4294967297; };",
             "p.conf:1: limits.pending: 4294967297 is out of range: 1 to 100000000");
    refused ("limits = { pending = 0x100000001; };",
             "p.conf:1: limits.pending: 4294967297 is out of range: 1 to 100000000");
    refused ("limits = { pending = 99999999999999999999; };",
             "p.conf:1: limits.pending: a number that needs more than 64 bits");
}

static bool in_range (const char *path, int64_t value)
{
    char text[200];
    const char *dot = strchr (path, '.');
    plv_conf_t *conf = NULL;
    plv_fail_t fail = {0};
    snprintf (text, sizeof text, "%.*s = { %s = %" PRId64 "; };", (int) (dot - path), path, dot + 1,
              value);
    plv_conf_load_text (plv_view_str (text), "p.conf", &conf, &fail);
    plv_conf_destroy (&conf);
    /*  A bound may break a rule between keys, which is another matter.  */
    return !strstr (fail.text, "out of range");
}

static void every_number_takes_its_bounds_and_no_more (void **state)
{
    (void) state;
    plv_conf_table_t table = plv_conf_table ();
    for (size_t at = 0; at < table.count; at++) {
        const plv_conf_key_t *key = &table.keys[at];
        if (key->kind != KEY_INT)
            continue;
        assert_true (in_range (key->path, key->min) && in_range (key->path, key->max));
        assert_false (in_range (key->path, key->min - 1) || in_range (key->path, key->max + 1));
        assert_in_range (key->standard, key->min, key->max);
    }
}

static void unknown_words_are_refused (void **state)
{
    (void) state;
    refused ("log = { level = \"warning\"; };",
             "p.conf:1: log.level: this word is not one of "
             "\"debug|info|warn|error\"; did you mean \"warn\"?");
    refused ("log = { level = \"loud\"; };",
             "p.conf:1: log.level: this word is not one of \"debug|info|warn|error\"");
    refused ("log = { level = \"\"; };",
             "p.conf:1: log.level: this word is not one of \"debug|info|warn|error\"");
}

static void rules_between_keys_are_checked (void **state)
{
    (void) state;
    refused ("agents = {\n heartbeat_ms = 9000;\n};",
             "p.conf:2: agents.timeout_ms: 10000 is less than 2 times agents.heartbeat_ms, "
             "which makes it at least 18000");
    refused ("agents = { backoff_max_ms = 10; };",
             "p.conf:1: agents.backoff_max_ms: 10 is less than 1 times agents.backoff_ms, "
             "which makes it at least 1000");
    static const char *const wrong[] = {"ipc://x",       "tcp://",     "tcp://:5",
                                        "tcp://a",       "tcp://a:",   "tcp://a:0",
                                        "tcp://a:65536", "tcp://a:5x", "5000"};
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        char text[100];
        snprintf (text, sizeof text, "listen = { agents = \"%s\"; };", wrong[at]);
        refused (
            text,
            "p.conf:1: listen.agents: takes tcp://ADDRESS:PORT, with a port from 1 to 65535, or "
            "nothing");
    }
    refused ("data = { dir = \"~/x\"; };",
             "p.conf:1: data.dir: a leading ~ stands for nothing here: write the path from /");
    refused ("\nlisten = { keys = \"~\"; };",
             "p.conf:2: listen.keys: a leading ~ stands for nothing here: write the path from /");
    plv_conf_t *conf = load ("listen = { agents = \"tcp://[::1]:65535\"; keys = \"a~\"; };");
    plv_conf_destroy (&conf);
}

static void routes_are_read_in_order (void **state)
{
    (void) state;
    plv_conf_t *conf =
        load ("routes = (\n"
              "  { name = \"advice\"; service = \"advisor\"; command = \"/advice\";\n"
              "    overlap = \"merge\"; deadline_ms = 5000; types = [ \"chat.message\" ]; },\n"
              "  { name = \"rest\"; service = \"echo\"; cache = true; on_dead = \"park\"; }\n"
              ");");
    assert_int_equal (conf->route_count, 2);
    assert_string_equal (conf->routes[0].name, "advice");
    assert_int_equal (conf->routes[0].overlap, OVERLAP_MERGE);
    assert_int_equal (conf->routes[0].deadline_ms, 5000);
    assert_int_equal (conf->routes[0].types.count, 1);
    assert_int_equal (conf->routes[0].attempts, -1);
    assert_true (conf->routes[1].cache);
    assert_int_equal (conf->routes[1].on_dead, ON_DEAD_PARK);
    plv_conf_destroy (&conf);
}

static void wrong_routes_are_refused (void **state)
{
    (void) state;
    refused ("routes = ();", "p.conf:1: routes: is empty; leave it out for the one default route");
    refused ("routes = { };",
             "p.conf:1: routes: takes a list such as ( { name = \"...\"; } ), not a group");
    refused (
        "routes = ( 1 );",
        "p.conf:1: routes[0]: a route is a group such as { name = \"...\"; }, not a whole number");
    refused ("routes = (\n{ name = \"a\"; }\n);",
             "p.conf:2: routes[0].service: a route needs a service");
    refused ("routes = ( { service = \"a\"; } );",
             "p.conf:1: routes[0].name: a route needs a name");
    refused ("routes = ( { name = \"a\"; sevice = \"b\"; } );",
             "p.conf:1: routes[0].sevice: unknown key; did you mean service?");
    refused (
        "routes = ( { name = \"a\"; service = \"b\"; },\n { name = \"a\"; service = \"c\"; } );",
        "p.conf:2: routes[1]: routes[0] has the same name");
    refused ("routes = ( { name = \"a\"; service = \"b\"; attempts = -1; } );",
             "p.conf:1: routes[0].attempts: -1 is out of range: 1 to 1000");
    refused ("routes = ( { name = \"a\"; service = "
             "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"; } );",
             "p.conf:1: routes[0].service: longer than 64 bytes");
    char *text = calloc (1, 40 * 300);
    strcpy (text, "routes = ( 0");
    for (int at = 0; at < ROUTES_MAX; at++)
        strcat (text, ", 0");
    refused (strcat (text, " );"), "p.conf:1: routes: more than 256 routes");
    free (text);
}

static void adapters_keep_their_keys_and_their_lines (void **state)
{
    (void) state;
    plv_conf_t *conf = load ("adapters = {\n"
                             "  web = { port = 8080;\n"
                             "          hosts = [ \"a\", \"b\\\"c\" ]; };\n"
                             "\n"
                             "  x = { deep = ( 1, { y = 2.5; } ); big = 5000000000; on = true; };\n"
                             "};\n");
    assert_string_equal (conf->plugins_raw,
                         "\nweb = { port = 8080;\nhosts = [ \"a\", \"b\\\"c\" ];};\n\n"
                         "x = { deep = ( 1, { y = 2.5;} ); big = 5000000000L; on = true;};");
    plv_conf_destroy (&conf);
}

static void gather (void *arg, const char *text)
{
    char *all = arg;
    strcat (strcat (all, text), ";");
}

static void an_adapter_gets_its_own_group_and_no_other (void **state)
{
    (void) state;
    char all[64] = "";
    plv_buf_t out = {0};
    plv_conf_t *conf = load ("adapters = {\n"
                             "  web = { keys = \"env:WEB\"; };\n"
                             "  x = {\n"
                             "    key = \"file:x\";\n"
                             "    deep = ( { y = \"y\"; } ); };\n"
                             "};\n");
    plv_conf_adapter_section (conf->plugins_raw, "x", &out);
    plv_buf_add_u8 (&out, 0);
    assert_string_equal (
        (char *) out.data,
        "adapters = {\n\nx = {\nkey = \"file:x\";\ndeep = ( { y = \"y\";} );}; };\n");
    plv_conf_adapter_texts (conf->plugins_raw, "x", gather, all);
    assert_string_equal (all, "file:x;y;");
    all[0] = 0;
    plv_conf_adapter_names (conf->plugins_raw, gather, all);
    assert_string_equal (all, "web;x;");
    plv_buf_clear (&out);
    plv_conf_adapter_section (conf->plugins_raw, "nobody", &out);
    assert_int_equal (out.size, 0);
    plv_buf_free (&out);
    plv_conf_destroy (&conf);
}

static void wrong_adapters_are_refused (void **state)
{
    (void) state;
    refused ("adapters = 1;",
             "p.conf:1: adapters: takes a group such as { web = { ... }; }, not a whole number");
    refused ("adapters = {\n web = 8080; };",
             "p.conf:2: adapters.web: takes a group such as { key = value; }, not a whole number");
    refused ("adapters = { web = { a = \"\\xff\"; }; };",
             "p.conf:1: adapters.web: the text is not UTF-8");
}

static void files_are_read (void **state)
{
    (void) state;
    char folder[] = "/tmp/palaver-conf-XXXXXX";
    char path[64];
    char words[200];
    plv_conf_t *conf = NULL;
    plv_fail_t fail;
    assert_non_null (mkdtemp (folder));
    snprintf (path, sizeof path, "%s/palaver.conf", folder);
    assert_int_equal (plv_conf_load (path, &conf, &fail), ERR_NOENT);
    snprintf (words, sizeof words, "%s: cannot be read: %s", path, strerror (ENOENT));
    assert_string_equal (fail.text, words);
    assert_int_equal (plv_conf_load (folder, &conf, &fail), ERR_CONF);
    snprintf (words, sizeof words, "%s: cannot be read: not a regular file", folder);
    assert_string_equal (fail.text, words);

    FILE *out = fopen (path, "w");
    fputs ("log = { level = \"debug\"; };\n", out);
    fclose (out);
    assert_int_equal (plv_conf_load (path, &conf, &fail), ERR_OK);
    assert_int_equal (conf->log_level, 0);
    assert_string_equal (conf->file, path);
    plv_conf_destroy (&conf);

    out = fopen (path, "a");
    for (int at = 0; at < 1024 * 1024 / 16; at++)
        fputs ("# sixteen bytes\n", out);
    fclose (out);
    assert_int_equal (plv_conf_load (path, &conf, &fail), ERR_CONF);
    snprintf (words, sizeof words, "%s: larger than 1048576 bytes", path);
    assert_string_equal (fail.text, words);
    unlink (path);
    rmdir (folder);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (defaults_are_those_of_the_table),
        cmocka_unit_test (every_kind_of_key_can_be_set),
        cmocka_unit_test (an_empty_file_is_the_defaults),
        cmocka_unit_test (unknown_keys_are_refused_with_the_nearest),
        cmocka_unit_test (values_of_another_type_are_refused),
        cmocka_unit_test (ranges_are_named),
        cmocka_unit_test (every_number_takes_its_bounds_and_no_more),
        cmocka_unit_test (unknown_words_are_refused),
        cmocka_unit_test (rules_between_keys_are_checked),
        cmocka_unit_test (routes_are_read_in_order),
        cmocka_unit_test (wrong_routes_are_refused),
        cmocka_unit_test (adapters_keep_their_keys_and_their_lines),
        cmocka_unit_test (an_adapter_gets_its_own_group_and_no_other),
        cmocka_unit_test (wrong_adapters_are_refused),
        cmocka_unit_test (files_are_read),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
