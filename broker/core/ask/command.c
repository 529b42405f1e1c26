#include "core/ask/command.h"

static const struct {
    const char *name;
    command_right_t right;
    command_when_t when;
} commands[COMMAND_COUNT_] = {
#define COMMAND(name, text, right, when, arguments, meaning)                                       \
    [COMMAND_##name] = {(text), RIGHT_##right, WHEN_##when},
#include "wire/commands.def"
#undef COMMAND
};

command_t command_of (plv_view_t name)
{
    int command = 0;
    while (command < COMMAND_COUNT_ && !plv_view_is (name, commands[command].name))
        command++;
    return (command_t) command;
}

const char *command_name (command_t command)
{
    return command < COMMAND_COUNT_ ? commands[command].name : "?";
}

/*  Everybody who may ask for anything is told that there is no such command.  */
command_right_t command_right (command_t command)
{
    return command < COMMAND_COUNT_ ? commands[command].right : RIGHT_OPERATOR;
}

bool command_is_for_stopped (command_t command)
{
    return command < COMMAND_COUNT_ && commands[command].when == WHEN_ANY;
}
