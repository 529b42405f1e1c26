/*  Who may connect, what becomes of work when a peer is gone, and what tools are told.  */

#include "core/internal.h"
#include "fixture.h"

#include <stdio.h>

#define SMALL                                                                                          \
    "agents = { heartbeat_ms = 1000; timeout_ms = 5000; deadline_ms = 60000; backoff_ms = 100;"        \
    " backoff_max_ms = 400; attempts = 3; }; rate_limit = { on = false; }; data = { reflect_s = 1; };" \
    "breaker = { threshold = 2; open_s = 10; };"

static fixture_t *start (const char *more)
{
    return fx_start (SMALL, more);
}

static void refused (fixture_t *fx, unsigned allowed, const fx_hello_t *hello, const char *code)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (fx, peer, allowed, hello);
    fx_expect_error (fx, peer, code);
}

static void test_who_is_let_in (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    refused (fx, FROM_WORKER, &(fx_hello_t){.role = "adapter", .name = "web"}, "AUTH");
    refused (fx, FROM_ADAPTER, &(fx_hello_t){.role = "agent", .name = "w", .service = "a"}, "AUTH");
    refused (fx, FROM_WORKER, &(fx_hello_t){.role = "tool", .name = "t"}, "AUTH");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "guest", .name = "g"}, "AUTH");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "tool", .name = ""}, "ARG");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "tool", .name = "a b"}, "ARG");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "tool", .name = "../x/"}, "ARG");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "agent", .name = "w"}, "ARG");
    refused (fx, FROM_PEERS, &(fx_hello_t){.role = "agent", .name = "w", .service = "a b"}, "ARG");
    assert_int_equal (fx_count (fx, COUNTER_PEERS_REFUSED), 9);
    assert_int_equal (fx_count (fx, COUNTER_PEERS_WELCOMED), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_WORKER) + fx_gauge (fx, GAUGE_PEERS_ADAPTER), 0);
    fx_destroy (&fx);
}

static void test_strangers_and_nonsense (void **state)
{
    static const char *const packets[] = {"", "PV", "GET / HTTP/1.1", "PV\1", "XX\1"};
    fixture_t *fx = start ("");
    (void) state;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        uint32_t peer = fx_peer (fx);
        fx_raw (fx, peer, FROM_PEERS, plv_view_str (packets[i]));
        fx_expect_error (fx, peer, "PROTOCOL");
    }
    uint32_t peer = fx_peer (fx);
    fx_raw (fx, peer, FROM_PEERS, plv_view ("PV\2\0", 4));
    fx_expect_error (fx, peer, "VERSION");
    peer = fx_peer (fx);
    fx_reply (fx, peer, 1, "who am I"); /* known to a broker that was here before */
    fx_expect (fx, peer, VERB_WHO);
    uint32_t worker = fx_worker (fx, 1);
    fx_publish (fx, worker, 1, &(fx_event_t){.session = "s", .text = "x"});
    fx_expect_error (fx, worker, "PROTOCOL");
    peer = fx_adapter (fx, "web");
    fx_hello (fx, peer, FROM_ADAPTER, &(fx_hello_t){.role = "adapter", .name = "web"});
    fx_expect_error (fx, peer, "PROTOCOL");
    fx_destroy (&fx);
}

static void say_cache_keys (fixture_t *fx, uint32_t peer, uint32_t count, const char *key)
{
    plv_buf_t *buf = fx_begin (fx, VERB_HELLO);
    plv_mp_put_text (buf, "agent");
    plv_mp_put_text (buf, "w");
    plv_mp_put_text (buf, "1");
    plv_mp_put_u64 (buf, 1);
    plv_mp_put_map (buf, 2);
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, 1);
    plv_mp_put_text (buf, "advisor");
    plv_mp_put_text (buf, "cache_keys");
    plv_mp_put_array (buf, count);
    for (uint32_t i = 0; i < count; i++) {
        if (key)
            plv_mp_put_text (buf, key);
        else
            plv_mp_put_u64 (buf, i);
    }
    fx_send (fx, peer, FROM_WORKER);
}

/*  What the answers depend on is not left out without a word.  */
static void test_keys_of_the_cache_are_taken_all_or_none (void **state)
{
    static const char long_key[] =
        "a-key-that-is-longer-than-a-name-may-be-which-is-sixty-four-bytes";
    fixture_t *fx = start ("");
    (void) state;
    const struct {
        uint32_t count;
        const char *key; /* NULL: numbers */
        bool good;
    } keys[] = {{64, "risk", true},   {0, "", true},    {1, long_key + 1, true},
                {1, long_key, false}, {65, "a", false}, {1, NULL, false}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint32_t peer = fx_peer (fx);
        say_cache_keys (fx, peer, keys[i].count, keys[i].key);
        if (keys[i].good)
            fx_expect (fx, peer, VERB_WELCOME);
        else
            fx_expect_error (fx, peer, "ARG");
    }
    fx_destroy (&fx);
}

static void test_one_adapter_of_a_name (void **state)
{
    fixture_t *fx = start ("");
    const fx_hello_t same = {.role = "adapter", .name = "web", .credit = 8, .incarnation = 1};
    const fx_hello_t other = {.role = "adapter", .name = "web", .credit = 8, .incarnation = 2};
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    fx->heartbeats = true;
    refused (fx, FROM_ADAPTER, &other, "NAME_IN_USE");
    fx_expect (fx, web, VERB_PING); /* is it there? */
    uint32_t again = fx_peer (fx);
    fx_hello (fx, again, FROM_ADAPTER, &same); /* the same process: its old connection is gone */
    fx_expect (fx, again, VERB_WELCOME);
    assert_true (fx->inbox[web].closed);
    fx_input (fx, (input_t){.type = INPUT_LOOK, .bytes = plv_view_str ("web")});
    fx_expect (fx, again, VERB_PING);
    fx_gone (fx, again);
    fx_input (
        fx, (input_t){.type = INPUT_LOOK, .bytes = plv_view_str ("web")}); /* nobody to look for */
    uint32_t third = fx_peer (fx);
    fx_hello (fx, third, FROM_ADAPTER, &other);
    fx_expect (fx, third, VERB_WELCOME);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_ADAPTER), 1);
    fx_destroy (&fx);
}

/*  The process that the broker started has the name, before, beside and after any other.  */
static void test_a_name_belongs_to_whom_the_broker_started_for_it (void **state)
{
    fixture_t *fx = start ("");
    const fx_hello_t own = {.role = "adapter", .name = "web", .credit = 8, .incarnation = 1};
    fx_hello_t foreign = own, copied = own;
    foreign.is_unproven = copied.is_unproven = true;
    foreign.incarnation = 2;
    (void) state;
    uint32_t impostor = fx_peer (fx), web = fx_peer (fx);
    fx_hello (fx, impostor, FROM_ADAPTER, &foreign);
    fx_expect (fx, impostor, VERB_WELCOME);
    fx_hello (fx, web, FROM_ADAPTER, &own);
    fx_expect (fx, web, VERB_WELCOME);
    fx_expect_error (fx, impostor, "NAME_IN_USE");
    assert_true (fx->inbox[impostor].closed);
    fx->heartbeats = true;
    refused (fx, FROM_ADAPTER, &foreign, "NAME_IN_USE");
    fx_expect (fx, web, VERB_PING);
    refused (fx, FROM_ADAPTER, &copied, "NAME_IN_USE"); /* who says that it is the same process */
    fx_expect (fx, web, VERB_PING);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_ADAPTER), 1);
    fx_destroy (&fx);
}

/*  Who names no incarnation is somebody else each time.  */
static void test_nameless_processes (void **state)
{
    fixture_t *fx = start ("");
    const fx_hello_t nameless = {
        .role = "adapter", .name = "web", .credit = 8, .is_nameless = true};
    (void) state;
    uint32_t first = fx_peer (fx), again = fx_peer (fx);
    fx_hello (fx, first, FROM_ADAPTER, &nameless);
    fx_expect (fx, first, VERB_WELCOME);
    fx->heartbeats = true;
    refused (fx, FROM_ADAPTER, &nameless, "NAME_IN_USE");
    fx_expect (fx, first, VERB_PING);
    fx_gone (fx, first);
    fx_hello (fx, again, FROM_ADAPTER, &nameless);
    fx_expect (fx, again, VERB_WELCOME);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_ADAPTER), 1);
    fx_destroy (&fx);
}

static void test_unknown_is_tried_again_where_the_platform_deduplicates (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_peer (fx), worker = fx_worker (fx, 1);
    fx_hello (fx, web, FROM_ADAPTER,
              &(fx_hello_t){.role = "adapter", .name = "web", .credit = 8, .deduplicates = true});
    fx_expect (fx, web, VERB_WELCOME);
    fx_say (fx, web, "web_1", "x");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx_delivered (fx, web, delivery, "unknown", 0);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, 2000);
    fx_forget (fx, worker);
    assert_int_equal (fx_expect_number (fx, web, VERB_DELIVER), delivery + 1);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

static void test_leaving_and_falling_silent (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), one = fx_worker (fx, 1), other = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, one);
    fx_bye (fx, one);
    assert_int_equal (fx_job (fx, other), lease + 1); /* at once, and free of charge */
    fx_time (fx, 5000);
    assert_true (fx->inbox[other].closed && fx->inbox[web].closed);
    assert_int_equal (fx_count (fx, COUNTER_LEASES_SILENT), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_LEASES), 0);
    fx_time (fx, 400);
    assert_int_equal (fx_job (fx, fx_worker (fx, 1)), lease + 2);
    fx_destroy (&fx);
}

static void fail_one (fixture_t *fx, uint32_t worker)
{
    uint64_t lease = fx_job (fx, worker);
    fx_nack (fx, worker, lease, false, "llm_unavailable");
    fx_expect (fx, worker, VERB_COMMITTED);
}

/*  Sessions that fail alike pause their route; one job tries it, and its success opens it for the rest.  */
static plv_view_t first_of (fixture_t *fx, uint32_t tool, const char *command)
{
    fx_control (fx, tool, command, NULL, 0, NULL);
    return fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
}

/*  Nobody is called ready who has missed two heartbeats, and who has is asked for a sign.  */
static void test_who_misses_two_heartbeats_is_silent (void **state)
{
    fixture_t *fx = fx_new ("agents = { heartbeat_ms = 1000; timeout_ms = 60000; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx->heartbeats = true;
    for (int second = 0; second < 2; second++)
        fx_time (fx, 1000);
    assert_true (
        plv_view_is (plv_mp_find_str (first_of (fx, tool, "agents.list"), "state"), "ready"));
    fx_expect_nothing (fx, worker); /* it holds nothing, and is on time */
    fx_time (fx, 1000);
    fx_expect (fx, worker, VERB_PING);
    plv_view_t item = first_of (fx, tool, "agents.list");
    assert_true (plv_view_is (plv_mp_find_str (item, "state"), "silent"));
    assert_int_equal (fx_number (item, "silent_s"), 3);
    item = first_of (fx, tool, "adapters.list");
    assert_true (plv_view_is (plv_mp_find_str (item, "state"), "silent"));
    fx_begin (fx, VERB_PONG);
    fx_send (fx, worker, FROM_PEERS);
    item = first_of (fx, tool, "agents.list");
    assert_true (plv_view_is (plv_mp_find_str (item, "state"), "ready"));
    assert_int_equal (fx_number (item, "silent_s"), 0);
    (void) web;
    fx_destroy (&fx);
}

/*  It has not heard of the shorter times; who comes later has.  */
static void test_a_reload_makes_nobody_silent_who_keeps_his_time (void **state)
{
    fixture_t *fx = fx_new ("agents = { heartbeat_ms = 5000; timeout_ms = 15000; };");
    (void) state;
    uint32_t told = fx_worker (fx, 1);
    fx_reload (fx, "agents = { heartbeat_ms = 200; timeout_ms = 1000; };");
    uint32_t web = fx_adapter (fx, "web");
    for (int tenth = 0; tenth < 140; tenth++)
        fx_time (fx, 100);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_ADAPTER), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_WORKER), 1);
    fx_time (fx, 2000);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_WORKER), 0);
    assert_true (fx->inbox[told].closed && fx->inbox[web].closed);
    fx_destroy (&fx);
}

static void test_a_route_is_paused (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "x");
    fail_one (fx, worker);
    fx_say (fx, web, "web_2", "x");
    fail_one (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_ROUTES_PAUSED), 1);
    fx_say (fx, web, "web_3", "x");
    fx_keep_alive (fx, worker, 9000);
    assert_int_equal (fx_gauge (fx, GAUGE_LEASES), 0);
    fx_keep_alive (fx, worker, 1000);
    assert_int_equal (fx_gauge (fx, GAUGE_LEASES), 1); /* the probe */
    fx_reply (fx, worker, fx_job (fx, worker), "well again");
    assert_int_equal (fx_gauge (fx, GAUGE_ROUTES_PAUSED), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_LEASES), 2);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

/*  The job that tries the route ends without a word on it, and its worker takes no more: another one tries it.  */
static void test_a_route_is_tried_again_when_its_trial_is_interrupted (void **state)
{
    fixture_t *fx =
        start ("routes = ( { name = \"c\"; service = \"advisor\"; command = \"/x\";"
               " overlap = \"interrupt\"; }, { name = \"r\"; service = \"advisor\"; } );");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4);
    fx_say (fx, web, "web_1", "x");
    fail_one (fx, worker);
    fx_say (fx, web, "web_2", "x");
    fail_one (fx, worker);
    fx_keep_alive (fx, worker, 10000);
    uint64_t probe = fx_job (fx, worker);
    web = fx_adapter (fx, "web"); /* it has been silent */
    fx_credit (fx, worker, 0);
    uint32_t other = fx_worker (fx, 4);
    fx_expect_nothing (fx, other);
    fx_say (fx, web, "web_1", "/x"); /* one of them has the probe */
    fx_say (fx, web, "web_2", "/x");
    fx_expect_cancel (fx, worker, probe, "interrupted");
    fx_expect (fx, other, VERB_JOB); /* the next probe */
    fx_expect (fx, other, VERB_JOB);
    fx_destroy (&fx);
}

static void test_what_tools_are_told (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 4), tool = fx_tool (fx);
    char session[16];
    for (int i = 0; i < 5; i++) {
        snprintf (session, sizeof session, "web_%d", i);
        fx_say (fx, web, session, "x");
    }
    fx_control (fx, tool, "status", NULL, 0, NULL);
    assert_true (
        plv_view_is (plv_mp_find_str (fx_expect_result (fx, tool, "ok"), "state"), "ready"));
    fx_control (fx, tool, "sessions.list", "limit", 2, NULL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_int_equal (fx_items (body, "items"), 2);
    assert_true (plv_view_is (plv_mp_find_str (body, "next"), "web_1"));
    fx_control (fx, tool, "sessions.list", "after", 0, "web_3");
    body = fx_expect_result (fx, tool, "ok");
    assert_int_equal (fx_items (body, "items"), 1);
    assert_true (plv_view_is (plv_mp_find_str (fx_item (body, "items", 0), "session_id"), "web_4"));
    fx_control (fx, tool, "agents.list", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 1);
    fx_control (fx, tool, "adapters.list", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 1);
    fx_control (fx, tool, "routes.list", NULL, 0, NULL);
    assert_int_equal (fx_items (fx_expect_result (fx, tool, "ok"), "items"), 1);
    fx_control (fx, tool, "metrics", NULL, 0, NULL);
    assert_true (plv_mp_find_str (fx_expect_result (fx, tool, "ok"), "text").size > 1000);
    fx_control (fx, tool, "sessions.show", "session", 0, "web_1");
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "pending"), 1);
    fx_control (fx, tool, "sessions.reset", "session", 0, "web_1");
    fx_expect_result (fx, tool, "BUSY");
    (void) worker;
    fx_destroy (&fx);
}

/*  What is named may be more than one answer has room for, or no number: then nothing is done.  */
static void test_letters_that_cannot_be_meant (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "poison");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    plv_buf_t *buf = fx_control_begin (fx, "dead.show", 1);
    plv_mp_put_text (buf, "number");
    plv_mp_put_array (buf, 2);
    plv_mp_put_u64 (buf, 1);
    plv_mp_put_u64 (buf, 2);
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, "ARG");
    buf = fx_control_begin (fx, "dead.discard", 1);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, 2);
    plv_mp_put_u64 (buf, 1);
    plv_mp_put_text (buf, "2");
    fx_send (fx, tool, FROM_TOOL);
    fx_expect_result (fx, tool, "ARG");
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

static void test_what_tools_get_wrong (void **state)
{
    fixture_t *fx = start ("");
    char longest[600];
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    for (size_t i = 0; i + 1 < sizeof longest; i++)
        longest[i] = i % 2 ? '\xa4' : '\xc3';
    longest[sizeof longest - 2] = '\0'; /* whole characters, and cut within one by the answer */
    fx_control (fx, tool, "make.coffee", NULL, 0, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, longest, NULL, 0, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "sessions.show", "session", 0, "web_\xff");
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "sessions.reset", NULL, 0, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "dead.show", "number", UINT64_MAX, NULL);
    fx_expect_result (fx, tool, "NOENT");
    fx_control (fx, tool, "dead.replay", "numbers", 77, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "NOENT"), "missing"), 1);
    fx_control (fx, tool, "dead.discard", NULL, 0, NULL);
    fx_expect_result (fx, tool, "ARG");
    fx_control (fx, tool, "backup", "dir", 0, "not/absolute");
    fx_expect_result (fx, tool, "ARG");
    fx_control (fx, web, "status", NULL, 0, NULL);
    fx_expect_result (fx, web, "AUTH");
    fx_destroy (&fx);
}

static void test_a_dead_letter_is_shown_and_sent_again (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "poison");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
    fx_forget (fx, worker);
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_view_is (plv_mp_find_str (item, "reason"), "permanent"));
    uint64_t number = fx_number (item, "number");
    fx_control (fx, tool, "dead.show", "number", number, NULL);
    item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_int_equal (fx_items (item, "ledger"), 1);
    fx_control (fx, tool, "dead.replay", "numbers", number, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    plv_frame_t frame = fx_expect (fx, worker, VERB_JOB);
    assert_int_equal (frame.arg[1].number, 2); /* the ledger goes on */
    fx_nack (fx, worker, frame.arg[0].number, true, "general_error");
    fx_forget (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_OUTBOX), 0); /* the user is told once */
    fx_control (fx, tool, "dead.discard", "numbers", number, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

/*  A row that the disk has spoilt is missing, not the end of the broker.  */
static void test_a_damaged_dead_letter (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1), tool = fx_tool (fx);
    fx_say (fx, web, "web_1", "poison");
    fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
    store_done_t done;
    fx->store->vtable->scan (fx->store, 1, VIEW_DEAD, plv_view (NULL, 0), plv_view (NULL, 0), 0);
    assert_int_equal (fx->store->vtable->next (fx->store, &done), STORE_ROWS);
    uint8_t *at = memmem (done.rows.data, done.rows.size, "timestamp", 9);
    assert_non_null (at);
    memcpy (at, "nonesuch!", 9); /* the entry is whole, its envelope is not */
    plv_buf_t rows = done.rows;
    plv_buf_t *buf = fx_begin (fx, VERB_CONTROL);
    plv_mp_put_u64 (buf, 5);
    plv_mp_put_text (buf, "dead.replay");
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, 1);
    plv_mp_put_u64 (buf, 1);
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
    fx_input (fx, (input_t){.type = INPUT_ROWS, .token = token, .bytes = plv_buf_view (&rows)});
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "NOENT"), "missing"), 1);
    plv_buf_free (&rows);
    fx_destroy (&fx);
}

/*  A worker that names a lease twice keeps it.  */
static void test_a_lease_named_twice (void **state)
{
    fixture_t *fx = start ("");
    uint8_t incarnation[PLV_ID_BYTES] = {100};
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_restart (fx);
    worker = fx_peer (fx);
    plv_buf_t *buf = fx_begin (fx, VERB_HELLO);
    plv_mp_put_text (buf, "agent");
    plv_mp_put_text (buf, "w");
    plv_mp_put_text (buf, "1.0");
    plv_mp_put_u64 (buf, 42);
    plv_mp_put_map (buf, 3);
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, 1);
    plv_mp_put_text (buf, "advisor");
    plv_mp_put_text (buf, "incarnation");
    plv_mp_put_bin (buf, plv_view (incarnation, sizeof incarnation));
    plv_mp_put_text (buf, "holding");
    plv_mp_put_array (buf, 2);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_u64 (buf, lease);
    fx_send (fx, worker, FROM_WORKER);
    fx_expect (fx, worker, VERB_WELCOME);
    fx_expect_nothing (fx, worker);
    fx_reply (fx, worker, lease, "an answer");
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_destroy (&fx);
}

/*  A tool that has asked and is gone, and a broker that stops before the rows have come.  */
static void test_questions_without_an_end (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t tool = fx_tool (fx);
    fx_control (fx, tool, "backup", "dir", 0, "/nowhere");
    fx_expect_nothing (fx, tool);
    fx_gone (fx, tool);
    fx_input (fx, (input_t){.type = INPUT_CHECKPOINT, .token = fx->checkpoint_token});
    tool = fx_tool (fx);
    fx_control (fx, tool, "backup", "dir", 0, "/nowhere");
    fx_input (fx, (input_t){.type = INPUT_CHECKPOINT,
                            .token = fx->checkpoint_token,
                            .bytes = plv_view_str ("full")});
    fx_expect_result (fx, tool, "IO");
    fx_control (fx, tool, "backup", "dir", 0, "/nowhere");
    fx_destroy (&fx); /* with the last one open */
}

static void test_a_reload_in_the_middle (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_say (fx, web, "web_2", "waits");
    fx_reload (fx,
               SMALL "routes = ( { name = \"new\"; service = \"other\"; session = \"web_1\"; } );");
    fx_reply (fx, worker, lease, "hi"); /* what is under way comes to its end */
    assert_int_equal (fx_expect_number (fx, worker, VERB_COMMITTED), lease);
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1); /* no route wants the other one any more */
    fx_say (fx, web, "web_1", "to the new one");
    fx_expect_nothing (fx, worker);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 1);
    fx_reload (fx, SMALL);
    fx_job (fx, worker);
    fx_destroy (&fx);
}

/*  A worker that names a service twice is one worker of it.  */
static void test_a_service_named_twice (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_peer (fx), tool = fx_tool (fx);
    plv_buf_t *buf = fx_begin (fx, VERB_HELLO);
    plv_mp_put_text (buf, "agent");
    plv_mp_put_text (buf, "w");
    plv_mp_put_text (buf, "1.0");
    plv_mp_put_u64 (buf, 42);
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, 2);
    plv_mp_put_text (buf, "advisor");
    plv_mp_put_text (buf, "advisor");
    fx_send (fx, worker, FROM_WORKER);
    fx_expect (fx, worker, VERB_WELCOME);
    fx_control (fx, tool, "routes.list", NULL, 0, NULL);
    plv_view_t route = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_int_equal (fx_number (route, "workers"), 1);
    fx_control (fx, tool, "agents.list", NULL, 0, NULL);
    plv_view_t agent = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_int_equal (fx_items (agent, "services"), 1);
    fx_destroy (&fx);
}

/*  What neither a route nor a worker nor a call names any more is forgotten, also when routes shared it.  */
static void test_services_leave_with_their_routes (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t worker = fx_worker (fx, 1);
    fx_reload (fx, SMALL "routes = ( { name = \"one\"; service = \"new\"; session = \"web_1\"; },"
                         "           { name = \"two\"; service = \"new\"; } );");
    assert_int_equal (fx->core->services.count, 2); /* the old one has a worker */
    fx_bye (fx, worker);
    fx_gone (fx, worker);
    assert_int_equal (fx->core->services.count, 1);
    fx_reload (fx, SMALL "routes = ( { name = \"one\"; service = \"other\"; } );");
    assert_int_equal (fx->core->services.count, 1);
    fx_destroy (&fx);
}

static void test_a_clock_that_jumps (void **state)
{
    fixture_t *fx = start ("session = { idle_s = 600; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    fx_jump (fx, 48ll * 3600 * 1000);
    fx_expect_nothing (fx, worker);
    fx_reply (fx, worker, lease, "hi");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx_jump (fx, -96ll * 3600 * 1000);
    fx_delivered (fx, web, delivery, "not_sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    fx_time (fx, 2000);
    assert_int_equal (fx_expect_number (fx, web, VERB_DELIVER),
                      delivery + 1); /* neither late nor early */
    fx_delivered (fx, web, delivery + 1, "sent", 0);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 1);
    fx_time (fx, 601 * 1000);
    assert_int_equal (fx_gauge (fx, GAUGE_SESSIONS), 0);
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_LATE), 0);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_who_is_let_in),
        cmocka_unit_test (test_strangers_and_nonsense),
        cmocka_unit_test (test_keys_of_the_cache_are_taken_all_or_none),
        cmocka_unit_test (test_one_adapter_of_a_name),
        cmocka_unit_test (test_a_name_belongs_to_whom_the_broker_started_for_it),
        cmocka_unit_test (test_nameless_processes),
        cmocka_unit_test (test_unknown_is_tried_again_where_the_platform_deduplicates),
        cmocka_unit_test (test_leaving_and_falling_silent),
        cmocka_unit_test (test_who_misses_two_heartbeats_is_silent),
        cmocka_unit_test (test_a_reload_makes_nobody_silent_who_keeps_his_time),
        cmocka_unit_test (test_a_route_is_paused),
        cmocka_unit_test (test_a_route_is_tried_again_when_its_trial_is_interrupted),
        cmocka_unit_test (test_what_tools_are_told),
        cmocka_unit_test (test_what_tools_get_wrong),
        cmocka_unit_test (test_letters_that_cannot_be_meant),
        cmocka_unit_test (test_a_dead_letter_is_shown_and_sent_again),
        cmocka_unit_test (test_a_damaged_dead_letter),
        cmocka_unit_test (test_a_lease_named_twice),
        cmocka_unit_test (test_questions_without_an_end),
        cmocka_unit_test (test_a_reload_in_the_middle),
        cmocka_unit_test (test_a_service_named_twice),
        cmocka_unit_test (test_services_leave_with_their_routes),
        cmocka_unit_test (test_a_clock_that_jumps),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
