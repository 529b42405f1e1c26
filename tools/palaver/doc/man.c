#include "palaver/command.h"
#include "palaver/doc/generate.h"
#include "palaver/doc/roff.h"
#include "palaver/show/text.h"

#include <stdio.h>
#include <string.h>

static void put_option (plv_buf_t *out, option_id_t id)
{
    const option_t *option = &option_rows[id];
    char term[64], letter[8] = "";
    if (option->letter)
        snprintf (letter, sizeof letter, "-%c, ", option->letter);
    snprintf (term, sizeof term, "%s--%s%s%s", letter, option->name, option->argument[0] ? " " : "",
              option->argument);
    roff_term (out, term, option->meaning);
}

static void put_own_options (plv_buf_t *out, const command_t *command)
{
    uint64_t own = command->options & ~(uint64_t) (CONNECTS | ALWAYS);
    if (!own)
        return;
    text_put (out, ".RS\n");
    for (int id = 0; id < OPTION_COUNT_; id++)
        if (own >> id & 1)
            put_option (out, (option_id_t) id);
    text_put (out, ".RE\n");
}

static void put_commands (plv_buf_t *out)
{
    const command_t *command;
    char term[128];
    roff_section (out, "COMMANDS");
    for (size_t i = 0; (command = command_at (i)); i++) {
        if (command->hidden)
            continue;
        snprintf (term, sizeof term, "%s%s%s", command->words, command->operands[0] ? " " : "",
                  command->operands);
        roff_term (out, term, command->summary);
        text_put (out, ".IP\n");
        roff_line (out, command->meaning);
        put_own_options (out, command);
    }
}

static void put_options (plv_buf_t *out)
{
    roff_section (out, "OPTIONS");
    roff_line (
        out,
        "Options may stand anywhere; behind -- there are none. These are for every command, --run and "
        "--timeout for those that speak with a broker:");
    for (int id = 0; id < OPTION_COUNT_; id++)
        if ((CONNECTS | ALWAYS) >> id & 1)
            put_option (out, (option_id_t) id);
}

static void put_endings (plv_buf_t *out)
{
    const ending_row_t *ending;
    char code[16];
    roff_section (out, "EXIT STATUS");
    for (size_t i = 0; (ending = ending_at (i)); i++) {
        snprintf (code, sizeof code, "%d", ending->code);
        roff_term (out, code, ending->meaning);
    }
}

static void put_examples (plv_buf_t *out)
{
    const example_t *example;
    roff_section (out, "EXAMPLES");
    for (size_t i = 0; (example = example_at (i)); i++)
        roff_term (out, example->line, example->meaning);
}

static void put_environment (plv_buf_t *out)
{
    roff_section (out, "ENVIRONMENT");
    roff_term (out, "PALAVER_RUN", "the run directory of the broker; --run wins");
    roff_term (out, "XDG_RUNTIME_DIR, XDG_STATE_HOME",
               "where the run directory is looked for when none is named");
    roff_term (out, "STATE_DIRECTORY", "of doctor and restore: the data directory; --data wins");
    roff_term (out, "USER", "who speaks, and who does it, for the record; --user and --who win");
    roff_term (out, "VISUAL, EDITOR", "what --edit starts, the first of them that is set");
    roff_term (out, "NO_COLOR", "when it is not empty: no colours");
}

void generate_man (plv_buf_t *out)
{
    roff_title (out, "palaver", 1,
                "look into a Palaver broker, talk to it, send again what could not be answered");
    roff_section (out, "SYNOPSIS");
    text_put (out, ".B palaver\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...\n");
    roff_section (out, "DESCRIPTION");
    roff_line (
        out,
        "palaver asks a running broker over its control socket. Data goes to stdout: tables on a terminal, "
        "one JSON object a line off it; words go to stderr. Times are RFC 3339, in UTC. Nothing is asked "
        "off a terminal.");
    put_commands (out);
    put_options (out);
    put_endings (out);
    put_environment (out);
    put_examples (out);
    roff_section (out, "SEE ALSO");
    text_put (out, ".BR palaverd (8),\n.BR palaver.conf (5)\n");
}
