/*  palaver-adapter -- runs one plugin beside the broker: see host.h, and exit.def for how it ends  */
#include "host/host.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage (FILE *out, int code)
{
    fprintf (
        out,
        "usage: palaver-adapter --plugin FILE.so --broker ipc://PATH [--name NAME] [--conf FILE]\n"
        "                       [--dir DIR] [--log-level LEVEL] [--log-format FORMAT] [--status-fd N] [--beside]\n"
        "\n"
        "Runs one platform's plugin and connects it to the broker; palaverd starts it by itself.\n"
        "\n"
        "  --plugin FILE.so   the plugin: owned by root or you, not writable by others\n"
        "  --broker ENDPOINT  the broker's socket\n"
        "  --name NAME        the adapter's name, and its group in the configuration\n"
        "  --conf FILE        the configuration; the group is adapters.NAME\n"
        "  --dir DIR          the adapter's own: a lock, and what it leaves to its successor\n"
        "  --log-level LEVEL  debug, info, warn or error; adapters.NAME.log_level counts more\n"
        "  --log-format FORMAT  auto, text or json\n"
        "  --status-fd N      where a supervisor reads how it goes\n"
        "  --beside           an older process of this adapter still runs\n"
        "\n"
        "exit codes\n");
#define EXIT(name, number, meaning) fprintf (out, "  %3d  %s\n", number, meaning);
#include "host/exit.def"
#undef EXIT
    return code;
}

/*  Nothing of the parent's stays open but what was meant for us; a child dies with its supervisor.  */
static void harden (int status_fd)
{
    umask (077);
    setpgid (0, 0);
    prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (status_fd < 0) {
        close_range (3, ~0U, 0);
        return;
    }
    if (status_fd > 3)
        close_range (3, (unsigned) status_fd - 1, 0);
    close_range ((unsigned) status_fd + 1, ~0U, 0);
    fcntl (status_fd, F_SETFD, FD_CLOEXEC);
    fcntl (status_fd, F_SETFL, O_WRONLY | O_NONBLOCK);
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    /*  When it was gone before we could ask, the first line on `status_fd` finds the pipe broken.  */
}

static bool name_good (const char *name)
{
    size_t size = strlen (name);
    return size > 0 && size <= 64
           && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

/*  A number of a descriptor that can be ours; 0: it is none.  */
static int descriptor (const char *word)
{
    char *end;
    long number = strtol (word, &end, 10);
    return *end == 0 && number > 2 && number < 1024 ? (int) number : 0;
}

static bool log_format (const char *word, plv_log_format_t *ret_format)
{
    static const char *const words[] = {
        [LOG_AUTO] = "auto", [LOG_TEXT] = "text", [LOG_JSON] = "json"};
    for (int format = LOG_AUTO; format <= LOG_JSON; format++) {
        if (strcmp (word, words[format]) == 0) {
            *ret_format = (plv_log_format_t) format;
            return true;
        }
    }
    return false;
}

static bool read_arguments (int count, char **words, host_options_t *ret_options)
{
    static const struct option table[] = {
        {"plugin", required_argument, NULL, 'p'},     {"broker", required_argument, NULL, 'b'},
        {"name", required_argument, NULL, 'n'},       {"conf", required_argument, NULL, 'c'},
        {"dir", required_argument, NULL, 'd'},        {"log-level", required_argument, NULL, 'l'},
        {"log-format", required_argument, NULL, 'f'}, {"status-fd", required_argument, NULL, 's'},
        {"beside", no_argument, NULL, 'B'},           {NULL, 0, NULL, 0},
    };
    int letter;
    while ((letter = getopt_long (count, words, "", table, NULL)) != -1) {
        switch (letter) {
        case 'p':
            ret_options->plugin = optarg;
            break;
        case 'b':
            ret_options->broker = optarg;
            break;
        case 'n':
            ret_options->name = optarg;
            break;
        case 'c':
            ret_options->conf = optarg;
            break;
        case 'd':
            ret_options->dir = optarg;
            break;
        case 'l':
            if (!host_log_level (optarg, &ret_options->log_level))
                return false;
            break;
        case 'f':
            if (!log_format (optarg, &ret_options->log_format))
                return false;
            break;
        case 's':
            ret_options->status_fd = descriptor (optarg);
            break;
        case 'B':
            ret_options->beside = true;
            break;
        default:
            return false;
        }
    }
    return optind == count && ret_options->plugin && ret_options->broker
           && (ret_options->status_fd == -1 || ret_options->status_fd > 2)
           && (!ret_options->name || name_good (ret_options->name));
}

int main (int count, char **words)
{
    host_options_t options = {.status_fd = -1, .log_level = LOG_INFO, .log_format = LOG_AUTO};
    if (count == 2 && strcmp (words[1], "--help") == 0)
        return usage (stdout, HOST_EXIT_OK);
    if (!read_arguments (count, words, &options))
        return usage (stderr, HOST_EXIT_USAGE);
    harden (options.status_fd);
    if (sodium_init () < 0)
        return HOST_EXIT_HOST;
    plv_log_t *log =
        plv_log_new ("palaver-adapter", STDERR_FILENO, options.log_level, options.log_format);
    host_exit_t code = host_run (&options, log);
    plv_log_destroy (&log);
    return code;
}
