/*  dead_import -- letters that were exported are put back
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_IMPORT_H
#define CORE_DEAD_IMPORT_H

#include "core/ask/ask.h"
#include "core/core.h"

bool import_start (core_t *self, ask_t *ask, plv_view_t arguments);
void import_rows (ask_t *ask, const input_t *input);
void import_answer (core_t *self, ask_t *ask);

#endif
