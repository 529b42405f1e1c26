/*  apply -- durable state changes here and nowhere else
    OWNS    see core.h
    THREAD  core only
    FAILS   on a damaged record, which only recovery can meet
    COST    see core.h  */

#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include "core/core.h"
#include "core/state/record.h"

/*  Into the journal of the turn under way, and applied.  */
void apply_new (core_t *self, const record_t *record);
/*  Out of the journal, at recovery.  */
plv_err_t apply_record (core_t *self, const record_t *record, plv_fail_t *ret_fail);

#endif
