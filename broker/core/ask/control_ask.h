/*  control_ask -- questions that take more than one step: begun, told what has come, and ended
    OWNS    each ask_t, until control_finish
    THREAD  core only
    FAILS   never: what cannot be read is kept in ask_t.failed, for the answer
    COST    that of the question's kind  */

#ifndef CORE_CONTROL_ASK_H
#define CORE_CONTROL_ASK_H

#include "core/ask/ask.h"
#include "core/core.h"
#include "core/peer/peer.h"

ask_t *control_ask_new (core_t *self, const ask_kind_t *kind);
void control_ask_from (ask_t *ask, const peer_t *peer, uint64_t request); /* who is answered */
void control_ask_free (ask_t **ask_p);
void control_finish (core_t *self, ask_t *ask);

/*  Rows of dead letters that it waits for.  */
void control_scan (core_t *self, ask_t *ask, uint64_t from, uint64_t to, uint32_t limit);
void control_scan_id (core_t *self, ask_t *ask, const plv_id_t *id);
void control_scan_numbers (core_t *self,
                           ask_t *ask); /* each once, in order; empties ask->numbers */

void control_rows (core_t *self, const input_t *input);    /* what it waited for has come */
void control_ordered (core_t *self, const input_t *input); /* the shell has carried it out */
void control_due (core_t *self, ask_t *ask);               /* a walk goes on */
void control_settle (core_t *self, ask_t *ask); /* answered, if it waits for nothing any more */
void control_forget (core_t *self, const peer_t *peer);

/*  Who is to be answered; NULL: nobody any more, or they were told what could not be read, and `more`.  */
peer_t *control_asker (core_t *self, const ask_t *ask, const char *more);

#endif
