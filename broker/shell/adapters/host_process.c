#include "shell/adapters/host_process.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log/log_line.h"
#include "base/proof.h"
#include "shell/adapters/host_home.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FD = 3, LOG_FD = 4, PROOF_FD = 5 }; /* in the child */
enum { READS_A_STEP = 256 }; /* more than a pipe holds: its last words are heard whole */

/*  Our ends are for reading; the child's for writing, but for `proof`.  */
typedef struct {
    int status[2], output[2], proof;
} pipes_t;

/* ------------------------------------------------------------------ starting */

static int set_up (posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                   const pipes_t *pipes)
{
    sigset_t none, all;
    sigemptyset (&none);
    sigfillset (&all);
    int wrong = posix_spawn_file_actions_addopen (actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    const int descriptors[][2] = {{STDERR_FILENO, LOG_FD},
                                  {pipes->output[1], STDOUT_FILENO},
                                  {pipes->output[1], STDERR_FILENO},
                                  {pipes->status[1], STATUS_FD},
                                  {pipes->proof, PROOF_FD}};
    for (size_t at = 0; at < sizeof descriptors / sizeof *descriptors && !wrong; at++)
        wrong = posix_spawn_file_actions_adddup2 (actions, descriptors[at][0], descriptors[at][1]);
    wrong = wrong ? wrong : posix_spawn_file_actions_addclosefrom_np (actions, PROOF_FD + 1);
    wrong = wrong ? wrong : posix_spawnattr_setsigmask (attributes, &none);
    wrong = wrong ? wrong : posix_spawnattr_setsigdefault (attributes, &all);
    wrong = wrong ? wrong : posix_spawnattr_setpgroup (attributes, 0);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    return wrong ? wrong : posix_spawnattr_setflags (attributes, flags);
}

static const char *log_format (const plv_log_t *log)
{
    switch (plv_log_format (log)) {
    case LOG_TEXT:
        return "text";
    case LOG_JSON:
        return "json";
    default:
        return "auto";
    }
}

enum { WORDS_MAX = 32 };

/*  The command line; exec takes what it never writes as char *. As another user the host reaches only what is
    in its directory.  */
static void put_words (const host_process_options_t *options, const char *dir,
                       char *ret_words[WORDS_MAX])
{
    const bool user = *options->conf->user;
    const char *pairs[][2] = {{"--plugin", user ? HOST_HOME_PLUGIN : options->plugin},
                              {"--name", options->name},
                              {"--broker", user ? "ipc://" HOST_HOME_SOCKET : options->broker},
                              {"--dir", dir},
                              {"--conf", HOST_HOME_CONF},
                              {"--conf-name", options->conf->file},
                              {"--user", options->conf->user},
                              {"--status-fd", "3"},
                              {"--log-fd", "4"},
                              {"--proof-fd", "5"},
                              {"--log-level", plv_log_level_text (plv_log_least (options->log))},
                              {"--log-format", log_format (options->log)}};
    size_t count = 0;
    ret_words[count++] = (char *) (uintptr_t) options->program;
    for (size_t at = 0; at < sizeof pairs / sizeof *pairs; at++) {
        if (!*pairs[at][1])
            continue;
        ret_words[count++] = (char *) (uintptr_t) pairs[at][0];
        ret_words[count++] = (char *) (uintptr_t) pairs[at][1];
    }
    if (options->beside)
        ret_words[count++] = (char *) (uintptr_t) "--beside";
    ret_words[count] = NULL;
}

/*  0 or an errno.  */
static int spawn (const host_process_options_t *options, const pipes_t *pipes, pid_t *ret_pid)
{
    char *words[WORDS_MAX], dir[PLUGIN_PATH_BYTES];
    char **environment = host_home_environment (options->adapters, options->name);
    snprintf (dir, sizeof dir, "%s/%s", options->copies, options->name);
    put_words (options, dir, words);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init (&actions);
    posix_spawnattr_init (&attributes);
    int wrong = set_up (&actions, &attributes, pipes);
    if (!wrong)
        wrong = posix_spawn (ret_pid, options->program, &actions, &attributes, words, environment);
    posix_spawn_file_actions_destroy (&actions);
    posix_spawnattr_destroy (&attributes);
    free (environment);
    return wrong;
}

static plv_err_t prepare (const host_process_options_t *options, plv_fail_t *ret_fail)
{
    const host_home_t home = {
        .copies = options->copies,
        .name = options->name,
        .adapters = options->adapters,
        .plugin = options->plugin,
        .socket = options->broker + strlen ("ipc://"),
        .user = options->conf->user,
    };
    return host_home_prepare (&home, ret_fail);
}

static void wake_by (int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event);
}

static void pipe_close (const int ends[2])
{
    for (int at = 0; at < 2; at++)
        if (ends[at] >= 0)
            close (ends[at]);
}

/*  Away from the numbers that the child uses: dup2 onto itself would leave close-on-exec set. 0 or -1.  */
static int pipe_open (int ret_ends[2])
{
    int ends[2];
    ret_ends[0] = ret_ends[1] = -1;
    if (pipe2 (ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    for (int at = 0; at < 2; at++)
        ret_ends[at] = fcntl (ends[at], F_DUPFD_CLOEXEC, PROOF_FD + 1);
    pipe_close (ends);
    return ret_ends[0] < 0 || ret_ends[1] < 0 ? -1 : 0;
}

/*  A pipe that holds the proof of the child's name. Not in its environment or on its command line, which others may
    read. 0 or -1.  */
static int proof_open (const host_process_options_t *options, int *ret_fd)
{
    uint8_t proof[PLV_PROOF_BYTES];
    int ends[2];
    plv_proof (options->proof_key, options->name, proof);
    if (pipe_open (ends) || write (ends[1], proof, sizeof proof) != sizeof proof) {
        pipe_close (ends);
        return -1;
    }
    close (ends[1]);
    *ret_fd = ends[0];
    return 0;
}

static void pipes_close (const pipes_t *self)
{
    pipe_close (self->status);
    pipe_close (self->output);
    if (self->proof >= 0)
        close (self->proof);
}

/*  What the plugin writes is waited with, not lost, when much comes at once.  */
static int pipes_open (const host_process_options_t *options, pipes_t *ret_pipes)
{
    *ret_pipes = (pipes_t){.status = {-1, -1}, .output = {-1, -1}, .proof = -1};
    if (pipe_open (ret_pipes->status) || pipe_open (ret_pipes->output)
        || fcntl (ret_pipes->output[1], F_SETFL, O_WRONLY) < 0)
        return -1;
    return proof_open (options, &ret_pipes->proof);
}

static host_process_t *process_new (const host_process_options_t *options, pipes_t *pipes,
                                    pid_t pid, int64_t now_us)
{
    host_process_t *self = plv_alloc_zero (1, sizeof *self);
    self->pid = pid;
    self->pipe = pipes->status[0];
    self->output = (host_output_t){
        .fd = pipes->output[0], .log = options->log, .adapter = options->name, .pid = pid};
    pipes->status[0] = pipes->output[0] = -1;
    self->pidfd = pidfd_open (pid, 0);
    snprintf (self->file, sizeof self->file, "%s", options->plugin);
    self->adapters = plv_strdup (options->adapters);
    self->started_us = now_us;
    self->beat_us = now_us;
    wake_by (options->epoll, self->pipe);
    wake_by (options->epoll, self->output.fd);
    wake_by (options->epoll, self->pidfd);
    return self;
}

plv_err_t host_process_start (const host_process_options_t *options, int64_t now_us,
                              host_process_t **ret_process, plv_fail_t *ret_fail)
{
    pipes_t pipes;
    pid_t pid;
    plv_err_t err = prepare (options, ret_fail);
    if (err)
        return err;
    if (pipes_open (options, &pipes)) {
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "no pipe: %s", strerror (errno));
    } else {
        int wrong = spawn (options, &pipes, &pid);
        if (wrong)
            err = plv_fail (ret_fail, plv_err_of_errno (wrong),
                            "%s: %s: plugins.host names the program that runs an adapter",
                            options->program, strerror (wrong));
        else
            *ret_process = process_new (options, &pipes, pid, now_us);
    }
    pipes_close (&pipes);
    return err;
}

void host_process_destroy (host_process_t **self_p)
{
    host_process_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    plv_node_remove (&self->node);
    if (self->pid) {
        kill (self->pid, SIGKILL);
        waitpid (self->pid, NULL, 0);
    }
    if (self->pipe >= 0)
        close (self->pipe);
    close (self->pidfd);
    host_output_end (&self->output, plv_clock_mono_us ());
    adapter_metrics_free (&self->metrics);
    free (self->adapters);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ listening */

/*  "PLATFORM VERSION"  */
static void on_open (host_process_t *self, const char *words)
{
    size_t size = strcspn (words, " ");
    snprintf (self->platform, sizeof self->platform, "%.*s", (int) size, words);
    snprintf (self->version, sizeof self->version, "%s", words[size] ? words + size + 1 : "");
    self->is_open = true;
}

/*  False: no line of a host. A plugin that writes to a descriptor that is not its own says nothing for its loop.  */
static bool on_line (host_process_t *self, const char *line)
{
    if (strncmp (line, "OPEN", 4) == 0)
        on_open (self, line[4] ? line + 5 : "");
    else if (strcmp (line, "UP") == 0)
        self->is_up = true;
    else if (strcmp (line, "DOWN") == 0)
        self->is_up = false;
    else if (strncmp (line, "RENEW ", 6) == 0)
        snprintf (self->renew, sizeof self->renew, "%s", line + 6);
    else if (strncmp (line, "DRAIN ", 6) == 0)
        self->drain_ms = atoll (line + 6);
    else if (strcmp (line, "WELL") == 0)
        self->trouble[0] = 0;
    else if (strncmp (line, "ILL ", 4) == 0)
        snprintf (self->trouble, sizeof self->trouble, "%s", line + 4);
    else if (strncmp (line, "METRIC ", 7) == 0)
        adapter_metrics_take (&self->metrics, line + 7);
    else if (strncmp (line, "FAIL ", 5) == 0)
        snprintf (self->why, sizeof self->why, "%s", line + 5);
    else
        return strcmp (line, "BEAT") == 0;
    return true;
}

static void take_lines (host_process_t *self, int64_t now_us)
{
    char *end;
    while ((end = memchr (self->line, '\n', self->line_size))) {
        *end = 0;
        if (on_line (self, self->line))
            self->beat_us = now_us;
        self->line_size -= (size_t) (end + 1 - self->line);
        memmove (self->line, end + 1, self->line_size);
    }
    if (self->line_size == sizeof self->line)
        self->line_size = 0; /* no line of ours is so long */
}

bool host_process_listen (host_process_t *self, int64_t now_us)
{
    bool was_open = self->is_open;
    host_output_read (&self->output, now_us);
    for (int reads = 0; self->pipe >= 0 && reads < READS_A_STEP; reads++) {
        ssize_t got =
            read (self->pipe, self->line + self->line_size, sizeof self->line - self->line_size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            break;
        if (got <= 0) {
            close (self->pipe); /* leaves the epoll set with it */
            self->pipe = -1;
            break;
        }
        self->line_size += (size_t) got;
        take_lines (self, now_us);
    }
    return self->is_open && !was_open;
}

bool host_process_ended (host_process_t *self, int *ret_status)
{
    int status;
    if (!self->pid || waitpid (self->pid, &status, WNOHANG) != self->pid)
        return false;
    self->pid = 0;
    host_process_listen (self, self->beat_us);
    *ret_status = status;
    return true;
}

void host_process_signal (host_process_t *self, int number)
{
    if (self->pid)
        kill (self->pid, number); /* it is not waited for yet: the number is still its own */
}

bool host_process_refused (const host_process_t *self, int status)
{
    return self->why[0] && WIFEXITED (status) && WEXITSTATUS (status) >= HOST_REFUSED_FIRST
           && WEXITSTATUS (status) <= HOST_REFUSED_LAST;
}

void host_status_text (int status, char *ret_text, size_t size)
{
    if (WIFSIGNALED (status)) {
        const char *name = sigabbrev_np (WTERMSIG (status));
        snprintf (ret_text, size, "SIG%s (%s)%s", name ? name : "?", strsignal (WTERMSIG (status)),
                  WCOREDUMP (status) ? ", core dumped" : "");
    } else {
        snprintf (ret_text, size, "exit %d", WEXITSTATUS (status));
    }
}
