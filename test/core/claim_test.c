/*  What a process says that it holds when it connects again, and what becomes of what it does not.  */

#include "fixture.h"

#include "base/limits.h"

#define SMALL                                                                                          \
    "agents = { heartbeat_ms = 1000; timeout_ms = 5000; deadline_ms = 60000; backoff_ms = 100;"        \
    " backoff_max_ms = 400; attempts = 3; }; rate_limit = { on = false; }; data = { reflect_s = 1; };" \
    "breaker = { threshold = 2; open_s = 10; };"

static fixture_t *start (const char *more)
{
    return fx_start (SMALL, more);
}

static uint32_t worker_again (fixture_t *fx, uint8_t incarnation, uint64_t holding)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (fx, peer, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "w",
                            .service = "advisor",
                            .credit = 1,
                            .incarnation = incarnation,
                            .holding = holding});
    fx_expect (fx, peer, VERB_WELCOME);
    return peer;
}

static uint32_t adapter_again (fixture_t *fx, uint64_t holding)
{
    uint32_t peer = fx_peer (fx);
    fx_hello (
        fx, peer, FROM_ADAPTER,
        &(fx_hello_t){
            .role = "adapter", .name = "web", .credit = 8, .incarnation = 1, .holding = holding});
    fx_expect (fx, peer, VERB_WELCOME);
    return peer;
}

/*  Numbers are small, and what is said of each is not.  */
static void test_who_holds_more_than_can_be_is_refused (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    for (uint32_t held = 2 * CREDIT_MAX; held <= 2 * CREDIT_MAX + 1; held++) {
        uint32_t peer = fx_peer (fx);
        plv_buf_t *buf = fx_begin (fx, VERB_HELLO);
        plv_mp_put_text (buf, "agent");
        plv_mp_put_text (buf, "w");
        plv_mp_put_text (buf, "1");
        plv_mp_put_u64 (buf, 1);
        plv_mp_put_map (buf, 2);
        plv_mp_put_text (buf, "services");
        plv_mp_put_array (buf, 1);
        plv_mp_put_text (buf, "advisor");
        plv_mp_put_text (buf, "holding");
        plv_mp_put_array (buf, held);
        for (uint32_t i = 0; i < held; i++)
            plv_mp_put_u64 (buf, 1);
        fx_send (fx, peer, FROM_WORKER);
        if (held > 2 * CREDIT_MAX)
            fx_expect_error (fx, peer, "ARG");
        else
            fx_expect (fx, peer, VERB_WELCOME);
    }
    fx_destroy (&fx);
}

static void test_a_worker_claims_its_job (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t lease = fx_job (fx, worker);
    uint32_t thief = worker_again (fx, 7, lease);
    fx_expect_cancel (fx, thief, lease, "not_leased");
    uint32_t again =
        worker_again (fx, 100, lease); /* the broker does not know yet that it was cut off */
    assert_true (fx->inbox[worker].closed);
    fx_expect_nothing (fx, again);
    fx_restart (fx);
    again = worker_again (fx, 100, lease);
    fx_expect_nothing (fx, again);
    fx_reply (fx, again, lease, "hi");
    assert_int_equal (fx_expect_number (fx, again, VERB_COMMITTED), lease);
    fx_restart (fx);
    again = worker_again (fx, 100, lease); /* it was not told */
    fx_expect_cancel (fx, again, lease, "not_leased");
    fx_expect_nothing (fx, again);
    fx_destroy (&fx);
}

/*  A process that was cut off more than once has several connections that the broker takes for living ones.  */
static void test_every_old_connection_of_a_process_is_closed (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), first = worker_again (fx, 100, 0);
    fx_say (fx, web, "web_1", "x");
    uint64_t one = fx_job (fx, first);
    uint32_t second = worker_again (fx, 100, 0);
    fx_say (fx, web, "web_2", "x");
    uint64_t other = fx_job (fx, second);
    uint32_t now = fx_peer (fx);
    fx_hello (fx, now, FROM_WORKER,
              &(fx_hello_t){.role = "agent",
                            .name = "w",
                            .service = "advisor",
                            .credit = 2,
                            .incarnation = 100,
                            .holding = one,
                            .holding_too = other});
    fx_expect (fx, now, VERB_WELCOME);
    assert_true (fx->inbox[first].closed);
    assert_true (fx->inbox[second].closed);
    assert_int_equal (fx_gauge (fx, GAUGE_PEERS_WORKER), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_LEASES), 2);
    fx_reply (fx, now, one, "hi");
    assert_int_equal (fx_expect_number (fx, now, VERB_COMMITTED), one);
    fx_reply (fx, now, other, "hi");
    assert_int_equal (fx_expect_number (fx, now, VERB_COMMITTED), other);
    fx_destroy (&fx);
}

/*  Its worker comes back without it, or not at all: nobody is to blame, another attempt is made.  */
static void test_nobody_claims_the_job (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    uint64_t first = fx_job (fx, worker);
    fx_restart (fx);
    worker = worker_again (fx, 100, 0);
    uint64_t second = fx_job (fx, worker);
    assert_int_equal (second, first + 1);
    fx_restart (fx);
    worker = worker_again (fx, 9, 0);
    fx_expect_nothing (fx, worker); /* the other one may yet come */
    fx_keep_alive (fx, worker, 4000);
    fx_expect_nothing (fx, worker);
    fx_keep_alive (fx, worker, 1000);
    assert_int_equal (fx_job (fx, worker), second + 1);
    fx_destroy (&fx);
}

/*  The time that a delivery has does not begin anew with each of its adapter's connections.  */
static void test_a_delivery_is_not_held_for_ever (void **state)
{
    fixture_t *fx = start ("delivery: { timeout_ms = 10000; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx_restart (fx);
    for (int i = 0; i < 3; i++) {
        web = adapter_again (fx, delivery);
        fx_expect_nothing (fx, web);
        assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
        fx_time (fx, 3000);
        fx_gone (fx, web);
    }
    web = adapter_again (fx, delivery);
    fx_time (fx, 3000);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    fx_destroy (&fx);
}

/*  What it did while it was cut off, for longer than a delivery may take, it can say.  */
static void test_an_outcome_comes_behind_its_claim (void **state)
{
    fixture_t *fx = start ("delivery: { timeout_ms = 2000; };");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx_gone (fx, web);
    fx_time (fx, 4000);
    web = adapter_again (fx, delivery);
    fx_time (fx, 100);
    fx_delivered (fx, web, delivery, "sent", 0);
    fx_expect (fx, web, VERB_SETTLED);
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_SENT), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

static void test_what_an_adapter_had_in_hand (void **state)
{
    fixture_t *fx = start ("");
    const fx_hello_t other = {.role = "adapter", .name = "web", .credit = 8, .incarnation = 2};
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    fx_say (fx, web, "web_1", "x");
    fx_reply (fx, worker, fx_job (fx, worker), "hi");
    uint64_t delivery = fx_expect_number (fx, web, VERB_DELIVER);
    fx_restart (fx);
    web = adapter_again (fx, delivery);
    fx_expect_nothing (fx, web); /* it has it still */
    fx_gone (fx, web);
    web = fx_adapter (fx, "web"); /* it never came */
    assert_int_equal (fx_expect_number (fx, web, VERB_DELIVER), delivery + 1);
    fx_gone (fx, web);
    web = fx_peer (fx);
    fx_hello (fx, web, FROM_ADAPTER, &other); /* the process died: nobody knows */
    fx_expect (fx, web, VERB_WELCOME);
    fx_expect_nothing (fx, web);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 1);
    assert_int_equal (fx_count (fx, COUNTER_DELIVERIES_UNKNOWN), 1);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_who_holds_more_than_can_be_is_refused),
        cmocka_unit_test (test_a_worker_claims_its_job),
        cmocka_unit_test (test_every_old_connection_of_a_process_is_closed),
        cmocka_unit_test (test_nobody_claims_the_job),
        cmocka_unit_test (test_a_delivery_is_not_held_for_ever),
        cmocka_unit_test (test_an_outcome_comes_behind_its_claim),
        cmocka_unit_test (test_what_an_adapter_had_in_hand),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
