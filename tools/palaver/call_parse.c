#include "palaver/call_parse.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/near.h"
#include "palaver/show/when.h"
#include "wire/mp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  argv is read in two passes: first options are told from words, then the words name a command, which knows
    whether it takes these options. So options may stand anywhere.  */

static option_id_t find_long (const char *name, size_t size)
{
    int id = 0;
    while (id < OPTION_COUNT_
           && (strlen (option_rows[id].name) != size || memcmp (option_rows[id].name, name, size)))
        id++;
    return (option_id_t) id;
}

static option_id_t find_letter (char letter)
{
    int id = 0;
    while (id < OPTION_COUNT_ && (!letter || option_rows[id].letter != letter))
        id++;
    return (option_id_t) id;
}

static plv_err_t read_number (call_t *self, option_id_t id, const char *text, plv_fail_t *ret_fail)
{
    const option_t *option = &option_rows[id];
    char *end;
    errno = 0;
    int64_t number = strtoll (text, &end, 10);
    if (errno || end == text || *end || number < option->least || number > option->most)
        return plv_fail (ret_fail, ERR_ARG, "--%s %s: not a number from %" PRId64 " to %" PRId64,
                         option->name, text, option->least, option->most);
    self->number[id] = number;
    return ERR_OK;
}

static plv_err_t read_seconds (call_t *self, option_id_t id, const char *text, plv_fail_t *ret_fail)
{
    const option_t *option = &option_rows[id];
    char *end;
    double seconds = strtod (text, &end);
    if (end == text || *end || !(seconds > (double) option->least)
        || seconds > (double) option->most)
        return plv_fail (ret_fail, ERR_ARG,
                         "--%s %s: not a number of seconds above %" PRId64 ", up to %" PRId64,
                         option->name, text, option->least, option->most);
    self->number[id] = seconds > 1e-6 ? (int64_t) (seconds * 1e6) : 1;
    return ERR_OK;
}

static plv_err_t read_time (call_t *self, option_id_t id, const char *text, plv_fail_t *ret_fail)
{
    if (when_read (text, plv_clock_wall_us (), &self->number[id]))
        return ERR_OK;
    return plv_fail (ret_fail, ERR_ARG,
                     "--%s %s: not a time. 2026-01-31, 2026-01-31T08:00:00Z, or how long ago: "
                     "90s, 15m, 2h, 3d, 1w",
                     option_rows[id].name, text);
}

static plv_err_t check_not_empty (option_id_t id, const char *text, plv_fail_t *ret_fail)
{
    return text[0] ? ERR_OK
                   : plv_fail (ret_fail, ERR_ARG, "--%s: its %s is empty", option_rows[id].name,
                               option_rows[id].argument);
}

static plv_err_t take_value (call_t *self, option_id_t id, const char *text, plv_fail_t *ret_fail)
{
    self->given |= UINT64_C (1) << id;
    self->text[id] = text;
    switch (option_rows[id].kind) {
    case KIND_NUMBER:
        return read_number (self, id, text, ret_fail);
    case KIND_SECONDS:
        return read_seconds (self, id, text, ret_fail);
    case KIND_TIME:
        return read_time (self, id, text, ret_fail);
    case KIND_NAME:
        if (!name_good (text))
            return plv_fail (
                ret_fail, ERR_ARG,
                "--%s %s: a name has 1 to %d letters, digits, dots, dashes and underscores",
                option_rows[id].name, text, NAME_BYTES_MAX);
        return ERR_OK;
    case KIND_FLAG:
        return ERR_OK;
    case KIND_TEXT:
        if (!plv_utf8_valid (plv_view_str (text)))
            return plv_fail (ret_fail, ERR_ARG, "--%s: its %s is not UTF-8", option_rows[id].name,
                             option_rows[id].argument);
        return check_not_empty (id, text, ret_fail);
    default:
        return check_not_empty (id, text, ret_fail);
    }
}

static plv_err_t unknown_option (const char *name, size_t size, plv_fail_t *ret_fail)
{
    plv_near_t near = plv_near (plv_view (name, size));
    for (int id = 0; id < OPTION_COUNT_; id++)
        plv_near_offer (&near, plv_view_str (option_rows[id].name));
    if (near.best.size)
        return plv_fail (ret_fail, ERR_ARG, "--%.*s is no option; --" PLV_VIEW_FMT " perhaps?",
                         (int) size, name, PLV_VIEW_ARG (near.best));
    return plv_fail (ret_fail, ERR_ARG, "--%.*s is no option", (int) size, name);
}

/*  --name, --name=value or --name value. `*at` moves over a value of its own.  */
static plv_err_t take_long (call_t *self, int argc, char **argv, int *at, plv_fail_t *ret_fail)
{
    const char *name = argv[*at] + 2;
    size_t size = strcspn (name, "=");
    option_id_t id = find_long (name, size);
    if (id == OPTION_COUNT_)
        return unknown_option (name, size, ret_fail);
    if (option_rows[id].kind == KIND_FLAG) {
        if (name[size])
            return plv_fail (ret_fail, ERR_ARG, "--%s takes no value", option_rows[id].name);
        return take_value (self, id, "", ret_fail);
    }
    if (name[size])
        return take_value (self, id, name + size + 1, ret_fail);
    if (*at + 1 >= argc)
        return plv_fail (ret_fail, ERR_ARG, "--%s needs its %s", option_rows[id].name,
                         option_rows[id].argument);
    return take_value (self, id, argv[++*at], ret_fail);
}

/*  -y, -ay, -n5 or -n 5.  */
static plv_err_t take_letters (call_t *self, int argc, char **argv, int *at, plv_fail_t *ret_fail)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        option_id_t id = find_letter (*letter);
        plv_err_t err;
        if (id == OPTION_COUNT_)
            return plv_fail (ret_fail, ERR_ARG, "-%c is no option", *letter);
        if (option_rows[id].kind == KIND_FLAG) {
            err = take_value (self, id, "", ret_fail);
            if (err)
                return err;
            continue;
        }
        if (letter[1])
            return take_value (self, id, letter + 1, ret_fail);
        if (*at + 1 >= argc)
            return plv_fail (ret_fail, ERR_ARG, "-%c needs its %s", *letter,
                             option_rows[id].argument);
        return take_value (self, id, argv[++*at], ret_fail);
    }
    return ERR_OK;
}

static plv_err_t split (call_t *self, int argc, char **argv, plv_fail_t *ret_fail)
{
    bool words_only = false;
    plv_err_t err = ERR_OK;
    self->operands = plv_alloc_zero ((size_t) argc + 1, sizeof *self->operands);
    for (int at = 1; at < argc && !err; at++) {
        const char *word = argv[at];
        if (words_only || word[0] != '-' || word[1] == '\0')
            self->operands[self->operand_count++] = argv[at];
        else if (strcmp (word, "--") == 0)
            words_only = true;
        else if (word[1] == '-')
            err = take_long (self, argc, argv, &at, ret_fail);
        else
            err = take_letters (self, argc, argv, &at, ret_fail);
    }
    return err;
}

static size_t words_of (const command_t *command)
{
    return strchr (command->words, ' ') ? 2 : 1;
}

static bool named (const call_t *self, const command_t *command)
{
    size_t first = strcspn (command->words, " ");
    if (self->operand_count < words_of (command) || strlen (self->operands[0]) != first
        || memcmp (self->operands[0], command->words, first))
        return false;
    return command->words[first] == '\0'
           || strcmp (self->operands[1], command->words + first + 1) == 0;
}

static bool is_group (const char *word)
{
    const command_t *command;
    size_t size = strlen (word);
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden && command_in_group (command, word, size)
            && command->words[size] == ' ')
            return true;
    return false;
}

/*  The verb that `word` is another tool's word for, or `word`.  */
static plv_view_t meant (const char *word)
{
    static const char *const said[][2] = {
#define SAID(word_, verb) {(word_), (verb)},
#include "palaver/said.def"
#undef SAID
    };
    for (size_t i = 0; word && i < sizeof said / sizeof *said; i++)
        if (strcmp (word, said[i][0]) == 0)
            return plv_view_str (said[i][1]);
    return plv_view_str (word ? word : "");
}

/*  A group without one of its verbs, or with another word.  */
static plv_err_t no_verb (const call_t *self, plv_fail_t *ret_fail)
{
    const command_t *command;
    const char *group = self->operands[0], *word = self->operands[1];
    plv_near_t near = plv_near (meant (word));
    char verbs[256] = "";
    for (size_t i = 0, used = 0; (command = command_at (i)) && used < sizeof verbs; i++)
        if (command_in_group (command, group, strlen (group))) {
            const char *verb = command->words + strlen (group) + 1;
            plv_near_offer (&near, plv_view_str (verb));
            used += (size_t) snprintf (verbs + used, sizeof verbs - used, "%s%s", used ? ", " : "",
                                       verb);
        }
    if (word && near.best.size)
        return plv_fail (ret_fail, ERR_ARG, "%s %s is no command; %s " PLV_VIEW_FMT " perhaps?",
                         group, word, group, PLV_VIEW_ARG (near.best));
    return plv_fail (ret_fail, ERR_ARG, "%s does one of: %s", group, verbs);
}

static plv_err_t no_command (call_t *self, plv_fail_t *ret_fail)
{
    const command_t *command;
    const char *first = self->operands[0];
    if (is_group (first)) {
        self->group = first;
        return no_verb (self, ret_fail);
    }
    plv_near_t near = plv_near (plv_view_str (first));
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden)
            plv_near_offer (&near, plv_view (command->words, strcspn (command->words, " ")));
    if (near.best.size)
        return plv_fail (ret_fail, ERR_ARG, "%s is no command; " PLV_VIEW_FMT " perhaps?", first,
                         PLV_VIEW_ARG (near.best));
    return plv_fail (ret_fail, ERR_ARG, "%s is no command", first);
}

/*  `palaver help WORDS` is `palaver WORDS --help`, as in other tools.  */
static void take_help (call_t *self)
{
    if (self->operand_count == 0 || strcmp (self->operands[0], "help") != 0)
        return;
    self->given |= UINT64_C (1) << OPTION_HELP;
    memmove (self->operands, self->operands + 1, --self->operand_count * sizeof *self->operands);
}

static plv_err_t find_command (call_t *self, plv_fail_t *ret_fail)
{
    take_help (self);
    bool help = call_has (self, OPTION_HELP);
    const command_t *command;
    if (self->operand_count == 0)
        return help || call_has (self, OPTION_VERSION)
                   ? ERR_OK
                   : plv_fail (ret_fail, ERR_ARG, "what is to be done?");
    for (size_t i = 0; !self->command && (command = command_at (i)); i++)
        if (named (self, command))
            self->command = command;
    if (self->command) {
        size_t words = words_of (self->command);
        self->operand_count -= words;
        memmove (self->operands, self->operands + words,
                 self->operand_count * sizeof *self->operands);
        return ERR_OK;
    }
    if (!help || !is_group (self->operands[0]))
        return no_command (self, ret_fail);
    self->group = self->operands[0];
    return ERR_OK;
}

static plv_err_t check (const call_t *self, plv_fail_t *ret_fail)
{
    const command_t *command = self->command;
    if (!command || call_has (self, OPTION_HELP))
        return ERR_OK;
    for (int id = 0; id < OPTION_COUNT_; id++)
        if (self->given & ~command->options & UINT64_C (1) << id)
            return plv_fail (ret_fail, ERR_ARG, "palaver %s has no option --%s", command->words,
                             option_rows[id].name);
    if (self->operand_count < command->least)
        return plv_fail (ret_fail, ERR_ARG, "palaver %s needs %s", command->words,
                         command->operands);
    if (self->operand_count > command->most && command->most == 0)
        return plv_fail (ret_fail, ERR_ARG, "palaver %s takes nothing behind it: what is \"%s\"?",
                         command->words, self->operands[0]);
    if (self->operand_count > command->most)
        return plv_fail (ret_fail, ERR_ARG, "palaver %s takes at most %zu: what is \"%s\"?",
                         command->words, command->most, self->operands[command->most]);
    if (call_has (self, OPTION_JSON) && call_has (self, OPTION_TABLE))
        return plv_fail (ret_fail, ERR_ARG, "--json and --table exclude each other");
    if (call_has (self, OPTION_DATA) && call_has (self, OPTION_RUN)
        && (command->options & LOOKS) == LOOKS && !(command->options & WITH_SHADOW))
        return plv_fail (ret_fail, ERR_ARG,
                         "--data looks at data without a broker, --run names a running one: they "
                         "exclude each other");
    return ERR_OK;
}

plv_err_t call_parse (int argc, char **argv, call_t *ret_call, plv_fail_t *ret_fail)
{
    call_t self = {0};
    plv_fail_t other;
    plv_err_t err = split (&self, argc, argv, ret_fail);
    plv_err_t wrong = find_command (&self, err ? &other : ret_fail);
    if (!err)
        err = wrong;
    if (!err)
        err = check (&self, ret_fail);
    if (err)
        call_free (&self);
    *ret_call = self;
    return err;
}

void call_free (call_t *self)
{
    free (self->operands);
    self->operands = NULL;
}
