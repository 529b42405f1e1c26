/*  delivery -- one reply on its way to a chat, part by part
    OWNS    copies of what it sends; itself, until it is finished
    THREAD  the host's loop
    FAILS   by its outcome: see outcome.def. A long answer of which a part is refused says which
    COST    a request a part; two messages to the broker for each part but the last

    Which parts are sent is kept with the broker under the reply's id, so that another attempt, also one after a crash,
    goes on with the part that is missing. What Telegram did not confirm is unknown, and not sent again: it has
    no way to recognise a second copy. An edit may be repeated.  */

#ifndef TELEGRAM_DELIVERY_H
#define TELEGRAM_DELIVERY_H

#include "telegram/telegram.h"

void delivery_begin (telegram_t *owner, const pal_reply_t *reply);

/*  Those that only wait give way to the adapter's successor.  */
void deliveries_drain (telegram_t *owner);
void deliveries_close (telegram_t *owner);

/*  Removes what is kept of answers that nobody asks for any more.  */
void deliveries_sweep (telegram_t *owner);

#endif
