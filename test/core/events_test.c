/*  What has been, out of the journal: one event on its way, and pages of past traffic.  */

#include "base/limits.h"
#include "fixture.h"

#include <stdio.h>

static fixture_t *start (const char *more)
{
    char conf[FX_CONF_BYTES];
    snprintf (conf, sizeof conf,
              "agents = { heartbeat_ms = 1000; timeout_ms = 5000; backoff_ms = 100; };"
              " rate_limit = { on = false; }; data = { reflect_s = 1; };%s",
              more);
    return fx_new (conf);
}

static plv_view_t show (fixture_t *fx, uint32_t tool, const char *key, uint64_t number,
                        const char *id)
{
    fx_control (fx, tool, "events.show", key, number, id);
    return fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
}

/*  The names of all stations, with blanks between them.  */
static void check_hops (plv_view_t event, const char *expected)
{
    char words[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < fx_items (event, "hops"); i++) {
        plv_view_t hop = plv_mp_find_str (fx_item (event, "hops", i), "hop");
        used += (size_t) snprintf (words + used, sizeof words - used, "%s" PLV_VIEW_FMT,
                                   used ? " " : "", PLV_VIEW_ARG (hop));
    }
    assert_string_equal (words, expected);
}

static void check_text (plv_view_t map, const char *key, const char *expected)
{
    plv_view_t text = plv_mp_find_str (map, key);
    char found[256];
    snprintf (found, sizeof found, PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    assert_string_equal (found, expected);
}

static void copy_text (plv_view_t map, const char *key, char into[PLV_ID_TEXT_BYTES])
{
    plv_view_t text = plv_mp_find_str (map, key);
    snprintf (into, PLV_ID_TEXT_BYTES, PLV_VIEW_FMT, PLV_VIEW_ARG (text));
}

/*  Said, answered and delivered, with a moment between.  */
static void round_trip (fixture_t *fx, uint32_t web, uint32_t worker, const char *session,
                        const char *text)
{
    fx_say (fx, web, session, text);
    fx_time (fx, 20);
    fx_reply (fx, worker, fx_job (fx, worker), "an answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_time (fx, 5);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, 1);
}

static void test_the_way_of_one_event (void **state)
{
    fixture_t *fx = start ("");
    char id[PLV_ID_TEXT_BYTES], reply[PLV_ID_TEXT_BYTES];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    round_trip (fx, web, worker, "web_1", "what is an ETF?");
    round_trip (fx, web, worker, "web_2", "and a bond?");
    plv_view_t event = show (fx, tool, "number", 1, NULL);
    check_hops (event, "accepted dispatched stored answered delivering stored delivered settled");
    check_text (event, "outcome", "delivered");
    check_text (event, "session_id", "web_1");
    check_text (event, "service", "advisor");
    check_text (fx_item (event, "hops", 1), "who", "w 1.0 pid 42");
    check_text (fx_item (event, "hops", 6), "platform_id", "m1");
    assert_int_equal (fx_number (event, "attempts"), 1);
    assert_int_equal (fx_number (event, "answered_us") - fx_number (event, "accepted_us"), 20000);
    copy_text (event, "id", id);
    copy_text (event, "reply_id", reply);
    check_hops (show (fx, tool, "id", 0, id),
                "accepted dispatched stored answered delivering stored delivered settled");
    event = show (fx, tool, "id", 0, reply);
    check_text (event, "id", id);
    assert_int_equal (fx_number (show (fx, tool, "number", 2, NULL), "number"), 1);
    fx_control (fx, tool, "events.show", "number", 99, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "events.show", "id", 0, "018f0000-0000-7000-8000-000000000000");
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "events.show", "id", 0, "no id");
    fx_expect_result (fx, tool, "ARG");
    fx_control (fx, tool, "events.show", NULL, 0, NULL);
    fx_expect_result (fx, tool, "ARG");
    fx_destroy (&fx);
}

/*  Attempts that fail, a saved step, a delivery that is refused.  */
static void test_what_went_wrong_on_the_way (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    fx_nack (fx, worker, fx_job (fx, worker), false, "timeout");
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_view_t event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "pending");
    check_hops (event, "accepted dispatched stored ended stored");
    check_text (fx_item (event, "hops", 3), "how", "nack");
    check_text (fx_item (event, "hops", 3), "code", "timeout");
    fx_time (fx, 1000);
    uint64_t lease = fx_job (fx, worker);
    fx_step_save (fx, worker, lease, "price", 3);
    fx_expect (fx, worker, VERB_STEP_SAVED);
    fx_reply (fx, worker, lease, "an answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "refused", 0);
    event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "dead");
    check_hops (event, "accepted dispatched stored ended stored dispatched stored step stored "
                       "answered delivering stored dead settled");
    check_text (fx_item (event, "hops", 7), "step", "price");
    check_text (fx_item (event, "hops", 12), "how", "refused");
    fx_destroy (&fx);
}

static void replay (fixture_t *fx, uint32_t tool, const char *command, uint64_t number)
{
    plv_buf_t *buf = fx_control_begin (fx, command, 2);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, 1);
    plv_mp_put_u64 (buf, number);
    fx_put_text (buf, "who", "ann");
    fx_send (fx, tool, FROM_TOOL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
}

static void test_a_letter_that_is_sent_again (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    plv_view_t event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "dead");
    check_hops (event, "accepted dispatched stored dead delivering settled delivered settled");
    replay (fx, tool, "dead.replay", 1);
    fx_reply (fx, worker, fx_job (fx, worker), "at last");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    round_trip (fx, web, worker, "web_2", "later");
    event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "delivered");
    assert_int_equal (fx_number (event, "attempts"), 2);
    check_hops (event, "accepted dispatched stored dead delivering settled delivered settled "
                       "sent_again dispatched stored answered delivering stored delivered settled");
    check_text (fx_item (event, "hops", 8), "who", "ann");
    fx_destroy (&fx);
}

static void test_a_letter_that_is_thrown_away (void **state)
{
    fixture_t *fx = start ("fallback = { general_error = \"\"; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    replay (fx, tool, "dead.discard", 1);
    round_trip (fx, web, worker, "web_2", "later");
    plv_view_t event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "discarded");
    check_hops (event, "accepted dispatched stored dead settled discarded settled");
    fx_destroy (&fx);
}

enum { EVENTS = 2500 };

static uint64_t list_page (fixture_t *fx, uint32_t tool, uint64_t after, uint64_t limit,
                           const char *key, const char *value, plv_view_t *ret_body)
{
    plv_buf_t *buf = fx_control_begin (fx, "events.list", 2 + (key != NULL));
    fx_put_number (buf, "after", after);
    fx_put_number (buf, "limit", limit);
    if (key)
        fx_put_text (buf, key, value);
    fx_send (fx, tool, FROM_TOOL);
    *ret_body = fx_expect_result (fx, tool, "ok");
    plv_mp_t next;
    after = 0;
    assert_true (plv_mp_find (*ret_body, "next", &next));
    plv_mp_u64 (&next, &after);
    return after;
}

static unsigned count_events (fixture_t *fx, uint32_t tool, const char *key, const char *value)
{
    unsigned seen = 0;
    uint64_t after = 0, last = 0;
    do {
        plv_view_t body;
        after = list_page (fx, tool, after, 90, key, value, &body);
        for (uint32_t i = 0; i < fx_items (body, "items"); i++, seen++) {
            uint64_t number = fx_number (fx_item (body, "items", i), "number");
            assert_true (number > last);
            last = number;
        }
    } while (after);
    return seen;
}

/*  All of them, each once and in order, however they are asked for.  */
static void test_pages_of_traffic (void **state)
{
    fixture_t *fx = start ("");
    char session[16], id[PLV_ID_TEXT_BYTES] = "";
    plv_view_t body;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    for (int i = 0; i < EVENTS; i++) {
        snprintf (session, sizeof session, "web_%d", i % 10);
        round_trip (fx, web, worker, session, "hello");
        fx_forget (fx, worker);
        fx_forget (fx, web);
        fx_forget (fx, tool);
    }
    tool = fx_tool (fx);
    assert_int_equal (count_events (fx, tool, NULL, NULL), EVENTS);
    assert_int_equal (count_events (fx, tool, "outcome", "delivered"), EVENTS);
    assert_int_equal (count_events (fx, tool, "outcome", "pending"), 0);
    assert_int_equal (count_events (fx, tool, "session", "web_3"), EVENTS / 10);
    assert_int_equal (count_events (fx, tool, "platform", "web"), EVENTS);
    assert_int_equal (count_events (fx, tool, "user", "v"), 0);
    assert_int_equal (count_events (fx, tool, "type", "chat.action"), 0);
    for (uint64_t number = 1; number < 2 * EVENTS; number += 2 * EVENTS / 16 * 2) {
        plv_view_t event = show (fx, tool, "number", number, NULL);
        assert_int_equal (fx_number (event, "number"), number);
        copy_text (event, "id", id);
        assert_int_equal (fx_number (show (fx, tool, "id", 0, id), "number"), number);
    }
    list_page (fx, tool, 2 * EVENTS - 4, 1000, NULL, NULL, &body);
    assert_int_equal (fx_items (body, "items"), 2);
    fx_destroy (&fx);
}

/*  Few among many are found by one way through the journal: a page is not used up by what is not asked for.  */
/*  What is over is in no other place than the journal, and nothing of it is there yet.  */
static void test_what_is_being_written_is_waited_for (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "what is an ETF?");
    fx_reply (fx, worker, fx_job (fx, worker), "an answer");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx->busy = true;
    fx_delivered (fx, web, delivery, "sent", 0);
    fx_control (fx, tool, "events.list", NULL, 0, NULL);
    fx_control (fx, tool, "events.show", "number", 1, NULL);
    fx_time (fx, 20);
    fx_expect_nothing (fx, tool);
    fx->busy = false;
    fx_time (fx, 20);
    fx_time (fx, 20);
    check_text (fx_item (fx_expect_result (fx, tool, "ok"), "items", 0), "outcome", "delivered");
    check_text (fx_item (fx_expect_result (fx, tool, "ok"), "items", 0), "outcome", "delivered");
    fx_destroy (&fx);
}

static void test_pages_by_outcome (void **state)
{
    enum { FEW = 60, EACH = 13 };
    fixture_t *fx =
        start (" fallback = { general_error = \"\"; }; breaker = { threshold = 1000; };");
    char session[16];
    plv_view_t body;
    unsigned dead = 0;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    for (int i = 1; i <= FEW; i++) {
        snprintf (session, sizeof session, "web_%d", i);
        if (i % EACH) {
            round_trip (fx, web, worker, session, "hello");
            continue;
        }
        fx_say (fx, web, session, "bad");
        fx_nack (fx, worker, fx_job (fx, worker), true, "never");
        fx_expect (fx, worker, VERB_COMMITTED);
        dead++;
    }
    assert_int_equal (list_page (fx, tool, 0, dead + 1, "outcome", "dead", &body), 0);
    assert_int_equal (fx_items (body, "items"), dead);
    uint64_t first = fx_number (fx_item (body, "items", 0), "number");
    check_text (fx_item (body, "items", dead - 1), "outcome", "dead");
    uint64_t next = list_page (fx, tool, 0, 2, "outcome", "dead", &body);
    assert_int_equal (fx_items (body, "items"), 2);
    assert_true (next >= fx_number (fx_item (body, "items", 1), "number"));
    assert_int_equal (count_events (fx, tool, "outcome", "dead"), dead);
    assert_int_equal (count_events (fx, tool, "outcome", "delivered"), FEW - dead);
    /* one that is sent again is no dead letter any more, and one that is done is delivered */
    replay (fx, tool, "dead.replay", first);
    assert_int_equal (count_events (fx, tool, "outcome", "dead"), dead - 1);
    assert_int_equal (count_events (fx, tool, "outcome", "pending"), 1);
    fx_reply (fx, worker, fx_job (fx, worker), "at last");
    fx_expect (fx, worker, VERB_COMMITTED);
    assert_int_equal (count_events (fx, tool, "outcome", "delivering"), 1);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    assert_int_equal (count_events (fx, tool, "outcome", "delivered"), FEW - dead + 1);
    fx_destroy (&fx);
}

static uint32_t count_between (fixture_t *fx, uint32_t tool, int64_t since_us, int64_t until_us)
{
    plv_buf_t *buf = fx_control_begin (fx, "events.list", 3);
    fx_put_number (buf, "since_us", (uint64_t) since_us);
    fx_put_number (buf, "until_us", (uint64_t) until_us);
    fx_put_number (buf, "limit", 1000);
    fx_send (fx, tool, FROM_TOOL);
    return fx_items (fx_expect_result (fx, tool, "ok"), "items");
}

static void test_a_span_of_time (void **state)
{
    fixture_t *fx = start ("");
    int64_t at_us[201];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    for (int i = 0; i < 200; i++) {
        at_us[i] = fx->now.wall_us;
        round_trip (fx, web, worker, "web_1", "hello");
        fx_forget (fx, worker);
        fx_forget (fx, web);
    }
    at_us[200] = fx->now.wall_us;
    uint32_t tool = fx_tool (fx);
    assert_int_equal (count_between (fx, tool, at_us[0], at_us[200]), 200);
    assert_int_equal (count_between (fx, tool, at_us[50], at_us[120]), 70);
    assert_int_equal (count_between (fx, tool, at_us[199], at_us[200]), 1);
    assert_int_equal (count_between (fx, tool, at_us[10] + 1, at_us[11] + 1), 1);
    assert_int_equal (count_between (fx, tool, at_us[10] + 1, at_us[11]), 0);
    assert_int_equal (count_between (fx, tool, at_us[200], at_us[200] + 1), 0);
    assert_int_equal (count_between (fx, tool, 0, 1), 0);
    fx_destroy (&fx);
}

static plv_view_t list_whole (fixture_t *fx, uint32_t tool, const char *session)
{
    plv_buf_t *buf = fx_control_begin (fx, "events.list", 2);
    plv_mp_put_text (buf, "whole");
    plv_mp_put_bool (buf, true);
    plv_mp_put_text (buf, "sessions");
    plv_mp_put_array (buf, 2);
    plv_mp_put_text (buf, session);
    plv_mp_put_text (buf, "web_none");
    fx_send (fx, tool, FROM_TOOL);
    return fx_expect_result (fx, tool, "ok");
}

static void test_with_texts_and_the_ends_of_sessions (void **state)
{
    fixture_t *fx = start ("session = { idle_s = 10; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    round_trip (fx, web, worker, "web_1", "what is an ETF?");
    round_trip (fx, web, worker, "web_2", "and a bond?");
    fx_control (fx, tool, "sessions.end", "session", 0, "web_1");
    fx_expect_result (fx, tool, "ok");
    round_trip (fx, web, worker, "web_1", "again");
    plv_view_t body = list_whole (fx, tool, "web_1");
    assert_int_equal (fx_items (body, "items"), 2);
    assert_int_equal (fx_items (body, "ends"), 1);
    plv_view_t first = fx_item (body, "items", 0), end = fx_item (body, "ends", 0);
    plv_mp_t text;
    plv_view_t raw;
    assert_true (plv_mp_find (first, "body", &text) && plv_mp_skip (&text, &raw));
    check_text (raw, "message_text", "what is an ETF?");
    assert_true (plv_mp_find (first, "answer", &text) && plv_mp_skip (&text, &raw));
    check_text (raw, "response_text", "an answer");
    check_text (first, "who", "w 1.0 pid 42");
    check_text (end, "session_id", "web_1");
    assert_true (fx_number (end, "at_us") > fx_number (first, "settled_us"));
    assert_true (fx_number (end, "at_us") <= fx_number (fx_item (body, "items", 1), "accepted_us"));
    fx_destroy (&fx);
}

enum { ENDED = 3000, ENDED_ROUNDS = 5 };

/*  Sessions with names as long as may be, that end together.  */
static void end_many (fixture_t *fx, uint32_t web, int first, int count)
{
    char session[KEY_BYTES_MAX + 1];
    for (int i = 0; i < count; i++) {
        snprintf (session, sizeof session, "web_%0250d", first + i);
        fx_say (fx, web, session, "nobody wants it");
        fx_forget (fx, web);
    }
    fx_time (fx, 11000);
    fx_forget (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
}

/*  A page of what nobody has said; true: there is another one.  */
static bool list_nobody (fixture_t *fx, uint32_t tool, uint64_t *after, uint64_t *position,
                         uint32_t *ends)
{
    plv_mp_t next;
    plv_buf_t *buf = fx_control_begin (fx, "events.list", 4);
    plv_mp_pair_bool (buf, "whole", true);
    fx_put_text (buf, "user", "nobody");
    fx_put_number (buf, "after", *after);
    fx_put_number (buf, "position", *position);
    fx_send (fx, tool, FROM_TOOL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_true (body.size < FRAME_BYTES_MAX);
    assert_int_equal (fx_items (body, "items"), 0);
    *ends += fx_items (body, "ends");
    *position = fx_number (body, "position");
    return plv_mp_find (body, "next", &next) && plv_mp_u64 (&next, after);
}

/*  A page has an end also when it finds no event, and none of the sessions' ends is left out or told twice.  */
static void test_more_ends_than_a_page_has_room_for (void **state)
{
    fixture_t *fx = start ("session = { idle_s = 10; }; fallback = { general_error = \"\"; };"
                           "routes = ( { name = \"r\"; service = \"s\"; platform = \"none\"; } );");
    uint64_t after = 0, position = 0;
    uint32_t ends = 0, pages = 1;
    (void) state;
    for (int round = 0; round < ENDED_ROUNDS; round++)
        end_many (fx, fx_adapter (fx, "web"), round * ENDED, ENDED);
    uint32_t tool = fx_tool (fx);
    while (list_nobody (fx, tool, &after, &position, &ends))
        pages++;
    assert_true (pages > 1);
    assert_int_equal (ends, ENDED * ENDED_ROUNDS);
    fx_destroy (&fx);
}

enum { LARGE = 999000, REMOVED = 4000, ENDED_BEFORE = 5400 };

/*  An event, its answer and what that changes in the session, each as large as may be.  */
static void say_much (fixture_t *fx, uint32_t web, uint32_t worker)
{
    char *text = malloc (LARGE + 1), key[KEY_BYTES_MAX + 1];
    plv_buf_t body = {0}, patch = {0};
    assert_non_null (text);
    memset (text, 'x', LARGE);
    text[LARGE] = '\0';
    fx_publish (fx, web, 7, &(fx_event_t){.session = "web_large", .text = text, .user = "large"});
    fx_expect (fx, web, VERB_STORED);
    uint64_t lease = fx_job (fx, worker);
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "response_text", text);
    plv_mp_put_map (&patch, REMOVED);
    for (int i = 0; i < REMOVED; i++) {
        snprintf (key, sizeof key, "%0250d", i);
        plv_mp_put_text (&patch, key);
        plv_mp_put_nil (&patch);
    }
    plv_buf_t *buf = fx_begin (fx, VERB_REPLY);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, "state");
    plv_mp_put_bin (buf, plv_buf_view (&patch));
    fx_send (fx, worker, FROM_WORKER);
    fx_expect (fx, worker, VERB_COMMITTED);
    plv_buf_free (&body);
    plv_buf_free (&patch);
    free (text);
}

/*  Pages of the large event alone; how many have it, and how many ends.  */
static void list_large (fixture_t *fx, uint32_t tool, uint32_t *ret_items, uint32_t *ret_ends)
{
    plv_mp_t next;
    plv_view_t body;
    uint64_t after = 0, position = 0;
    *ret_items = *ret_ends = 0;
    do {
        plv_buf_t *buf = fx_control_begin (fx, "events.list", 4);
        plv_mp_pair_bool (buf, "whole", true);
        fx_put_text (buf, "user", "large");
        fx_put_number (buf, "after", after);
        fx_put_number (buf, "position", position);
        fx_send (fx, tool, FROM_TOOL);
        body = fx_expect_result (fx, tool, "ok");
        assert_true (body.size < FRAME_BYTES_MAX - 1024);
        *ret_items += fx_items (body, "items");
        *ret_ends += fx_items (body, "ends");
        position = fx_number (body, "position");
    } while (plv_mp_find (body, "next", &next) && plv_mp_u64 (&next, &after));
}

/*  An answer is never larger than a frame.  */
static void test_a_large_event_behind_many_ends (void **state)
{
    fixture_t *fx =
        start ("session = { idle_s = 10; }; fallback = { general_error = \"\"; };"
               " limits = { body_kb = 1024; }; content = { chars = 1000000; rules = []; };"
               "routes = ( { name = \"r\"; service = \"advisor\"; platform = \"web\";"
               " session = \"web_large\"; } );");
    uint32_t items, ends;
    (void) state;
    end_many (fx, fx_adapter (fx, "web"), 0, ENDED_BEFORE);
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    say_much (fx, web, worker);
    list_large (fx, tool, &items, &ends);
    assert_int_equal (items, 1);
    assert_int_equal (ends, ENDED_BEFORE);
    fx_destroy (&fx);
}

/*  What waits is found too, also when the journal has forgotten how it came.  */
static void test_what_the_journal_has_forgotten (void **state)
{
    fixture_t *fx = start ("");
    char id[PLV_ID_TEXT_BYTES];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    round_trip (fx, web, worker, "web_2", "two");
    fx_bye (fx, worker);
    fx_say (fx, web, "web_3", "three");
    fx_time (fx, 2000);
    fx_time (fx, 2000);
    copy_text (show (fx, tool, "number", 5, NULL), "id", id);
    fx_drop (fx, core_reflected (fx->core));
    fx_say (fx, web, "web_4", "four");
    fx_control (fx, tool, "events.show", "number", 3, NULL);
    fx_expect_result (fx, tool, "NOENT");
    plv_view_t event = show (fx, tool, "number", 1, NULL);
    check_text (event, "outcome", "dead");
    check_hops (event, "accepted dispatched ended dead");
    event = show (fx, tool, "id", 0, id);
    check_text (event, "outcome", "pending");
    check_hops (event, "accepted");
    check_text (event, "session_id", "web_3");
    fx_destroy (&fx);
}

/*  The disk cannot be read: that is no "there is none".  */
static void test_a_journal_that_cannot_be_read (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    round_trip (fx, web, worker, "web_1", "one");
    plv_buf_t *buf = fx_control_begin (fx, "events.list", 0);
    plv_frame_end (buf, fx->mark);
    input_t input = {.type = INPUT_PACKET,
                     .now = fx->now,
                     .peer = tool,
                     .allowed = FROM_TOOL,
                     .bytes = plv_buf_view (buf)};
    core_step (fx->core, &input, &fx->effects);
    assert_int_equal (fx->effects.scan_count, 1);
    assert_true (fx->effects.scans[0].journal);
    uint64_t token = fx->effects.scans[0].token;
    effects_clear_prompt (&fx->effects);
    fx_input (fx, (input_t){.type = INPUT_ROWS,
                            .token = token,
                            .fail = plv_view_str ("the disk cannot be read")});
    check_text (fx_expect_result (fx, tool, "IO"), "text", "the disk cannot be read");
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_the_way_of_one_event),
        cmocka_unit_test (test_what_is_being_written_is_waited_for),
        cmocka_unit_test (test_what_went_wrong_on_the_way),
        cmocka_unit_test (test_a_letter_that_is_sent_again),
        cmocka_unit_test (test_a_letter_that_is_thrown_away),
        cmocka_unit_test (test_pages_of_traffic),
        cmocka_unit_test (test_pages_by_outcome),
        cmocka_unit_test (test_a_span_of_time),
        cmocka_unit_test (test_with_texts_and_the_ends_of_sessions),
        cmocka_unit_test (test_more_ends_than_a_page_has_room_for),
        cmocka_unit_test (test_a_large_event_behind_many_ends),
        cmocka_unit_test (test_what_the_journal_has_forgotten),
        cmocka_unit_test (test_a_journal_that_cannot_be_read),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
