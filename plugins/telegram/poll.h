/*  poll -- updates by getUpdates, one request at a time
    OWNS    the updates that are not with the broker yet
    THREAD  the host's loop
    FAILS   tells health () why, and goes on asking ever more slowly
    COST    at most 100 updates

    An update is confirmed by asking for the next one, so nothing is asked before all of the last answer is stored: that
    is also how BUSY stops polling. The offset needs no store: Telegram repeats what was not confirmed, and the broker
    knows what it has. Updates of one chat are published one after the other.  */

#ifndef TELEGRAM_POLL_H
#define TELEGRAM_POLL_H

#include "telegram/telegram.h"

/*  False: no memory.  */
bool poll_start (telegram_t *self);
/*  Asks again now that the broker is there.  */
void poll_go_on (telegram_t *self);
/*  No further updates; those that are on their way go on.  */
void poll_stop (telegram_t *self);
void poll_close (telegram_t *self);

#endif
