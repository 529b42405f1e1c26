/*  control -- the commands of control.def, as numbers
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one walk over the table  */

#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "base/view.h"

typedef enum {
#define COMMAND(name, text, arguments, meaning) COMMAND_##name,
#include "core/control.def"
#undef COMMAND
    COMMAND_COUNT_
} command_t;

/*  No tool's request but the broker's own, and what the shell does for it.  */
enum { COMMAND_CATCH_UP = COMMAND_COUNT_, COMMAND_RETAIN, ORDER_EXPORT };

/*  COMMAND_COUNT_ for what is no command.  */
command_t command_of (plv_view_t name);
const char *command_name (command_t command);

#endif
