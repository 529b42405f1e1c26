#include "exec/child.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LAST_WORDS_BYTES = 240,
    STDERR_LINE_BYTES = 4096,
    STDERR_PIPE_BYTES = 64 * 1024,
    READ_BYTES = 64 * 1024,
    LAST_MOMENT_MS = 200,
    NAP_MS = 5
};

struct child {
    pid_t pid;
    int in;  /* its stdin */
    int out; /* its stdout */
    int err; /* its stderr */
    int end; /* an eventfd: the thread may end */
    unsigned number;
    bool reaped;
    int status; /* of waitpid, when reaped */
    plv_buf_t lines;
    size_t taken;     /* bytes of `lines` that were given out */
    pthread_t thread; /* started the child, and listens to it */
    bool has_thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool started; /* or not: the thread has tried */
    bool heard;   /* all that there is on stderr */
    char last_words[LAST_WORDS_BYTES];
};

/* ------------------------------------------------------------------ stderr */

/*  A line that does not end, such as a bar that shows progress, comes in pieces: it is seen while it grows, and
    takes no memory.  */
typedef struct {
    char text[STDERR_LINE_BYTES];
    size_t size;
} hearing_t;

static void pass_on (child_t *self, const char *line)
{
    if (!line[0])
        return;
    fprintf (stderr, "palaver-exec: child %u: %s\n", self->number, line);
    pthread_mutex_lock (&self->lock);
    snprintf (self->last_words, sizeof self->last_words, "%s", line);
    pthread_mutex_unlock (&self->lock);
}

static void pass_on_lines (child_t *self, hearing_t *hearing, bool whole)
{
    char *start = hearing->text, *end = hearing->text + hearing->size;
    for (char *cut; (cut = memchr (start, '\n', (size_t) (end - start))); start = cut + 1) {
        *cut = '\0';
        pass_on (self, start);
    }
    hearing->size = (size_t) (end - start);
    if (whole || hearing->size == sizeof hearing->text - 1) {
        *end = '\0';
        pass_on (self, start);
        hearing->size = 0;
    }
    memmove (hearing->text, start, hearing->size);
}

typedef enum { HEARD, SILENT, DEAF } heard_t;

static heard_t hear (child_t *self, hearing_t *hearing)
{
    ssize_t size =
        read (self->err, hearing->text + hearing->size, sizeof hearing->text - 1 - hearing->size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return SILENT;
    if (size > 0)
        hearing->size += (size_t) size;
    pass_on_lines (self, hearing, size <= 0);
    return size > 0 ? HEARD : DEAF;
}

static void set_true (child_t *self, bool *what)
{
    pthread_mutex_lock (&self->lock);
    *what = true;
    pthread_cond_signal (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/*  Until the child has ended: what it has left running, in a session of its own, may keep its stderr open for ever.
    What is still in the pipe then is heard, too.  */
static void listen_to (child_t *self)
{
    hearing_t hearing = {.size = 0};
    struct pollfd fds[] = {{.fd = self->err, .events = POLLIN},
                           {.fd = self->end, .events = POLLIN}};
    while (!fds[1].revents) {
        if (poll (fds, sizeof fds / sizeof *fds, -1) > 0 && fds[0].revents
            && hear (self, &hearing) == DEAF) {
            fds[0].fd = -1;
            set_true (self, &self->heard);
        }
    }
    for (int more = STDERR_PIPE_BYTES; fds[0].fd >= 0 && more > 0; more -= STDERR_LINE_BYTES)
        if (hear (self, &hearing) != HEARD)
            break;
    pass_on_lines (self, &hearing, true);
}

/* ------------------------------------------------------------------ its beginning */

typedef struct {
    int in[2], out[2], err[2], fault[2];
} pipes_t;

static void close_pair (int pair[2])
{
    for (int end = 0; end < 2; end++) {
        if (pair[end] >= 0)
            close (pair[end]);
        pair[end] = -1;
    }
}

static void pipes_close (pipes_t *self)
{
    close_pair (self->in);
    close_pair (self->out);
    close_pair (self->err);
    close_pair (self->fault);
}

static bool pipes_open (pipes_t *self)
{
    *self = (pipes_t){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (!pipe2 (self->in, O_CLOEXEC) && !pipe2 (self->out, O_CLOEXEC)
        && !pipe2 (self->err, O_CLOEXEC) && !pipe2 (self->fault, O_CLOEXEC))
        return true;
    int error = errno;
    pipes_close (self);
    errno = error;
    return false;
}

/*  Between fork and exec, in a process that may have had threads: system calls only. What goes wrong is
    told through `fault`, which a successful exec closes.  */
static void become (char *const *argv, const pipes_t *pipes, pid_t parent)
{
    sigset_t none;
    sigemptyset (&none);
    setpgid (0, 0);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask (SIG_SETMASK, &none, NULL);
    signal (SIGPIPE, SIG_DFL);
    if (getppid () == parent && dup2 (pipes->in[0], STDIN_FILENO) >= 0
        && dup2 (pipes->out[1], STDOUT_FILENO) >= 0 && dup2 (pipes->err[1], STDERR_FILENO) >= 0)
        execvp (argv[0], argv);
    int error = errno;
    ssize_t written = write (pipes->fault[1], &error, sizeof error);
    _exit (written == sizeof error ? 127 : 126);
}

/*  0: it is the program by now; else the errno of exec.  */
static int exec_error (const pipes_t *pipes)
{
    int error = 0;
    ssize_t size;
    do
        size = read (pipes->fault[0], &error, sizeof error);
    while (size < 0 && errno == EINTR);
    return size == sizeof error ? error : 0;
}

static plv_err_t spawn (child_t *self, char *const *argv, pipes_t *pipes, plv_fail_t *ret_fail)
{
    pid_t parent = getpid ();
    self->pid = fork ();
    if (self->pid == 0)
        become (argv, pipes, parent);
    if (self->pid < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "no process for %s: %s", argv[0],
                         strerror (errno));
    setpgid (self->pid, self->pid); /* whoever comes first; it fails when the child was */
    close (pipes->fault[1]);
    pipes->fault[1] = -1;
    int error = exec_error (pipes);
    if (!error)
        return ERR_OK;
    waitpid (self->pid, &self->status, 0);
    self->reaped = true;
    return plv_fail (ret_fail, plv_err_of_errno (error), "%s cannot be started: %s", argv[0],
                     strerror (error));
}

static int take_end (int pair[2], int end)
{
    int fd = pair[end];
    pair[end] = -1;
    return fd;
}

typedef struct {
    child_t *child;
    char *const *argv;
    pipes_t pipes;
    plv_err_t err;
    plv_fail_t fail;
} start_t;

/*  The kernel kills a child with the thread that has started it: so this one stays for as long as the child lives.  */
static void *accompany (void *arg)
{
    start_t *start = arg;
    child_t *self = start->child;
    plv_err_t err = start->err = spawn (self, start->argv, &start->pipes, &start->fail);
    if (!err) {
        self->in = take_end (start->pipes.in, 1);
        self->out = take_end (start->pipes.out, 0);
        self->err = take_end (start->pipes.err, 0);
        fcntl (self->in, F_SETFL, O_NONBLOCK);
        fcntl (self->out, F_SETFL, O_NONBLOCK);
        fcntl (self->err, F_SETFL, O_NONBLOCK);
    }
    pipes_close (&start->pipes);
    set_true (self, &self->started); /* `start` ends here */
    if (!err)
        listen_to (self);
    return NULL;
}

static child_t *child_new (unsigned number)
{
    child_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (child_t){.number = number, .in = -1, .out = -1, .err = -1};
    pthread_mutex_init (&self->lock, NULL);
    plv_wait_init (&self->changed);
    self->end = eventfd (0, EFD_CLOEXEC);
    return self;
}

static plv_err_t start_in_thread (start_t *start, plv_fail_t *ret_fail)
{
    child_t *self = start->child;
    self->has_thread = pthread_create (&self->thread, NULL, accompany, start) == 0;
    if (!self->has_thread) {
        pipes_close (&start->pipes);
        return plv_fail (ret_fail, ERR_NOMEM, "no memory for a thread");
    }
    pthread_mutex_lock (&self->lock);
    while (!self->started)
        pthread_cond_wait (&self->changed, &self->lock);
    pthread_mutex_unlock (&self->lock);
    if (start->err)
        *ret_fail = start->fail;
    return start->err;
}

plv_err_t child_start (char *const *argv, unsigned number, child_t **ret_child,
                       plv_fail_t *ret_fail)
{
    start_t start = {.argv = argv, .child = child_new (number)};
    if (!start.child)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    plv_err_t err = start.child->end >= 0 && pipes_open (&start.pipes)
                        ? start_in_thread (&start, ret_fail)
                        : plv_fail (ret_fail, plv_err_of_errno (errno), "no pipes for %s: %s",
                                    argv[0], strerror (errno));
    if (err)
        child_stop (&start.child, 0);
    else
        *ret_child = start.child;
    return err;
}

/* ------------------------------------------------------------------ its end */

bool child_alive (child_t *self)
{
    if (!self->reaped && waitpid (self->pid, &self->status, WNOHANG) == self->pid)
        self->reaped = true;
    return !self->reaped;
}

static bool ends_within (child_t *self, int wait_ms)
{
    for (int64_t until_us = plv_clock_mono_us () + wait_ms * INT64_C (1000); child_alive (self);) {
        if (plv_clock_mono_us () >= until_us)
            return false;
        poll (NULL, 0, NAP_MS);
    }
    return true;
}

/*  What the program has left running is killed in any case: it would hold the pipes open.  */
static void end_process (child_t *self, int grace_ms)
{
    if (!ends_within (self, grace_ms)) {
        kill (-self->pid, SIGTERM);
        ends_within (self, grace_ms);
    }
    kill (-self->pid, SIGKILL);
    if (!self->reaped)
        waitpid (self->pid, &self->status, 0);
}

void child_stop (child_t **self_p, int grace_ms)
{
    child_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    if (self->in >= 0)
        close (self->in);
    if (self->pid > 0)
        end_process (self, grace_ms);
    if (self->end >= 0)
        eventfd_write (self->end, 1);
    if (self->has_thread)
        pthread_join (self->thread, NULL);
    int left[] = {self->out, self->err, self->end};
    for (size_t at = 0; at < sizeof left / sizeof *left; at++)
        if (left[at] >= 0)
            close (left[at]);
    plv_buf_free (&self->lines);
    pthread_mutex_destroy (&self->lock);
    pthread_cond_destroy (&self->changed);
    free (self);
    *self_p = NULL;
}

/*  "SIGSEGV"; a signal of real time has no name.  */
static void name_signal (int number, char *text, size_t size)
{
    const char *name = sigabbrev_np (number);
    if (name)
        snprintf (text, size, "SIG%s", name);
    else
        snprintf (text, size, "signal %d", number);
}

void child_epitaph (child_t *self, char *text, size_t size)
{
    char words[LAST_WORDS_BYTES];
    bool ended = ends_within (self, LAST_MOMENT_MS);
    int64_t until_us = plv_clock_mono_us () + LAST_MOMENT_MS * INT64_C (1000);
    pthread_mutex_lock (&self->lock);
    while (ended && !self->heard && plv_wait_until (&self->changed, &self->lock, until_us))
        continue;
    memcpy (words, self->last_words, sizeof words);
    pthread_mutex_unlock (&self->lock);
    const char *colon = words[0] ? ": " : "";
    if (!ended) {
        snprintf (text, size, "the program has closed its output%s%s", colon, words);
    } else if (WIFSIGNALED (self->status)) {
        char name[24];
        name_signal (WTERMSIG (self->status), name, sizeof name);
        snprintf (text, size, "the program was killed by %s%s%s", name, colon, words);
    } else {
        snprintf (text, size, "the program ended with status %d%s%s", WEXITSTATUS (self->status),
                  colon, words);
    }
}

/* ------------------------------------------------------------------ lines */

/*  Some runtimes begin what they write as UTF-8 with its byte order mark: it is no part of a line.  */
static plv_view_t without_mark (plv_view_t line)
{
    static const uint8_t MARK[] = {0xef, 0xbb, 0xbf};
    bool marked = line.size >= sizeof MARK && memcmp (line.data, MARK, sizeof MARK) == 0;
    return marked ? plv_view (line.data + sizeof MARK, line.size - sizeof MARK) : line;
}

static bool next_line (child_t *self, plv_view_t *ret_line)
{
    const uint8_t *start = self->lines.data + self->taken;
    size_t left = self->lines.size - self->taken;
    const uint8_t *end = left ? memchr (start, '\n', left) : NULL;
    if (!end)
        return false;
    plv_view_t line = plv_view (start, (size_t) (end - start));
    *ret_line = without_mark (line);
    self->taken += line.size + 1;
    return true;
}

static void forget_taken (child_t *self)
{
    self->lines.size -= self->taken;
    if (self->taken && self->lines.size)
        memmove (self->lines.data, self->lines.data + self->taken, self->lines.size);
    self->taken = 0;
}

child_said_t child_read (child_t *self, int wait_ms, plv_view_t *ret_line)
{
    if (next_line (self, ret_line))
        return CHILD_LINE;
    forget_taken (self);
    if (self->lines.size > FRAME_BYTES_MAX)
        return CHILD_TOO_LONG;
    struct pollfd wait = {.fd = self->out, .events = POLLIN};
    if (poll (&wait, 1, wait_ms) <= 0) {
        if (child_alive (self))
            return CHILD_NOTHING;
        if (poll (&wait, 1, 0) <= 0)
            return CHILD_OVER; /* what it has left running keeps its stdout open */
    }
    if (!plv_buf_reserve (&self->lines, READ_BYTES))
        return CHILD_OVER;
    ssize_t size = read (self->out, self->lines.data + self->lines.size, READ_BYTES);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return CHILD_NOTHING;
    if (size <= 0)
        return CHILD_OVER;
    self->lines.size += (size_t) size;
    return next_line (self, ret_line) ? CHILD_LINE : CHILD_NOTHING;
}

bool child_write (child_t *self, plv_view_t bytes, int wait_ms)
{
    int64_t until_us = plv_clock_mono_us () + wait_ms * INT64_C (1000);
    for (size_t at = 0; at < bytes.size;) {
        ssize_t size = write (self->in, bytes.data + at, bytes.size - at);
        if (size > 0) {
            at += (size_t) size;
            continue;
        }
        int64_t left_ms = (until_us - plv_clock_mono_us ()) / 1000;
        if (size < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        struct pollfd wait = {.fd = self->in, .events = POLLOUT};
        if (left_ms <= 0 || (poll (&wait, 1, (int) left_ms) < 0 && errno != EINTR))
            return false;
    }
    return true;
}
