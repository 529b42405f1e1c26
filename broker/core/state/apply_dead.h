/*  apply_dead -- dead letters: their rows, and how they come and go
    OWNS    see core.h
    THREAD  core only
    FAILS   on a damaged record
    COST    see core.h  */

#ifndef CORE_APPLY_DEAD_H
#define CORE_APPLY_DEAD_H

#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"
#include "core/state/record.h"

plv_err_t apply_dead (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_replay (core_t *self, const record_t *record, plv_fail_t *ret_fail);
plv_err_t apply_import (core_t *self, const record_t *record, plv_fail_t *ret_fail);
void apply_discard (core_t *self, const record_t *record);

void apply_count_dead (core_t *self, int change);
void apply_brief (core_t *self, const dead_t *dead,
                  const entry_t *entry); /* its row in DEAD_BRIEFS */

#endif
