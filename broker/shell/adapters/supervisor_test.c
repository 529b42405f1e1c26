/*  The directory: what is in it runs, what changes is replaced, what goes leaves, whatever operators want.  */
#include "shell/adapters/plugin_copy.h"
#include "shell/adapters/supervisor_fixture.h"

static bool is_stopped (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_STOPPED;
}

/* ------------------------------------------------------------------ the tests */

static void starts_what_is_there (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "one.so", "serve");
    drop (fixture, "two.so", "serve");
    drop (fixture, "readme.txt", "serve");
    begin (fixture);
    wait_for (fixture, "one", is_ready, &status);
    assert_true (status.pid > 0);
    assert_string_equal (status.version, "1.0");
    assert_string_equal (status.platform, "fake");
    assert_non_null (strstr (status.file, "/copies/one-"));
    wait_for (fixture, "two", is_ready, &status);
    assert_false (status_of (fixture, "readme", &status));
}

static void hosts_log_as_the_broker_does (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "one", "logs", is_ready, &status);
    assert_string_equal (status.version, "debug/json");
    plv_log_set (fixture->log, LOG_WARN, LOG_TEXT);
    drop (fixture, "two.so", "logs");
    wait_for (fixture, "two", is_ready, &status);
    assert_string_equal (status.version, "warn/text");
}

static void takes_a_new_file_within_a_second (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin (fixture);
    turn (fixture, 1000);
    int64_t dropped = plv_clock_mono_us ();
    drop (fixture, "late.so", "serve");
    wait_for (fixture, "late", is_ready, &status);
    assert_true (plv_clock_mono_us () - dropped < 1000000);
}

static void refuses_files_that_cannot_be_trusted (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char path[256];
    drop (fixture, "open.so", "serve");
    snprintf (path, sizeof path, "%s/open.so", fixture->dir);
    chmod (path, 0666);
    snprintf (path, sizeof path, "%s/text.so", fixture->dir);
    FILE *file = fopen (path, "w");
    fputs ("this is not a program at all", file);
    fclose (file);
    snprintf (path, sizeof path, "%s/link.so", fixture->dir);
    assert_int_equal (symlink ("open.so", path), 0);
    begin (fixture);
    wait_for (fixture, "open", is_refused, &status);
    assert_non_null (strstr (status.last, "chmod go-w"));
    wait_for (fixture, "text", is_refused, &status);
    assert_non_null (strstr (status.last, "not an ELF"));
    wait_for (fixture, "link", is_refused, &status);
    assert_non_null (strstr (status.last, "symbolic link"));
    /*  Put right, it runs.  */
    snprintf (path, sizeof path, "%s/open.so", fixture->dir);
    chmod (path, 0644);
    wait_for (fixture, "open", is_ready, &status);
}

static void replaces_a_changed_file_and_drains_the_old (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "serve 1", is_ready, &status);
    pid_t old = status.pid;
    drop (fixture, "web.so", "serve 2");
    int64_t until = plv_clock_mono_us () + PATIENCE_MS * 1000;
    do {
        turn (fixture, 50000);
        assert_true (plv_clock_mono_us () < until);
        assert_true (status_of (fixture, "web", &status));
        assert_true (status.pid > 0); /* never without one */
    } while (status.pid == old || status.state != SUPERVISED_RUNNING);
    while (kill (old, 0) == 0) {
        assert_true (plv_clock_mono_us () < until);
        turn (fixture, 50000);
    }
    assert_int_equal (errno, ESRCH);
    assert_int_equal (copies (fixture), 1);
}

static void a_touched_file_with_the_same_bytes_changes_nothing (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "serve", is_ready, &status);
    pid_t old = status.pid;
    drop (fixture, "web.so", "serve");
    for (int turns = 0; turns < 20; turns++)
        turn (fixture, 20000);
    assert_true (status_of (fixture, "web", &status));
    assert_int_equal (status.pid, old);
    assert_int_equal (status.restarts, 0);
}

static void removed_means_drained_and_forgotten (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char path[256];
    begin_with (fixture, "web", "serve", is_ready, &status);
    snprintf (path, sizeof path, "%s/web.so", fixture->dir);
    unlink (path);
    int64_t until = plv_clock_mono_us () + PATIENCE_MS * 1000;
    while (status_of (fixture, "web", &status)) {
        assert_true (plv_clock_mono_us () < until);
        turn (fixture, 50000);
    }
    assert_true (supervisor_stopped (fixture->supervisor));
    assert_int_equal (copies (fixture), 0);
}

static void stops_all_and_kills_the_deaf (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "one.so", "serve");
    drop (fixture, "deaf.so", "deaf");
    drop (fixture, "patient.so", "patient");
    begin (fixture);
    wait_for (fixture, "one", is_ready, &status);
    wait_for (fixture, "deaf", is_ready, &status);
    wait_for (fixture, "patient", is_ready, &status);
    int64_t began = plv_clock_mono_us ();
    supervisor_stop (fixture->supervisor, began);
    wait_for (fixture, "deaf", is_stopped, &status);
    assert_true (plv_clock_mono_us () - began >= 300000);
    while (!supervisor_stopped (fixture->supervisor)) {
        assert_true (plv_clock_mono_us () - began < 5000000);
        turn (fixture, 50000);
    }
    assert_true (plv_clock_mono_us () - began >= 700000); /* it had said so */
    assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
    assert_int_equal (errno, ECHILD);
}

/*  How the fake host ends, whose pipe is closed, is its own affair; it is not killed.  */
static void lets_go_without_killing (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    int how;
    begin_with (fixture, "one", "serve", is_ready, &status);
    pid_t pid = status.pid;
    supervisor_let_go (fixture->supervisor);
    supervisor_destroy (&fixture->supervisor);
    assert_int_equal (waitpid (pid, &how, 0), pid);
    assert_false (WIFSIGNALED (how) && WTERMSIG (how) == SIGKILL);
}

static void what_is_stopped_by_hand_stays_so (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "serve", is_ready, &status);
    assert_true (supervisor_adapter_stop (fixture->supervisor, "web", plv_clock_mono_us ()));
    wait_for (fixture, "web", is_stopped, &status);
    supervisor_reload (fixture->supervisor, &(supervisor_conf_t){0}, plv_clock_mono_us ());
    drop (fixture, "web.so", "serve 2");
    for (int turns = 0; turns < 10; turns++)
        turn (fixture, 20000);
    assert_true (status_of (fixture, "web", &status));
    assert_int_equal (status.state, SUPERVISED_STOPPED);
    assert_int_equal (status.pid, 0);
}

/*  Of a file that was refused meanwhile nothing is left to say when it is replaced.  */
static void what_is_stopped_by_hand_is_not_called_refused (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char path[256];
    snprintf (path, sizeof path, "%s/web.so", fixture->dir);
    begin_with (fixture, "web", "serve", is_ready, &status);
    assert_true (supervisor_adapter_stop (fixture->supervisor, "web", plv_clock_mono_us ()));
    wait_for (fixture, "web", is_stopped, &status);
    drop (fixture, "web.so", "serve 2");
    assert_int_equal (chmod (path, 0666), 0);
    wait_for (fixture, "web", is_refused, &status);
    drop (fixture, "web.so", "serve 3");
    wait_for (fixture, "web", is_stopped, &status);
    assert_string_equal (status.last, "");
}

static void a_host_gets_its_own_part_of_the_conf (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char path[256], text[256] = {0};
    drop (fixture, "one.so", "serve");
    drop (fixture, "two.so", "serve");
    begin (fixture);
    wait_for (fixture, "one", is_ready, &status);
    wait_for (fixture, "two", is_ready, &status);
    snprintf (path, sizeof path, "%s/one/conf", fixture->copies);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    assert_true (fread (text, 1, sizeof text - 1, file) > 0);
    fclose (file);
    assert_string_equal (text, "adapters = { one = { key = 1;}; };\n");
    snprintf (path, sizeof path, "%s/two/conf", fixture->copies);
    struct stat info;
    assert_int_equal (stat (path, &info), 0);
    assert_int_equal (info.st_size, 0);
}

static void stop_start_and_restart_by_hand (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    begin_with (fixture, "web", "serve", is_ready, &status);
    pid_t first = status.pid;
    assert_true (supervisor_adapter_stop (fixture->supervisor, "web", plv_clock_mono_us ()));
    wait_for (fixture, "web", is_stopped, &status);
    assert_int_equal (status.pid, 0);
    assert_true (supervisor_adapter_start (fixture->supervisor, "web", plv_clock_mono_us ()));
    wait_for (fixture, "web", is_ready, &status);
    assert_int_not_equal (status.pid, first);
    first = status.pid;
    supervisor_reload (fixture->supervisor, &(supervisor_conf_t){0}, plv_clock_mono_us ());
    do
        wait_for (fixture, "web", is_ready, &status);
    while (status.pid == first && (turn (fixture, 20000), true));
    assert_int_equal (status.restarts, 0);
    assert_false (supervisor_adapter_restart (fixture->supervisor, "nobody", plv_clock_mono_us ()));
}

/*  A disk that is full is not full for ever, and the file stays as it is.  */
static void what_could_not_be_copied_is_tried_again_when_asked (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char away[128];
    snprintf (away, sizeof away, "%s.away", fixture->copies);
    begin (fixture);
    for (int asked = 0; asked < 2; asked++) {
        const char *name = asked ? "two" : "one";
        assert_int_equal (rename (fixture->copies, away), 0);
        drop (fixture, asked ? "two.so" : "one.so", "serve");
        wait_for (fixture, name, is_refused, &status);
        assert_non_null (strstr (status.last, "cannot be written: No such file or directory; when "
                                              "that is mended: palaver adapters reload "));
        assert_int_equal (rename (away, fixture->copies), 0);
        if (asked)
            supervisor_reload (fixture->supervisor, &(supervisor_conf_t){0}, plv_clock_mono_us ());
        else
            assert_true (
                supervisor_adapter_start (fixture->supervisor, name, plv_clock_mono_us ()));
        wait_for (fixture, name, is_ready, &status);
    }
}

/*  As sparse as it is, it is read from the first byte to the last.  */
static void drop_large (const fixture_t *fixture, const char *name)
{
    char path[256];
    drop (fixture, name, "serve");
    snprintf (path, sizeof path, "%s/%s", fixture->dir, name);
    assert_int_equal (truncate (path, 20 * PLUGIN_PIECE_BYTES), 0);
}

static void a_large_file_is_copied_while_others_run (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop_large (fixture, "one.so");
    drop (fixture, "two.so", "serve");
    begin (fixture);
    assert_true (status_of (fixture, "two", &status));
    assert_true (status.pid > 0);
    assert_true (status_of (fixture, "one", &status));
    assert_int_equal (status.pid, 0);
    assert_true (supervisor_deadline (fixture->supervisor) <= plv_clock_mono_us ());
    wait_for (fixture, "one", is_ready, &status);
    assert_string_equal (status.last, "");
}

static void a_large_file_that_goes_while_it_is_copied_leaves_nothing (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    char path[256];
    begin_with (fixture, "one", "serve", is_ready, &status);
    snprintf (path, sizeof path, "%s/two.so", fixture->dir);
    drop_large (fixture, "two.so");
    while (!status_of (fixture, "two", &status))
        turn (fixture, 20000);
    unlink (path);
    int64_t until = plv_clock_mono_us () + PATIENCE_MS * 1000;
    while (status_of (fixture, "two", &status) || copies (fixture) > 1) {
        assert_true (plv_clock_mono_us () < until);
        turn (fixture, 20000);
    }
    drop_large (fixture, "two.so");
    while (!status_of (fixture, "two", &status))
        turn (fixture, 20000);
    supervisor_stop (fixture->supervisor, plv_clock_mono_us ());
    while (!supervisor_stopped (fixture->supervisor))
        turn (fixture, 20000);
    assert_int_equal (copies (fixture), 1);
}

static void one_that_is_off_is_not_there (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    const char *const off[] = {"two"};
    drop (fixture, "one.so", "serve");
    drop (fixture, "two.so", "serve");
    fixture->off = off;
    begin (fixture);
    fixture->off = NULL;
    wait_for (fixture, "one", is_ready, &status);
    assert_false (status_of (fixture, "two", &status));
    assert_true (supervisor_is_off (fixture->supervisor, "two"));
    assert_false (supervisor_is_off (fixture->supervisor, "tw"));
    drop (fixture, "two.so", "serve 2");
    supervisor_reload (fixture->supervisor, &(supervisor_conf_t){0}, plv_clock_mono_us ());
    wait_for (fixture, "two", is_ready, &status);
    pid_t pid = status.pid;
    supervisor_reload (fixture->supervisor, &(supervisor_conf_t){.off = off, .off_count = 1},
                       plv_clock_mono_us ());
    int64_t until = plv_clock_mono_us () + PATIENCE_MS * 1000;
    while (status_of (fixture, "two", &status)) {
        assert_true (plv_clock_mono_us () < until);
        turn (fixture, 20000);
    }
    assert_int_equal (kill (pid, 0), -1);
    wait_for (fixture, "one", is_ready, &status);
}

static void says_what_is_wrong_with_the_directory (void **state)
{
    fixture_t *fixture = *state;
    supervisor_options_t options = {.dir = "/nonexistent/plugins",
                                    .copies = fixture->copies,
                                    .program = "x",
                                    .broker = "x",
                                    .log = fixture->log};
    plv_fail_t fail;
    supervisor_t *supervisor = NULL;
    assert_int_equal (supervisor_new (&options, 0, &supervisor, &fail), ERR_NOENT);
    assert_non_null (strstr (fail.text, "/nonexistent/plugins"));
    assert_null (supervisor);
}

int main (int count, char **words)
{
    if (count > 1 && argument (words, "--plugin"))
        return fake_host (words);
#define T(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T (starts_what_is_there),
        T (hosts_log_as_the_broker_does),
        T (takes_a_new_file_within_a_second),
        T (refuses_files_that_cannot_be_trusted),
        T (replaces_a_changed_file_and_drains_the_old),
        T (a_touched_file_with_the_same_bytes_changes_nothing),
        T (removed_means_drained_and_forgotten),
        T (stops_all_and_kills_the_deaf),
        T (lets_go_without_killing),
        T (what_is_stopped_by_hand_stays_so),
        T (what_is_stopped_by_hand_is_not_called_refused),
        T (a_host_gets_its_own_part_of_the_conf),
        T (stop_start_and_restart_by_hand),
        T (what_could_not_be_copied_is_tried_again_when_asked),
        T (a_large_file_is_copied_while_others_run),
        T (a_large_file_that_goes_while_it_is_copied_leaves_nothing),
        T (one_that_is_off_is_not_there),
        T (says_what_is_wrong_with_the_directory),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
