/*  dead_take -- letters that are sent again, or thrown away, each by itself when its row comes
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_TAKE_H
#define CORE_DEAD_TAKE_H

#include "core/ask/ask.h"
#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"

extern const ask_kind_t ask_dead_take;

void take_discard (core_t *self, ask_t *ask, const entry_t *letter, const dead_t *dead);

#endif
