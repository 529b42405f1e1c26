#include "shell/inspect_child.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 5000, OUTPUT_BYTES_MAX = 1024 * 1024 };

/*  The group as a file without a name.  */
static int section_file (plv_view_t section)
{
    int fd = memfd_create ("section", MFD_CLOEXEC);
    if (fd >= 0 && write (fd, section.data, section.size) == (ssize_t) section.size
        && lseek (fd, 0, SEEK_SET) == 0)
        return fd;
    if (fd >= 0)
        close (fd);
    return -1;
}

/*  0 or an errno.  */
static int spawn (const inspect_child_t *self, int section, int output, pid_t *ret_pid)
{
    const char *words[] = {self->program, self->mode, "--plugin",   self->plugin,  "--name",
                           self->name,    "--conf",   "/dev/stdin", "--conf-name", self->conf_name,
                           "--log-level", "error",    NULL};
    char *given[sizeof words / sizeof *words];
    memcpy (given, words, sizeof words); /* exec takes what it never writes as char * */
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    int wrong = posix_spawn_file_actions_adddup2 (&actions, section, STDIN_FILENO);
    wrong = wrong ? wrong : posix_spawn_file_actions_adddup2 (&actions, output, STDOUT_FILENO);
    wrong = wrong ? wrong : posix_spawn_file_actions_addclosefrom_np (&actions, STDERR_FILENO + 1);
    if (!wrong)
        wrong = posix_spawn (ret_pid, self->program, &actions, NULL, given, self->environment);
    posix_spawn_file_actions_destroy (&actions);
    return wrong;
}

static plv_err_t late (const inspect_child_t *self, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_TIMEOUT,
                     "%s: its constructors did not return within %d ms: killed", self->plugin,
                     DEADLINE_MS);
}

/*  Until there is something to read of `fd`, or the end of what it stands for: false: not in time.  */
static bool wait_readable (int fd, int64_t until_us)
{
    for (;;) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        int64_t left_us = until_us - plv_clock_mono_us ();
        if (left_us <= 0)
            return false;
        if (poll (&item, 1, (int) (left_us / 1000 + 1)) > 0)
            return true;
    }
}

static plv_err_t read_all (const inspect_child_t *self, int output, int64_t until_us,
                           plv_buf_t *ret_output, plv_fail_t *ret_fail)
{
    uint8_t piece[4096];
    while (wait_readable (output, until_us)) {
        ssize_t got = read (output, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_OK;
        plv_buf_add (ret_output, piece, (size_t) got);
        if (ret_output->size > OUTPUT_BYTES_MAX)
            return plv_fail (ret_fail, ERR_RANGE, "%s: has too much to say", self->plugin);
    }
    return late (self, ret_fail);
}

/*  It may have closed its output and go on.  */
static plv_err_t wait_end (const inspect_child_t *self, pid_t pid, int64_t until_us,
                           plv_fail_t *ret_fail)
{
    int fd = pidfd_open (pid, 0);
    bool ended = fd < 0 || wait_readable (fd, until_us);
    if (fd >= 0)
        close (fd);
    return ended ? ERR_OK : late (self, ret_fail);
}

plv_err_t inspect_child_run (const inspect_child_t *self, plv_buf_t *ret_output, int *ret_status,
                             plv_fail_t *ret_fail)
{
    int ends[2] = {-1, -1}, section = section_file (self->section);
    int64_t until_us = plv_clock_mono_us () + DEADLINE_MS * 1000;
    pid_t pid = 0;
    int wrong =
        section < 0 || pipe2 (ends, O_CLOEXEC) < 0 ? errno : spawn (self, section, ends[1], &pid);
    if (ends[1] >= 0)
        close (ends[1]);
    plv_err_t err = wrong ? plv_fail (ret_fail, ERR_IO, "%s: %s", self->program, strerror (wrong))
                          : read_all (self, ends[0], until_us, ret_output, ret_fail);
    if (pid && !err)
        err = wait_end (self, pid, until_us, ret_fail);
    plv_buf_check (ret_output);
    if (pid && err)
        kill (pid, SIGKILL);
    if (pid)
        waitpid (pid, ret_status, 0);
    if (ends[0] >= 0)
        close (ends[0]);
    if (section >= 0)
        close (section);
    return err;
}
