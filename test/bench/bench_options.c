#include "bench/bench_options.h"

#include "base/err.h"
#include "base/format.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPT_THINK = 256,
    OPT_HISTORY,
    OPT_IDLE,
    OPT_FILL,
    OPT_ANSWER,
    OPT_CREDIT,
    OPT_SESSIONS,
    OPT_SECONDS,
    OPT_TEXTS
};
enum { BODY_BYTES_MIN = 300, BODY_BYTES_MOST = 60000, CREDIT_DEFAULT = 4096, CREDIT_THINKING = 2 };

static const struct option long_options[] = {
    {"think-us", required_argument, NULL, OPT_THINK},
    {"history", required_argument, NULL, OPT_HISTORY},
    {"idle", required_argument, NULL, OPT_IDLE},
    {"fill", required_argument, NULL, OPT_FILL},
    {"answer", required_argument, NULL, OPT_ANSWER},
    {"credit", required_argument, NULL, OPT_CREDIT},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"texts", required_argument, NULL, OPT_TEXTS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void bench_options_help (void)
{
    printf (
        "usage: roundtrip -e RUN -P PID [options]\n"
        "\n"
        "One adapter and -w workers talk with the broker whose sockets are in RUN and whose process is PID:\n"
        "PUBLISH, STORED, JOB, REPLY, COMMITTED, DELIVER, DELIVERED, SETTLED. Prints one line of JSON.\n"
        "\n"
        "  -n COUNT         round trips that are measured (50000), behind -W COUNT of warming up (a tenth)\n"
        "  -o COUNT         events under way at a time (256)\n"
        "  -w COUNT         worker processes (1)\n"
        "  -s BYTES         body of an event, and of an answer (512)\n"
        "  -T SECONDS       give up after this time (60)\n"
        "  -t TAG           a word for the line of JSON\n"
        "  --think-us US    each job takes a worker this long (0)\n"
        "  --credit COUNT   jobs that a worker takes at a time (4096; 2 when it thinks)\n"
        "  --history TURNS  turns of the session that workers ask for (0)\n"
        "  --sessions COUNT conversations, each with a user of its own (4096)\n"
        "  --fill COUNT     only publish, without workers, until all is stored\n"
        "  --answer COUNT   only work on what a fill of as many has left\n"
        "  --texts FILE     ask what the lines of FILE say, one after the other, of agents that are connected\n"
        "                   already, each in a conversation of its own\n"
        "  --idle COUNT     connect as many idle workers, look on for --seconds (10)\n");
}

static bool take (bench_options_t *self, int option, const char *text)
{
    unsigned number = (unsigned) strtoul (text ? text : "0", NULL, 10);
    switch (option) {
    case 'n':
        self->count = number;
        break;
    case 'W':
        self->warm = number;
        break;
    case 'o':
        self->outstanding = number;
        break;
    case 'w':
        self->workers = number;
        break;
    case 's':
        self->body = number;
        break;
    case 'P':
        self->server = (pid_t) number;
        break;
    case 'e':
        self->run = text;
        break;
    case 't':
        self->tag = text;
        break;
    case 'T':
        self->timeout_s = number;
        break;
    case OPT_THINK:
        self->think_us = number;
        break;
    case OPT_HISTORY:
        self->history = number;
        break;
    case OPT_CREDIT:
        self->credit = number;
        break;
    case OPT_SESSIONS:
        self->sessions = number;
        break;
    case OPT_SECONDS:
        self->seconds = number;
        break;
    case OPT_TEXTS:
        self->mode = BENCH_ASK;
        self->texts = text;
        break;
    case OPT_FILL:
        self->mode = BENCH_FILL;
        self->count = number;
        break;
    case OPT_ANSWER:
        self->mode = BENCH_ANSWER;
        self->count = number;
        break;
    case OPT_IDLE:
        self->mode = BENCH_IDLE;
        self->count = number;
        break;
    default:
        return false;
    }
    return true;
}

static void settle (bench_options_t *self)
{
    if (self->warm == UINT64_MAX)
        self->warm = self->count / 10 < 5000 ? self->count / 10 : 5000;
    if (self->mode != BENCH_ROUND && self->mode != BENCH_ASK)
        self->warm = 0;
    if (self->mode == BENCH_FILL || self->mode == BENCH_ASK)
        self->workers = 0;
    if (!self->credit)
        self->credit = self->think_us ? CREDIT_THINKING : CREDIT_DEFAULT;
}

bool bench_options_parse (int argc, char **argv, bench_options_t *ret_options)
{
    bench_options_t self = {.count = 50000,
                            .warm = UINT64_MAX,
                            .outstanding = 256,
                            .workers = 1,
                            .body = 512,
                            .sessions = 4096,
                            .seconds = 10,
                            .timeout_s = 60,
                            .tag = ""};
    int option;
    while ((option = getopt_long (argc, argv, "n:W:o:w:s:P:e:t:T:h", long_options, NULL)) != -1)
        if (!take (&self, option, optarg))
            return false;
    settle (&self);
    if (!self.run || optind < argc || !self.outstanding || !self.sessions
        || self.body < BODY_BYTES_MIN || self.body > BODY_BYTES_MOST) {
        fprintf (
            stderr,
            "roundtrip: give -e RUN, counts above 0, and a body of %d to %d bytes; see --help\n",
            BODY_BYTES_MIN, BODY_BYTES_MOST);
        return false;
    }
    *ret_options = self;
    return true;
}

/*  What went wrong may quote a peer's words.  */
void bench_die (const char *format, ...)
{
    char text[PLV_FAIL_TEXT_BYTES];
    va_list args;
    va_start (args, format);
    plv_format_list (text, sizeof text, format, args);
    va_end (args);
    printf ("{\"error\": \"");
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\')
            putchar ('\\');
        putchar ((unsigned char) *at < ' ' ? ' ' : *at);
    }
    printf ("\"}\n");
    exit (1);
}
