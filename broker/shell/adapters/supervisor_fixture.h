/*  supervisor_fixture -- a supervisor in a directory of its own, for tests, against a fake host: the test's program
    itself, which behaves as the plugin's bytes say
    OWNS    the directory, the log, the supervisor
    THREAD  one
    FAILS   by cmocka's assertions
    COST    a process for each plugin

    What includes it begins its main with: is it started as a host?  */

#ifndef SHELL_SUPERVISOR_FIXTURE_H
#define SHELL_SUPERVISOR_FIXTURE_H

#include "shell/adapters/place_fixture.h"
#include "shell/adapters/supervisor.h"

#include "base/alloc.h"
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

static bool has_good_conf (const char *dir)
{
    char path[256], text[256] = {0};
    snprintf (path, sizeof path, "%s/conf", dir);
    FILE *file = fopen (path, "r");
    if (!file)
        return false;
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    return size && strstr (text, "key = 1;") != NULL;
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
    if (strncmp (does, "picky", 5) == 0 && !has_good_conf (argument (words, "--dir"))) {
        say ("FAIL wrong in its conf\n");
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
    fixture_t *fixture = plv_alloc_zero (1, sizeof *fixture);
    snprintf (fixture->top, sizeof fixture->top, "/tmp/supervisor-XXXXXX");
    assert_non_null (mkdtemp (fixture->top));
    snprintf (fixture->dir, sizeof fixture->dir, "%s/plugins", fixture->top);
    snprintf (fixture->copies, sizeof fixture->copies, "%s/copies", fixture->top);
    mkdir (fixture->dir, 0755);
    assert_true (readlink ("/proc/self/exe", fixture->self, sizeof fixture->self - 1) > 0);
    snprintf (fixture->log_path, sizeof fixture->log_path, "%s/log", fixture->top);
    fixture->log = plv_log_new (
        "test", open (fixture->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
        LOG_DEBUG, LOG_JSON);
    *state = fixture;
    return 0;
}

static int tear_down (void **state)
{
    fixture_t *fixture = *state;
    supervisor_destroy (&fixture->supervisor);
    plv_log_destroy (&fixture->log);
    int gone = place_remove (fixture->top);
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

static size_t copies (const fixture_t *fixture)
{
    return place_count (fixture->copies, "*.so");
}

/*  With one plugin, NAME.so, until `condition` holds for it.  */
static void begin_with (fixture_t *fixture, const char *name, const char *does,
                        bool (*condition) (const supervisor_status_t *status),
                        supervisor_status_t *ret_status)
{
    char file[64];
    snprintf (file, sizeof file, "%s.so", name);
    drop (fixture, file, does);
    begin (fixture);
    wait_for (fixture, name, condition, ret_status);
}

#endif
