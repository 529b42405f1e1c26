/*  control_dead -- requests about dead letters, and others that wait for rows
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_CONTROL_DEAD_H
#define CORE_CONTROL_DEAD_H

#include "base/rows.h"
#include "core/ask/ask.h"
#include "core/core.h"
#include "core/dead/dead.h"
#include "core/peer/peer.h"
#include "core/state/entry.h"

void control_start_dead (core_t *self, peer_t *peer, uint64_t request, int command,
                         plv_view_t arguments);
void control_rows (core_t *self, const input_t *input);
void control_due (core_t *self, ask_t *ask); /* a walk goes on */
void control_catch_up (core_t *self); /* letters that an older release left without a brief */
ask_t *control_ask_new (core_t *self, int command);
void control_ask_free (ask_t **ask_p);
void control_scan (core_t *self, ask_t *ask, uint64_t from, uint64_t to, uint32_t limit);
void control_scan_id (core_t *self, ask_t *ask, const plv_id_t *id);
void control_scan_numbers (core_t *self,
                           ask_t *ask); /* each once, in order; empties ask->numbers */
bool control_read_dead (const plv_row_t *row, dead_t *ret_dead, entry_t **ret_entry);
void control_finish (core_t *self, ask_t *ask);
void control_settle (core_t *self, ask_t *ask); /* answered, if it waits for nothing any more */
bool control_taken_since (core_t *self, const ask_t *ask, uint64_t number);

#endif
