/*  letter -- a dead letter as its row says it, and whether it is one still
    OWNS    nothing; the caller frees the entry
    THREAD  core only
    FAILS   letter_read with false
    COST    one pass over the row  */

#ifndef CORE_LETTER_H
#define CORE_LETTER_H

#include "base/rows.h"
#include "core/ask/ask.h"
#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"

bool letter_read (const plv_row_t *row, dead_t *ret_dead, entry_t **ret_entry);
/*  It is sent again, or thrown away: whose rows were read before hears of it.  */
void letter_taken (core_t *self, uint64_t number);
/*  Since `ask` began, whose rows may be older.  */
bool letter_taken_since (core_t *self, const ask_t *ask, uint64_t number);

#endif
