/*  dead_retain -- letters that go by age or number
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_DEAD_RETAIN_H
#define CORE_DEAD_RETAIN_H

#include "core/core.h"

void retain_soon (core_t *self);
void retain_due (core_t *self);
void retain_moved (core_t *self, int64_t moved_us); /* by which the clock is believed now */
bool retain_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */

#endif
