#include "telegram/pace.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAME_BYTES = 48, FLOODS_TOGETHER_US = 2000000 };

static pal_text_t name_of (char name[NAME_BYTES], const char *kind, int64_t chat)
{
    snprintf (name, NAME_BYTES, "%s:%" PRId64, kind, chat);
    return pal_text (name);
}

/*  A third at once and two thirds spread over the second.  */
static pal_bucket_t all (const telegram_t *self)
{
    uint32_t burst = self->options.per_s / 3;
    return (pal_bucket_t){pal_text ("all"), burst, 1000 * burst / (self->options.per_s - burst),
                          burst / 2};
}

uint32_t pace_message (telegram_t *self, int64_t chat, pal_urgency_t urgency)
{
    char one[NAME_BYTES], group[NAME_BYTES];
    uint32_t burst = self->options.chat_per_s + 2, most = self->options.group_per_min;
    uint32_t most_at_once = most / 4;
    pal_bucket_t buckets[] = {
        all (self),
        {name_of (one, "chat", chat), burst, 1000 * burst / self->options.chat_per_s, 1},
        {name_of (group, "group", chat), most_at_once, 60000 * most_at_once / (most - most_at_once),
         most_at_once / 2},
    };
    return self->host->rate_take (self->host, buckets, chat < 0 ? 3 : 2, urgency);
}

uint32_t pace_sign (telegram_t *self, int64_t chat)
{
    char name[NAME_BYTES];
    pal_bucket_t buckets[] = {all (self), {name_of (name, "sign", chat), 2, 1000, 0}};
    return self->host->rate_take (self->host, buckets, 2, PAL_CASUAL);
}

void pace_block (telegram_t *self, int64_t chat, uint32_t ms)
{
    const pal_host_t *host = self->host;
    char name[NAME_BYTES];
    int64_t now = host->mono_us (host);
    bool others = self->flooded_chat && self->flooded_chat != chat
                  && now - self->flooded_us < FLOODS_TOGETHER_US;
    if (!chat) /* no message: who asked waits */
        return;
    if (others)
        host->rate_block (host, pal_text ("all"), ms);
    host->rate_block (host, name_of (name, "chat", chat), ms);
    host->rate_block (host, name_of (name, "sign", chat), ms);
    self->flooded_chat = chat;
    self->flooded_us = now;
}
