#include "telegram/telegram.h"

#include "telegram/api.h"
#include "telegram/delivery.h"
#include "telegram/greeting.h"
#include "telegram/moves.h"
#include "telegram/poll.h"
#include "telegram/presence.h"
#include "telegram/webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METHOD_MS = 15000, LATER_MS_MAX = 60000, TOKEN_MS = 10000, RELOAD_MS = 1000 };

/* ------------------------------------------------------------------ who we are, and how updates come */

static void begin (telegram_t *self);

static void on_begin_timer (void *arg)
{
    telegram_t *self = arg;
    self->timer = 0;
    begin (self);
}

static void begin_later (telegram_t *self, uint32_t at_least_ms)
{
    const pal_host_t *host = self->host;
    pal_retry_t retry = {.first_ms = 1000, .most_ms = LATER_MS_MAX};
    uint32_t wait = host->retry_wait (host, "begin", &retry);
    if (self->timer)
        host->timer_cancel (host, self->timer);
    self->timer =
        host->timer (host, wait > at_least_ms ? wait : at_least_ms, 0, on_begin_timer, self);
}

static void on_moves_read (telegram_t *self, bool good)
{
    self->loaded = good;
    if (good)
        begin (self);
    else
        begin_later (self, RELOAD_MS);
}

static void failed (telegram_t *self, const outcome_t *outcome)
{
    uint32_t wait = outcome->retry_after_ms;
    if (outcome->verdict == VERDICT_TOKEN)
        wait = TOKEN_MS;
    else
        self->host->health (self->host, false, "Telegram cannot be reached: %s", outcome->reason);
    begin_later (self, wait);
}

static void on_unhooked (void *arg, const outcome_t *outcome)
{
    telegram_t *self = arg;
    if (outcome->verdict != VERDICT_SENT)
        failed (self, outcome);
    else if (!self->draining && !poll_start (self))
        begin_later (self, LATER_MS_MAX);
}

/*  A webhook of an earlier conf would keep the updates to itself.  */
static void unhook (telegram_t *self)
{
    json_t *params = json_pack ("{s:b}", "drop_pending_updates", 0);
    if (!api_call (self, "deleteWebhook", params, METHOD_MS, on_unhooked, self))
        begin_later (self, LATER_MS_MAX);
}

static void on_me (void *arg, const outcome_t *outcome)
{
    telegram_t *self = arg;
    const char *name = json_string_value (json_object_get (outcome->result, "username"));
    int64_t id = json_integer_value (json_object_get (outcome->result, "id"));
    if (outcome->verdict != VERDICT_SENT) {
        failed (self, outcome);
        return;
    }
    if (id <= 0) {
        self->host->health (self->host, false,
                            "Telegram cannot be reached: the answer to getMe names no bot");
        begin_later (self, 0);
        return;
    }
    self->bot.id = id;
    snprintf (self->username, sizeof self->username, "%s", name ? name : "");
    self->host->retry_good (self->host, "begin");
    self->host->health (self->host, true, "is @%s", self->username);
    begin (self);
}

/*  Begins, or goes on beginning: getMe, then polling or the webhook.  */
static void begin (telegram_t *self)
{
    if (self->draining)
        return;
    if (!self->options.token.size) {
        /*  The plugin is installed, and nobody has a bot: no reason to start it again and again.  */
        self->host->health (self->host, false,
                            "no token: get one from @BotFather, and give it as \"env:NAME\" or "
                            "\"file:PATH\"");
    } else if (!self->loaded) {
        moves_load (self);
    } else if (!self->bot.id) {
        if (!api_call (self, "getMe", NULL, METHOD_MS, on_me, self))
            begin_later (self, LATER_MS_MAX);
    } else if (self->webhook) {
        webhook_start (self);
    } else {
        unhook (self);
    }
}

/* ------------------------------------------------------------------ life */

static void destroy (telegram_t *self)
{
    const pal_host_t *host = self->host;
    if (self->timer)
        host->timer_cancel (host, self->timer);
    greetings_close (self); /* of updates, which end with what brought them */
    poll_close (self);
    webhook_close (self);
    deliveries_close (self);
    presences_close (self);
    api_cancel_all (self);
    ids_free (&self->moved);
    ids_free (&self->came);
    ids_free (&self->noticed);
    ids_free (&self->presences);
    options_free (&self->options);
    free (self->base);
    free (self);
}

static bool make_base (telegram_t *self)
{
    const options_t *options = &self->options;
    size_t size = options->api_root.size + options->token.size + sizeof "/bot/";
    self->base = malloc (size);
    if (self->base)
        snprintf (self->base, size, "%.*s/bot%.*s/", PAL_ARG (options->api_root),
                  PAL_ARG (options->token));
    return self->base != NULL;
}

static int prepare (telegram_t *self)
{
    const pal_host_t *host = self->host;
    if (!PAL_HAS (host, health))
        return host->fail (host, "needs a host of ABI 1.1 or newer");
    if (options_read (&self->options, host))
        return -1;
    if (!make_base (self))
        return host->fail (host, "out of memory");
    self->bot.username = self->username;
    self->bot.hears_all = self->options.groups_hear_all;
    host->random (host, &self->drafts, sizeof self->drafts);
    return self->options.webhook ? webhook_listen (self) : 0;
}

static int telegram_open (const pal_host_t *host, void **ret_self)
{
    telegram_t *self = calloc (1, sizeof *self);
    if (!self)
        return host->fail (host, "out of memory");
    self->host = host;
    self->moves_read = on_moves_read;
    if (prepare (self)) {
        destroy (self);
        return -1;
    }
    begin (self);
    if (self->options.token.size)
        deliveries_sweep (self);
    *ret_self = self;
    return 0;
}

static void telegram_deliver (void *arg, const pal_reply_t *reply)
{
    delivery_begin (arg, reply);
}

static void telegram_live (void *arg, const pal_live_t *live)
{
    presence_live (arg, live);
}

static void telegram_link (void *arg, bool connected)
{
    if (connected)
        poll_go_on (arg);
}

static void telegram_drain (void *arg)
{
    telegram_t *self = arg;
    self->draining = true;
    poll_stop (self);
    deliveries_drain (self);
    presences_close (self);
}

static void telegram_close (void *arg)
{
    destroy (arg);
}

PAL_EXPORT const pal_adapter_t palaver_adapter = {
    .abi = PAL_ABI,
    .size = sizeof (pal_adapter_t),
    .name = "telegram",
    .version = "0.1.0",
    .platform = "telegram",
    .can = PAL_CAN_EDIT | PAL_CAN_TYPING | PAL_CAN_BUTTONS | PAL_CAN_THREADS | PAL_CAN_STREAM,
    .markdown = PAL_MARKDOWN_TELEGRAM,
    .text_unit = PAL_UTF16_UNITS,
    .text_max = 4096,
    .credit = 256,
    .keys = options_keys,
    .key_count = OPTIONS_KEYS,
    .key_size = sizeof *options_keys,
    .open = telegram_open,
    .deliver = telegram_deliver,
    .live = telegram_live,
    .link = telegram_link,
    .drain = telegram_drain,
    .close = telegram_close,
};
