#include "palaver/doc/help.h"

#include "palaver/show/text.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 79, SUMMARY_AT = 26, MEANING_AT = 30 };

void help_wrap (plv_buf_t *out, const char *text, size_t at, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t word = strcspn (text, " ");
        if (!first && at + 1 + word > COLUMNS) {
            text_putf (out, "\n%*s", (int) indent, "");
            at = indent;
            first = true;
        }
        text_putf (out, "%s%.*s", first ? "" : " ", (int) word, text);
        at += word + (first ? 0 : 1);
        text += word + strspn (text + word, " ");
        first = false;
    }
    text_put (out, "\n");
}

/*  `left`, and behind it from column `at` on `right`.  */
static void put_pair (plv_buf_t *out, const char *left, size_t at, const char *right)
{
    size_t width = strlen (left) + 2;
    text_putf (out, "  %s", left);
    if (width + 2 > at)
        text_putf (out, "\n%*s", (int) at, "");
    else
        text_putf (out, "%*s", (int) (at - width), "");
    help_wrap (out, right, at, at);
}

static void put_command (plv_buf_t *out, const command_t *command)
{
    char left[128];
    snprintf (left, sizeof left, "%s %s", command->words, command->operands);
    put_pair (out, left, SUMMARY_AT, command->summary);
}

static void put_option (plv_buf_t *out, option_id_t id)
{
    const option_t *option = &option_rows[id];
    char left[64], letter[8] = "    ";
    if (option->letter)
        snprintf (letter, sizeof letter, "-%c, ", option->letter);
    snprintf (left, sizeof left, "%s--%s %s", letter, option->name, option->argument);
    put_pair (out, left, MEANING_AT, option->meaning);
}

static void put_options (plv_buf_t *out, uint64_t set)
{
    text_put (out, "\nOptions:\n");
    for (int id = 0; id < OPTION_COUNT_; id++)
        if (set >> id & 1)
            put_option (out, (option_id_t) id);
}

static void put_commands (plv_buf_t *out, const char *group)
{
    const command_t *command;
    text_put (out, "\nCommands:\n");
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden && (!group || command_in_group (command, group, strlen (group))))
            put_command (out, command);
}

static void put_endings (plv_buf_t *out)
{
    const ending_row_t *ending;
    char code[16];
    text_put (out, "\nExit codes:\n");
    for (size_t i = 0; (ending = ending_at (i)); i++) {
        snprintf (code, sizeof code, "%d", ending->code);
        put_pair (out, code, 7, ending->meaning);
    }
}

static void put_whole (plv_buf_t *out)
{
    text_put (out, "usage: palaver COMMAND [OPTION]... [OPERAND]...\n\n");
    help_wrap (
        out,
        "Looks into a running Palaver broker, talks to it, and sends again what could not be answered.",
        0, 0);
    put_commands (out, NULL);
    put_options (out, CONNECTS | ALWAYS);
    put_endings (out);
    text_put (out, "\npalaver COMMAND --help tells more about each; so does man palaver.\n");
}

static void put_one (plv_buf_t *out, const command_t *command)
{
    const example_t *example;
    bool any = false;
    text_putf (out, "usage: palaver %s [OPTION]...%s%s\n\n", command->words,
               command->operands[0] ? " " : "", command->operands);
    help_wrap (out, command->meaning, 0, 0);
    put_options (out, command->options);
    for (size_t i = 0; (example = example_at (i)); i++) {
        if (strcmp (example->words, command->words) != 0)
            continue;
        text_put (out, any ? "" : "\nExamples:\n");
        any = true;
        text_putf (out, "  %s\n      %s\n", example->line, example->meaning);
    }
}

void help_print (const call_t *call)
{
    plv_buf_t out = {0};
    if (call->command)
        put_one (&out, call->command);
    else if (call->group) {
        text_putf (&out, "usage: palaver %s VERB [OPTION]... [OPERAND]...\n", call->group);
        put_commands (&out, call->group);
    } else {
        put_whole (&out);
    }
    out_flush (&out);
    plv_buf_free (&out);
}
