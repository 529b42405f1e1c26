#include "sdk/fake_host.h"
#include "sdk/fake_host_net.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const pal_adapter_t palaver_adapter;

#define TOKEN "123456789:AAtoken"
#define ME "{\"ok\":true,\"result\":{\"id\":123456789,\"username\":\"test_bot\"}}"
#define OK "{\"ok\":true,\"result\":true}"
#define SENT "{\"ok\":true,\"result\":{\"message_id\":77}}"
#define UPDATE_OF(id, chat, text)                                                                  \
    "{\"update_id\":" #id ",\"message\":{\"message_id\":" #id ",\"date\":1700000000,"              \
    "\"from\":{\"id\":" #chat ",\"is_bot\":false},\"chat\":{\"id\":" #chat                         \
    ",\"type\":\"private\"},\"text\":\"" text "\"}}"

static fake_host_t *host_with (const char *key, const char *value)
{
    fake_host_t *host = fake_host_new (&palaver_adapter);
    fake_host_set_text (host, "token", TOKEN "\n");
    fake_host_set_text (host, "ai_notice", "");
    if (key)
        fake_host_set_text (host, key, value);
    return host;
}

/*  The newest request; it must be of this method.  */
static size_t newest (fake_host_t *host, const char *method)
{
    size_t at = fake_host_requests (host) - 1;
    const char *url = fake_host_sent (host, at)->url;
    char expected[128];
    snprintf (expected, sizeof expected, "https://api.telegram.org/bot" TOKEN "/%s", method);
    assert_string_equal (url, expected);
    return at;
}

static void answer (fake_host_t *host, const char *method, unsigned status, const char *body)
{
    fake_host_answer_request (host, newest (host, method), PAL_ANSWERED, status, NULL, body);
}

static fake_host_t *polling (void)
{
    fake_host_t *host = host_with (NULL, NULL);
    fake_host_set_connected (host, true);
    assert_int_equal (fake_host_open (host), 0);
    fake_host_advance (host, 1);
    answer (host, "getMe", 200, ME);
    answer (host, "deleteWebhook", 200, OK);
    newest (host, "getUpdates");
    return host;
}

/* ------------------------------------------------------------------ conf */

static void check_refused (const char *key, const char *value, const char *words)
{
    fake_host_t *host = host_with (key, value);
    assert_int_not_equal (fake_host_open (host), 0);
    assert_non_null (strstr (fake_host_failure (host), words));
    assert_null (strstr (fake_host_failure (host), "AAtoken"));
    fake_host_destroy (&host);
}

static void refuses_conf_that_cannot_be_right (void **state)
{
    (void) state;
    check_refused ("token", "AAtoken", "token");
    check_refused ("token", "1:a/../b", "token");
    check_refused ("api_root", "api.telegram.org", "api_root");
    check_refused ("mode", "push", "mode");
    check_refused ("mode", "webhook", "webhook_url");
    check_refused ("quote", "sometimes", "quote");
    check_refused ("allow", "1 ann", "allow");
    check_refused ("deny", "0", "deny");
}

static void waits_for_a_token (void **state)
{
    fake_host_t *host = host_with ("token", "");
    (void) state;
    fake_host_set_connected (host, true);
    assert_int_equal (fake_host_open (host), 0);
    fake_host_advance (host, 100000);
    assert_int_equal (fake_host_requests (host), 0);
    assert_non_null (strstr (fake_host_trouble (host), "@BotFather"));
    fake_host_deliver (host, 5, "42", NULL, "an answer");
    assert_int_equal (fake_host_outcome (host, 5).outcome, PAL_NOT_SENT);
    fake_host_destroy (&host);
}

/* ------------------------------------------------------------------ updates */

static void asks_again_only_when_all_is_stored (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200,
            "{\"ok\":true,\"result\":[" UPDATE_OF (12, 7, "second") "," UPDATE_OF (
                11, 7, "first") "," UPDATE_OF (13, 8, "other") "]}");
    size_t asked = fake_host_requests (host);
    /*  Within a chat one after the other, in the order of their numbers.  */
    assert_int_equal (fake_host_events (host), 2);
    assert_string_equal (fake_host_event (host, 0)->message_text, "first");
    assert_string_equal (fake_host_event (host, 0)->platform_id, "123456789:7:11");
    assert_string_equal (fake_host_event (host, 1)->message_text, "other");
    fake_host_stored (host, 1);
    fake_host_busy (host, 0, 3000, "full");
    fake_host_advance (host, 2900);
    assert_int_equal (fake_host_events (host), 2);
    fake_host_advance (host, 200);
    assert_int_equal (fake_host_events (host), 3);
    assert_string_equal (fake_host_event (host, 2)->message_text, "first");
    fake_host_stored (host, 2);
    assert_string_equal (fake_host_event (host, 3)->message_text, "second");
    for (size_t at = asked; at < fake_host_requests (host); at++)
        assert_null (strstr (fake_host_sent (host, at)->url, "getUpdates"));
    fake_host_rejected (host, 3, "never");
    fake_host_advance (host, 1);
    assert_non_null (
        strstr (fake_host_sent (host, fake_host_requests (host) - 1)->body, "\"offset\":14"));
    fake_host_destroy (&host);
}

/*  By the id that it has now, and by the one that it had.  */
static void denies_a_group_that_has_moved (void **state)
{
    static const char *const ids[] = {"-2001", "-10099"};
    (void) state;
    for (size_t at = 0; at < 2; at++) {
        fake_host_t *host = host_with ("deny", ids[at]);
        fake_host_set_kv (host, "move/-2001", "-10099");
        fake_host_set_connected (host, true);
        assert_int_equal (fake_host_open (host), 0);
        fake_host_advance (host, 1);
        answer (host, "getMe", 200, ME);
        answer (host, "deleteWebhook", 200, OK);
        answer (host, "getUpdates", 200,
                "{\"ok\":true,\"result\":[{\"update_id\":1,\"message\":{\"message_id\":1,"
                "\"date\":1700000000,\"from\":{\"id\":7},\"text\":\"/ask\",\"chat\":{\"id\":-10099,"
                "\"type\":\"supergroup\"},\"entities\":[{\"type\":\"bot_command\",\"offset\":0,"
                "\"length\":4}]}}]}");
        assert_int_equal (fake_host_events (host), 0);
        fake_host_destroy (&host);
    }
}

static void check_offset (fake_host_t *host, const char *expected)
{
    fake_host_advance (host, 1);
    assert_non_null (strstr (fake_host_sent (host, newest (host, "getUpdates"))->body, expected));
}

/*  After a week without any, Telegram begins anew at a random number; another server counts for itself.  */
static void confirms_numbers_that_begin_anew (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[" UPDATE_OF (100, 7, "one") "]}");
    fake_host_stored (host, 0);
    check_offset (host, "\"offset\":101");
    answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[" UPDATE_OF (5, 7, "two") "]}");
    fake_host_stored (host, 1);
    check_offset (host, "\"offset\":6");
    fake_host_destroy (&host);
}

static void does_not_hurry_after_what_cannot_be_confirmed (void **state)
{
    fake_host_t *host = polling ();
    size_t asked = 0;
    (void) state;
    for (int times = 0; times < 3; times++) { /* the first wait may be none */
        fake_host_advance (host, 5000);
        answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[{\"message\":{}}]}");
        asked = fake_host_requests (host);
    }
    assert_non_null (strstr (fake_host_trouble (host), "no updates from Telegram: 200"));
    fake_host_advance (host, 100);
    assert_int_equal (fake_host_requests (host), asked);
    fake_host_advance (host, 5000);
    check_offset (host, "\"timeout\":3");
    fake_host_destroy (&host);
}

/*  A server of one's own may answer with JSON that names nobody.  */
static void does_not_hurry_after_a_bot_without_a_number (void **state)
{
    fake_host_t *host = host_with (NULL, NULL);
    (void) state;
    fake_host_set_connected (host, true);
    assert_int_equal (fake_host_open (host), 0);
    for (int times = 0; times < 3; times++) { /* the first wait may be none */
        fake_host_advance (host, 5000);
        answer (host, "getMe", 200, "{\"ok\":true,\"result\":{\"username\":\"test_bot\"}}");
    }
    size_t asked = fake_host_requests (host);
    assert_non_null (strstr (fake_host_trouble (host), "getMe"));
    fake_host_advance (host, 100);
    assert_int_equal (fake_host_requests (host), asked);
    fake_host_advance (host, 60000);
    answer (host, "getMe", 200, ME);
    answer (host, "deleteWebhook", 200, OK);
    newest (host, "getUpdates");
    fake_host_destroy (&host);
}

/*  A number beyond which there is none would be followed by a negative one, which drops what waits.  */
static void confirms_no_number_without_a_next_one (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200,
            "{\"ok\":true,\"result\":[" UPDATE_OF (9223372036854775807, 7, "last") "]}");
    assert_int_equal (fake_host_events (host), 0);
    assert_non_null (strstr (fake_host_trouble (host), "no updates from Telegram: 200"));
    fake_host_advance (host, 5000);
    assert_null (strstr (fake_host_sent (host, newest (host, "getUpdates"))->body, "offset"));
    fake_host_destroy (&host);
}

static void does_not_hurry_after_nothing_at_once (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[]}");
    size_t asked = fake_host_requests (host);
    fake_host_advance (host, 900);
    assert_int_equal (fake_host_requests (host), asked);
    fake_host_advance (host, 200);
    check_offset (host, "\"timeout\":50");
    fake_host_advance (host, 50000);
    answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[]}");
    assert_int_equal (fake_host_requests (host), asked + 2);
    fake_host_destroy (&host);
}

static void check_trouble (unsigned status, const char *description, const char *words)
{
    fake_host_t *host = polling ();
    char body[256];
    snprintf (body, sizeof body, "{\"ok\":false,\"error_code\":%u,\"description\":\"%s\"}", status,
              description);
    answer (host, "getUpdates", status, body);
    assert_non_null (strstr (fake_host_trouble (host), words));
    fake_host_advance (host, 120000);
    answer (host, "getUpdates", 200, "{\"ok\":true,\"result\":[]}");
    assert_string_equal (fake_host_trouble (host), "");
    fake_host_destroy (&host);
}

static void tells_what_is_wrong (void **state)
{
    (void) state;
    check_trouble (409, "Conflict: terminated by other getUpdates request", "another process");
    check_trouble (409, "Conflict: can't use getUpdates method while webhook is active", "webhook");
    check_trouble (401, "Unauthorized", "token");
    check_trouble (502, "Bad Gateway", "no updates");
}

/*  Telegram's limits are those of a method: getUpdates, setWebhook and the like have theirs.  */
static void sends_while_updates_are_asked_for_too_often (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (
        host, "getUpdates", 429,
        "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 50\","
        "\"parameters\":{\"retry_after\":50}}");
    fake_host_deliver (host, 5, "42", NULL, "an answer");
    answer (host, "sendMessage", 200, SENT);
    assert_int_equal (fake_host_outcome (host, 5).outcome, PAL_SENT);
    size_t asked = fake_host_requests (host);
    fake_host_advance (host, 49000);
    assert_int_equal (fake_host_requests (host), asked);
    fake_host_advance (host, 2000);
    newest (host, "getUpdates");
    fake_host_destroy (&host);
}

static const char *secret_of (fake_host_t *host)
{
    static char secret[128];
    json_t *params = json_loads (fake_host_sent (host, newest (host, "setWebhook"))->body, 0, NULL);
    snprintf (secret, sizeof secret, "x-telegram-bot-api-secret-token: %s\n",
              json_string_value (json_object_get (params, "secret_token")));
    json_decref (params);
    return secret;
}

/*  Its connection was there before another process took over.  */
static void takes_updates_of_the_webhook_while_it_drains (void **state)
{
    fake_host_t *host = host_with ("mode", "webhook");
    (void) state;
    fake_host_set_text (host, "webhook_url", "https://bot.example.org/hook");
    fake_host_set_connected (host, true);
    assert_int_equal (fake_host_open (host), 0);
    fake_host_advance (host, 1);
    answer (host, "getMe", 200, ME);
    fake_host_advance (host, 1);
    const char *secret = secret_of (host);
    answer (host, "setWebhook", 200, OK);
    fake_host_drain (host);
    uint64_t call = fake_host_request (host, "POST", "/hook", secret, UPDATE_OF (11, 7, "late"));
    assert_int_equal (fake_host_events (host), 1);
    assert_int_equal (fake_host_response (host, call).status, 0);
    fake_host_stored (host, 0);
    assert_int_equal (fake_host_response (host, call).status, 200);
    fake_host_destroy (&host);
}

/* ------------------------------------------------------------------ answers */

static void check_outcome (pal_ended_t ended, unsigned status, const char *body,
                           pal_outcome_t outcome)
{
    fake_host_t *host = polling ();
    fake_host_deliver (host, 5, "42", NULL, "an *answer*");
    size_t at = newest (host, "sendMessage");
    assert_string_equal (fake_host_sent (host, at)->body,
                         "{\"chat_id\":42,\"text\":\"an <i>answer</i>\",\"parse_mode\":\"HTML\"}");
    fake_host_answer_request (host, at, ended, status, NULL, body);
    assert_int_equal (fake_host_outcome (host, 5).times, 1);
    assert_int_equal (fake_host_outcome (host, 5).outcome, outcome);
    if (outcome == PAL_SENT)
        assert_string_equal (fake_host_outcome (host, 5).platform_id, "123456789:42:77");
    fake_host_destroy (&host);
}

static void ends_each_delivery (void **state)
{
    (void) state;
    check_outcome (PAL_ANSWERED, 200, SENT, PAL_SENT);
    check_outcome (PAL_ANSWERED, 200, "what", PAL_UNKNOWN);
    check_outcome (PAL_LOST, 0, "reset", PAL_UNKNOWN);
    check_outcome (PAL_UNSENT, 0, "refused", PAL_NOT_SENT);
    check_outcome (PAL_ANSWERED, 502, "<html>", PAL_UNKNOWN);
    check_outcome (
        PAL_ANSWERED, 403,
        "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: bot was blocked\"}",
        PAL_REFUSED);
    check_outcome (PAL_ANSWERED, 401,
                   "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}",
                   PAL_NOT_SENT);
    check_outcome (PAL_ANSWERED, 429,
                   "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\","
                   "\"parameters\":{\"retry_after\":100}}",
                   PAL_NOT_SENT);
}

static void says_why (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    fake_host_deliver (host, 5, "42", NULL, "an answer");
    answer (host, "sendMessage", 403,
            "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: bot was blocked\"}");
    assert_string_equal (fake_host_outcome (host, 5).reason, "403 Forbidden: bot was blocked");
    static const char *const blanks[] = {" ", "\u00a0", "\u3000 \u200b\n\n`\ufeff`",
                                         "[\u2003](https://a.example) \U000e0041"};
    for (uint64_t at = 0; at < sizeof blanks / sizeof *blanks; at++) {
        fake_host_deliver (host, 6 + at, "42", NULL, blanks[at]);
        assert_string_equal (fake_host_outcome (host, 6 + at).reason,
                             "there is nothing in it that can be shown");
    }
    fake_host_destroy (&host);
}

static void refuses_what_is_no_chat (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    fake_host_deliver (host, 5, "somewhere", NULL, "an answer");
    assert_int_equal (fake_host_outcome (host, 5).outcome, PAL_REFUSED);
    fake_host_destroy (&host);
}

static void says_the_notice_when_the_broker_does_not_know (void **state)
{
    fake_host_t *host = host_with ("ai_notice", "A machine.");
    (void) state;
    fake_host_set_connected (host, true);
    fake_host_open (host);
    fake_host_advance (host, 1);
    answer (host, "getMe", 200, ME);
    fake_host_set_kv (host, "noticed/43", "1");
    fake_host_deliver (host, 5, "42", NULL, "one");
    fake_host_advance (host, 1);
    assert_non_null (strstr (fake_host_sent (host, newest (host, "sendMessage"))->body,
                             "<i>A machine.</i>\\n\\none"));
    answer (host, "sendMessage", 200, SENT);
    fake_host_advance (host, 1);
    assert_non_null (fake_host_kv (host, "noticed/42"));
    fake_host_deliver (host, 6, "43", NULL, "two");
    fake_host_advance (host, 1);
    assert_null (strstr (fake_host_sent (host, newest (host, "sendMessage"))->body, "A machine."));
    fake_host_destroy (&host);
}

/*  Which parts were sent is not known: from the first one on they would come twice.  */
static void sends_no_part_when_it_cannot_read_which_are_sent (void **state)
{
    fake_host_t *host = polling ();
    char text[6000];
    (void) state;
    memset (text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    size_t asked = fake_host_requests (host);
    fake_host_fail_kv (host, "BUSY");
    fake_host_deliver (host, 5, "42", NULL, text);
    fake_host_advance (host, 1);
    assert_int_equal (fake_host_requests (host), asked);
    assert_int_equal (fake_host_outcome (host, 5).outcome, PAL_NOT_SENT);
    assert_non_null (strstr (fake_host_outcome (host, 5).reason, "BUSY"));
    fake_host_destroy (&host);
}

#define START(id, chat)                                                                            \
    "{\"update_id\":" #id ",\"message\":{\"message_id\":" #id ",\"date\":1700000000,"              \
    "\"from\":{\"id\":" #chat ",\"is_bot\":false},\"chat\":{\"id\":" #chat                         \
    ",\"type\":\"private\"},\"text\":\"/start\",\"entities\":[{\"type\":\"bot_command\","          \
    "\"offset\":0,\"length\":6}]}}"

static void ends_with_greetings_under_way (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200,
            "{\"ok\":true,\"result\":[" START (11, 7) "," START (12, 8) "]}");
    fake_host_advance (host, 1);
    newest (host, "sendMessage");
    fake_host_destroy (&host);
}

static void ends_with_everything_under_way (void **state)
{
    fake_host_t *host = polling ();
    (void) state;
    answer (host, "getUpdates", 200,
            "{\"ok\":true,\"result\":[" UPDATE_OF (11, 7, "first") "," UPDATE_OF (12, 7,
                                                                                  "second") "]}");
    fake_host_stored (host, 0);
    fake_host_deliver (host, 5, "42", NULL, "on its way");
    fake_host_set_kv_delay (host, 1000);
    fake_host_deliver (host, 6, "-42", NULL, "waits");
    fake_host_drain (host);
    fake_host_close (host);
    assert_int_equal (fake_host_requests_open (host), 0);
    fake_host_destroy (&host);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (refuses_conf_that_cannot_be_right),
        cmocka_unit_test (waits_for_a_token),
        cmocka_unit_test (asks_again_only_when_all_is_stored),
        cmocka_unit_test (denies_a_group_that_has_moved),
        cmocka_unit_test (confirms_numbers_that_begin_anew),
        cmocka_unit_test (does_not_hurry_after_what_cannot_be_confirmed),
        cmocka_unit_test (does_not_hurry_after_a_bot_without_a_number),
        cmocka_unit_test (confirms_no_number_without_a_next_one),
        cmocka_unit_test (does_not_hurry_after_nothing_at_once),
        cmocka_unit_test (tells_what_is_wrong),
        cmocka_unit_test (sends_while_updates_are_asked_for_too_often),
        cmocka_unit_test (takes_updates_of_the_webhook_while_it_drains),
        cmocka_unit_test (ends_each_delivery),
        cmocka_unit_test (says_why),
        cmocka_unit_test (refuses_what_is_no_chat),
        cmocka_unit_test (says_the_notice_when_the_broker_does_not_know),
        cmocka_unit_test (sends_no_part_when_it_cannot_read_which_are_sent),
        cmocka_unit_test (ends_with_greetings_under_way),
        cmocka_unit_test (ends_with_everything_under_way),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
