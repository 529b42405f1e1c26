#include "palaver/ask/own_broker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "palaver/ask/where.h"
#include "palaver/files.h"
#include "palaver/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_US = 20000, STOP_US = 15000000 };

static const char conf_text[] = "routes = ( { name = \"bench\"; service = \"bench\"; } );\n"
                                "rate_limit = { on = false; };\n"
                                "data = { dir = \"%s/data\"; };\n"
                                "run = { dir = \"%s/run\"; };\n"
                                "plugins = { dir = \"%s/plugins\"; };\n";

static void pause_a_moment (void)
{
    const struct timespec wait = {.tv_nsec = LOOK_US * 1000};
    nanosleep (&wait, NULL);
}

static char *in_dir (const own_broker_t *self, const char *name)
{
    char *path = NULL;
    if (asprintf (&path, "%s/%s", self->dir, name) < 0)
        plv_out_of_memory (sizeof self->dir);
    return path;
}

static plv_err_t make_dir (own_broker_t *self, plv_fail_t *ret_fail)
{
    const char *top = getenv ("TMPDIR");
    /* the path of a socket is short: a long TMPDIR is passed over */
    if (!top || top[0] != '/' || strlen (top) + sizeof "/palaver-XXXXXX" > sizeof self->dir)
        top = "/tmp";
    snprintf (self->dir, sizeof self->dir, "%s/palaver-XXXXXX", top);
    if (!mkdtemp (self->dir)) {
        plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", self->dir, strerror (errno));
        self->dir[0] = '\0';
        return ret_fail->code;
    }
    self->run = in_dir (self, "run");
    return ERR_OK;
}

static plv_err_t write_conf (own_broker_t *self, const char *conf, plv_fail_t *ret_fail)
{
    char *plugins = in_dir (self, "plugins");
    FILE *file = fopen (conf, "we");
    bool failed = !file || fprintf (file, conf_text, self->dir, self->dir, self->dir) < 0;
    failed = (file && fclose (file)) || failed || mkdir (plugins, 0700);
    free (plugins);
    return failed ? plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", conf, strerror (errno))
                  : ERR_OK;
}

/*  Beside this program, or where `scons install` puts it from here.  */
static char *find_program (void)
{
    static const char *const places[] = {"palaverd", "../sbin/palaverd"};
    char self[4096];
    ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr (self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        char *path = NULL;
        if (asprintf (&path, "%.*s/%s", (int) (slash - self), self, places[i]) < 0)
            plv_out_of_memory (sizeof self);
        if (access (path, X_OK) == 0)
            return path;
        free (path);
    }
    return plv_strdup ("palaverd");
}

/*  In the child: never returns.  */
static void become (const char *program, char *const *words, const char *log)
{
    int fd = open (log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int null = open ("/dev/null", O_RDONLY);
    setpgid (0, 0); /* Ctrl-C is for us; we stop it in good order */
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    dup2 (null, STDIN_FILENO);
    dup2 (fd, STDOUT_FILENO);
    dup2 (fd, STDERR_FILENO);
    signal (SIGINT, SIG_DFL);
    signal (SIGTERM, SIG_DFL);
    execvp (program, words);
    if (strchr (program, '/'))
        fprintf (stderr, "%s: %s\n", program, strerror (errno));
    else
        fprintf (stderr,
                 "%s is neither beside palaver, nor in ../sbin from there, nor in PATH: %s\n",
                 program, strerror (errno));
    _exit (127);
}

/*  The last line of the log says what is wrong.  */
static plv_err_t fail_log (const char *log, plv_fail_t *ret_fail)
{
    char line[400] = "", last[400] = "it says nothing";
    FILE *file = fopen (log, "re");
    while (file && fgets (line, sizeof line, file))
        snprintf (last, sizeof last, "%.*s", (int) strcspn (line, "\n"), line);
    if (file)
        fclose (file);
    size_t name = strncmp (last, "palaverd: ", 10) == 0 ? 10 : 0;
    return plv_fail (ret_fail, ERR_IO, "%s%s",
                     name ? "" : "the broker did not start: ", last + name);
}

static plv_err_t wait_until_ready (own_broker_t *self, const char *log, int64_t deadline_us,
                                   plv_fail_t *ret_fail)
{
    char *socket = where_socket (self->run, "control");
    plv_err_t err = ERR_GONE;
    while (err && !interrupt_seen () && plv_clock_mono_us () < deadline_us) {
        if (waitpid (self->pid, NULL, WNOHANG) == self->pid) {
            self->pid = 0;
            break;
        }
        err = where_probe (socket, NULL);
        if (err)
            pause_a_moment ();
    }
    free (socket);
    if (interrupt_seen ())
        return plv_fail (ret_fail, ERR_TIMEOUT, "interrupted");
    return err ? fail_log (log, ret_fail) : ERR_OK;
}

static plv_err_t launch (own_broker_t *self, const char *program, char *const *words,
                         int64_t deadline_us, plv_fail_t *ret_fail)
{
    char *log = in_dir (self, "log");
    char *path = program ? plv_strdup (program) : find_program ();
    plv_err_t err;
    self->pid = fork ();
    if (self->pid == 0)
        become (path, words, log);
    if (self->pid < 0) {
        self->pid = 0;
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "fork: %s", strerror (errno));
    } else {
        err = wait_until_ready (self, log, deadline_us, ret_fail);
    }
    free (log);
    free (path);
    return err;
}

plv_err_t own_broker_start (own_broker_t *self, const char *program, int64_t deadline_us,
                            plv_fail_t *ret_fail)
{
    *self = (own_broker_t){0};
    plv_err_t err = make_dir (self, ret_fail);
    char *conf = in_dir (self, "conf");
    char name[] = "palaverd", option[] = "--conf";
    if (!err)
        err = write_conf (self, conf, ret_fail);
    if (!err)
        err = launch (self, program, (char *[]){name, option, conf, NULL}, deadline_us, ret_fail);
    free (conf);
    if (err)
        own_broker_stop (self);
    return err;
}

plv_err_t own_broker_inspect (own_broker_t *self, const char *program, const char *dir,
                              const char *conf, int64_t deadline_us, plv_fail_t *ret_fail)
{
    *self = (own_broker_t){0};
    char name[] = "palaverd", inspect[] = "--inspect", run[] = "--run", option[] = "--conf";
    char *data = plv_strdup (dir), *file = conf ? plv_strdup (conf) : NULL;
    plv_err_t err = make_dir (self, ret_fail);
    char *words[] = {name, inspect, data, run, self->run, file ? option : NULL, file, NULL};
    if (!err)
        err = launch (self, program, words, deadline_us, ret_fail);
    free (data);
    free (file);
    if (err)
        own_broker_stop (self);
    return err;
}

static void end (pid_t pid)
{
    int64_t deadline_us = plv_clock_mono_us () + STOP_US;
    kill (pid, SIGTERM);
    while (waitpid (pid, NULL, WNOHANG) == 0) {
        if (plv_clock_mono_us () > deadline_us)
            kill (pid, SIGKILL);
        pause_a_moment ();
    }
}

void own_broker_stop (own_broker_t *self)
{
    if (self->pid > 0)
        end (self->pid);
    if (self->dir[0])
        files_remove (self->dir);
    free (self->run);
    *self = (own_broker_t){0};
}

void workers_stop (workers_t *self)
{
    for (unsigned i = 0; i < self->count; i++)
        kill (self->pids[i], SIGTERM);
    for (unsigned i = 0; i < self->count; i++)
        end (self->pids[i]);
    self->count = 0;
}
