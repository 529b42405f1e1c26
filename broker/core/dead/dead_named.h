/*  dead_named -- letters that are named, by number or by id: their rows are asked for, and come
    OWNS    nothing
    THREAD  core only
    FAILS   named_start with false when the arguments name none, or too many
    COST    one read for each letter, and one more for each id  */

#ifndef CORE_DEAD_NAMED_H
#define CORE_DEAD_NAMED_H

#include "base/rows.h"
#include "core/ask/ask.h"
#include "core/core.h"

#define NAMED_HOW                                                                                  \
    "name one dead letter, by \"number\" or \"id\", for dead.show; 1 to 1000, by \"numbers\" or "  \
    "\"ids\", for the others"

typedef void named_one_t (core_t *self, ask_t *ask, const plv_row_t *row);

bool named_start (core_t *self, ask_t *ask, plv_view_t arguments);
/*  `one`: for each letter whose row has come.  */
void named_take (core_t *self, ask_t *ask, const input_t *input, named_one_t *one);

#endif
