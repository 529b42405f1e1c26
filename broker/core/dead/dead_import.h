/*  dead_import -- letters that were exported are put back
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_IMPORT_H
#define CORE_DEAD_IMPORT_H

#include "core/ask/ask.h"
#include "core/core.h"

extern const ask_kind_t ask_dead_import;

#endif
