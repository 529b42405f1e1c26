#include "palaver/command.h"

#include <string.h>

#define ROW(name, words_, operands_, least_, most_, options_, summary_, meaning_, hidden_)         \
    {.words = (words_),                                                                            \
     .operands = (operands_),                                                                      \
     .least = (least_),                                                                            \
     .most = (most_),                                                                              \
     .options = (options_) | ALWAYS,                                                               \
     .hidden = (hidden_),                                                                          \
     .summary = (summary_),                                                                        \
     .meaning = (meaning_),                                                                        \
     .function = command_##name},

static const command_t commands[] = {
#define COMMAND(function, words, operands, least, most, options, summary, meaning)                 \
    ROW (function, words, operands, least, most, options, summary, meaning, false)
#define HIDDEN(function, words, operands, least, most, options, summary, meaning)                  \
    ROW (function, words, operands, least, most, options, summary, meaning, true)
#define EXAMPLE(words, line, meaning)
#include "palaver/commands.def"
#undef COMMAND
#undef HIDDEN
#undef EXAMPLE
};

static const example_t examples[] = {
#define COMMAND(function, words, operands, least, most, options, summary, meaning)
#define HIDDEN COMMAND
#define EXAMPLE(words_, line_, meaning_)                                                           \
    {.words = (words_), .line = (line_), .meaning = (meaning_)},
#include "palaver/commands.def"
#undef COMMAND
#undef HIDDEN
#undef EXAMPLE
};

static const ending_row_t endings[] = {
#define ENDING(code_, name, meaning_) {.code = (code_), .meaning = (meaning_)},
#include "palaver/endings.def"
#undef ENDING
};

const command_t *command_at (size_t index)
{
    return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

const example_t *example_at (size_t index)
{
    return index < sizeof examples / sizeof *examples ? &examples[index] : NULL;
}

const ending_row_t *ending_at (size_t index)
{
    return index < sizeof endings / sizeof *endings ? &endings[index] : NULL;
}

bool command_in_group (const command_t *command, const char *group, size_t size)
{
    return strncmp (command->words, group, size) == 0
           && (command->words[size] == ' ' || command->words[size] == '\0');
}
