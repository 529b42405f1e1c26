/*  telegram -- the adapter: one bot, its conf, and what its parts share
    OWNS    everything of the plugin
    THREAD  the host's loop
    FAILS   open: conf that cannot be right. What Telegram says later is told by health ()
    COST    a few hundred bytes a chat that is being answered, 32 bytes one that was

    Updates come in by poll.c or webhook.c, and through intake.c to the broker. Replies leave through delivery.c; typing
    and words that are still being written through presence.c. All that is asked of Telegram goes through api.c.  */

#ifndef TELEGRAM_TELEGRAM_H
#define TELEGRAM_TELEGRAM_H

#include "telegram/address.h"
#include "telegram/context.h"
#include "telegram/ids.h"
#include "telegram/options.h"

typedef struct api_call api_call_t;
typedef struct delivery delivery_t;
typedef struct presence presence_t;
typedef struct poll poll_t;
typedef struct webhook webhook_t;
typedef struct greeting greeting_t;

typedef struct telegram {
    const pal_host_t *host;
    options_t options;
    char *base; /* root/bot<token>/ : what methods are appended to */
    bot_t bot;  /* its id is 0 until getMe has been answered */
    char username[80];
    bool loaded; /* the groups that have moved are known */
    void (*moves_read) (struct telegram *self, bool good);
    bool draining;
    uint64_t timer; /* of the next try to begin */

    ids_t moved, came;      /* groups that have another id now, and the other way round */
    ids_t noticed;          /* chats that know that they talk with a machine */
    ids_t presences;        /* presence_t by chat */
    context_t context;      /* events on their way, and messages that we sent */
    api_call_t *calls;      /* that wait for their answers */
    delivery_t *deliveries; /* under way */
    greeting_t *greetings;
    poll_t *poll;       /* NULL: not polling */
    webhook_t *webhook; /* NULL: no webhook */
    int64_t flooded_chat, flooded_us;
    uint32_t drafts;
} telegram_t;

#endif
