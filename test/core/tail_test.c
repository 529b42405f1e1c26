/*  What a tool is shown as it happens, and what a slow one costs.  */

#include "fixture.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

static fixture_t *start (void)
{
    fixture_t *fx =
        fx_new ("agents = { heartbeat_ms = 1000; timeout_ms = 5000; backoff_ms = 100; };"
                " rate_limit = { on = false; }; data = { reflect_s = 1; };"
                " limits = { session_queue = 10000; };");
    fx->check_recovery = true;
    return fx;
}

/*  The next part: it must have these lines, by their `what`, with a blank behind each.  */
static plv_view_t expect_lines (fixture_t *fx, uint32_t tool, const char *whats)
{
    plv_frame_t frame = fx_expect (fx, tool, VERB_RESULT);
    plv_view_t body = frame.arg[3].bytes;
    char found[256] = "";
    size_t used = 0;
    assert_true (frame.arg[1].number);
    assert_true (plv_mp_valid (body, MP_MAP));
    for (uint32_t i = 0; i < fx_items (body, "items") && used < sizeof found; i++) {
        plv_view_t what = plv_mp_find_str (fx_item (body, "items", i), "what");
        used += (size_t) snprintf (found + used, sizeof found - used, PLV_VIEW_FMT " ",
                                   PLV_VIEW_ARG (what));
    }
    assert_string_equal (found, whats);
    return body;
}

static void tail (fixture_t *fx, uint32_t tool, const char *key, const char *text)
{
    fx_control (fx, tool, "tail", key, 0, text);
    expect_lines (fx, tool, "");
}

static bool says (plv_view_t body, uint32_t index, const char *key, const char *text)
{
    return plv_view_is (plv_mp_find_str (fx_item (body, "items", index), key), text);
}

static void test_the_life_of_an_event (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    tail (fx, tool, NULL, NULL);
    fx_say (fx, web, "web_1", "hello");
    plv_view_t body = expect_lines (fx, tool, "accepted dispatched ");
    assert_true (says (body, 0, "session_id", "web_1") && says (body, 0, "type", "chat.message"));
    assert_true (says (body, 0, "user_id", "u"));
    assert_memory_equal (plv_mp_find_str (fx_item (body, "items", 1), "who").data, "w ", 2);
    assert_true (says (body, 0, "text", ""));
    fx_nack (fx, worker, fx_job (fx, worker), false, "llm_unavailable");
    body = expect_lines (fx, tool, "failed ");
    assert_true (says (body, 0, "how", "nack") && says (body, 0, "code", "llm_unavailable"));
    fx_time (fx, 1000);
    expect_lines (fx, tool, "dispatched ");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    body = expect_lines (fx, tool, "answered delivering ");
    assert_int_equal (fx_number (fx_item (body, "items", 0), "age_ms"), 1000);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    body = expect_lines (fx, tool, "delivered ");
    assert_true (says (body, 0, "type", "chat.response"));
    fx_control (fx, tool, "tail.end", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 0);
    fx_say (fx, web, "web_1", "nobody sees this");
    fx_expect_nothing (fx, tool);
    fx_control (fx, tool, "tail.end", NULL, 0, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_destroy (&fx);
}

static void test_dead_letters (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    uint32_t other = fx_tool (fx);
    tail (fx, tool, NULL, NULL);
    fx_say (fx, web, "web_1", "hello");
    expect_lines (fx, tool, "accepted dispatched ");
    fx_nack (fx, worker, fx_job (fx, worker), true, "data_unavailable");
    plv_view_t body = expect_lines (fx, tool, "dead delivering ");
    assert_true (says (body, 0, "reason", "permanent") && says (body, 0, "how", "nack_final"));
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    expect_lines (fx, tool, "delivered ");
    fx_control (fx, other, "dead.replay", "numbers", 1, NULL);
    body = expect_lines (fx, tool, "replayed dispatched ");
    assert_true (says (body, 0, "session_id", "web_1"));
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_nack (fx, worker, fx_job (fx, worker), true, "data_unavailable");
    expect_lines (fx, tool, "dead ");
    fx_control (fx, other, "dead.discard", "numbers", 1, NULL);
    body = expect_lines (fx, tool, "discarded ");
    assert_true (says (body, 0, "session_id", "web_1") && says (body, 0, "platform", "web"));
    fx_destroy (&fx);
}

static void test_filters (void **state)
{
    static const struct {
        const char *key, *one, *other;
    } filters[] = {
        {"session", "web_1", "web_2"},
        {"platform", "web", "slack"},
        {"user", "u", "v"},
        {"adapter", "web", "slack"},
        {"type", "chat.message", "chat.edit"},
        {"what", "accepted", "dead"},
    };
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        uint32_t tool = fx_tool (fx), other = fx_tool (fx);
        tail (fx, tool, filters[i].key, filters[i].one);
        tail (fx, other, filters[i].key, filters[i].other);
        fx_say (fx, web, "web_1", "hello");
        expect_lines (fx, tool, "accepted ");
        fx_expect_nothing (fx, other);
        fx_gone (fx, tool);
        fx_bye (fx, other);
    }
    fx_destroy (&fx);
}

/*  An id is that of the message, and the answers to it are told of, too.  */
static void test_by_id (void **state)
{
    fixture_t *fx = start ();
    char id[PLV_ID_TEXT_BYTES];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx), all = fx_tool (fx);
    tail (fx, all, NULL, NULL);
    fx_say (fx, web, "web_1", "hello");
    plv_view_t text =
        plv_mp_find_str (fx_item (expect_lines (fx, all, "accepted "), "items", 0), "id");
    snprintf (id, sizeof id, PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    fx_control (fx, tool, "tail", "id", 0, "not an id");
    fx_expect_result (fx, tool, "ARG");
    tail (fx, tool, "id", id);
    fx_time (fx, 1000); /* the next one has another id */
    fx_say (fx, web, "web_2", "another");
    uint32_t worker = fx_worker (fx, 1);
    expect_lines (fx, tool, "dispatched ");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    plv_view_t body = expect_lines (fx, tool, "answered delivering ");
    assert_true (says (body, 1, "reply_to", id));
    fx_destroy (&fx);
}

static void test_texts_are_masked (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    plv_buf_t *buf = fx_control_begin (fx, "tail", 1);
    plv_mp_put_text (buf, "texts");
    plv_mp_put_bool (buf, true);
    fx_send (fx, tool, FROM_TOOL);
    expect_lines (fx, tool, "");
    fx_say (fx, web, "web_1", "my password: hunter2");
    assert_true (says (expect_lines (fx, tool, "accepted "), 0, "text", "my password: ********"));
    char text[3 * TAIL_TEXT_BYTES_MAX];
    memset (text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    fx_say (fx, web, "web_1", text);
    plv_view_t body = expect_lines (fx, tool, "accepted ");
    assert_int_equal (plv_mp_find_str (fx_item (body, "items", 0), "text").size,
                      TAIL_TEXT_BYTES_MAX);
    fx_destroy (&fx);
}

static uint32_t lines_until_gap (fixture_t *fx, uint32_t tool, uint64_t *ret_lost)
{
    uint32_t lines = 0;
    do {
        plv_view_t body = fx_expect (fx, tool, VERB_RESULT).arg[3].bytes;
        lines += fx_items (body, "items");
        *ret_lost = fx_number (body, "lost");
        if (lines >= TAIL_UNREAD_LINES_MAX)
            fx_control (fx, tool, "tail.read", "lines", TAIL_UNREAD_LINES_MAX, NULL);
    } while (*ret_lost == 0);
    return lines;
}

/*  What is not read waits up to a bound; the rest is counted, and the tail goes on behind the gap.  */
static void test_a_slow_tail (void **state)
{
    enum { EVENTS = TAIL_UNREAD_LINES_MAX + TAIL_LINES_MAX + 100 };
    fixture_t *fx = start ();
    uint64_t lost;
    (void) state;
    fx->check_recovery = false;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    tail (fx, tool, NULL, NULL);
    for (int i = 0; i < EVENTS; i++)
        fx_say (fx, web, "web_1", "hello");
    uint32_t lines = 0;
    for (; lines < TAIL_UNREAD_LINES_MAX;)
        lines += fx_items (fx_expect (fx, tool, VERB_RESULT).arg[3].bytes, "items");
    assert_int_equal (lines, TAIL_UNREAD_LINES_MAX);
    fx_expect_nothing (fx, tool);
    fx_control (fx, tool, "tail.read", "lines", TAIL_UNREAD_LINES_MAX, NULL);
    lines += lines_until_gap (fx, tool, &lost);
    assert_true (lost > 0 && lines + lost == EVENTS);
    fx_control (fx, tool, "tail.read", "lines", EVENTS, NULL);
    fx_say (fx, web, "web_1", "hello");
    expect_lines (fx, tool, "accepted ");
    fx_destroy (&fx);
}

static void test_only_so_many (void **state)
{
    fixture_t *fx = start ();
    (void) state;
    for (int i = 0; i < TAILS_MAX; i++)
        tail (fx, fx_tool (fx), NULL, NULL);
    uint32_t tool = fx_tool (fx), web = fx_adapter (fx, "web");
    fx_control (fx, tool, "tail", NULL, 0, NULL);
    fx_expect_result (fx, tool, "FULL");
    fx_control (fx, web, "tail", NULL, 0, NULL);
    fx_expect_result (fx, web, "AUTH");
    fx_restart (fx);
    tool = fx_tool (fx);
    tail (fx, tool, NULL, NULL);
    fx_control (fx, tool, "tail", NULL, 0, NULL);
    fx_expect_result (fx, tool, "EXISTS");
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_life_of_an_event),
        cmocka_unit_test (test_dead_letters),
        cmocka_unit_test (test_filters),
        cmocka_unit_test (test_by_id),
        cmocka_unit_test (test_texts_are_masked),
        cmocka_unit_test (test_a_slow_tail),
        cmocka_unit_test (test_only_so_many),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
