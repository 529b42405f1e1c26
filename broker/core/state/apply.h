/*  apply -- durable state: each of these writes its record (when live) and applies it
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"
#include "core/state/record.h"
#include "core/state/session.h"

void apply_new (core_t *self, const record_t *record);
plv_err_t apply_record (core_t *self, const record_t *record, plv_fail_t *ret_fail);
void apply_brief (core_t *self, const dead_t *dead,
                  const entry_t *entry); /* its row in DEAD_BRIEFS */
session_t *session_get (core_t *self, plv_view_t id);
entry_t *entry_get (core_t *self, uint64_t number);
void entry_put (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter);
uint64_t number_next (core_t *self);
plv_id_t id_next (core_t *self);
void session_touch (core_t *self, session_t *session);

#endif
