/*  pace -- how fast we may write: in all, in a chat, in a group; and the rest that Telegram asks for
    OWNS    nothing; the buckets are the host's
    THREAD  the host's loop
    FAILS   never
    COST    a few buckets a call

    Telegram counts in windows (twenty in any minute), a bucket holds what may come at once and fills up: so a bucket
    holds a part of the window's number and fills with the rest, and both together are never more than the window
    takes. Answers have a reserve that typing, drafts and edits leave alone.  */

#ifndef TELEGRAM_PACE_H
#define TELEGRAM_PACE_H

#include "telegram/telegram.h"

/*  May a message be sent or edited? 0: yes, now; else milliseconds until it is worth another try.  */
uint32_t pace_message (telegram_t *self, int64_t chat, pal_urgency_t urgency);

/*  The same for what is no message: typing, a draft.  */
uint32_t pace_sign (telegram_t *self, int64_t chat);

/*  Telegram wants rest in a chat; 0: it was no message, and does not stop any. Two chats within a few seconds mean
    all of them.  */
void pace_block (telegram_t *self, int64_t chat, uint32_t ms);

#endif
