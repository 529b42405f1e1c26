/*  The values that adapters keep with the broker.  */

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

static bool found (plv_view_t body)
{
    plv_mp_t value;
    bool flag = false;
    assert_true (plv_mp_find (body, "found", &value) && plv_mp_bool (&value, &flag));
    return flag;
}

static plv_view_t bytes_of (plv_view_t map, const char *key)
{
    plv_mp_t value;
    plv_view_t bytes = {0};
    assert_true (plv_mp_find (map, key, &value) && plv_mp_bin (&value, &bytes));
    return bytes;
}

static void test_an_adapter_keeps_values (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), slack = fx_adapter (fx, "slack");
    kv (fx, web, "get", "cursor", NULL, NULL);
    assert_false (found (fx_expect_result (fx, web, "ok")));
    kv (fx, web, "put", "cursor", "17", NULL);
    assert_false (found (fx_expect_result (fx, web, "ok")));
    kv (fx, web, "put", "cursor", "18", NULL);
    assert_true (found (fx_expect_result (fx, web, "ok")));
    kv (fx, slack, "get", "cursor", NULL, NULL);
    assert_false (found (fx_expect_result (fx, slack, "ok")));
    kv (fx, slack, "put", "cursor", "slack's", NULL);
    fx_expect_result (fx, slack, "ok");
    kv (fx, slack, "delete", "gone", NULL, NULL);
    assert_false (found (fx_expect_result (fx, slack, "ok")));
    fx_restart (fx);
    web = fx_adapter (fx, "web");
    kv (fx, web, "get", "cursor", NULL, NULL);
    assert_true (plv_view_is (bytes_of (fx_expect_result (fx, web, "ok"), "value"), "18"));
    kv (fx, web, "delete", "cursor", NULL, NULL);
    assert_true (found (fx_expect_result (fx, web, "ok")));
    fx_restart (fx);
    web = fx_adapter (fx, "web");
    kv (fx, web, "get", "cursor", NULL, NULL);
    assert_false (found (fx_expect_result (fx, web, "ok")));
    slack = fx_adapter (fx, "slack");
    kv (fx, slack, "get", "cursor", NULL, NULL);
    assert_true (found (fx_expect_result (fx, slack, "ok")));
    fx_destroy (&fx);
}

/*  The answer to a write waits for the store, and the row goes with it.  */
static void test_a_write_is_answered_when_it_is_stored (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    plv_buf_t *buf = fx_control_begin (fx, "kv.put", 2);
    fx_put_text (buf, "key", "k");
    fx_put_text (buf, "value", "v");
    plv_frame_end (buf, fx->mark);
    input_t input = {.type = INPUT_PACKET,
                     .now = fx->now,
                     .peer = web,
                     .allowed = FROM_ADAPTER,
                     .bytes = plv_buf_view (buf)};
    core_step (fx->core, &input, &fx->effects);
    assert_int_equal (fx->effects.prompt.count, 0);
    assert_int_equal (fx->effects.held.count, 1);
    assert_true (fx->effects.sync);
    plv_row_t row = {0};
    size_t at = 0;
    assert_true (plv_row_next (plv_buf_view (&fx->effects.rows), &at, &row));
    assert_int_equal (row.view, VIEW_KV);
    assert_true (plv_view_equal (row.key, plv_view ("web\0k", 5)));
    fx_destroy (&fx);
}

static void test_keys_in_pages (void **state)
{
    fixture_t *fx = start ("");
    char key[16], after[16] = "";
    int seen = 0;
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    for (int i = 0; i < 25; i++) {
        snprintf (key, sizeof key, "a/%02d", i);
        kv (fx, web, "put", key, "value", NULL);
        fx_expect_result (fx, web, "ok");
    }
    kv (fx, web, "put", "b", "", NULL);
    fx_expect_result (fx, web, "ok");
    for (bool more = true; more;) {
        plv_buf_t *buf = fx_control_begin (fx, "kv.list", 5);
        fx_put_text (buf, "adapter", "web");
        fx_put_text (buf, "prefix", "a/");
        fx_put_text (buf, "after", after);
        fx_put_number (buf, "limit", 10);
        plv_mp_put_text (buf, "values");
        plv_mp_put_bool (buf, true);
        fx_send (fx, tool, FROM_TOOL);
        plv_view_t body = fx_expect_result (fx, tool, "ok");
        uint32_t items = fx_items (body, "items");
        for (uint32_t i = 0; i < items; i++, seen++) {
            plv_view_t item = fx_item (body, "items", i);
            snprintf (key, sizeof key, "a/%02d", seen);
            assert_true (plv_view_is (bytes_of (item, "key"), key));
            assert_true (plv_view_is (bytes_of (item, "value"), "value"));
            assert_int_equal (fx_number (item, "bytes"), 5);
        }
        plv_mp_t next;
        assert_true (plv_mp_find (body, "next", &next));
        more = !plv_mp_nil (&next);
        if (more)
            snprintf (after, sizeof after, PLV_VIEW_FMT, PLV_VIEW_ARG (bytes_of (body, "next")));
    }
    assert_int_equal (seen, 25);
    fx_destroy (&fx);
}

static void test_whose_keys (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web"), tool = fx_tool (fx);
    kv (fx, web, "put", "k", "v", "web");
    fx_expect_result (fx, web, "ok");
    kv (fx, web, "get", "k", NULL, "slack");
    fx_expect_result (fx, web, "AUTH");
    kv (fx, tool, "get", "k", NULL, NULL);
    fx_expect_result (fx, tool, "ARG");
    kv (fx, tool, "get", "k", NULL, "web");
    assert_true (found (fx_expect_result (fx, tool, "ok")));
    kv (fx, tool, "put", "k", "fixed", "web");
    fx_expect_result (fx, tool, "ok");
    kv (fx, web, "get", "k", NULL, NULL);
    assert_true (plv_view_is (bytes_of (fx_expect_result (fx, web, "ok"), "value"), "fixed"));
    kv (fx, web, "get", NULL, NULL, NULL);
    fx_expect_result (fx, web, "ARG");
    kv (fx, web, "put", "k", NULL, NULL);
    fx_expect_result (fx, web, "ARG");
    fx_destroy (&fx);
}

static void test_a_value_beyond_its_limit (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    uint32_t web = fx_adapter (fx, "web");
    char *large = calloc (1, KV_VALUE_BYTES_MAX + 2);
    memset (large, 'x', KV_VALUE_BYTES_MAX + 1);
    kv (fx, web, "put", "k", large, NULL);
    assert_non_null (memmem (plv_mp_find_str (fx_expect_result (fx, web, "RANGE"), "text").data, 30,
                             "65536", 5));
    large[KV_VALUE_BYTES_MAX] = '\0';
    kv (fx, web, "put", "k", large, NULL);
    fx_expect_result (fx, web, "ok");
    large[KV_KEY_BYTES_MAX + 1] = '\0';
    kv (fx, web, "put", large, "v", NULL);
    fx_expect_result (fx, web, "ARG");
    free (large);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_an_adapter_keeps_values),
        cmocka_unit_test (test_a_write_is_answered_when_it_is_stored),
        cmocka_unit_test (test_keys_in_pages),
        cmocka_unit_test (test_whose_keys),
        cmocka_unit_test (test_a_value_beyond_its_limit),
    };
    return cmocka_run_group_tests_name ("values", tests, NULL, NULL);
}
