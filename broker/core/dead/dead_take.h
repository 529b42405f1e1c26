/*  dead_take -- letters that are sent again, or thrown away, each by itself when its row comes
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_TAKE_H
#define CORE_DEAD_TAKE_H

#include "base/rows.h"
#include "core/ask/ask.h"
#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"

bool take_start (core_t *self, ask_t *ask, plv_view_t arguments, const char **ret_why);
void take_letter (core_t *self, ask_t *ask, const plv_row_t *row);
void take_answer (core_t *self, const ask_t *ask);
void take_discard (core_t *self, ask_t *ask, const entry_t *letter, const dead_t *dead);

#endif
