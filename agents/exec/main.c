/*  palaver-exec -- any program as a worker: jobs go to its stdin and answers come from its stdout, as JSON lines  */

#include "base/build.h"
#include "exec/lines.h"
#include "exec/work.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHILDREN_MAX = 256, EXIT_USAGE = 64, READY_S_MAX = 3600, GRACE_S_MAX = 600 };

typedef struct {
    plv_agent_options_t agent;
    pool_options_t pool;
    const char *services[SERVICES_MAX];
} exec_t;

static const char USAGE[] =
    "usage: palaver-exec [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "Makes PROGRAM a worker: a job is a line of JSON on its stdin, an answer one on its stdout.\n"
    "\n"
    "  --services A,B       what it serves (default: exec)\n"
    "  --children N         how many of it run, each with one job at a time, 1 to 256 (default: 1)\n"
    "  --wait-ready S       a child has this long to say {\"type\":\"ready\"}, 1 to 3600 (default: it need not)\n"
    "  --grace S            a child has this long to end by itself, 0 to 600 (default: 5)\n"
    "  --history N          turns of the conversation that a job brings, 0 to 200 (default: all that are kept)\n"
    "  --name NAME          shown in every tool (default: exec)\n"
    "  --build TEXT         your program's version, kept in the ledger\n"
    "  --endpoint ADDRESS   the broker (default: $PALAVER_AGENTS, else $XDG_RUNTIME_DIR/palaver/agents.ipc)\n"
    "  --cert FILE          tcp:// only: our key pair (default: $PALAVER_CERT)\n"
    "  --broker-cert FILE   tcp:// only: the broker's public key (default: $PALAVER_BROKER_CERT)\n"
    "  --log WHAT           text (default): what happens on the connection, on stderr; off: nothing\n"
    "  --help, --version\n";

static void say (void *arg, const char *line)
{
    (void) arg;
    fprintf (stderr, "palaver-exec: %s\n", line);
}

static plv_err_t read_number (const char *option, const char *text, long least, long most,
                              long *ret_number, plv_fail_t *ret_fail)
{
    char *end;
    long number = strtol (text, &end, 10);
    if (end == text || *end || number < least || number > most)
        return plv_fail (ret_fail, ERR_ARG, "--%s %s: a number from %ld to %ld is needed", option,
                         text, least, most);
    *ret_number = number;
    return ERR_OK;
}

static plv_err_t split_services (exec_t *self, char *list, plv_fail_t *ret_fail)
{
    self->agent.service_count = 0;
    while (list) {
        if (self->agent.service_count == SERVICES_MAX)
            return plv_fail (ret_fail, ERR_ARG, "--services: at most %d", SERVICES_MAX);
        self->services[self->agent.service_count++] = strsep (&list, ",");
    }
    return ERR_OK;
}

static const struct option OPTIONS[] = {
    {"services", required_argument, NULL, 's'},   {"children", required_argument, NULL, 'c'},
    {"wait-ready", required_argument, NULL, 'r'}, {"grace", required_argument, NULL, 'g'},
    {"history", required_argument, NULL, 'y'},    {"name", required_argument, NULL, 'n'},
    {"build", required_argument, NULL, 'b'},      {"endpoint", required_argument, NULL, 'e'},
    {"cert", required_argument, NULL, 'k'},       {"broker-cert", required_argument, NULL, 'K'},
    {"log", required_argument, NULL, 'l'},        {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},          {NULL, 0, NULL, 0},
};

static plv_err_t take_number (exec_t *self, int letter, plv_fail_t *ret_fail)
{
    long number = 0;
    plv_err_t err = ERR_OK;
    if (letter == 'c'
        && !(err = read_number ("children", optarg, 1, CHILDREN_MAX, &number, ret_fail)))
        self->pool.children = (unsigned) number;
    if (letter == 'r'
        && !(err = read_number ("wait-ready", optarg, 1, READY_S_MAX, &number, ret_fail)))
        self->pool.ready_ms = (int) number * 1000;
    if (letter == 'g' && !(err = read_number ("grace", optarg, 0, GRACE_S_MAX, &number, ret_fail)))
        self->pool.grace_ms = (int) number * 1000;
    if (letter == 'y'
        && !(err = read_number ("history", optarg, 0, HISTORY_TURNS_MAX, &number, ret_fail)))
        self->agent.history = number ? (int) number : PLV_HISTORY_NONE;
    return err;
}

static plv_err_t take_log (exec_t *self, plv_fail_t *ret_fail)
{
    bool off = strcmp (optarg, "off") == 0;
    if (!off && strcmp (optarg, "text") != 0)
        return plv_fail (ret_fail, ERR_ARG, "--log %s: text or off is needed", optarg);
    self->agent.log = off ? NULL : say;
    return ERR_OK;
}

static plv_err_t take (exec_t *self, int letter, plv_fail_t *ret_fail)
{
    switch (letter) {
    case 's':
        return split_services (self, optarg, ret_fail);
    case 'n':
        self->agent.name = optarg;
        return ERR_OK;
    case 'b':
        self->agent.build = optarg;
        return ERR_OK;
    case 'e':
        self->agent.endpoint = optarg;
        return ERR_OK;
    case 'k':
        self->agent.cert = optarg;
        return ERR_OK;
    case 'K':
        self->agent.broker_cert = optarg;
        return ERR_OK;
    case 'l':
        return take_log (self, ret_fail);
    case 'h':
        fputs (USAGE, stdout);
        exit (0);
    case 'V':
        printf ("palaver-exec %s\n", plv_build_version);
        exit (0);
    case '?':
        return plv_fail (ret_fail, ERR_ARG, "see palaver-exec --help");
    default:
        return take_number (self, letter, ret_fail);
    }
}

/*  "+": what follows PROGRAM is its own.  */
static plv_err_t parse (int argc, char **argv, exec_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    for (int letter; !err && (letter = getopt_long (argc, argv, "+h", OPTIONS, NULL)) != -1;)
        err = take (self, letter, ret_fail);
    if (!err && optind == argc)
        err = plv_fail (ret_fail, ERR_ARG, "which program? See palaver-exec --help");
    self->pool.argv = argv + optind;
    self->agent.threads = self->pool.children;
    return err;
}

/*  The agent reads SIGTERM and SIGINT itself, and blocks them in its threads; those that listen to the children
    are older, so they are blocked from the beginning.  */
static void block_signals (void)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    sigprocmask (SIG_BLOCK, &signals, NULL);
    signal (SIGPIPE, SIG_IGN);
}

static plv_err_t serve (exec_t *self, plv_fail_t *ret_fail)
{
    pool_t *pool = NULL;
    plv_agent_t *agent = NULL;
    lines_hello (&self->pool.hello, self->agent.name, self->agent.services,
                 self->agent.service_count);
    plv_err_t err = plv_agent_new (&self->agent, &agent, ret_fail);
    if (!err)
        err = pool_start (&self->pool, &pool, ret_fail);
    if (!err)
        err = plv_agent_run (agent, work_handle, pool, ret_fail);
    plv_agent_destroy (&agent);
    pool_stop (&pool);
    plv_buf_free (&self->pool.hello);
    return err;
}

int main (int argc, char **argv)
{
    exec_t self = {
        .services = {"exec"},
        .agent = {.name = "exec", .service_count = 1, .history = PLV_HISTORY_ALL, .log = say},
        .pool = {.children = 1, .grace_ms = 5000},
    };
    plv_fail_t fail = {0};
    self.agent.services = self.services;
    plv_err_t err = parse (argc, argv, &self, &fail);
    if (err) {
        say (NULL, fail.text);
        return EXIT_USAGE;
    }
    /* what a Python program prints must not wait in its buffer while we wait for it */
    setenv ("PYTHONUNBUFFERED", "1", 0);
    block_signals ();
    err = serve (&self, &fail);
    if (err)
        say (NULL, fail.text);
    return plv_agent_exit_code (err);
}
