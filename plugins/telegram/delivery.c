#include "telegram/delivery.h"

#include "sdk/fence.h"
#include "telegram/compose.h"
#include "telegram/delivery_parts.h"
#include "telegram/moves.h"
#include "telegram/pace.h"
#include "telegram/presence.h"
#include "telegram/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIES_MAX = 6,
    TOKEN_MS = 30000,
    DEFERRED_MS = 1000,
    REASON_BYTES = OUTCOME_REASON_BYTES + 64,
};

/* ------------------------------------------------------------------ the end */

static void destroy (delivery_t *self)
{
    telegram_t *owner = self->owner;
    if (self->timer)
        owner->host->timer_cancel (owner->host, self->timer);
    api_cancel (&self->call);
    if (self->previous)
        self->previous->next = self->next;
    else
        owner->deliveries = self->next;
    if (self->next)
        self->next->previous = self->previous;
    parts_free (&self->parts);
    json_decref (self->buttons);
    free (self->text);
    free (self);
}

static void finish (delivery_t *self, pal_outcome_t outcome, uint32_t retry_after_ms,
                    const char *reason)
{
    telegram_t *owner = self->owner;
    char words[REASON_BYTES], part[64] = "", id[80] = "";
    if (self->parts.count > 1)
        snprintf (part, sizeof part, "part %zu of %zu: ", self->at + 1, self->parts.count);
    snprintf (words, sizeof words, "%s%s", part, reason);
    if (outcome == PAL_SENT) {
        snprintf (id, sizeof id, "%" PRId64 ":%" PRId64 ":%" PRId64, owner->bot.id, self->chat,
                  self->message_id);
        owner->host->metric_add (owner->host, "answers_total", 1);
        progress_remove (self);
    }
    owner->host->finish (owner->host, self->number, outcome, pal_text (id), retry_after_ms,
                         pal_text (outcome == PAL_SENT ? NULL : words));
    context_event_t *event = context_find (&owner->context, &self->event);
    if (event)
        event->answered = true;
    presence_release (owner, self->chat, self, &self->event);
    destroy (self);
}

/* ------------------------------------------------------------------ sending */

static void step (delivery_t *self);

/*  The broker tries it again when it is not known what is sent already.  */
static void on_progress (delivery_t *self, const char *fault)
{
    if (fault)
        finish (self, PAL_NOT_SENT, DEFERRED_MS, fault);
    else
        step (self);
}

static void on_timer (void *arg)
{
    delivery_t *self = arg;
    self->timer = 0;
    step (self);
}

/*  Waits here, or leaves it to the broker when that is too long.  */
static void wait (delivery_t *self, uint32_t ms, const char *reason)
{
    const pal_host_t *host = self->owner->host;
    if (self->owner->draining || host->mono_us (host) + (int64_t) ms * 1000 > self->until_us)
        finish (self, PAL_NOT_SENT, ms, reason);
    else
        self->timer = host->timer (host, ms, 0, on_timer, self);
}

static void on_sent_part (delivery_t *self, const outcome_t *outcome)
{
    telegram_t *owner = self->owner;
    int64_t message_id = outcome->message_id ? outcome->message_id : self->edit_id;
    self->message_id = message_id;
    context_sent (&owner->context, self->chat, message_id);
    owner->host->metric_add (owner->host, "parts_total", 1);
    if (self->notice && !self->at)
        notice_given (owner, self->chat);
    self->edit_id = 0;
    self->at++;
    self->tries = 0;
    self->plain = false;
    if (self->at < self->parts.count)
        progress_write (self, on_progress);
    else
        step (self);
}

/*  True: it is worth another request, changed as the answer asks for.  */
static bool adapt (delivery_t *self, const outcome_t *outcome)
{
    bool changed = false;
    if (outcome->verdict == VERDICT_BARE && self->buttons) {
        const pal_host_t *host = self->owner->host;
        host->log (host, PAL_LOG_WARN, "an answer goes without its buttons: %s", outcome->reason);
        json_decref (self->buttons);
        self->buttons = NULL;
        changed = true;
    } else if (outcome->verdict == VERDICT_MIGRATE && outcome->migrate_to) {
        moves_learn (self->owner, self->chat, outcome->migrate_to, NULL, NULL);
        presence_release (self->owner, self->chat, self, NULL);
        self->chat = outcome->migrate_to;
        self->answers = self->thread = self->edit_id = 0; /* message ids begin anew there */
        changed = true;
    } else if (outcome->verdict == VERDICT_PLAIN && !self->plain) {
        self->plain = changed = true;
    } else if (outcome->verdict == VERDICT_ALONE && self->answers) {
        self->answers = 0;
        changed = true;
    } else if (outcome->verdict == VERDICT_TOPIC && self->thread) {
        self->thread = self->answers = 0;
        changed = true;
    } else if (self->edit_id
               && (outcome->verdict == VERDICT_GONE || outcome->verdict == VERDICT_REFUSED)) {
        self->edit_id = 0;
        changed = true;
    }
    return changed && self->tries < TRIES_MAX;
}

static void on_answer (void *arg, const outcome_t *outcome)
{
    delivery_t *self = arg;
    bool flood = outcome->verdict == VERDICT_NOT_SENT && outcome->root && outcome->retry_after_ms;
    uint32_t later = outcome->verdict == VERDICT_TOKEN && outcome->retry_after_ms < TOKEN_MS
                         ? TOKEN_MS
                         : outcome->retry_after_ms;
    self->call = NULL;
    if (outcome->verdict == VERDICT_SENT)
        on_sent_part (self, outcome);
    else if (adapt (self, outcome))
        step (self);
    else if (flood && self->tries < TRIES_MAX)
        wait (self, later, outcome->reason);
    else if (outcome->verdict == VERDICT_UNKNOWN && self->edit_id)
        wait (self, DEFERRED_MS, outcome->reason);
    else
        finish (self, verdict_end (outcome->verdict), later, outcome->reason);
}

static void step (delivery_t *self)
{
    telegram_t *owner = self->owner;
    const char *method;
    if (self->at == self->parts.count) {
        finish (self, PAL_SENT, 0, "");
        return;
    }
    if (self->at && owner->host->mono_us (owner->host) > self->until_us) {
        /*  Before the broker gives the attempt up: the next one goes on from here.  */
        finish (self, PAL_NOT_SENT, 1, "the parts before it took their time");
        return;
    }
    uint32_t rest = pace_message (owner, self->chat, PAL_FINAL);
    if (rest) {
        wait (self, rest, "the chat is written to as fast as Telegram allows");
        return;
    }
    json_t *params = request_of (self, &method);
    self->tries++;
    if (params)
        self->call =
            api_call (owner, method, params, owner->options.timeout_s * 1000, on_answer, self);
    if (!self->call)
        finish (self, PAL_NOT_SENT, DEFERRED_MS, "out of memory");
}

/* ------------------------------------------------------------------ the beginning */

static void render (delivery_t *self)
{
    if (!request_make_parts (self))
        finish (self, PAL_REFUSED, 0, "there is nothing in it that can be shown");
    else if (self->parts.count > 1)
        progress_read (self, on_progress);
    else
        step (self);
}

static void on_streamed (delivery_t *self, const char *fault)
{
    if (fault)
        finish (self, PAL_NOT_SENT, DEFERRED_MS, fault);
    else
        render (self);
}

static void on_notice (void *arg, bool wanted)
{
    delivery_t *self = arg;
    self->notice = wanted;
    self->edit_id =
        self->event.text[0] ? presence_message (self->owner, self->chat, &self->event) : 0;
    self->streamed = self->edit_id != 0;
    if (self->event.text[0] && self->chat < 0 && !self->edit_id && self->owner->options.stream)
        progress_read_stream (self, on_streamed);
    else
        render (self);
}

/*  The chat is free.  */
static void go (delivery_t *self)
{
    if (!self->waits)
        return;
    self->waits = false;
    notice_ask (&self->question, self->owner, self->chat, on_notice, self);
}

/*  The message of "BOT:CHAT:MESSAGE...", when it is of this bot and chat; 0: it is none.  */
static int64_t message_of (const delivery_t *self, pal_text_t platform_id)
{
    char text[128];
    int64_t bot, chat, message = 0;
    snprintf (text, sizeof text, "%.*s", PAL_ARG (platform_id));
    if (sscanf (text, "%" SCNd64 ":%" SCNd64 ":%" SCNd64, &bot, &chat, &message) != 3
        || bot != self->owner->bot.id || chat != self->chat)
        return 0;
    return message;
}

static void read_reply (delivery_t *self, const pal_reply_t *reply)
{
    telegram_t *owner = self->owner;
    const options_t *options = &owner->options;
    bool group = self->chat < 0;
    char end[PAL_FENCE_END_BYTES] = "";
    if (reply->has_reply_to)
        self->event = reply->reply_to;
    self->thread = update_topic (reply->platform_id);
    if (options->quote == QUOTE_ALWAYS || (options->quote == QUOTE_GROUPS && group))
        self->answers = message_of (self, reply->platform_id);
    if (reply->recommendations.size || reply->disclaimers.size)
        pal_fence_end (owner->host, reply->response_text, end);
    self->text = compose_text (reply, end, options->recommendations, options->ai_notice);
    self->buttons = compose_buttons (reply->metadata);
}

static delivery_t *create (telegram_t *owner, const pal_reply_t *reply, int64_t chat)
{
    delivery_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (delivery_t){
        .owner = owner,
        .next = owner->deliveries,
        .number = reply->delivery,
        .id = reply->id,
        .chat = chat,
        .waits = true,
        .until_us = owner->host->mono_us (owner->host) + owner->options.hold_s * INT64_C (1000000),
    };
    if (self->next)
        self->next->previous = self;
    owner->deliveries = self;
    read_reply (self, reply);
    if (self->text)
        return self;
    destroy (self);
    return NULL;
}

void delivery_begin (telegram_t *owner, const pal_reply_t *reply)
{
    const pal_host_t *host = owner->host;
    char digits[24], *end;
    snprintf (digits, sizeof digits, "%.*s", PAL_ARG (reply->conversation));
    int64_t first = strtoll (digits, &end, 10), chat = moves_newest (owner, first);
    if (!first || *end) {
        pal_refused (host, reply->delivery, "the conversation is no chat of Telegram's");
        return;
    }
    if (options_deny (&owner->options, first, 0) || options_deny (&owner->options, chat, 0)) {
        pal_refused (host, reply->delivery, "the chat is denied by conf");
        return;
    }
    delivery_t *self = create (owner, reply, chat);
    if (!self)
        pal_not_sent (host, reply->delivery, DEFERRED_MS, "out of memory");
    else if (!owner->bot.id)
        finish (self, PAL_NOT_SENT, DEFERRED_MS << (reply->attempt < 6 ? reply->attempt - 1 : 5),
                "Telegram has not been reached yet");
    else if (presence_claim (owner, chat, self, go))
        go (self);
}

/* ------------------------------------------------------------------ life */

void deliveries_drain (telegram_t *owner)
{
    for (delivery_t *self = owner->deliveries, *next; self; self = next) {
        next = self->next;
        if (self->timer || self->waits)
            finish (self, PAL_NOT_SENT, DEFERRED_MS, "the adapter stops");
    }
}

void deliveries_close (telegram_t *owner)
{
    while (owner->deliveries)
        destroy (owner->deliveries);
}
