/*  command -- the commands of palaver as rows, from commands.def
    OWNS    nothing: the rows are constant
    THREAD  any
    FAILS   never
    COST    lookups are linear  */

#ifndef PALAVER_COMMAND_H
#define PALAVER_COMMAND_H

#include "palaver/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
#define ENDING(code, name, meaning) END_##name = (code),
#include "palaver/endings.def"
#undef ENDING
} ending_t;

typedef struct call call_t;
typedef ending_t command_function_t (call_t *call);

typedef struct {
    const char *words;
    const char *operands;
    size_t least, most;
    uint64_t options; /* an option_set_t */
    bool hidden;
    const char *summary;
    const char *meaning;
    command_function_t *function;
} command_t;

typedef struct {
    const char *words;
    const char *line;
    const char *meaning;
} example_t;

typedef struct {
    int code;
    const char *meaning;
} ending_row_t;

/*  The row at `index`; NULL behind the last.  */
const command_t *command_at (size_t index);
const example_t *example_at (size_t index);
const ending_row_t *ending_at (size_t index);

/*  Whether the words of `command` begin with the word `group`.  */
bool command_in_group (const command_t *command, const char *group, size_t size);

/*  Declares every command_<function>.  */
#define COMMAND(function, words, operands, least, most, options, summary, meaning)                 \
    ending_t command_##function (call_t *call);
#define HIDDEN COMMAND
#define EXAMPLE(words, line, meaning)
#include "palaver/commands.def"
#undef COMMAND
#undef HIDDEN
#undef EXAMPLE

#endif
