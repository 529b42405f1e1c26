/*  pauses -- routes that operators have paused, as records and the store tell of them
    OWNS    core->pauses
    THREAD  core only
    FAILS   pauses_load with false on a row that is none
    COST    a row of META for each  */

#ifndef CORE_PAUSES_H
#define CORE_PAUSES_H

#include "core/core.h"
#include "core/state/record.h"

void pauses_apply (core_t *self, const record_t *record);
bool pauses_load (core_t *self, plv_view_t key, plv_view_t value); /* a row of META */

#endif
