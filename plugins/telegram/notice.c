#include "telegram/notice.h"

#include "telegram/keep.h"

/*  Beyond this many chats the broker is asked again: 16 MB.  */
enum { CHATS_KNOWN_MAX = 500000 };

static void remember (telegram_t *owner, int64_t chat)
{
    if (owner->noticed.count >= CHATS_KNOWN_MAX)
        ids_free (&owner->noticed);
    ids_put (&owner->noticed, chat, 1);
}

static void on_read (void *arg, const pal_kv_result_t *result)
{
    notice_t *self = arg;
    if (result->found)
        remember (self->owner, self->chat);
    self->done (self->arg, !result->found);
}

void notice_ask (notice_t *self, telegram_t *owner, int64_t chat, notice_fn *done, void *arg)
{
    *self = (notice_t){.owner = owner, .chat = chat, .done = done, .arg = arg};
    if (!owner->options.ai_notice.size || ids_get (&owner->noticed, chat, NULL))
        done (arg, false);
    else
        keep_get (owner->host, KEEP_NOTICED, chat, on_read, self);
}

void notice_given (telegram_t *owner, int64_t chat)
{
    remember (owner, chat);
    keep_put_number (owner->host, KEEP_NOTICED, chat, owner->host->wall_us (owner->host) / 1000000,
                     NULL, NULL);
}
