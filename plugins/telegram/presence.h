/*  presence -- what a chat shows before there is an answer: typing, and the answer while it is being written
    OWNS    one presence a chat in which something is shown or sent
    THREAD  the host's loop
    FAILS   never: what cannot be shown is not shown
    COST    the text so far; at most one request at a time in a chat

    In a private chat the words go into a draft, which Telegram shows for 30 s and replaces by the answer. In a group a
    first message is sent and edited, and becomes the first part of the answer. Everything here is casual: it leaves
    what is reserved for answers alone, and grows slower where Telegram asks for rest.  */

#ifndef TELEGRAM_PRESENCE_H
#define TELEGRAM_PRESENCE_H

#include "telegram/telegram.h"

/*  An agent works on this event.  */
void presence_think (telegram_t *owner, int64_t chat, int64_t thread, const pal_id_t *event);

void presence_live (telegram_t *owner, const pal_live_t *live);

/*  Before an answer is sent: nothing is shown any more that is not of this answer, until presence_release. True: now.
    False: a request is still under way; `go` is called when it is over.  */
bool presence_claim (telegram_t *owner, int64_t chat, delivery_t *delivery,
                     void (*go) (delivery_t *delivery));

/*  The message in which the answer to `event` is being written; 0: there is none. It is the answer's from now on.  */
int64_t presence_message (telegram_t *owner, int64_t chat, const pal_id_t *event);

/*  The answer to `event` is over, or its delivery goes on elsewhere: NULL, nobody waits in this chat any more.  */
void presence_release (telegram_t *owner, int64_t chat, const delivery_t *delivery,
                       const pal_id_t *event);

/*  Nothing more is shown.  */
void presences_close (telegram_t *owner);

#endif
