/*  reflect -- the views, brought up to date with the journal
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_REFLECT_H
#define CORE_REFLECT_H

#include "core/core.h"
#include "core/state/dedup.h"
#include "core/state/entry.h"
#include "core/state/session.h"

void reflect_dirty (core_t *self, session_t *session);
void reflect_gone (session_t *session, const entry_t *entry);
void reflect_session_end (core_t *self, session_t *session);
void reflect_key (core_t *self, const dedup_key_t *key, uint32_t expires_s);
void reflect_turn (core_t *self, bool all);
int64_t reflect_next_us (const core_t *self);
void reflect_run_loaded (core_t *self, uint64_t key, plv_view_t run);

#endif
