/*  What adapters and tools ask the broker: CONTROL commands and their answers.  */

#include "fixture.h"

#include <stdio.h>

static fixture_t *start (const char *more)
{
    char conf[FX_CONF_BYTES];
    snprintf (conf, sizeof conf,
              "agents = { heartbeat_ms = 1000; timeout_ms = 5000; backoff_ms = 100; };"
              " rate_limit = { on = false; }; data = { reflect_s = 1; };%s",
              more);
    fixture_t *fx = fx_new (conf);
    fx->check_recovery = true;
    return fx;
}

static void kv (fixture_t *fx, uint32_t peer, const char *command, const char *key,
                const char *value, const char *adapter)
{
    char name[16];
    snprintf (name, sizeof name, "kv.%s", command);
    plv_buf_t *buf =
        fx_control_begin (fx, name, (key ? 1 : 0) + (value ? 1 : 0) + (adapter ? 1 : 0));
    if (key)
        fx_put_text (buf, "key", key);
    if (value) {
        plv_mp_put_text (buf, "value");
        plv_mp_put_bin (buf, plv_view_str (value));
    }
    if (adapter)
        fx_put_text (buf, "adapter", adapter);
    fx_send (fx, peer, FROM_PEERS);
}

/*  A message of this session that no attempt could answer; the person has been told.  */
static void kill_one (fixture_t *fx, uint32_t web, uint32_t worker, const char *session,
                      const char *text)
{
    fx_say (fx, web, session, text);
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
}

static plv_view_t first_letter (fixture_t *fx, uint32_t tool)
{
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    return fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
}

static void ask_by_id (fixture_t *fx, uint32_t tool, const char *command, const char *id)
{
    plv_buf_t *buf = fx_control_begin (fx, command, 1);
    plv_mp_put_text (buf, "ids");
    plv_mp_put_array (buf, 1);
    plv_mp_put_text (buf, id);
    fx_send (fx, tool, FROM_TOOL);
}

static void test_letters_by_id (void **state)
{
    fixture_t *fx = start ("");
    char id[PLV_ID_TEXT_BYTES];
    store_done_t done;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "one");
    plv_view_t text = plv_mp_find_str (first_letter (fx, tool), "id");
    snprintf (id, sizeof id, PLV_VIEW_FMT, PLV_VIEW_ARG (text));
    fx_control (fx, tool, "dead.show", "id", 0, id);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_int_equal (fx_items (item, "ledger"), 1);
    assert_int_equal (fx_number (item, "ledger_left_out"), 0);
    ask_by_id (fx, tool, "dead.replay", "018f0000-0000-7000-8000-000000000000");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "NOENT"), "missing"), 1);
    ask_by_id (fx, tool, "dead.replay", "no id");
    fx_expect_result (fx, tool, "ARG");
    fx_restart (fx);
    tool = fx_tool (fx);
    ask_by_id (fx, tool, "dead.replay", id);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    fx_control (fx, tool, "dead.show", "id", 0, id);
    fx_expect_result (fx, tool, "NOENT");
    worker = fx_worker (fx, 1);
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    ask_by_id (fx, tool, "dead.discard", id);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    fx->store->vtable->scan (fx->store, 1, VIEW_DEAD_IDS, plv_view (NULL, 0), plv_view (NULL, 0),
                             0);
    assert_int_equal (fx->store->vtable->next (fx->store, &done), STORE_ROWS);
    assert_int_equal (done.rows.size, 0);
    plv_buf_free (&done.rows);
    fx_destroy (&fx);
}

static void test_unknown_outcomes_are_not_sent_again_unasked (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "one");
    fx_say (fx, web, "web_2", "two");
    fx_reply (fx, worker, fx_job (fx, worker), "an answer");
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "unknown", 0);
    fx_forget (fx, web);
    for (int allowed = 0; allowed < 2; allowed++) {
        plv_buf_t *buf = fx_control_begin (fx, "dead.replay", 2);
        plv_mp_put_text (buf, "allow_duplicates");
        plv_mp_put_bool (buf, allowed);
        plv_mp_put_text (buf, "numbers");
        plv_mp_put_array (buf, 2);
        plv_mp_put_u64 (buf, 1);
        plv_mp_put_u64 (buf, 4);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ok");
        assert_int_equal (fx_number (body, "done"), 1);
        assert_int_equal (fx_number (body, "missing"), allowed);
        assert_int_equal (fx_number (body, "skipped"), !allowed);
        assert_int_equal (fx_items (body, "skipped_numbers"), !allowed);
        assert_int_equal (plv_mp_find_str (body, "text").size > 0, !allowed);
    }
    fx_expect (fx, web, VERB_DELIVER);
    fx_destroy (&fx);
}

/*  The status of a command without arguments; empty: none came.  */
static void expect_status (fixture_t *fx, uint32_t peer, const char *command, const char *status)
{
    fx_control (fx, peer, command, NULL, 0, NULL);
    fx_expect_result (fx, peer, status);
}

static void test_an_adapter_asks_for_an_operator_when_it_may (void **state)
{
    static const char *const never[] = {"backup",
                                        "adapters.start",
                                        "adapters.stop",
                                        "adapters.reload",
                                        "agents.drain",
                                        "agents.resume",
                                        "try"};
    fixture_t *fx = start (" plugins = { operators = [\"console\"]; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), console = fx_adapter (fx, "console");
    uint32_t worker = fx_worker (fx, 1);
    kill_one (fx, web, worker, "web_1", "my password: hunter2");
    expect_status (fx, web, "status", "AUTH");
    expect_status (fx, web, "dead.list", "AUTH");
    expect_status (fx, console, "status", "ok");
    uint64_t number = fx_number (first_letter (fx, console), "number");
    fx_control (fx, console, "sessions.show", "session", 0, "web_1"); /* of another platform */
    fx_expect_result (fx, console, "ok");
    for (size_t at = 0; at < sizeof never / sizeof *never; at++)
        expect_status (fx, console, never[at], "AUTH");
    expect_status (fx, console, "make.coffee", "NOENT");
    kv (fx, console, "get", "k", NULL, "web");
    fx_expect_result (fx, console, "AUTH");
    fx_control (fx, console, "dead.replay", "numbers", number, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, console, "ok"), "done"), 1);
    fx_destroy (&fx);
}

/*  Who only says the name is an adapter like others.  */
static void test_an_operators_name_is_not_enough (void **state)
{
    fixture_t *fx = start (" plugins = { operators = [\"console\"]; };");
    (void) state;
    uint32_t impostor = fx_peer (fx);
    fx_hello (fx, impostor, FROM_ADAPTER,
              &(fx_hello_t){.role = "adapter",
                            .name = "console",
                            .credit = 8,
                            .incarnation = 1,
                            .is_unproven = true});
    fx_expect (fx, impostor, VERB_WELCOME);
    expect_status (fx, impostor, "status", "AUTH");
    expect_status (fx, impostor, "dead.list", "AUTH");
    kv (fx, impostor, "get", "k", NULL, NULL);
    fx_expect_result (fx, impostor, "ok");
    fx_destroy (&fx);
}

/*  The text of the first letter's message, as `peer` is shown it.  */
static bool shown_with (fixture_t *fx, uint32_t peer, bool masked, const char *words)
{
    plv_mp_t body;
    plv_view_t raw;
    plv_buf_t *buf = fx_control_begin (fx, "dead.show", 2);
    fx_put_number (buf, "number", 1);
    plv_mp_put_text (buf, "masked");
    plv_mp_put_bool (buf, masked);
    fx_send (fx, peer, FROM_PEERS);
    plv_view_t item = fx_item (fx_expect_result (fx, peer, "ok"), "items", 0);
    assert_true (plv_mp_find (item, "body", &body) && plv_mp_skip (&body, &raw));
    return plv_view_is (plv_mp_find_str (raw, "message_text"), words);
}

static void test_letters_are_shown_to_adapters_without_secrets (void **state)
{
    fixture_t *fx = start (" plugins = { operators = [\"web\"]; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "my password: hunter2");
    assert_true (shown_with (fx, tool, false, "my password: hunter2"));
    assert_true (shown_with (fx, tool, true, "my password: ********"));
    assert_true (shown_with (fx, web, false, "my password: ********"));
    fx_destroy (&fx);
}

enum { LETTERS = 700 };

/*  Pages of letters that pass a filter, and how many there are in all.  */
static unsigned count_letters (fixture_t *fx, uint32_t tool, const char *key, const char *value)
{
    unsigned seen = 0;
    uint64_t after = 0;
    do {
        plv_buf_t *buf = fx_control_begin (fx, "dead.list", 3);
        fx_put_number (buf, "after", after);
        fx_put_number (buf, "limit", 30);
        fx_put_text (buf, key, value);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ok");
        plv_mp_t next;
        seen += fx_items (body, "items");
        assert_true (plv_mp_find (body, "next", &next));
        after = 0;
        plv_mp_u64 (&next, &after);
    } while (after);
    return seen;
}

static void test_letters_in_pages_by_filter (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; platform = \"none\"; } );"
               "fallback = { general_error = \"\"; };");
    char session[16];
    (void) state;
    fx->check_recovery = false;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    for (int i = 0; i < LETTERS; i++) {
        snprintf (session, sizeof session, "web_%d", i % 7);
        fx_say (fx, web, session, i % 100 ? "plain" : "a rare word");
        fx_forget (fx, web);
    }
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    assert_int_equal (count_letters (fx, tool, "platform", "web"), LETTERS);
    assert_int_equal (count_letters (fx, tool, "platform", "slack"), 0);
    assert_int_equal (count_letters (fx, tool, "session", "web_3"), LETTERS / 7);
    assert_int_equal (count_letters (fx, tool, "text", "rare"), LETTERS / 100);
    assert_int_equal (count_letters (fx, tool, "reason", "no_route"), LETTERS);
    assert_int_equal (count_letters (fx, tool, "outcome", "unknown"), 0);
    assert_int_equal (count_letters (fx, tool, "type", "chat.message"), LETTERS);
    assert_int_equal (count_letters (fx, tool, "user", "u"), LETTERS);
    assert_int_equal (count_letters (fx, tool, "user", "v"), 0);
    fx_destroy (&fx);
}

/*  The disk cannot be read: that is no "there are none".  */
static void test_a_scan_that_fails (void **state)
{
    static const char *const commands[] = {"dead.list", "dead.show"};
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "one");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        plv_buf_t *buf = fx_control_begin (fx, commands[i], 1);
        fx_put_number (buf, "number", 1);
        plv_frame_end (buf, fx->mark);
        input_t input = {.type = INPUT_PACKET,
                         .now = fx->now,
                         .peer = tool,
                         .allowed = FROM_TOOL,
                         .bytes = plv_buf_view (buf)};
        core_step (fx->core, &input, &fx->effects);
        assert_int_equal (fx->effects.scan_count, 1);
        uint64_t token = fx->effects.scans[0].token;
        effects_clear_prompt (&fx->effects);
        fx_input (fx, (input_t){.type = INPUT_ROWS,
                                .token = token,
                                .fail = plv_view_str ("block 7 is damaged")});
        assert_true (plv_view_is (plv_mp_find_str (fx_expect_result (fx, tool, "IO"), "text"),
                                  "block 7 is damaged"));
    }
    fx_destroy (&fx);
}

static void test_a_ledger_that_is_too_long_to_show (void **state)
{
    fixture_t *fx = fx_new ("agents = { attempts = 1000; backoff_ms = 1; backoff_max_ms = 1; };"
                            "breaker = { threshold = 100000; };");
    char reason[REASON_BYTES_MAX];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    memset (reason, 'x', sizeof reason);
    fx_say (fx, web, "web_1", "one");
    for (int i = 0; i < 1000; i++) {
        uint64_t lease = fx_job (fx, worker);
        plv_buf_t *buf = fx_begin (fx, VERB_NACK);
        plv_mp_put_u64 (buf, lease);
        plv_mp_put_bool (buf, false);
        plv_mp_put_nil (buf);
        plv_mp_put_text (buf, "general_error");
        plv_mp_put_str (buf, plv_view (reason, sizeof reason));
        fx_send (fx, worker, FROM_WORKER);
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_time (fx, 2);
    }
    fx_control (fx, tool, "dead.show", "number", 1, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (fx_number (item, "ledger_left_out") > 50);
    assert_int_equal (fx_number (item, "ledger_left_out") + fx_items (item, "ledger"), 1000);
    assert_true (item.size < 2 * 1024 * 1024);
    fx_destroy (&fx);
}

/*  A letter that holds its session can be left where it is.  */
static void test_a_session_is_unparked (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; on_dead = \"park\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "one");
    fx_say (fx, web, "web_1", "two");
    fx_expect_nothing (fx, worker);
    fx_control (fx, tool, "sessions.unpark", "session", 0, "web_1");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "parked_by"), 1);
    fx_reply (fx, worker, fx_job (fx, worker), "to two");
    fx_control (fx, tool, "sessions.unpark", "session", 0, "web_1");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "parked_by"), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

static void test_status (void **state)
{
    fixture_t *fx = start ("");
    plv_buf_t map = {0};
    plv_mp_t value;
    plv_view_t part;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "one");
    kv (fx, web, "put", "key", "value", NULL);
    fx_expect_result (fx, web, "ok");
    fx_time (fx, 3000);
    fx_control (fx, tool, "status", NULL, 0, NULL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_int_equal (fx_number (body, "uptime_s"), 3);
    assert_true (plv_view_is (plv_mp_find_str (body, "version"), "test"));
    assert_true (plv_mp_find (body, "process", &value) && plv_mp_nil (&value));
    assert_true (plv_mp_find (body, "counts", &value) && plv_mp_skip (&value, &part));
    assert_int_equal (fx_number (part, "sessions"), 1);
    assert_int_equal (fx_number (part, "pending_events"), 1);
    assert_int_equal (fx_number (part, "adapters"), 1);
    assert_int_equal (fx_number (part, "dead"), 0);
    assert_int_equal (fx_number (part, "kv_keys"), 1);
    assert_int_equal (fx_number (part, "kv_bytes"), 8);
    assert_int_equal (fx_number (part, "store_bytes"), 0);
    plv_mp_put_map (&map, 1);
    fx_put_number (&map, "pid", 2);
    core_describe (fx->core, plv_buf_view (&map));
    plv_buf_free (&map);
    fx_control (fx, tool, "status", NULL, 0, NULL);
    assert_true (plv_mp_find (fx_expect_result (fx, tool, "ok"), "process", &value)
                 && plv_mp_skip (&value, &part));
    assert_int_equal (fx_number (part, "pid"), 2);
    fx_destroy (&fx);
}

static void test_peers_in_pages (void **state)
{
    fixture_t *fx = start ("");
    char name[16], after[16] = "";
    uint64_t number = 0;
    int seen = 0;
    (void) state;
    uint32_t tool = fx_tool (fx);
    for (int i = 0; i < 25; i++) {
        snprintf (name, sizeof name, "a%02d", 24 - i);
        fx_adapter (fx, name);
        fx_worker (fx, 1);
    }
    for (bool more = true; more;) {
        plv_buf_t *buf = fx_control_begin (fx, "adapters.list", 2);
        fx_put_text (buf, "after", after);
        fx_put_number (buf, "limit", 10);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ok");
        uint32_t items = fx_items (body, "items");
        for (uint32_t i = 0; i < items; i++, seen++) {
            snprintf (name, sizeof name, "a%02d", seen);
            assert_true (plv_view_is (plv_mp_find_str (fx_item (body, "items", i), "name"), name));
        }
        plv_view_t next = plv_mp_find_str (body, "next");
        snprintf (after, sizeof after, PLV_VIEW_FMT, PLV_VIEW_ARG (next));
        more = next.size > 0;
    }
    assert_int_equal (seen, 25);
    seen = 0;
    do {
        plv_buf_t *buf = fx_control_begin (fx, "agents.list", 2);
        fx_put_number (buf, "after", number);
        fx_put_number (buf, "limit", 10);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ok");
        plv_mp_t next;
        seen += (int) fx_items (body, "items");
        number = 0;
        assert_true (plv_mp_find (body, "next", &next));
        plv_mp_u64 (&next, &number);
    } while (number);
    assert_int_equal (seen, 25);
    fx_destroy (&fx);
}

/*  An adapter that is gone, and that nothing waits for, is forgotten.  */
static void test_an_adapter_that_is_gone (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), slack = fx_adapter (fx, "slack"), tool = fx_tool (fx);
    uint32_t worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "one");
    fx_gone (fx, web);
    fx_gone (fx, slack);
    fx_control (fx, tool, "adapters.list", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 0);
    fx_reply (fx, worker, fx_job (fx, worker), "an answer");
    fx_control (fx, tool, "adapters.list", NULL, 0, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_view_is (plv_mp_find_str (item, "state"), "away"));
    assert_int_equal (fx_number (item, "waiting"), 1);
    web = fx_adapter (fx, "web");
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_bye (fx, web);
    fx_control (fx, tool, "adapters.list", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 0);
    fx_destroy (&fx);
}

/*  A request about one letter: `expect` attempts, `plan` and `to` and the message's new text when they are given.  */
typedef struct {
    uint64_t number;
    uint64_t expect;
    uint64_t dead_us;
    const char *plan, *to, *text;
} again_t;

static plv_view_t send_again (fixture_t *fx, uint32_t tool, const again_t *again,
                              const char *status)
{
    plv_buf_t *buf = fx_control_begin (
        fx, "dead.replay", 3 + (again->plan != NULL) + (again->to != NULL) + (again->text != NULL));
    fx_put_text (buf, "who", "olga");
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, 1);
    plv_mp_put_u64 (buf, again->number);
    plv_mp_put_text (buf, "expect");
    plv_mp_put_array (buf, 1);
    plv_mp_put_array (buf, 2);
    plv_mp_put_u64 (buf, again->expect);
    plv_mp_put_u64 (buf, again->dead_us);
    if (again->plan)
        fx_put_text (buf, "plan", again->plan);
    if (again->to)
        fx_put_text (buf, "to", again->to);
    if (again->text) {
        plv_mp_put_text (buf, "set");
        plv_mp_put_map (buf, 1);
        fx_put_text (buf, "message_text", again->text);
    }
    fx_send (fx, tool, FROM_TOOL);
    return fx_expect_result (fx, tool, status);
}

static void test_what_has_changed_is_left (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "one");
    uint64_t dead_us = fx_number (first_letter (fx, tool), "dead_us");
    plv_view_t body = send_again (fx, tool, &(again_t){.number = 1, .expect = 2}, "ok");
    assert_int_equal (fx_number (body, "skipped"), 1);
    plv_view_t skip = fx_item (body, "skips", 0);
    assert_int_equal (fx_number (skip, "number"), 1);
    assert_true (plv_view_is (plv_mp_find_str (skip, "why"), "changed"));
    body =
        send_again (fx, tool, &(again_t){.number = 1, .expect = 1, .dead_us = dead_us + 1}, "ok");
    assert_int_equal (fx_number (body, "skipped"), 1);
    again_t plan = {.number = 1, .expect = 1, .dead_us = dead_us, .plan = "5eed"};
    body = send_again (fx, tool, &plan, "ok");
    assert_int_equal (fx_number (body, "done"), 1);
    assert_int_equal (fx_items (body, "done_numbers"), 1);
    /* applied again, there is nothing to do; when it has died anew, it is another matter */
    assert_int_equal (fx_number (send_again (fx, tool, &plan, "NOENT"), "missing"), 1);
    fx_restart (fx);
    worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    assert_int_equal (fx_number (send_again (fx, tool, &plan, "ok"), "skipped"), 1);
    fx_control (fx, tool, "dead.show", "number", 1, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    plv_view_t row = fx_item (item, "ledger", 1);
    assert_true (plv_view_is (plv_mp_find_str (row, "how"), "replayed"));
    assert_true (plv_view_is (plv_mp_find_str (row, "who"), "olga"));
    assert_true (plv_view_is (plv_mp_find_str (row, "code"), "5eed"));
    fx_destroy (&fx);
}

/*  The text of a job, and the id of its event as text.  */
static plv_view_t job_text (const plv_frame_t *frame, char id[PLV_ID_TEXT_BYTES])
{
    plv_envelope_t envelope;
    assert_false (plv_envelope_parse (frame->arg[3].bytes, &envelope, NULL));
    plv_id_format (&envelope.id, id);
    return plv_mp_find_str (frame->arg[4].bytes, "message_text");
}

static void test_a_corrected_copy (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; on_dead = \"park\"; } );");
    char id[PLV_ID_TEXT_BYTES], other[PLV_ID_TEXT_BYTES];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "a typo");
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    job_text (&job, id);
    fx_step_save (fx, worker, job.arg[0].number, "step", 10);
    fx_expect (fx, worker, VERB_STEP_SAVED);
    fx_nack (fx, worker, 1 << 16 | 1, true, "general_error");
    fx_say (fx, web, "web_1", "behind it");
    again_t again = {.number = 1, .expect = 1, .text = "no typo"};
    again.dead_us = fx_number (first_letter (fx, tool), "dead_us");
    assert_int_equal (fx_number (send_again (fx, tool, &again, "ok"), "done"), 1);
    fx_forget (fx, worker);
    fx_restart (fx);
    fx_time (fx, 6000); /* the attempt of before is given up */
    web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    job = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (job_text (&job, other), "no typo"));
    assert_string_not_equal (id, other);
    assert_int_equal (job.arg[7].number, 0);
    fx_nack (fx, worker, job.arg[0].number, true, "general_error");
    fx_control (fx, tool, "dead.show", "number", 1, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_view_is (plv_mp_find_str (item, "copy_of"), id));
    assert_true (plv_view_is (plv_mp_find_str (item, "id"), other));
    fx_control (fx, tool, "dead.show", "id", 0, id);
    fx_expect_result (fx, tool, "NOENT");
    fx_destroy (&fx);
}

static void test_to_another_service (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"first\"; service = \"broken\"; },"
               " { name = \"second\"; service = \"advisor\"; platform = \"none\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    uint32_t broken = fx_peer (fx);
    fx_hello (
        fx, broken, FROM_WORKER,
        &(fx_hello_t){
            .role = "agent", .name = "b", .service = "broken", .credit = 1, .incarnation = 9});
    fx_expect (fx, broken, VERB_WELCOME);
    kill_one (fx, web, broken, "web_1", "one");
    again_t again = {.number = 1, .expect = 1, .to = "nobody"};
    again.dead_us = fx_number (first_letter (fx, tool), "dead_us");
    send_again (fx, tool, &again, "ARG");
    again.to = "advisor";
    send_again (fx, tool, &again, "ok");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_control (fx, tool, "dead.show", "number", 1, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_view_is (plv_mp_find_str (item, "route"), "second"));
    assert_true (plv_view_is (plv_mp_find_str (item, "service"), "advisor"));
    assert_true (plv_view_is (plv_mp_find_str (fx_item (item, "ledger", 1), "why"), "to second"));
    fx_destroy (&fx);
}

/*  What was sent again waits behind what people say now.  */
static void test_live_traffic_goes_first (void **state)
{
    fixture_t *fx = start ("");
    char id[PLV_ID_TEXT_BYTES];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "old");
    fx_say (fx, web, "web_2", "under way");
    uint64_t lease = fx_job (fx, worker);
    fx_control (fx, tool, "dead.replay", "numbers", 1, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    fx_say (fx, web, "web_3", "new");
    fx_reply (fx, worker, lease, "an answer");
    plv_frame_t job = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (job_text (&job, id), "new"));
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_reply (fx, worker, job.arg[0].number, "an answer");
    job = fx_expect (fx, worker, VERB_JOB);
    assert_true (plv_view_is (job_text (&job, id), "old"));
    fx_destroy (&fx);
}

static plv_view_t stats (fixture_t *fx, uint32_t tool, const char *key, const char *value)
{
    fx_control (fx, tool, "dead.stats", key, 0, value);
    return fx_expect_result (fx, tool, "ok");
}

static void kill_with (fixture_t *fx, uint32_t web, uint32_t worker, const char *session,
                       const char *reason)
{
    fx_say (fx, web, session, "a message");
    uint64_t lease = fx_job (fx, worker);
    plv_buf_t *buf = fx_begin (fx, VERB_NACK);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_bool (buf, true);
    plv_mp_put_nil (buf);
    plv_mp_put_text (buf, "general_error");
    plv_mp_put_text (buf, reason);
    fx_send (fx, worker, FROM_WORKER);
    fx_expect (fx, worker, VERB_COMMITTED);
}

static void test_groups_of_letters (void **state)
{
    fixture_t *fx =
        start ("fallback = { general_error = \"\"; }; breaker = { threshold = 1000; };");
    char session[16], reason[64], fingerprint[32];
    plv_view_t body, item;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    for (int i = 0; i < 30; i++) {
        snprintf (session, sizeof session, "web_%d", i % 5);
        snprintf (reason, sizeof reason, i % 3 ? "no fund \"F%d\"" : "quota of %d is used up", i);
        kill_with (fx, web, worker, session, reason);
        fx_time (fx, 1);
    }
    fx_restart (fx);
    tool = fx_tool (fx);
    body = stats (fx, tool, NULL, NULL);
    assert_int_equal (fx_number (body, "groups"), 2);
    assert_int_equal (fx_number (body, "total"), 30);
    item = fx_item (body, "items", 0);
    assert_int_equal (fx_number (item, "count"), 20);
    assert_int_equal (fx_number (item, "number"), 30);
    int64_t first_us = (int64_t) fx_number (item, "first_us");
    int64_t last_us = (int64_t) fx_number (item, "last_us");
    assert_true (first_us < last_us);
    assert_true (plv_view_is (plv_mp_find_str (item, "why"), "no fund \"F29\""));
    assert_true (plv_view_is (plv_mp_find_str (item, "outcome"), "failed"));
    assert_true (plv_view_is (plv_mp_find_str (item, "service"), "advisor"));
    snprintf (fingerprint, sizeof fingerprint, PLV_VIEW_FMT,
              PLV_VIEW_ARG (plv_mp_find_str (item, "fingerprint")));
    assert_int_equal (count_letters (fx, tool, "fingerprint", fingerprint), 20);
    assert_int_equal (count_letters (fx, tool, "service", "advisor"), 30);
    assert_int_equal (count_letters (fx, tool, "service", "other"), 0);
    body = stats (fx, tool, "session", "web_1");
    assert_int_equal (fx_number (body, "total"), 6);
    body = stats (fx, tool, "outcome", "unknown");
    assert_int_equal (fx_number (body, "groups"), 0);
    fx_control (fx, tool, "dead.stats", "text", 0, "fund");
    fx_expect_result (fx, tool, "ARG");
    fx_control (fx, tool, "dead.list", "fingerprint", 0, "none");
    fx_expect_result (fx, tool, "ARG");
    /* the newest of its group goes: another one speaks for it, now and the next time */
    fx_control (fx, tool, "dead.discard", "numbers", 30, NULL);
    fx_expect_result (fx, tool, "ok");
    for (int i = 0; i < 2; i++) {
        item = fx_item (stats (fx, tool, NULL, NULL), "items", 0);
        assert_int_equal (fx_number (item, "count"), 19);
        assert_int_equal (fx_number (item, "number"), 29);
        assert_true (plv_view_is (plv_mp_find_str (item, "why"), "no fund \"F28\""));
        assert_int_equal (fx_number (item, "first_us"), first_us);
        assert_true ((int64_t) fx_number (item, "last_us") < last_us);
    }
    fx_control (fx, tool, "dead.discard", "numbers", 2, NULL);
    fx_expect_result (fx, tool, "ok");
    item = fx_item (stats (fx, tool, NULL, NULL), "items", 0);
    assert_true ((int64_t) fx_number (item, "first_us") > first_us);
    fx_destroy (&fx);
}

/*  A data directory of an older release has letters without what is in memory now.  */
static void test_letters_of_an_older_release (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"r\"; service = \"advisor\"; platform = \"none\"; } );"
               "fallback = { general_error = \"\"; };");
    store_done_t done;
    (void) state;
    fx->check_recovery = false;
    uint32_t web = fx_adapter (fx, "web"), tool;
    for (int i = 0; i < LETTERS; i++) {
        fx_say (fx, web, "web_1", "one");
        fx_forget (fx, web);
    }
    fx_time (fx, 2000);
    memory_forget_view (fx->store, VIEW_DEAD_BRIEFS);
    fx->other_state = true;
    fx_restart (fx);
    fx->other_state = false;
    for (int i = 0; i < 2; i++) {
        tool = fx_tool (fx);
        fx_time (fx, 1);
        assert_int_equal (count_letters (fx, tool, "platform", "web"), LETTERS);
        fx_restart (fx); /* and once they have been read, they stay */
    }
    fx->store->vtable->scan (fx->store, 1, VIEW_DEAD_BRIEFS, plv_view (NULL, 0), plv_view (NULL, 0),
                             1);
    assert_int_equal (fx->store->vtable->next (fx->store, &done), STORE_ROWS);
    assert_true (done.rows.size > 0);
    plv_buf_free (&done.rows);
    fx_destroy (&fx);
}

/*  A filter or a flag that is passed over would do more than was meant.  */
static void test_an_argument_of_another_kind_is_refused (void **state)
{
    static const struct {
        const char *command, *key, *text; /* NULL: a number */
        const char *why;
    } wrong[] = {
        {"dead.replay", "shadow", "true", "\"shadow\" is true or false"},
        {"dead.replay", "allow_duplicates", "no", "\"allow_duplicates\" is true or false"},
        {"dead.replay", "to", NULL, "\"to\" is a text"},
        {"dead.discard", "who", NULL, "\"who\" is a text"},
        {"dead.list", "session", NULL, "\"session\" is a text"},
        {"dead.list", "attempts", "2", "\"attempts\" is a whole number, 0 or more"},
        {"dead.list", "after", "9", "\"after\" is a whole number, 0 or more"},
        {"dead.stats", "since_us", "2026-01-31", "\"since_us\" is a whole number"},
        {"events.list", "whole", NULL, "\"whole\" is true or false"},
        {"sessions.list", "after", NULL, "\"after\" is a text"},
        {"adapters.list", "after", NULL, "\"after\" is a text"},
        {"tail", "user", NULL, "\"user\" is a text"},
    };
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 8), tool = fx_tool (fx);
    kill_one (fx, web, worker, "web_1", "poison");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        plv_buf_t *buf = fx_control_begin (fx, wrong[i].command, 2);
        plv_mp_put_text (buf, "numbers");
        plv_mp_put_array (buf, 1);
        plv_mp_put_u64 (buf, 1);
        if (wrong[i].text)
            fx_put_text (buf, wrong[i].key, wrong[i].text);
        else
            fx_put_number (buf, wrong[i].key, 7);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ARG");
        assert_true (plv_view_is (plv_mp_find_str (body, "text"), wrong[i].why));
    }
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_status),
        cmocka_unit_test (test_peers_in_pages),
        cmocka_unit_test (test_an_adapter_that_is_gone),
        cmocka_unit_test (test_letters_by_id),
        cmocka_unit_test (test_an_adapter_asks_for_an_operator_when_it_may),
        cmocka_unit_test (test_an_operators_name_is_not_enough),
        cmocka_unit_test (test_letters_are_shown_to_adapters_without_secrets),
        cmocka_unit_test (test_unknown_outcomes_are_not_sent_again_unasked),
        cmocka_unit_test (test_letters_in_pages_by_filter),
        cmocka_unit_test (test_what_has_changed_is_left),
        cmocka_unit_test (test_a_corrected_copy),
        cmocka_unit_test (test_to_another_service),
        cmocka_unit_test (test_live_traffic_goes_first),
        cmocka_unit_test (test_groups_of_letters),
        cmocka_unit_test (test_letters_of_an_older_release),
        cmocka_unit_test (test_a_scan_that_fails),
        cmocka_unit_test (test_a_ledger_that_is_too_long_to_show),
        cmocka_unit_test (test_a_session_is_unparked),
        cmocka_unit_test (test_an_argument_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests_name ("control", tests, NULL, NULL);
}
