#include "advisor/options.h"

#include "base/limits.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { CREDIT_MOST = 256 };

static const struct option LONG[] = {
    {"endpoint", required_argument, NULL, 'e'},
    {"catalogue", required_argument, NULL, 'c'},
    {"name", required_argument, NULL, 'n'},
    {"credit", required_argument, NULL, 'k'},
    {"log", required_argument, NULL, 'l'},
    {"print-catalogue", no_argument, NULL, 'p'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"conf", required_argument, NULL, 'f'},
    {"set", required_argument, NULL, 's'},
    {"print-conf", no_argument, NULL, 'P'},
    {NULL, 0, NULL, 0},
};

void options_help (FILE *out)
{
    fputs (
        "palaver-advisor: answers questions about funds and ETFs out of a catalogue, with Claude when it has\n"
        "a key, offline without\n"
        "\n"
        "  palaver-advisor [OPTIONS]              works for a broker until SIGTERM or Ctrl-C\n"
        "  palaver-advisor [OPTIONS] ask TEXT...  answers here; several texts are one conversation\n"
        "  palaver-advisor [OPTIONS] eval FILE    asks the questions of FILE and checks the answers\n"
        "\n"
        "  --endpoint ADDRESS   the broker (default: $PALAVER_AGENTS, else $XDG_RUNTIME_DIR/palaver/agents.ipc)\n"
        "  --catalogue FILE     the products, as CSV (default: the one that comes with Palaver)\n"
        "  --name NAME          shown in every tool (default: advisor)\n"
        "  --credit N           jobs at a time, 1 to 256 (default: 8; with a model, claude.conversations)\n"
        "  --conf FILE          how to speak with the model (default: $PALAVER_ADVISOR_CONF, else advisor.conf\n"
        "                       beside the broker's configuration, if it is there)\n"
        "  --set KEY=VALUE      one key of the group claude, after the file; may come several times\n"
        "  --print-conf         writes every key with its default, and ends\n"
        "  --log WHAT           text (default): what happens with the broker, on stderr; off: nothing\n"
        "  --print-catalogue    writes the catalogue with the derived columns, and ends\n"
        "  --verbose            eval: shows every question, not only those that failed; ask: calls of the model\n"
        "  --help, --version\n",
        out);
}

static plv_err_t parse_credit (const char *text, unsigned *ret_credit, plv_fail_t *ret_fail)
{
    char *end;
    long credit = strtol (text, &end, 10);
    if (end == text || *end || credit < 1 || credit > CREDIT_MOST)
        return plv_fail (ret_fail, ERR_ARG, "--credit %s: a number from 1 to %d is needed", text,
                         CREDIT_MOST);
    *ret_credit = (unsigned) credit;
    return ERR_OK;
}

static plv_err_t add_set (options_t *self, plv_fail_t *ret_fail)
{
    if (self->set_count == OPTIONS_SETS_MAX)
        return plv_fail (ret_fail, ERR_ARG, "--set: at most %d times", OPTIONS_SETS_MAX);
    self->sets[self->set_count++] = optarg;
    return ERR_OK;
}

static plv_err_t parse_log (const char *text, bool *ret_log, plv_fail_t *ret_fail)
{
    if (strcmp (text, "text") != 0 && strcmp (text, "off") != 0)
        return plv_fail (ret_fail, ERR_ARG, "--log %s: text or off is needed", text);
    *ret_log = strcmp (text, "text") == 0;
    return ERR_OK;
}

static plv_err_t take (int letter, options_t *self, plv_fail_t *ret_fail)
{
    switch (letter) {
    case 'e':
        self->endpoint = optarg;
        return ERR_OK;
    case 'c':
        self->catalogue = optarg;
        return ERR_OK;
    case 'n':
        self->name = optarg;
        return ERR_OK;
    case 'k':
        return parse_credit (optarg, &self->credit, ret_fail);
    case 'l':
        return parse_log (optarg, &self->log, ret_fail);
    case 'f':
        self->conf = optarg;
        return ERR_OK;
    case 's':
        return add_set (self, ret_fail);
    case 'p':
        self->action = DO_PRINT;
        return ERR_OK;
    case 'P':
        self->action = DO_PRINT_CONF;
        return ERR_OK;
    case 'v':
        self->verbose = true;
        return ERR_OK;
    case 'h':
        self->action = DO_HELP;
        return ERR_OK;
    case 'V':
        self->action = DO_VERSION;
        return ERR_OK;
    default:
        return plv_fail (ret_fail, ERR_ARG,
                         "an option is not known or lacks its value: see "
                         "palaver-advisor --help");
    }
}

static plv_err_t take_action (options_t *self, plv_fail_t *ret_fail)
{
    if (self->rest_count == 0 || self->action != DO_SERVE)
        return ERR_OK;
    bool ask = strcmp (self->rest[0], "ask") == 0, eval = strcmp (self->rest[0], "eval") == 0;
    if (!ask && !eval)
        return plv_fail (ret_fail, ERR_ARG, "%s: neither ask nor eval: see palaver-advisor --help",
                         self->rest[0]);
    if (self->rest_count == 1)
        return plv_fail (ret_fail, ERR_ARG, "%s: needs %s", self->rest[0],
                         ask ? "a question" : "a file");
    self->action = ask ? DO_ASK : DO_EVAL;
    self->rest++;
    self->rest_count--;
    return ERR_OK;
}

plv_err_t options_parse (int argc, char **argv, options_t *ret_options, plv_fail_t *ret_fail)
{
    options_t self = {.name = "advisor", .log = true};
    plv_err_t err = ERR_OK;
    optind = 0;
    opterr = 0;
    for (int letter; !err && (letter = getopt_long (argc, argv, "+", LONG, NULL)) != -1;)
        err = take (letter, &self, ret_fail);
    self.rest = argv + optind;
    self.rest_count = argc - optind;
    if (!err)
        err = take_action (&self, ret_fail);
    if (!err)
        *ret_options = self;
    return err;
}
