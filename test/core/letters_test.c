/*  Dead letters that are saved and put back, and those that go by age or number.  */

#include "fixture.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <stdio.h>

#define CONF                                                                                        \
    "agents = { heartbeat_ms = 1000; timeout_ms = 5000; backoff_ms = 100; backoff_max_ms = 400; };" \
    " rate_limit = { on = false; }; data = { reflect_s = 1; }; "                                    \
    "breaker = { threshold = 1000000; }; "

enum { HOUR_MS = 3600 * 1000, LETTERS = 3 };

static fixture_t *start (const char *more)
{
    return fx_start (CONF, more);
}

/*  Letters of sessions of their own; the person has been told.  */
static void kill_some (fixture_t *fx, unsigned count)
{
    uint32_t web = fx_adapter (fx, "web"), worker = fx_worker (fx, 1);
    char session[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf (session, sizeof session, "web_%u", i);
        fx_time (fx, 10); /* each has an id of its own */
        fx_say (fx, web, session, "hello");
        fx_nack (fx, worker, fx_job (fx, worker), true, "general_error");
        fx_expect (fx, worker, VERB_COMMITTED);
        fx_delivered (fx, web, fx_expect_number (fx, web, VERB_DELIVER), "sent", 0);
        fx_expect (fx, web, VERB_SETTLED);
    }
    fx_bye (fx, worker);
    fx_bye (fx, web);
}

typedef struct {
    uint64_t number;
    plv_buf_t row;
    char id[PLV_ID_TEXT_BYTES];
} saved_t;

static void save (fixture_t *fx, uint32_t tool, uint32_t index, saved_t *saved)
{
    plv_mp_t value;
    plv_view_t row = {0};
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", index);
    saved->number = fx_number (item, "number");
    plv_buf_t *buf = fx_control_begin (fx, "dead.show", 2);
    fx_put_number (buf, "number", saved->number);
    plv_mp_put_text (buf, "row");
    plv_mp_put_bool (buf, true);
    fx_send (fx, tool, FROM_TOOL);
    item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_true (plv_mp_find (item, "row", &value) && plv_mp_bin (&value, &row));
    plv_buf_add_view (&saved->row, row);
    snprintf (saved->id, sizeof saved->id, PLV_VIEW_FMT,
              PLV_VIEW_ARG (plv_mp_find_str (item, "id")));
}

/*  `broken`: the last row is cut off.  */
static plv_view_t put_back (fixture_t *fx, uint32_t tool, const saved_t *saved, uint32_t count,
                            bool broken, bool dry)
{
    plv_buf_t *buf = fx_control_begin (fx, "dead.import", 5);
    fx_put_text (buf, "who", "ann");
    fx_put_text (buf, "file", "old.jsonl");
    plv_mp_put_text (buf, "dry_run");
    plv_mp_put_bool (buf, dry);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, count);
    for (uint32_t i = 0; i < count; i++)
        plv_mp_put_u64 (buf, saved[i].number);
    plv_mp_put_text (buf, "rows");
    plv_mp_put_array (buf, count);
    for (uint32_t i = 0; i < count; i++)
        plv_mp_put_bin (buf, plv_view (saved[i].row.data,
                                       saved[i].row.size / (broken && i + 1 == count ? 2 : 1)));
    fx_send (fx, tool, FROM_TOOL);
    return fx_expect_result (fx, tool, "ok");
}

static void check (plv_view_t body, uint64_t done, uint64_t there, uint32_t broken)
{
    assert_int_equal (fx_number (body, "done"), done);
    assert_int_equal (fx_number (body, "there"), there);
    assert_int_equal (fx_items (body, "broken"), broken);
}

static void free_saved (saved_t *saved)
{
    for (unsigned i = 0; i < LETTERS; i++)
        plv_buf_free (&saved[i].row);
}

static void discard_all (fixture_t *fx, uint32_t tool, const saved_t *saved)
{
    plv_buf_t *buf = fx_control_begin (fx, "dead.discard", 1);
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, LETTERS);
    for (unsigned i = 0; i < LETTERS; i++)
        plv_mp_put_u64 (buf, saved[i].number);
    fx_send (fx, tool, FROM_TOOL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "ok"), "done"), LETTERS);
}

static uint32_t listed (fixture_t *fx, uint32_t tool, const char *outcome)
{
    fx_control (fx, tool, "events.list", "outcome", 0, outcome);
    return fx_items (fx_expect_result (fx, tool, "ok"), "items");
}

/*  What was thrown away and put back is a dead letter in the traffic, too.  */
static void test_what_is_put_back_is_listed_as_dead (void **state)
{
    fixture_t *fx = start ("");
    saved_t saved[LETTERS] = {0};
    (void) state;
    kill_some (fx, LETTERS);
    uint32_t tool = fx_tool (fx);
    for (uint32_t i = 0; i < LETTERS; i++)
        save (fx, tool, i, &saved[i]);
    assert_int_equal (listed (fx, tool, "dead"), LETTERS);
    discard_all (fx, tool, saved);
    assert_int_equal (listed (fx, tool, "dead"), 0);
    assert_int_equal (listed (fx, tool, "discarded"), LETTERS);
    check (put_back (fx, tool, saved, 2, false, false), 2, 0, 0);
    assert_int_equal (listed (fx, tool, "dead"), 2);
    assert_int_equal (listed (fx, tool, "discarded"), LETTERS - 2);
    free_saved (saved);
    fx_destroy (&fx);
}

static void test_a_reason_that_would_be_cut_is_refused (void **state)
{
    fixture_t *fx = start ("");
    char reason[NAME_BYTES_MAX + 2];
    (void) state;
    kill_some (fx, 1);
    uint32_t tool = fx_tool (fx);
    for (size_t size = NAME_BYTES_MAX + 1; size >= NAME_BYTES_MAX; size--) {
        memset (reason, 'x', size);
        reason[size] = '\0';
        plv_buf_t *buf = fx_control_begin (fx, "dead.discard", 2);
        fx_put_text (buf, "reason", reason);
        plv_mp_put_text (buf, "numbers");
        plv_mp_put_array (buf, 1);
        plv_mp_put_u64 (buf, 1);
        fx_send (fx, tool, FROM_TOOL);
        fx_expect_result (fx, tool, size > NAME_BYTES_MAX ? "ARG" : "ok");
        assert_int_equal (fx_gauge (fx, GAUGE_DEAD), size > NAME_BYTES_MAX ? 1 : 0);
    }
    fx_destroy (&fx);
}

static void test_letters_are_put_back_once (void **state)
{
    fixture_t *fx = start ("");
    saved_t saved[LETTERS] = {0};
    (void) state;
    kill_some (fx, LETTERS);
    uint32_t tool = fx_tool (fx);
    for (uint32_t i = 0; i < LETTERS; i++)
        save (fx, tool, i, &saved[i]);
    check (put_back (fx, tool, saved, LETTERS, false, false), 0, LETTERS, 0);
    discard_all (fx, tool, saved);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    check (put_back (fx, tool, saved, LETTERS, false, true), LETTERS, 0, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    check (put_back (fx, tool, saved, LETTERS, true, false), LETTERS - 1, 0, 1);
    check (put_back (fx, tool, saved, LETTERS, false, false), 1, LETTERS - 1, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    fx_restart (fx);
    tool = fx_tool (fx);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    fx_control (fx, tool, "dead.show", "id", 0, saved[1].id);
    plv_view_t item = fx_item (fx_expect_result (fx, tool, "ok"), "items", 0);
    assert_int_equal (fx_number (item, "number"), saved[1].number);
    assert_int_equal (fx_items (item, "ledger"), 2);
    plv_view_t line = fx_item (item, "ledger", 1);
    assert_true (plv_view_is (plv_mp_find_str (line, "how"), "imported"));
    assert_true (plv_view_is (plv_mp_find_str (line, "who"), "ann"));
    assert_true (plv_view_is (plv_mp_find_str (line, "why"), "old.jsonl"));
    free_saved (saved);
    fx_destroy (&fx);
}

/*  One that is under way again is there, too: it must not come twice.  */
static void test_a_letter_that_was_sent_again_is_there (void **state)
{
    fixture_t *fx = start ("");
    saved_t saved[LETTERS] = {0};
    (void) state;
    kill_some (fx, 1);
    uint32_t tool = fx_tool (fx);
    save (fx, tool, 0, &saved[0]);
    fx_control (fx, tool, "dead.replay", "numbers", saved[0].number, NULL);
    fx_expect_result (fx, tool, "ok");
    check (put_back (fx, tool, saved, 1, false, false), 0, 1, 0);
    uint32_t worker = fx_worker (fx, 4);
    fx_reply (fx, worker, fx_job (fx, worker), "answer");
    fx_expect (fx, worker, VERB_COMMITTED);
    fx_expect_nothing (fx, worker);
    /* done is done: who puts it back now wants it again */
    check (put_back (fx, tool, saved, 1, false, false), 1, 0, 0);
    fx_control (fx, tool, "dead.replay", "numbers", saved[0].number, NULL);
    fx_expect_result (fx, tool, "ok");
    fx_job (fx, worker);
    free_saved (saved);
    fx_destroy (&fx);
}

static void test_nonsense_is_refused (void **state)
{
    fixture_t *fx = start ("");
    saved_t saved[LETTERS] = {0};
    (void) state;
    uint32_t tool = fx_tool (fx);
    fx_control (fx, tool, "dead.import", NULL, 0, NULL);
    fx_expect_result (fx, tool, "ARG");
    plv_buf_add (&saved[0].row, "nonsense", 8);
    check (put_back (fx, tool, saved, 1, false, false), 0, 0, 1);
    check (put_back (fx, tool, saved, 0, false, false), 0, 0, 0);
    free_saved (saved);
    fx_destroy (&fx);
}

/*  Steps of half a minute: the look comes once a minute.  */
static void pass (fixture_t *fx, int64_t ms)
{
    fx_time (fx, ms);
    fx_time (fx, 61000);
    fx_time (fx, 61000);
}

static void test_none_goes_by_itself (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    kill_some (fx, LETTERS);
    for (int day = 0; day < 400; day++)
        pass (fx, 24 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 0);
    fx_destroy (&fx);
}

static void test_by_age_behind_a_warning (void **state)
{
    fixture_t *fx = start ("dead = { max_age_d = 2; warn_h = 12; };");
    (void) state;
    kill_some (fx, LETTERS);
    pass (fx, 35 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 0);
    pass (fx, 2 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), LETTERS);
    pass (fx, 10 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    pass (fx, 2 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    assert_int_equal (fx_count (fx, COUNTER_DEAD_EXPIRED), LETTERS);
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 0);
    fx_destroy (&fx);
}

/*  A bound that is set on letters which are older already: they are warned of first, and a restart in between does not
    begin the time anew.  */
static void test_a_new_bound_warns_first (void **state)
{
    fixture_t *fx = start ("");
    (void) state;
    kill_some (fx, LETTERS);
    pass (fx, 100 * 24 * (int64_t) HOUR_MS);
    fx_reload (fx, CONF "dead = { max_age_d = 1; warn_h = 10; };");
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), LETTERS);
    pass (fx, 6 * HOUR_MS);
    fx_restart (fx);
    pass (fx, 3 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LETTERS);
    pass (fx, 1 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

/*  A clock that is years ahead for some minutes, while the warning stands for others: none goes. One that stays there
    makes them old, and of these is warned anew.  */
static void test_a_clock_that_jumps_throws_nothing_away (void **state)
{
    static const int64_t YEARS_MS = 10 * 365 * 24 * (int64_t) HOUR_MS;
    fixture_t *fx = start ("dead = { max_age_d = 2; warn_h = 12; };");
    (void) state;
    for (int i = 0; i < 6; i++) {
        kill_some (fx, 1);
        pass (fx, 10 * HOUR_MS);
    }
    int64_t left = fx_gauge (fx, GAUGE_DEAD);
    assert_in_range (left, 3, 5);
    fx_jump (fx, YEARS_MS);
    pass (fx, HOUR_MS / 2);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), left);
    fx_jump (fx, -YEARS_MS);
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), left);
    fx_jump (fx, YEARS_MS);
    pass (fx, 0);
    pass (fx, HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), left);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), left);
    pass (fx, 10 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), left);
    pass (fx, 2 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    fx_destroy (&fx);
}

static void test_by_number_the_oldest_first (void **state)
{
    fixture_t *fx = start ("dead = { max = 10; warn_h = 1; };");
    (void) state;
    kill_some (fx, 9);
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 0);
    kill_some (fx, 4);
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 13);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 4); /* and the one that is the next */
    pass (fx, 2 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 10);
    uint32_t tool = fx_tool (fx);
    fx_control (fx, tool, "dead.list", NULL, 0, NULL);
    plv_view_t body = fx_expect_result (fx, tool, "ok");
    assert_true (plv_view_is (plv_mp_find_str (fx_item (body, "items", 0), "session_id"), "web_3"));
    fx_destroy (&fx);
}

/*  Until the core asks for the rows of what is to go; they have not come yet.  */
static void pass_until_rows_are_read (fixture_t *fx, uint32_t tool)
{
    for (int s = 0; s < 7200 && fx->effects.scan_count == 0; s++) {
        fx_keep_alive (fx, tool, 1000);
        fx->now.mono_us += 1000000;
        fx->now.wall_us += 1000000;
        core_step (fx->core, &(input_t){.type = INPUT_TIME, .now = fx->now}, &fx->effects);
    }
    assert_int_equal (fx->effects.scan_count, 1);
}

/*  An operator asks for it in the moment in which it goes: both have read its row.  */
static void test_what_goes_by_itself_is_not_sent_again (void **state)
{
    fixture_t *fx = start ("dead = { max_age_d = 2; warn_h = 1; };");
    saved_t saved = {0};
    (void) state;
    kill_some (fx, 1);
    uint32_t tool = fx_tool (fx);
    save (fx, tool, 0, &saved);
    pass (fx, 47 * HOUR_MS);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD_EXPIRING), 1);
    tool = fx_tool (fx);
    pass_until_rows_are_read (fx, tool);
    fx_control (fx, tool, "dead.replay", "numbers", saved.number, NULL);
    assert_int_equal (fx_number (fx_expect_result (fx, tool, "NOENT"), "missing"), 1);
    assert_int_equal (fx_count (fx, COUNTER_DEAD_EXPIRED), 1);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    assert_int_equal (fx_gauge (fx, GAUGE_PENDING_EVENTS), 0);
    plv_buf_free (&saved.row);
    fx_destroy (&fx);
}

/*  Letters of a megabyte each: what is saved and thrown away in one step holds nobody up.  */
static void test_large_letters_go_a_few_at_a_time (void **state)
{
    enum { LARGE = 20, TEXT_BYTES = 1000 * 1024 };
    fixture_t *fx = start ("dead = { max_age_d = 2; warn_h = 1; };");
    char *text = plv_alloc (TEXT_BYTES + 1);
    (void) state;
    fx->check_recovery = false;
    memset (text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    uint32_t web = fx_adapter (fx, "web");
    for (int i = 0; i < LARGE; i++)
        fx_say (fx, web, "web_1", text); /* longer than content.chars */
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), LARGE);
    fx_bye (fx, web);
    pass (fx, 48 * HOUR_MS);
    for (int i = 0; i < 200 && fx_count (fx, COUNTER_DEAD_EXPIRED) == 0; i++)
        fx_time (fx, 20000);
    assert_in_range (fx_count (fx, COUNTER_DEAD_EXPIRED), 1, LARGE - 1);
    pass (fx, 0);
    assert_int_equal (fx_gauge (fx, GAUGE_DEAD), 0);
    free (text);
    fx_destroy (&fx);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_reason_that_would_be_cut_is_refused),
        cmocka_unit_test (test_letters_are_put_back_once),
        cmocka_unit_test (test_what_is_put_back_is_listed_as_dead),
        cmocka_unit_test (test_a_letter_that_was_sent_again_is_there),
        cmocka_unit_test (test_nonsense_is_refused),
        cmocka_unit_test (test_none_goes_by_itself),
        cmocka_unit_test (test_by_age_behind_a_warning),
        cmocka_unit_test (test_a_new_bound_warns_first),
        cmocka_unit_test (test_a_clock_that_jumps_throws_nothing_away),
        cmocka_unit_test (test_by_number_the_oldest_first),
        cmocka_unit_test (test_what_goes_by_itself_is_not_sent_again),
        cmocka_unit_test (test_large_letters_go_a_few_at_a_time),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
