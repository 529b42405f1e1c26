/*  Every kind of answer, in the words of Telegram's server, and what is none.  */
#include "telegram/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static outcome_t read_body (uint32_t status, const char *body)
{
    outcome_t outcome;
    pal_answer_t answer = {.ended = PAL_ANSWERED, .status = status, .body = pal_text (body)};
    outcome_read (&outcome, &answer);
    return outcome;
}

static outcome_t read_error (unsigned code, const char *description, const char *parameters)
{
    char body[512];
    snprintf (body, sizeof body, "{\"ok\":false,\"error_code\":%u,\"description\":\"%s\"%s%s}",
              code, description, *parameters ? ",\"parameters\":" : "", parameters);
    return read_body (code, body);
}

static void check_error (unsigned code, const char *description, verdict_t verdict)
{
    outcome_t outcome = read_error (code, description, "");
    if (outcome.verdict != verdict)
        fail_msg ("%u %s: %s", code, description, verdict_name (outcome.verdict));
    assert_null (outcome.result);
    if (verdict != VERDICT_SENT) {
        assert_true (strtoul (outcome.reason, NULL, 10) == code);
        assert_non_null (strstr (outcome.reason, description));
    }
    outcome_free (&outcome);
}

static void errors_have_their_verdict (void **state)
{
    check_error (400, "Bad Request: chat not found", VERDICT_REFUSED);
    check_error (400, "Bad Request: message is too long", VERDICT_REFUSED);
    check_error (400, "Bad Request: can't parse entities: Character '.' is reserved",
                 VERDICT_PLAIN);
    check_error (400, "Bad Request: ENTITY_TEXTURL_INVALID", VERDICT_PLAIN);
    check_error (400, "Bad Request: message is not modified: specified new", VERDICT_SENT);
    check_error (400, "Bad Request: message to be replied not found", VERDICT_ALONE);
    check_error (400, "Bad Request: message thread not found", VERDICT_TOPIC);
    check_error (400, "Bad Request: inline keyboard button URL 'entity' is invalid: Wrong HTTP URL",
                 VERDICT_BARE);
    check_error (400, "Bad Request: BUTTON_DATA_INVALID", VERDICT_BARE);
    check_error (400, "Bad Request: message to edit not found", VERDICT_GONE);
    check_error (400, "Bad Request: query is too old and response timeout expired", VERDICT_GONE);
    check_error (400, "Logged out", VERDICT_TOKEN);
    check_error (401, "Unauthorized", VERDICT_TOKEN);
    check_error (403, "Forbidden: bot was blocked by the user", VERDICT_REFUSED);
    check_error (403, "Forbidden: bot was kicked from the group chat", VERDICT_REFUSED);
    check_error (404, "Not Found", VERDICT_TOKEN);
    check_error (404, "Not Found: method not found", VERDICT_REFUSED);
    check_error (409, "Conflict: terminated by other getUpdates request", VERDICT_RIVAL);
    check_error (409, "Conflict: can't use getUpdates method while webhook is active",
                 VERDICT_WEBHOOK);
    check_error (409, "Conflict: terminated by setWebhook request", VERDICT_WEBHOOK);
    check_error (413, "Request Entity Too Large", VERDICT_REFUSED);
    check_error (429, "Too Many Requests: retry after 5", VERDICT_NOT_SENT);
    check_error (500, "Internal Server Error", VERDICT_UNKNOWN);
    check_error (418, "what is new", VERDICT_REFUSED);
    (void) state;
}

static void waits_and_new_ids_are_read (void **state)
{
    outcome_t outcome = read_error (429, "Too Many Requests", "{\"retry_after\":35}");
    assert_int_equal (outcome.retry_after_ms, 35000);
    outcome_free (&outcome);
    outcome = read_error (429, "Too Many Requests", "{\"retry_after\":99999999999}");
    assert_int_equal (outcome.retry_after_ms, 24 * 3600 * 1000);
    outcome_free (&outcome);
    outcome = read_error (400, "Bad Request: group chat was upgraded to a supergroup chat",
                          "{\"migrate_to_chat_id\":-1001234567890}");
    assert_int_equal (outcome.verdict, VERDICT_MIGRATE);
    assert_true (outcome.migrate_to == -1001234567890);
    outcome_free (&outcome);
    (void) state;
}

static void what_was_sent_has_a_result (void **state)
{
    outcome_t outcome = read_body (200, "{\"ok\":true,\"result\":{\"message_id\":42,\"date\":1}}");
    assert_int_equal (outcome.verdict, VERDICT_SENT);
    assert_int_equal (outcome.message_id, 42);
    assert_string_equal (outcome.reason, "");
    outcome_free (&outcome);
    outcome = read_body (200, "{\"ok\":true,\"result\":[{\"update_id\":1}]}");
    assert_int_equal (json_array_size (outcome.result), 1);
    assert_int_equal (outcome.message_id, 0);
    outcome_free (&outcome);
    (void) state;
}

/*  Between us and the Bot API there are proxies, and captive portals.  */
static void what_is_no_answer_is_unknown_or_by_its_status (void **state)
{
    const char *odd[] = {"",       "{",    "[]", "{\"ok\":true}", "{\"ok\":1,\"result\":1}",
                         "<html>", "\"x\""};
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        outcome_t outcome = read_body (200, odd[at]);
        assert_int_equal (outcome.verdict, VERDICT_UNKNOWN);
        outcome_free (&outcome);
    }
    const struct {
        unsigned status;
        verdict_t verdict;
    } plain[] = {{502, VERDICT_UNKNOWN},  {504, VERDICT_UNKNOWN},  {429, VERDICT_NOT_SENT},
                 {302, VERDICT_NOT_SENT}, {404, VERDICT_TOKEN},    {403, VERDICT_REFUSED},
                 {0, VERDICT_UNKNOWN},    {99999, VERDICT_UNKNOWN}};
    for (size_t at = 0; at < sizeof plain / sizeof *plain; at++) {
        outcome_t outcome = read_body (plain[at].status, "<html>");
        assert_int_equal (outcome.verdict, plain[at].verdict);
        outcome_free (&outcome);
    }
    (void) state;
}

/*  What is no UTF-8 would reach nobody.  */
static void a_long_reason_is_cut_between_two_characters (void **state)
{
    char description[300];
    (void) state;
    for (size_t pad = 0; pad < 4; pad++) {
        memset (description, 'x', pad);
        for (size_t at = pad; at + 4 < sizeof description; at += 4)
            memcpy (description + at, "\xf0\x9f\x91\x8d", 5);
        outcome_t outcome = read_error (403, description, "");
        size_t size = strlen (outcome.reason);
        assert_in_range (size, OUTCOME_REASON_BYTES - 4, OUTCOME_REASON_BYTES - 1);
        assert_int_equal ((size - strlen ("403 ") - pad) % 4, 0);
        outcome_free (&outcome);
    }
}

static void a_line_that_broke_is_told_apart (void **state)
{
    outcome_t outcome;
    pal_answer_t answer = {
        .ended = PAL_UNSENT, .reason = pal_text ("no address"), .retry_after_ms = 700};
    outcome_read (&outcome, &answer);
    assert_int_equal (outcome.verdict, VERDICT_NOT_SENT);
    assert_int_equal (outcome.retry_after_ms, 700);
    assert_string_equal (outcome.reason, "no address");
    answer.ended = PAL_LOST;
    outcome_read (&outcome, &answer);
    assert_int_equal (outcome.verdict, VERDICT_UNKNOWN);
    outcome_free (&outcome);
    (void) state;
}

static void each_verdict_ends_a_delivery (void **state)
{
    assert_int_equal (verdict_end (VERDICT_SENT), PAL_SENT);
    assert_int_equal (verdict_end (VERDICT_MIGRATE), PAL_NOT_SENT);
    assert_int_equal (verdict_end (VERDICT_PLAIN), PAL_REFUSED);
    assert_int_equal (verdict_end (VERDICT_UNKNOWN), PAL_UNKNOWN);
    assert_string_equal (verdict_name (VERDICT_RIVAL), "RIVAL");
    (void) state;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (errors_have_their_verdict),
        cmocka_unit_test (waits_and_new_ids_are_read),
        cmocka_unit_test (what_was_sent_has_a_result),
        cmocka_unit_test (what_is_no_answer_is_unknown_or_by_its_status),
        cmocka_unit_test (a_long_reason_is_cut_between_two_characters),
        cmocka_unit_test (a_line_that_broke_is_told_apart),
        cmocka_unit_test (each_verdict_ends_a_delivery),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
