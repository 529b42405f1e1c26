/*  dead -- dead letters: an entry whole, with the reason, as a row of the DEAD view
    OWNS    nothing; the row is the caller's buffer
    THREAD  core only
    FAILS   dead_read with ERR_CORRUPT
    COST    one copy of the entry  */

#ifndef CORE_DEAD_H
#define CORE_DEAD_H

#include "core/state/entry.h"

typedef enum {
#define DEADWHY(number, name, reason, outcome, meaning) DEAD_##name = (number),
#include "core/dead/dead.def"
#undef DEADWHY
} dead_why_t;

const char *dead_reason (dead_why_t why);
const char *dead_outcome (dead_why_t why);

typedef struct {
    dead_why_t why;
    int64_t at_us;   /* wall clock */
    bool parks;      /* its session holds later events until it is replayed or discarded */
    plv_view_t code; /* what the agent or platform called it */
    plv_view_t words;
    plv_view_t session;
} dead_t;

void dead_write (const dead_t *self, const entry_t *entry, plv_buf_t *row);
/*  The views of `ret_dead` point into `row`.  */
plv_err_t dead_read (uint64_t number, plv_view_t row, dead_t *ret_dead, entry_t **ret_entry,
                     plv_fail_t *ret_fail);

#endif
