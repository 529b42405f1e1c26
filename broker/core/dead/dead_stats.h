/*  dead_stats -- how many letters died alike: begins, takes rows, and goes on when all have come
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_STATS_H
#define CORE_DEAD_STATS_H

#include "core/ask/ask.h"
#include "core/core.h"

void stats_go_on (core_t *self, ask_t *ask);
void stats_take (core_t *self, ask_t *ask, const input_t *input);
void stats_free (ask_t *ask);
void stats_answer (core_t *self, const ask_t *ask);

#endif
