/*  palaver-adapter -- runs one plugin beside the broker: see host.h, and exit.def for how it ends  */
#include "host/arguments.h"
#include "host/inspect.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*  Nothing of the parent's stays open but what was meant for us; a child dies with its supervisor.  */
static void harden (int status_fd, int log_fd)
{
    const int low = status_fd < log_fd ? status_fd : log_fd, high = status_fd + log_fd - low;
    umask (077);
    setpgid (0, 0);
    prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (low > 3)
        close_range (3, (unsigned) low - 1, 0);
    if (high > low + 1 && high > 3)
        close_range (low < 3 ? 3 : (unsigned) low + 1, (unsigned) high - 1, 0);
    close_range (high < 3 ? 3 : (unsigned) high + 1, ~0U, 0);
    if (log_fd > 2)
        fcntl (log_fd, F_SETFD, FD_CLOEXEC);
    if (status_fd < 0)
        return;
    fcntl (status_fd, F_SETFD, FD_CLOEXEC);
    fcntl (status_fd, F_SETFL, O_WRONLY | O_NONBLOCK);
    prctl (PR_SET_PDEATHSIG, HOST_PARENT_DIED);
    /*  When it was gone before we could ask, the first line on `status_fd` finds the pipe broken.  */
}

static void read_proof (host_options_t *options)
{
    if (options->proof_fd < 0)
        return;
    ssize_t size = read (options->proof_fd, options->proof, sizeof options->proof);
    options->has_proof = size == sizeof options->proof;
    close (options->proof_fd);
}

int main (int count, char **words)
{
    host_options_t options = {.status_fd = -1,
                              .log_fd = STDERR_FILENO,
                              .proof_fd = -1,
                              .log_level = LOG_INFO,
                              .log_format = LOG_AUTO};
    signal (SIGHUP, SIG_IGN); /* it is for palaverd, and may come to all of its processes */
    if (count == 2 && strcmp (words[1], "--help") == 0) {
        arguments_help (stdout);
        return HOST_EXIT_OK;
    }
    if (!arguments_read (count, words, &options)) {
        arguments_help (stderr);
        return HOST_EXIT_USAGE;
    }
    read_proof (&options);
    harden (options.status_fd, options.log_fd);
    if (sodium_init () < 0)
        return HOST_EXIT_HOST;
    plv_log_t *log =
        plv_log_new ("palaver-adapter", options.log_fd, options.log_level, options.log_format);
    host_exit_t code =
        options.check || options.print ? inspect_run (&options) : host_run (&options, log);
    plv_log_destroy (&log);
    return code;
}
