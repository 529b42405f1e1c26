/*  The supervisor against a fake host: this program itself, which behaves as the plugin's bytes say.  */
#include "shell/adapters/supervisor.h"

#include "base/clock.h"
#include "base/log/log_gate.h"
#include "base/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, HEAD_BYTES = 16, CHAT_LINES = 20 * LOG_GATE_BURST };

/* ------------------------------------------------------------------ the fake host */

static volatile sig_atomic_t asked_to_stop;

static void on_term (int number)
{
    (void) number;
    asked_to_stop = 1;
}

static const char *argument (char **words, const char *name)
{
    for (; *words; words++) {
        if (strcmp (*words, name) == 0)
            return words[1] ? words[1] : "";
    }
    return NULL;
}

static void say (const char *line)
{
    if (write (3, line, strlen (line)) < 0)
        exit (99);
}

static int serve (bool beats, bool heeds)
{
    while (!asked_to_stop || !heeds) {
        usleep (20000);
        if (beats)
            say ("BEAT\n");
        if (getppid () == 1)
            exit (98);
    }
    return 0;
}

/*  As one that takes a descriptor for its own.  */
static void flood (void)
{
    static const char words[4096] = "nonsense\n";
    fcntl (3, F_SETFL, O_WRONLY);
    while (write (3, words, sizeof words) > 0)
        ;
}

/*  As libraries do, and libc before it aborts.  */
static void chat (void)
{
    signal (SIGABRT, SIG_DFL);
    printf ("a library\033[31m says\r\n");
    fflush (stdout);
    for (int line = 0; line < CHAT_LINES; line++)
        fprintf (stderr, "line %d\n", line);
    fprintf (stderr, "{\"level\":\"error\",\"id\":\"broker.stopped\"}\nfree(): invalid pointer");
    abort ();
}

/*  What the plugin's bytes say behind the ELF magic.  */
static int fake_host (char **words)
{
    char bytes[64] = {0};
    int fd = open (argument (words, "--plugin"), O_RDONLY);
    if (fd < 0 || read (fd, bytes, sizeof bytes - 1) < HEAD_BYTES)
        return 97;
    close (fd);
    signal (SIGTERM, on_term);
    signal (SIGUSR1, SIG_IGN);
    signal (SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit */
    const char *does = bytes + HEAD_BYTES;
    if (strncmp (does, "refuse", 6) == 0) {
        say ("FAIL wrong in every way\n");
        return 86;
    }
    if (strncmp (does, "exit", 4) == 0)
        return 85; /* as a plugin may */
    if (strncmp (does, "noopen", 6) == 0)
        return 69;
    if (strncmp (does, "logs", 4) == 0) {
        char open_line[64];
        snprintf (open_line, sizeof open_line, "OPEN fake %s/%s\nUP\n",
                  argument (words, "--log-level"), argument (words, "--log-format"));
        say (open_line);
        return serve (true, true);
    }
    if (strncmp (does, "never", 5) == 0)
        return serve (false, true);
    if (strncmp (does, "chats", 5) == 0)
        chat ();
    say ("OPEN fake 1.0\nUP\n");
    if (strncmp (does, "crash", 5) == 0)
        raise (SIGSEGV);
    if (strncmp (does, "renew", 5) == 0 && !argument (words, "--beside"))
        say ("RENEW the world was replaced\n");
    if (strncmp (does, "flood", 5) == 0)
        flood ();
    if (strncmp (does, "ill", 3) == 0)
        say ("ILL the token was refused\n");
    if (strncmp (does, "hang", 4) == 0)
        return serve (false, true);
    if (strncmp (does, "patient", 7) == 0)
        say ("DRAIN 700\n");
    return serve (true, strncmp (does, "deaf", 4) != 0 && strncmp (does, "patient", 7) != 0);
}

/* ------------------------------------------------------------------ the fixture */

typedef struct {
    char top[64], dir[96], copies[96];
    supervisor_t *supervisor;
    plv_log_t *log;
    char log_path[96];
    char self[4096];
    const char *const *off; /* one name */
} fixture_t;

static void drop (const fixture_t *fixture, const char *name, const char *does)
{
    char path[256], made[300];
    uint8_t head[HEAD_BYTES] = {0x7f, 'E', 'L', 'F'};
    snprintf (path, sizeof path, "%s/%s", fixture->dir, name);
    snprintf (made, sizeof made, "%s.part", path);
    FILE *file = fopen (made, "w");
    assert_non_null (file);
    fwrite (head, 1, sizeof head, file);
    fputs (does, file);
    fclose (file);
    chmod (made, 0644);
    assert_int_equal (rename (made, path), 0);
}

static int set_up (void **state)
{
    fixture_t *fixture = calloc (1, sizeof *fixture);
    strcpy (fixture->top, "/tmp/supervisor-XXXXXX");
    assert_non_null (mkdtemp (fixture->top));
    snprintf (fixture->dir, sizeof fixture->dir, "%s/plugins", fixture->top);
    snprintf (fixture->copies, sizeof fixture->copies, "%s/copies", fixture->top);
    mkdir (fixture->dir, 0755);
    assert_true (readlink ("/proc/self/exe", fixture->self, sizeof fixture->self - 1) > 0);
    snprintf (fixture->log_path, sizeof fixture->log_path, "%s/log", fixture->top);
    fixture->log =
        plv_log_new ("supervisor_test",
                     open (fixture->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
                     LOG_DEBUG, LOG_JSON);
    *state = fixture;
    return 0;
}

static int tear_down (void **state)
{
    fixture_t *fixture = *state;
    char command[128];
    supervisor_destroy (&fixture->supervisor);
    plv_log_destroy (&fixture->log);
    snprintf (command, sizeof command, "rm -rf %s", fixture->top);
    int gone = system (command);
    free (fixture);
    return gone;
}

static void begin (fixture_t *fixture)
{
    supervisor_options_t options = {
        .dir = fixture->dir,
        .copies = fixture->copies,
        .program = fixture->self,
        .broker = "ipc:///nowhere",
        .log = fixture->log,
        .proof_key = (const uint8_t[PLV_PROOF_KEY_BYTES]){1},
        .seed = 1,
        .backoff_ms = 20,
        .backoff_max_ms = 200,
        .open_ms = 2000,
        .conf = {.hang_ms = 500,
                 .adapters = "one = { key = 1; };",
                 .off = fixture->off,
                 .off_count = fixture->off != NULL},
        .drain_ms = 300,
    };
    plv_fail_t fail;
    assert_int_equal (supervisor_new (&options, plv_clock_mono_us (), &fixture->supervisor, &fail),
                      ERR_OK);
}

static bool status_of (const fixture_t *fixture, const char *name, supervisor_status_t *ret_status)
{
    for (size_t at = 0; supervisor_next (fixture->supervisor, &at, ret_status);) {
        if (strcmp (ret_status->name, name) == 0)
            return true;
    }
    return false;
}

static void turn (fixture_t *fixture, int64_t most_us)
{
    struct pollfd item = {.fd = supervisor_fd (fixture->supervisor), .events = POLLIN};
    int64_t wait = supervisor_deadline (fixture->supervisor) - plv_clock_mono_us ();
    wait = wait < 0 ? 0 : wait < most_us ? wait : most_us;
    poll (&item, 1, (int) (wait / 1000 + 1));
    supervisor_step (fixture->supervisor, plv_clock_mono_us ());
}

/*  Until `condition` holds for the adapter; its status is left in `ret_status`.  */
static void wait_for (fixture_t *fixture, const char *name,
                      bool (*condition) (const supervisor_status_t *status),
                      supervisor_status_t *ret_status)
{
    int64_t until = plv_clock_mono_us () + PATIENCE_MS * 1000;
    while (!(status_of (fixture, name, ret_status) && condition (ret_status))) {
        if (plv_clock_mono_us () > until)
            fail_msg ("%s: not within %d ms", name, PATIENCE_MS);
        turn (fixture, 100000);
    }
}

static bool is_ready (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_RUNNING;
}

static bool is_refused (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_REFUSED;
}

static bool was_restarted_thrice (const supervisor_status_t *status)
{
    return status->restarts >= 3;
}

static bool is_stopped (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_STOPPED;
}

static bool has_failed (const supervisor_status_t *status)
{
    return status->last[0] != 0;
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
    drop (fixture, "one.so", "logs");
    begin (fixture);
    wait_for (fixture, "one", is_ready, &status);
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

static void names_the_signal_and_backs_off (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "bad.so", "crash");
    drop (fixture, "good.so", "serve");
    begin (fixture);
    wait_for (fixture, "good", is_ready, &status);
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
    drop (fixture, "bad.so", "refuse");
    begin (fixture);
    wait_for (fixture, "bad", is_refused, &status);
    assert_non_null (strstr (status.last, "wrong in every way"));
    assert_int_equal (supervisor_deadline (fixture->supervisor), INT64_MAX);
    drop (fixture, "bad.so", "serve");
    wait_for (fixture, "bad", is_ready, &status);
    assert_string_equal (status.last, "");
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

static void retries_when_open_fails (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "late.so", "noopen");
    begin (fixture);
    wait_for (fixture, "late", was_restarted_thrice, &status);
    assert_string_equal (status.last, "exit 69");
}

static size_t copies (const fixture_t *fixture)
{
    char pattern[128];
    glob_t found;
    snprintf (pattern, sizeof pattern, "%s/*.so", fixture->copies);
    size_t count = glob (pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree (&found);
    return count;
}

static void replaces_a_changed_file_and_drains_the_old (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "web.so", "serve 1");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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

static bool was_killed (const supervisor_status_t *status)
{
    return strstr (status->last, "SIGKILL") != NULL;
}

static void keeps_the_old_one_when_the_new_one_fails (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "web.so", "serve");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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

static void a_touched_file_with_the_same_bytes_changes_nothing (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "web.so", "serve");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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
    drop (fixture, "web.so", "serve");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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

static void kills_one_that_hangs (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "loop.so", "hang");
    begin (fixture);
    wait_for (fixture, "loop", has_failed, &status);
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

static bool is_degraded (const supervisor_status_t *status)
{
    return status->state == SUPERVISED_DEGRADED;
}

static void one_that_is_ill_says_why (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "web.so", "ill");
    begin (fixture);
    wait_for (fixture, "web", is_degraded, &status);
    assert_string_equal (status.trouble, "the token was refused");
}

static bool was_replaced_once (const supervisor_status_t *status)
{
    return status->restarts == 1 && status->state == SUPERVISED_RUNNING;
}

static void a_host_may_ask_for_a_successor (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "web.so", "renew");
    begin (fixture);
    wait_for (fixture, "web", was_replaced_once, &status);
    for (int turns = 0; turns < 10; turns++)
        turn (fixture, 20000);
    assert_true (status_of (fixture, "web", &status));
    assert_int_equal (status.restarts, 1);
    assert_string_equal (status.last, "");
}

/*  How the fake host ends, whose pipe is closed, is its own affair; it is not killed.  */
static void lets_go_without_killing (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    int how;
    drop (fixture, "one.so", "serve");
    begin (fixture);
    wait_for (fixture, "one", is_ready, &status);
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
    drop (fixture, "web.so", "serve");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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
    drop (fixture, "web.so", "serve");
    begin (fixture);
    wait_for (fixture, "web", is_ready, &status);
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
    assert_false (supervisor_adapter_restart (fixture->supervisor, "nobody", plv_clock_mono_us ()));
}

/*  Only a host says that it refuses, and it says why.  */
static void a_plugin_that_ends_its_process_is_no_refusal (void **state)
{
    fixture_t *fixture = *state;
    supervisor_status_t status;
    drop (fixture, "bad.so", "exit");
    begin (fixture);
    wait_for (fixture, "bad", was_restarted_thrice, &status);
    assert_string_equal (status.last,
                         "exit 85: the plugin ended its process, which is not for it to do");
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
    drop (fixture, "web.so", "chats");
    begin (fixture);
    wait_for (fixture, "web", has_crashed, &status);
    supervisor_adapter_stop (fixture->supervisor, "web", plv_clock_mono_us ());
    size_t all = logged (fixture, "\"id\":\"plugin.output\"");
    assert_int_equal (logged (fixture, "\"id\":\"plugin.output\",\"program\":\"supervisor_test\","
                                       "\"adapter\":\"web\""),
                      all);
    assert_int_equal (logged (fixture, "\"text\":\"a library\\u001b[31m says\"}"), 1);
    assert_in_range (all, LOG_GATE_BURST, CHAT_LINES / 2);
    assert_int_equal (logged (fixture, "\"id\":\"broker.stopped\""), 0);
    assert_int_equal (logged (fixture, "\"text\":\"free(): invalid pointer\""), 1);
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
        T (names_the_signal_and_backs_off),
        T (leaves_a_refused_plugin_alone_until_it_changes),
        T (refuses_files_that_cannot_be_trusted),
        T (retries_when_open_fails),
        T (replaces_a_changed_file_and_drains_the_old),
        T (keeps_the_old_one_when_the_new_one_fails),
        T (a_touched_file_with_the_same_bytes_changes_nothing),
        T (removed_means_drained_and_forgotten),
        T (kills_one_that_hangs),
        T (stops_all_and_kills_the_deaf),
        T (one_that_is_ill_says_why),
        T (a_host_may_ask_for_a_successor),
        T (lets_go_without_killing),
        T (what_is_stopped_by_hand_stays_so),
        T (a_host_gets_its_own_part_of_the_conf),
        T (stop_start_and_restart_by_hand),
        T (a_plugin_that_ends_its_process_is_no_refusal),
        T (what_could_not_be_copied_is_tried_again_when_asked),
        T (one_that_is_off_is_not_there),
        T (what_a_plugin_writes_is_logged_as_its_words),
        T (says_what_is_wrong_with_the_directory),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
