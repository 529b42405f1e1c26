/*  dead_stats -- how many letters died alike
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_STATS_H
#define CORE_DEAD_STATS_H

#include "core/ask/ask.h"
#include "core/core.h"

extern const ask_kind_t ask_dead_stats;

#endif
