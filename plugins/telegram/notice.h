/*  notice -- that a machine writes is said once in each chat, before anything else
    OWNS    nothing; who knows is in telegram_t, and with the broker as "noticed/CHAT"
    THREAD  the host's loop
    FAILS   when it is not known, it is said again
    COST    a question to the broker, once a chat and process

    The EU's AI Act asks for it in Article 50: at the time of the first interaction at the latest.  */

#ifndef TELEGRAM_NOTICE_H
#define TELEGRAM_NOTICE_H

#include "telegram/telegram.h"

typedef void (notice_fn) (void *arg, bool wanted);

/*  A question, in the memory of who asks.  */
typedef struct {
    telegram_t *owner;
    int64_t chat;
    notice_fn *done;
    void *arg;
} notice_t;

/*  Is it to be said in this chat? `done` is called once, possibly at once.  */
void notice_ask (notice_t *self, telegram_t *owner, int64_t chat, notice_fn *done, void *arg);

/*  It was said.  */
void notice_given (telegram_t *owner, int64_t chat);

#endif
