/*  Processes that end, hang or refuse, and what they say of themselves.  */
#include "shell/adapters/supervisor_fixture.h"

static bool was_restarted_thrice (const supervisor_status_t *status)
{
    return status->restarts >= 3;
}

static bool was_restarted_twice (const supervisor_status_t *status)
{
    return status->restarts >= 2;
}

static bool has_failed (const supervisor_status_t *status)
{
    return status->last[0] != 0;
}

static void names_the_signal_and_backs_off (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "bad.so", "crash");
    begin_with (fixture, "good", "serve", is_ready, &status);
    pid_t pid = status.pid;
    int64_t began = plv_clock_mono_us ();
    wait_for (fixture, "bad", was_restarted_thrice, &status);
    /*  Waits of at least 10, 20 and 40 ms.  */
    assert_true (plv_clock_mono_us () - began >= 60000);
    assert_non_null (strstr (status.last, "SIGSEGV"));
    assert_true (status_of (fixture, "good", &status));
    assert_int_equal (status.pid, pid);
    assert_int_equal (status.restarts, 0);
}

static void leaves_a_refused_plugin_alone_until_it_changes (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "bad", "refuse", is_refused, &status);
    assert_non_null (strstr (status.last, "wrong in every way"));
    assert_int_equal (supervisor_deadline (fixture->supervisor), INT64_MAX);
    drop (fixture, "bad.so", "serve");
    wait_for (fixture, "bad", is_ready, &status);
    assert_string_equal (status.last, "");
}

static void retries_when_open_fails (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "late", "noopen", was_restarted_thrice, &status);
    assert_string_equal (status.last, "exit 69");
}

static bool was_killed (const supervisor_status_t *status)
{
    return strstr (status->last, "SIGKILL") != NULL;
}

static void keeps_the_old_one_when_the_new_one_fails (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "serve", is_ready, &status);
    pid_t old = status.pid;
    drop (fixture, "web.so", "refuse");
    wait_for (fixture, "web", has_failed, &status);
    assert_int_equal (status.pid, old);
    assert_int_equal (status.state, SUPERVISED_RUNNING);
    drop (fixture, "web.so", "noopen");
    turn (fixture, 1000);
    for (int turns = 0; turns < 20; turns++)
        turn (fixture, 20000);
    assert_true (status_of (fixture, "web", &status));
    assert_int_equal (status.pid, old);
    assert_int_equal (kill (old, 0), 0);
    /*  Also when it crashes.  */
    kill (old, SIGKILL);
    wait_for (fixture, "web", was_killed, &status);
    wait_for (fixture, "web", is_ready, &status);
    assert_int_not_equal (status.pid, old);
    /*  Also when it crashes before the new one is open.  */
    drop (fixture, "web.so", "never");
    while (copies (fixture) < 2)
        turn (fixture, 20000);
    kill (status.pid, SIGKILL);
    wait_for (fixture, "web", was_killed, &status);
    wait_for (fixture, "web", is_ready, &status);
}

/*  What a reload gives it will not do: what it had is what it gets when it crashes, until there is another conf.  */
static void goes_back_to_the_conf_that_did (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    const supervisor_conf_t bad = {.adapters = "one = { key = 2; };", .hang_ms = 500},
                            good = {.adapters = "one = { key = 1; new = 1; };", .hang_ms = 500};
    begin_with (fixture, "one", "picky", is_ready, &status);
    pid_t first = status.pid;
    supervisor_reload (fixture->supervisor, &bad, plv_clock_mono_us ());
    wait_for (fixture, "one", has_failed, &status);
    assert_non_null (strstr (status.last, "wrong in its conf"));
    assert_int_equal (status.pid, first);
    kill (first, SIGKILL);
    wait_for (fixture, "one", was_killed, &status);
    wait_for (fixture, "one", is_ready, &status);
    /*  Also when it crashes before the new one has said so.  */
    pid_t second = status.pid;
    supervisor_reload (fixture->supervisor, &bad, plv_clock_mono_us ());
    kill (second, SIGKILL);
    wait_for (fixture, "one", was_restarted_twice, &status);
    wait_for (fixture, "one", is_ready, &status);
    pid_t third = status.pid;
    supervisor_reload (fixture->supervisor, &good, plv_clock_mono_us ());
    while (status.pid == third || status.state != SUPERVISED_RUNNING) {
        turn (fixture, 20000);
        assert_true (status_of (fixture, "one", &status));
    }
}

static void kills_one_that_hangs (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "loop", "hang", has_failed, &status);
    assert_non_null (strstr (status.last, "SIGKILL"));
    assert_non_null (strstr (status.last, "said nothing for 500 ms"));
    drop (fixture, "flood.so", "flood");
    wait_for (fixture, "flood", has_failed, &status);
    assert_non_null (strstr (status.last, "said nothing for 500 ms"));
    drop (fixture, "loop.so", "never");
    drop (fixture, "loop2.so", "never");
    wait_for (fixture, "loop2", has_failed, &status);
    assert_non_null (strstr (status.last, "was not open after 2000 ms: killed; open ()"));
}

static bool is_degraded (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_DEGRADED;
}

static void one_that_is_ill_says_why (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "ill", is_degraded, &status);
    assert_string_equal (status.trouble, "the token was refused");
}

static bool was_restarted_once (const supervisor_status_t *status)
{
    return status->restarts == 1;
}

static void a_host_may_ask_for_a_successor (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "renew", was_restarted_once, &status);
    pid_t first = status.pid;
    do
        wait_for (fixture, "web", is_ready, &status);
    while (status.pid == first && (turn (fixture, 20000), true));
    for (int turns = 0; turns < 10; turns++)
        turn (fixture, 20000);
    assert_true (status_of (fixture, "web", &status));
    assert_int_equal (status.restarts, 1);
    assert_string_equal (status.last, "");
}

/*  Only a host says that it refuses, and it says why.  */
static void a_plugin_that_ends_its_process_is_no_refusal (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "bad", "exit", was_restarted_thrice, &status);
    assert_string_equal (status.last,
                         "exit 85: the plugin ended its process, which is not for it to do");
}

/*  Lines of the log with these words; all are lines of ours.  */
static size_t logged (const fixture_t *fixture, const char *words)
{
    size_t count = 0;
    char line[2 * LOG_LINE_BYTES_MAX];
    FILE *file = fopen (fixture->log_path, "r");
    assert_non_null (file);
    while (fgets (line, sizeof line, file)) {
        assert_int_equal (line[0], '{');
        count += strstr (line, words) != NULL;
    }
    fclose (file);
    return count;
}

static bool has_crashed (const supervisor_status_t *status)
{
    return strstr (status->last, "SIGABRT") != NULL;
}

static void what_a_plugin_writes_is_logged_as_its_words (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "chats", has_crashed, &status);
    supervisor_adapter_stop (fixture->supervisor, "web", plv_clock_mono_us ());
    size_t all = logged (fixture, "\"id\":\"plugin.output\"");
    assert_int_equal (logged (fixture, "\"id\":\"plugin.output\",\"program\":\"test\","
                                       "\"adapter\":\"web\""),
                      all);
    assert_int_equal (logged (fixture, "\"text\":\"a library\\u001b[31m says\"}"), 1);
    assert_in_range (all, LOG_GATE_BURST, CHAT_LINES / 2);
    assert_int_equal (logged (fixture, "\"id\":\"broker.stopped\""), 0);
    assert_int_equal (logged (fixture, "\"text\":\"free(): invalid pointer\""), 1);
}

int main (int count, char **words)
{
    if (count > 1 && argument (words, "--plugin"))
        return fake_host (words);
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (names_the_signal_and_backs_off),
        T (leaves_a_refused_plugin_alone_until_it_changes),
        T (retries_when_open_fails),
        T (keeps_the_old_one_when_the_new_one_fails),
        T (goes_back_to_the_conf_that_did),
        T (kills_one_that_hangs),
        T (one_that_is_ill_says_why),
        T (a_host_may_ask_for_a_successor),
        T (a_plugin_that_ends_its_process_is_no_refusal),
        T (what_a_plugin_writes_is_logged_as_its_words),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
