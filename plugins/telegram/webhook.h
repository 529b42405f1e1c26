/*  webhook -- updates that Telegram brings by HTTPS
    OWNS    the listener, and the updates that are not with the broker yet
    THREAD  the host's loop
    FAILS   webhook_start: with host->fail. What Telegram says later is told by health ()
    COST    an update a request

    Each request must show the secret that Telegram was given; it is made once and kept with the broker. 200 means that
    the update is stored; 503 that it is to be brought again.  */

#ifndef TELEGRAM_WEBHOOK_H
#define TELEGRAM_WEBHOOK_H

#include "telegram/telegram.h"

/*  Listens; nothing is let in yet. 0, or what host->fail returned.  */
int webhook_listen (telegram_t *self);
/*  Tells Telegram where. Called when the bot is known.  */
void webhook_start (telegram_t *self);
void webhook_close (telegram_t *self);

#endif
