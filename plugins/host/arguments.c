#include "host/arguments.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADAPTER_NAME_BYTES_MAX = 64 };

typedef struct {
    const char *name;
    const char *argument;
    const char *meaning;
    size_t field; /* in host_options_t; of an OWN one: none */
    char kind;    /* of 't'ext, 'f'lag, 'o'wn */
} argument_t;

static const argument_t table[] = {
#define TEXT(field, name, argument, meaning)                                                       \
    {name, argument, meaning, offsetof (host_options_t, field), 't'},
#define FLAG(field, name, meaning) {name, NULL, meaning, offsetof (host_options_t, field), 'f'},
#define OWN(name, argument, meaning) {name, argument, meaning, 0, 'o'},
#include "host/arguments.def"
#undef TEXT
#undef FLAG
#undef OWN
};

enum { ARGUMENT_COUNT = sizeof table / sizeof *table };

void arguments_help (FILE *out)
{
    fputs (
        "usage: palaver-adapter --plugin FILE.so --broker ipc://PATH [options]\n"
        "       palaver-adapter --plugin FILE.so --check-conf | --print-keys [--conf FILE]\n"
        "\n"
        "Runs one platform's plugin and connects it to the broker; palaverd starts it by itself.\n"
        "\n",
        out);
    for (size_t at = 0; at < ARGUMENT_COUNT; at++) {
        const char *argument = table[at].argument ? table[at].argument : "";
        int used = fprintf (out, "  --%s %s", table[at].name, argument);
        fprintf (out, "%*s%s\n", used < 24 ? 24 - used : 1, "", table[at].meaning);
    }
    fputs ("\nexit codes\n", out);
#define EXIT(name, number, meaning) fprintf (out, "  %3d  %s\n", number, meaning);
#include "host/exit.def"
#undef EXIT
}

/* ------------------------------------------------------------------ values */

static bool name_good (const char *name)
{
    size_t size = strlen (name);
    return size > 0 && size <= ADAPTER_NAME_BYTES_MAX
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

static bool take_own (host_options_t *options, const char *name, const char *word)
{
    if (strcmp (name, "log-level") == 0)
        return host_log_level (word, &options->log_level);
    if (strcmp (name, "log-format") == 0)
        return log_format (word, &options->log_format);
    int fd = descriptor (word);
    if (strcmp (name, "proof-fd") == 0)
        options->proof_fd = fd;
    else if (strcmp (name, "log-fd") == 0)
        options->log_fd = fd;
    else
        options->status_fd = fd;
    return fd > 2;
}

static bool take (host_options_t *options, const argument_t *argument, const char *word)
{
    char *field = (char *) options + argument->field;
    if (argument->kind == 't')
        memcpy (field, &word, sizeof word);
    else if (argument->kind == 'f')
        *(bool *) (void *) field = true;
    else
        return take_own (options, argument->name, word);
    return true;
}

/*  The adapter is called as its file, without .so.  */
static void name_by_file (host_options_t *options)
{
    const char *slash = strrchr (options->plugin, '/'), *name = slash ? slash + 1 : options->plugin;
    snprintf (options->stem, sizeof options->stem, "%s", name);
    char *dot = strrchr (options->stem, '.');
    if (dot)
        *dot = 0;
    options->name = options->stem;
}

bool arguments_read (int count, char **words, host_options_t *ret_options)
{
    struct option options[ARGUMENT_COUNT + 1] = {0};
    int index, letter;
    for (size_t at = 0; at < ARGUMENT_COUNT; at++)
        options[at] = (struct option){
            .name = table[at].name,
            .has_arg = table[at].argument ? required_argument : no_argument,
        };
    while ((letter = getopt_long (count, words, "", options, &index)) != -1)
        if (letter != 0 || !take (ret_options, &table[index], optarg))
            return false;
    if (optind != count || !ret_options->plugin)
        return false;
    if (!ret_options->name)
        name_by_file (ret_options);
    return name_good (ret_options->name)
           && (ret_options->broker || ret_options->check || ret_options->print);
}
