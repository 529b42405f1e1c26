/*  palaver-echo -- the smallest useful worker: says what it was told
    For a first look, for tests and for measuring: it can think for a while and it can fail.  */

#include "base/clock.h"
#include "base/rng.h"
#include "sdk/agent.h"

#include <ctype.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SERVICES = 8, THINK_MS_MAX = 3600000 };

typedef struct {
    plv_agent_options_t options;
    const char *services[SERVICES];
    unsigned think_ms;
    double fail_rate;
} echo_t;

static const char USAGE[] =
    "usage: palaver-echo [OPTION]...\n"
    "Answers every message with its own text.\n"
    "  --endpoint ADDRESS   the broker (default: $PALAVER_AGENTS, else $XDG_RUNTIME_DIR/palaver/agents.ipc)\n"
    "  --services A,B       what to serve (default: echo)\n"
    "  --name NAME          (default: echo)\n"
    "  --credit N           jobs held at a time (default: the number of threads)\n"
    "  --threads N          jobs worked on at a time (default: 1)\n"
    "  --history N          turns of history that a job brings (default: 0)\n"
    "  --think MS           show that it types, and wait this long before each answer\n"
    "  --fail-rate R        fail this share of the jobs, 0 to 1\n"
    "  --verbose            say on stderr what happens on the connection\n";

static void answer (plv_job_t *job, void *arg)
{
    const echo_t *echo = arg;
    if (echo->think_ms) {
        plv_job_typing (job, true, NULL);
        usleep (echo->think_ms * 1000);
    }
    if (echo->fail_rate > 0) {
        plv_rng_t rng = plv_rng_seed ((uint64_t) plv_clock_mono_us ());
        if ((double) plv_rng_below (&rng, 1000000) < echo->fail_rate * 1e6) {
            plv_job_nack (job, &(plv_nack_t){.code = "general_error", .reason = "asked to fail"},
                          NULL);
            return;
        }
    }
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_str (&body, "response_text", plv_job_text (job));
    plv_job_reply (job, plv_buf_view (&body), NULL);
    plv_buf_free (&body);
}

static void say (void *arg, const char *line)
{
    (void) arg;
    fprintf (stderr, "palaver-echo: %s\n", line);
}

static bool split_services (echo_t *self, char *list)
{
    self->options.services = self->services;
    self->options.service_count = 0;
    while (list) {
        if (self->options.service_count == SERVICES) {
            fprintf (stderr, "palaver-echo: --services: at most %d\n", SERVICES);
            return false;
        }
        self->services[self->options.service_count++] = strsep (&list, ",");
    }
    return true;
}

static bool take_number (const char *option, unsigned most, unsigned *ret_number)
{
    char *end;
    unsigned long number = strtoul (optarg, &end, 10);
    if (!isdigit ((unsigned char) *optarg) || *end || number > most) {
        fprintf (stderr, "palaver-echo: --%s %s: a whole number from 0 to %u is needed\n", option,
                 optarg, most);
        return false;
    }
    *ret_number = (unsigned) number;
    return true;
}

static bool take_history (echo_t *self)
{
    unsigned turns;
    if (!take_number ("history", HISTORY_TURNS_MAX, &turns))
        return false;
    self->options.history = turns ? (int) turns : PLV_HISTORY_NONE;
    return true;
}

static bool take_share (double *ret_share)
{
    char *end;
    double share = strtod (optarg, &end);
    if (end == optarg || *end || !(share >= 0 && share <= 1)) {
        fprintf (stderr, "palaver-echo: --fail-rate %s: a number from 0 to 1 is needed\n", optarg);
        return false;
    }
    *ret_share = share;
    return true;
}

/*  False: it has been said what is wrong.  */
static bool take_option (echo_t *self, int option)
{
    switch (option) {
    case 'e':
        self->options.endpoint = optarg;
        return true;
    case 's':
        return split_services (self, optarg);
    case 'n':
        self->options.name = optarg;
        return true;
    case 'c':
        return take_number ("credit", UINT16_MAX, &self->options.credit);
    case 'j':
        return take_number ("threads", UINT16_MAX, &self->options.threads);
    case 'y':
        return take_history (self);
    case 't':
        return take_number ("think", THINK_MS_MAX, &self->think_ms);
    case 'f':
        return take_share (&self->fail_rate);
    case 'v':
        self->options.log = say;
        return true;
    case 'h':
        fputs (USAGE, stdout);
        exit (0);
    default:
        fputs (USAGE, stderr);
        return false;
    }
}

static bool parse (int argc, char **argv, echo_t *self)
{
    static const struct option OPTIONS[] = {
        {"endpoint", required_argument, NULL, 'e'},
        {"services", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"credit", required_argument, NULL, 'c'},
        {"threads", required_argument, NULL, 'j'},
        {"history", required_argument, NULL, 'y'},
        {"think", required_argument, NULL, 't'},
        {"fail-rate", required_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long (argc, argv, "h", OPTIONS, NULL)) != -1;)
        if (!take_option (self, option))
            return false;
    if (optind == argc)
        return true;
    fputs (USAGE, stderr);
    return false;
}

int main (int argc, char **argv)
{
    echo_t self = {
        .services = {"echo"},
        .options = {.name = "echo", .build = "1", .service_count = 1, .history = PLV_HISTORY_NONE}};
    self.options.services = self.services;
    if (!parse (argc, argv, &self))
        return 64;
    plv_agent_t *agent = NULL;
    plv_fail_t fail = {0};
    plv_err_t err = plv_agent_new (&self.options, &agent, &fail);
    if (!err)
        err = plv_agent_run (agent, answer, &self, &fail);
    if (err)
        say (NULL, fail.text);
    plv_agent_destroy (&agent);
    return plv_agent_exit_code (err);
}
