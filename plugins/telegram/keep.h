/*  keep -- small things that the broker keeps for us: the keys, and numbers as values
    OWNS    nothing
    THREAD  the host's loop
    FAILS   `done` is told
    COST    a message to the broker and back  */

#ifndef TELEGRAM_KEEP_H
#define TELEGRAM_KEEP_H

#include "sdk/adapter.h"

#define KEEP_MOVE "move/"       /* OLD CHAT: its new id */
#define KEEP_NOTICED "noticed/" /* CHAT: when it was told that it talks with a machine */
#define KEEP_GREETED "greeted/" /* CHAT: the newest /start; with a minus: its answer is under way */
#define KEEP_PROGRESS "progress/" /* REPLY: which parts of a long answer are sent */
#define KEEP_STREAM                                                                                \
    "stream/" /* EVENT: the message in which its answer is being written, and since when */
#define KEEP_SECRET "webhook/secret"

enum { KEEP_KEY_BYTES = 96 };

void keep_get (const pal_host_t *host, const char *kind, int64_t chat, pal_kv_fn *done, void *arg);
void keep_put_number (const pal_host_t *host, const char *kind, int64_t chat, int64_t number,
                      pal_kv_fn *done, void *arg);

/*  The first one; 0: there is none.  */
int64_t keep_number (pal_text_t value);

#endif
