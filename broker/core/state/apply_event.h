/*  apply_event -- what becomes of an event, from its acceptance to its delivery
    OWNS    see core.h
    THREAD  core only
    FAILS   on a damaged record
    COST    see core.h  */

#ifndef CORE_APPLY_EVENT_H
#define CORE_APPLY_EVENT_H

#include "core/core.h"
#include "core/state/entry.h"
#include "core/state/record.h"

plv_err_t apply_accept (core_t *self, const record_t *record, plv_fail_t *ret_fail);
plv_err_t apply_merge (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_join (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_attempt (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_attempt_end (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_step (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_reply (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_sent (core_t *self, entry_t *entry, const record_t *record);
plv_err_t apply_superseded (core_t *self, entry_t *entry, const record_t *record);

/*  A second copy of what has this id is known from now on.  */
void apply_platform_id (core_t *self, plv_view_t adapter, plv_view_t platform_id, int64_t at_us);
/*  The answer that `record` gives to `event`, into the outbox.  */
void apply_make_reply (core_t *self, entry_t *event, const record_t *record, uint8_t flags);

#endif
