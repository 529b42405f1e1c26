/*  moves -- groups that became supergroups, and have another id since
    OWNS    nothing; the ids are in telegram_t, and with the broker as "move/OLD" -> NEW
    THREAD  the host's loop
    FAILS   what the broker does not keep is known as long as this process lives
    COST    O(1); 32 bytes a group

    The session keeps the group's first id: who talks there goes on with the conversation. What is sent goes to the
    newest one.  */

#ifndef TELEGRAM_MOVES_H
#define TELEGRAM_MOVES_H

#include "telegram/telegram.h"

/*  Reads what is known; self->moves_read is called when it is there, or cannot be read.  */
void moves_load (telegram_t *self);

/*  `done` (may be NULL) is told when it is kept.  */
void moves_learn (telegram_t *self, int64_t old_chat, int64_t new_chat, pal_kv_fn *done, void *arg);

int64_t moves_newest (const telegram_t *self, int64_t chat);
int64_t moves_first (const telegram_t *self, int64_t chat);

#endif
