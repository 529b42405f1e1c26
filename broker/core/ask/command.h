/*  command -- the commands of commands.def: names, numbers, and who may ask for them
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one walk over the table  */

#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "base/view.h"

typedef enum {
#define COMMAND(name, text, right, when, arguments, meaning) COMMAND_##name,
#include "wire/commands.def"
#undef COMMAND
    COMMAND_COUNT_
} command_t;

/*  See commands.def.  */
typedef enum { RIGHT_ADAPTER, RIGHT_OPERATOR, RIGHT_TOOL } command_right_t;
typedef enum { WHEN_ANY, WHEN_RUNNING } command_when_t;

/*  No tool's request: what the shell does for the core itself.  */
enum { ORDER_EXPORT = COMMAND_COUNT_ };

/*  COMMAND_COUNT_ for what is no command.  */
command_t command_of (plv_view_t name);
const char *command_name (command_t command);
command_right_t command_right (command_t command);
/*  May it be asked of data that is only looked at?  */
bool command_is_for_stopped (command_t command);

#endif
