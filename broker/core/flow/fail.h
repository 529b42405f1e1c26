/*  fail -- attempts that ended badly, and how an event dies
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_FAIL_H
#define CORE_FAIL_H

#include "core/core.h"
#include "core/dead/dead.h"
#include "core/policy/fallback.h"
#include "core/state/entry.h"
#include "core/state/ledger.h"

typedef struct {
    how_t how;
    bool permanent;
    int64_t delay_us; /* at least this long until the next attempt; 0: the backoff alone decides */
    plv_view_t code;
    plv_view_t why;
} failure_t;

void fail_event (core_t *self, entry_t *entry, const failure_t *failure);
fallback_kind_t fail_fallback (how_t how, plv_view_t code); /* what the person is told */

/*  A newer message takes its place: its worker is told, and who waits for the answer.  */
void fail_interrupted (core_t *self, entry_t *entry, const plv_id_t *by);

/*  The open attempt is over, `charged` to the event or the reply or not; another one is due after `wait_us`.  */
void fail_end_attempt (core_t *self, entry_t *entry, const failure_t *failure, bool charged,
                       int64_t wait_us);

typedef struct {
    dead_why_t why;
    how_t how; /* how the open attempt ended; HOW_OPEN: there is none */
    fallback_kind_t fallback;
    plv_view_t code;
    plv_view_t words;
} death_t;

void fail_dead (core_t *self, entry_t *entry, const death_t *death);

/*  Enough has died in this turn: an entry that waits dies in a later one, when its timer is due. False: it may die now,
    and note_crowd follows.  */
bool fail_later (core_t *self, entry_t *entry);

#endif
