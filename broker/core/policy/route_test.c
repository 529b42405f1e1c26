#include "core/policy/route.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { GLOBS = 200000 };

static plv_conf_t conf_of (plv_conf_route_t *routes, size_t count)
{
    return (plv_conf_t){
        .routes = routes,
        .route_count = count,
        .agents_deadline_ms = 120000,
        .agents_attempts = 5,
        .delivery_not_after_s = 3600,
        .content_match_limit = 10000,
    };
}

static plv_conf_route_t route_named (char *name)
{
    return (plv_conf_route_t){.name = name,
                              .service = "advisor",
                              .platform = "",
                              .session = "",
                              .command = "",
                              .pattern = "",
                              .deadline_ms = -1,
                              .attempts = -1,
                              .not_after_s = -1};
}

static plv_envelope_t event_of (plv_event_type_t type, const char *platform, const char *session)
{
    return (plv_envelope_t){.type_code = type,
                            .platform = plv_view_str (platform),
                            .session_id = plv_view_str (session)};
}

/*  Does a table of this one route match?  */
static bool matches (plv_conf_route_t route, const plv_envelope_t *event, const char *text)
{
    plv_conf_t conf = conf_of (&route, 1);
    route_table_t *table = NULL;
    plv_fail_t fail;
    assert_int_equal (route_table_new (&conf, &table, &fail), ERR_OK);
    int index = route_match (table, event, plv_view_str (text));
    route_table_destroy (&table);
    assert_null (table);
    return index == 0;
}

static bool commands (char *command, const char *text)
{
    plv_envelope_t event = event_of (EVENT_CHAT_MESSAGE, "web", "web_1");
    plv_conf_route_t route = route_named ("r");
    route.command = command;
    return matches (route, &event, text);
}

static void test_types (void **state)
{
    (void) state;
    char *types[] = {"chat.reaction", "delivery.receipt"};
    plv_conf_route_t route = route_named ("r");
    for (int type = EVENT_UNKNOWN; type <= EVENT_DELIVERY_RECEIPT; type++) {
        plv_envelope_t event = event_of ((plv_event_type_t) type, "web", "web_1");
        route.types = (plv_conf_list_t){0};
        assert_int_equal (matches (route, &event, ""), type == EVENT_CHAT_MESSAGE
                                                           || type == EVENT_CHAT_ACTION
                                                           || type == EVENT_CHAT_EDIT);
        route.types = (plv_conf_list_t){.items = types, .count = 2};
        assert_int_equal (matches (route, &event, ""),
                          type == EVENT_CHAT_REACTION || type == EVENT_DELIVERY_RECEIPT);
    }
}

static void test_platform_and_session (void **state)
{
    (void) state;
    plv_envelope_t event = event_of (EVENT_CHAT_MESSAGE, "telegram", "telegram_42");
    plv_conf_route_t route = route_named ("r");
    route.platform = "telegram";
    route.session = "telegram_4*";
    assert_true (matches (route, &event, ""));
    route.session = "telegram_5*";
    assert_false (matches (route, &event, ""));
    route.session = "*";
    route.platform = "telegra";
    assert_false (matches (route, &event, ""));
    route.platform = NULL; /* a conf made by hand may have no text at all */
    route.session = NULL;
    assert_true (matches (route, &event, ""));
}

static void test_commands (void **state)
{
    (void) state;
    assert_true (commands ("/recommend", "/recommend"));
    assert_true (commands ("/recommend", "/recommend an ETF"));
    assert_true (commands ("/recommend", "  /Recommend\nan ETF"));
    assert_true (commands ("/recommend", "/recommend@palaver_bot an ETF"));
    assert_false (commands ("/recommend", "/recommendation"));
    assert_false (commands ("/recommend", "/recom"));
    assert_false (commands ("/recommend", "please /recommend"));
    assert_false (commands ("/recommend", ""));
    assert_false (commands ("/recommend", "   "));
    assert_true (commands ("/épargne", "/ÉPARGNE\xc2\xa0moi"));
}

static void test_patterns (void **state)
{
    (void) state;
    plv_envelope_t event = event_of (EVENT_CHAT_MESSAGE, "web", "web_1");
    plv_conf_route_t route = route_named ("r");
    route.pattern = "\\b(stocks?|bonds?)\\b";
    assert_true (matches (route, &event, "What about BONDS?"));
    assert_false (matches (route, &event, "James Bondage"));
    assert_false (matches (route, &event, ""));
    route.pattern = "(a+)+$"; /* at its limit it does not match */
    assert_false (matches (route, &event, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void test_the_first_route_that_matches_wins (void **state)
{
    (void) state;
    plv_conf_route_t routes[] = {route_named ("a"), route_named ("b"), route_named ("c")};
    routes[0].platform = "slack";
    routes[1].pattern = "etf";
    plv_conf_t conf = conf_of (routes, 3);
    route_table_t *table = NULL;
    assert_int_equal (route_table_new (&conf, &table, NULL), ERR_OK);
    plv_envelope_t slack = event_of (EVENT_CHAT_MESSAGE, "slack", "s");
    plv_envelope_t web = event_of (EVENT_CHAT_MESSAGE, "web", "w");
    plv_envelope_t typing = event_of (EVENT_CHAT_TYPING, "web", "w");
    assert_int_equal (route_match (table, &slack, plv_view_str ("etf")), 0);
    assert_int_equal (route_match (table, &web, plv_view_str ("ETF")), 1);
    assert_int_equal (route_match (table, &web, plv_view_str ("bond")), 2);
    assert_int_equal (route_match (table, &typing, plv_view_str ("bond")), -1);
    assert_int_equal (route_count (table), 3);
    assert_int_equal (route_find (table, plv_view_str ("b")), 1);
    assert_int_equal (route_find (table, plv_view_str ("d")), -1);
    route_table_destroy (&table);
    conf.route_count = 0;
    assert_int_equal (route_table_new (&conf, &table, NULL), ERR_OK);
    assert_int_equal (route_match (table, &web, plv_view_str ("bond")), -1);
    route_table_destroy (&table);
}

static void test_terms_come_from_the_route_or_from_the_common_keys (void **state)
{
    (void) state;
    plv_conf_route_t routes[] = {route_named ("common"), route_named ("own")};
    routes[1].deadline_ms = 250;
    routes[1].attempts = 2;
    routes[1].not_after_s = 7;
    routes[1].overlap = OVERLAP_INTERRUPT;
    routes[1].on_dead = ON_DEAD_PARK;
    routes[1].cache = true;
    plv_conf_t conf = conf_of (routes, 2);
    route_table_t *table = NULL;
    assert_int_equal (route_table_new (&conf, &table, NULL), ERR_OK);
    const route_t *common = route_get (table, 0), *own = route_get (table, 1);
    assert_string_equal (common->name, "common");
    assert_string_equal (common->service, "advisor");
    assert_int_equal (common->deadline_us, 120000000);
    assert_int_equal (common->attempts, 5);
    assert_int_equal (common->not_after_us, 3600000000);
    assert_int_equal (common->overlap, OVERLAP_QUEUE);
    assert_int_equal (common->on_dead, ON_DEAD_SKIP);
    assert_false (common->cache);
    assert_int_equal (own->deadline_us, 250000);
    assert_int_equal (own->attempts, 2);
    assert_int_equal (own->not_after_us, 7000000);
    assert_int_equal (own->overlap, OVERLAP_INTERRUPT);
    assert_int_equal (own->on_dead, ON_DEAD_PARK);
    assert_true (own->cache);
    route_table_destroy (&table);
}

static void assert_refused (plv_conf_route_t bad, const char *text)
{
    plv_conf_route_t routes[] = {route_named ("good"), bad};
    plv_conf_t conf = conf_of (routes, 2);
    route_table_t *table = NULL;
    plv_fail_t fail = {0};
    assert_int_equal (route_table_new (&conf, &table, &fail), ERR_CONF);
    assert_null (table);
    assert_string_equal (fail.text, text);
}

static void test_a_bad_route_is_refused_by_name (void **state)
{
    (void) state;
    char *types[] = {"chat.message", "chat.massage"};
    plv_conf_route_t route = route_named ("bad");
    route.pattern = "a[";
    assert_refused (route, "routes[1] (bad): pattern: a[: missing terminating ] for character "
                           "class at offset 2");
    route = route_named ("bad");
    route.types = (plv_conf_list_t){.items = types, .count = 2};
    assert_refused (route, "routes[1] (bad): types: there is no event type chat.massage");
    types[1] = "chat.typing";
    assert_refused (
        route,
        "routes[1] (bad): types: chat.typing does not come to a route: it is passed on live");
    types[1] = "chat.response";
    assert_refused (
        route,
        "routes[1] (bad): types: chat.response does not come to a route: it is what agents answer");
    route = route_named ("bad");
    route.service = "";
    assert_refused (route, "routes[1] (bad): service: a route needs one");
    assert_refused (route_named (NULL), "routes[1] (): name: a route needs one");
    assert_refused (route_named ("good"), "routes[1] (good): name: another route has it");
}

static void test_there_may_not_be_too_many (void **state)
{
    (void) state;
    plv_conf_route_t *routes = calloc (ROUTES_MAX + 1, sizeof *routes);
    char (*names)[16] = calloc (ROUTES_MAX + 1, sizeof *names);
    for (int i = 0; i <= ROUTES_MAX; i++) {
        snprintf (names[i], sizeof names[i], "r%d", i);
        routes[i] = route_named (names[i]);
    }
    plv_conf_t conf = conf_of (routes, ROUTES_MAX);
    route_table_t *table = NULL;
    assert_int_equal (route_table_new (&conf, &table, NULL), ERR_OK);
    route_table_destroy (&table);
    conf.route_count++;
    assert_int_equal (route_table_new (&conf, &table, NULL), ERR_CONF);
    free (names);
    free (routes);
}

/*  The definition, word for word, and exponential.  */
static bool glob_model (const char *glob, const char *text)
{
    if (!*glob)
        return !*text;
    if (*glob == '*')
        return glob_model (glob + 1, text) || (*text && glob_model (glob, text + 1));
    return *text && (*glob == '?' || *glob == *text) && glob_model (glob + 1, text + 1);
}

static void random_text (plv_rng_t *rng, const char *letters, char *ret_text)
{
    uint64_t size = plv_rng_below (rng, 10);
    for (uint64_t i = 0; i < size; i++)
        ret_text[i] = letters[plv_rng_below (rng, strlen (letters))];
    ret_text[size] = '\0';
}

static void test_globs (void **state)
{
    (void) state;
    plv_rng_t rng = plv_rng_seed (9);
    char glob[16], text[16];
    int yes = 0;
    for (int i = 0; i < GLOBS; i++) {
        random_text (&rng, "ab**?", glob);
        random_text (&rng, "ab", text);
        bool expected = glob_model (glob, text);
        assert_int_equal (route_glob (glob, plv_view_str (text)), expected);
        yes += expected;
    }
    assert_in_range (yes, GLOBS / 20, GLOBS - GLOBS / 20);
    assert_true (route_glob ("h?llo*", plv_view_str ("hällo welt")));
    assert_true (route_glob ("*?", plv_view_str ("€")));
    assert_false (route_glob ("??", plv_view_str ("€")));
    assert_true (route_glob ("*ß?c", plv_view_str ("ßßbßac")));
    assert_false (route_glob ("a", plv_view_str ("A")));
    assert_true (route_glob ("", plv_view (NULL, 0)));
    assert_true (route_glob ("a*", plv_view ("a\0b", 3)));
    assert_false (route_glob ("a", plv_view ("a\0", 2)));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_types),
        cmocka_unit_test (test_platform_and_session),
        cmocka_unit_test (test_commands),
        cmocka_unit_test (test_patterns),
        cmocka_unit_test (test_the_first_route_that_matches_wins),
        cmocka_unit_test (test_terms_come_from_the_route_or_from_the_common_keys),
        cmocka_unit_test (test_a_bad_route_is_refused_by_name),
        cmocka_unit_test (test_there_may_not_be_too_many),
        cmocka_unit_test (test_globs),
    };
    return cmocka_run_group_tests_name ("route", tests, NULL, NULL);
}
