#include "telegram/presence.h"

#include "telegram/api.h"
#include "telegram/keep.h"
#include "telegram/moves.h"
#include "telegram/pace.h"
#include "telegram/parts.h"
#include "telegram/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TYPING_MS = 4000, /* Telegram shows it for 5 s */
    SIGN_MS = 5000,   /* an answer waits for a request of ours no longer than this */
    FIRST_MS = 1500,  /* in a group: what is ready by then comes in one piece */
    SLOW_MAX = 16,
    STREAM_S = 600,
    ASKED_MAX = 16,
};

struct presence {
    telegram_t *owner;
    int64_t chat, thread;
    api_call_t *call;
    uint64_t timer;
    int64_t typing_until_us, typing_at_us;
    pal_id_t asked[ASKED_MAX];         /* messages without an answer, */
    unsigned open;                     /* so many of them, the oldest first */
    delivery_t *delivery;              /* that sends here, */
    void (*go) (delivery_t *delivery); /* as soon as nothing else does */
    stream_t stream;
    size_t showing; /* bytes of the text that `call` carries */
    uint32_t slow;  /* times longer between two states, after a 429 */
};

static void tick (presence_t *self);

static int64_t now_us (const presence_t *self)
{
    return self->owner->host->mono_us (self->owner->host);
}

static presence_t *find (const telegram_t *owner, int64_t chat)
{
    int64_t value = 0;
    ids_get (&owner->presences, chat, &value);
    return (presence_t *) (intptr_t) value;
}

static presence_t *get (telegram_t *owner, int64_t chat)
{
    presence_t *self = find (owner, chat);
    if (self || owner->draining)
        return self;
    self = calloc (1, sizeof *self);
    if (self && !ids_put (&owner->presences, chat, (int64_t) (intptr_t) self)) {
        free (self);
        self = NULL;
    }
    if (self)
        *self = (presence_t){.owner = owner, .chat = chat, .slow = 1};
    return self;
}

static void destroy (presence_t *self)
{
    if (self->timer)
        self->owner->host->timer_cancel (self->owner->host, self->timer);
    api_cancel (&self->call);
    stream_end (&self->stream);
    ids_remove (&self->owner->presences, self->chat);
    free (self);
}

static void on_timer (void *arg)
{
    presence_t *self = arg;
    self->timer = 0;
    tick (self);
}

static void wake_at (presence_t *self, int64_t at_us)
{
    const pal_host_t *host = self->owner->host;
    int64_t wait_us = at_us - now_us (self);
    if (self->timer)
        host->timer_cancel (host, self->timer);
    self->timer =
        host->timer (host, wait_us > 0 ? (uint32_t) (wait_us / 1000) + 1 : 1, 0, on_timer, self);
}

/* ------------------------------------------------------------------ what came of it */

/*  The message that stands in the group now: after a crash the answer goes into it, too.  */
static void keep_message (const presence_t *self)
{
    telegram_t *owner = self->owner;
    const stream_t *stream = &self->stream;
    char key[KEEP_KEY_BYTES], value[72];
    context_sent (&owner->context, self->chat, stream->message_id);
    snprintf (key, sizeof key, KEEP_STREAM "%s", stream->event.text);
    snprintf (value, sizeof value, "%" PRId64 " %" PRId64 " %" PRId64, stream->message_id,
              owner->host->wall_us (owner->host) / 1000000, self->chat);
    owner->host->kv_put (owner->host, pal_text (key), pal_text (value), NULL, NULL);
}

static void on_shown (presence_t *self, const outcome_t *outcome)
{
    telegram_t *owner = self->owner;
    stream_t *stream = &self->stream;
    bool group = self->chat < 0, first = group && !stream->message_id;
    if (outcome->verdict == VERDICT_SENT) {
        stream->shown = self->showing;
        owner->host->metric_add (owner->host, "shown_total", 1);
    } else if (outcome->verdict != VERDICT_NOT_SENT && (first || !group)) {
        stream->broken = true; /* a second one might stand beside the first */
    } else if (outcome->verdict == VERDICT_GONE || outcome->verdict == VERDICT_REFUSED) {
        stream->broken = true;
        stream->message_id = 0;
    } else if (outcome->verdict == VERDICT_PLAIN || outcome->verdict == VERDICT_MIGRATE) {
        stream->shown = self->showing; /* without more words it would be refused again */
    }
    if (outcome->verdict != VERDICT_SENT || !first)
        return;
    stream->message_id = outcome->message_id;
    if (stream->message_id)
        keep_message (self);
    else
        stream->broken = true; /* nobody knows which one is to be edited */
}

static void on_sign (void *arg, const outcome_t *outcome)
{
    presence_t *self = arg;
    self->call = NULL;
    if (self->showing)
        on_shown (self, outcome);
    if (outcome->retry_after_ms && self->slow < SLOW_MAX)
        self->slow *= 2;
    if (verdict_end (outcome->verdict) == PAL_REFUSED && !self->showing)
        self->typing_until_us = 0; /* nobody is to see it here */
    if (self->delivery)
        self->go (self->delivery);
    else
        tick (self);
}

/* ------------------------------------------------------------------ showing */

static void put_thread (int64_t thread, json_t *params)
{
    if (thread && params)
        json_object_set_new (params, "message_thread_id", json_integer (thread));
}

static void show_typing (presence_t *self)
{
    uint32_t wait = pace_sign (self->owner, self->chat);
    if (wait) {
        self->typing_at_us = now_us (self) + (int64_t) wait * 1000;
        return;
    }
    json_t *params =
        json_pack ("{s:I, s:s}", "chat_id", (json_int_t) self->chat, "action", "typing");
    put_thread (self->thread, params);
    self->typing_at_us = now_us (self) + TYPING_MS * INT64_C (1000) * self->slow;
    self->showing = 0;
    self->call = api_call (self->owner, "sendChatAction", params, SIGN_MS, on_sign, self);
}

/*  How the text so far is shown: in a draft its end, in a message its beginning.  */
static json_t *params_of (presence_t *self, const char **ret_method)
{
    parts_t parts;
    stream_t *stream = &self->stream;
    bool draft = self->chat > 0;
    json_t *params = NULL;
    if (!parts_make (&parts, self->owner, false, (pal_text_t){stream->text, stream->size}))
        return NULL;
    const char *text = parts.texts[draft ? parts.count - 1 : 0];
    if (*text)
        params = json_pack ("{s:I, s:s, s:s}", "chat_id", (json_int_t) self->chat, "text", text,
                            "parse_mode", "HTML");
    if (parts.count > 1 && !draft)
        stream->broken = true; /* full: the rest comes with the answer */
    parts_free (&parts);
    *ret_method = draft                ? "sendMessageDraft"
                  : stream->message_id ? "editMessageText"
                                       : "sendMessage";
    if (params && draft)
        json_object_set_new (params, "draft_id", json_integer (stream->draft));
    else if (params && stream->message_id)
        json_object_set_new (params, "message_id", json_integer (stream->message_id));
    return params;
}

/*  What the stream answers. Meanwhile somebody may have written in another topic.  */
static const context_event_t *asked (presence_t *self)
{
    return context_find (&self->owner->context, &self->stream.event);
}

static void add_reply (presence_t *self, json_t *params)
{
    const context_event_t *event = asked (self);
    if (!event || !event->message_id || self->owner->options.quote == QUOTE_NEVER)
        return;
    json_object_set_new (params, "reply_parameters",
                         json_pack ("{s:I, s:b}", "message_id", (json_int_t) event->message_id,
                                    "allow_sending_without_reply", 1));
}

static void show_stream (presence_t *self)
{
    stream_t *stream = &self->stream;
    const options_t *options = &self->owner->options;
    bool draft = self->chat > 0;
    const char *method;
    uint32_t wait = draft ? pace_sign (self->owner, self->chat)
                          : pace_message (self->owner, self->chat, PAL_CASUAL);
    uint32_t every = (draft ? options->draft_ms : options->edit_ms) * self->slow;
    stream->next_us = now_us (self) + (int64_t) (wait ? wait : every) * 1000;
    json_t *params = wait ? NULL : params_of (self, &method);
    if (!params)
        return;
    if (draft || !stream->message_id)
        put_thread (asked (self) ? asked (self)->thread : self->thread, params);
    if (!draft && !stream->message_id)
        add_reply (self, params);
    self->showing = stream->size;
    self->typing_at_us = now_us (self) + TYPING_MS * INT64_C (1000);
    self->call = api_call (self->owner, method, params, SIGN_MS, on_sign, self);
}

static bool has_words (const presence_t *self)
{
    const stream_t *stream = &self->stream;
    return stream->on && !stream->broken && stream->size > stream->shown;
}

/*  When there is something to do again; 0: never.  */
static int64_t next_us (const presence_t *self, int64_t now)
{
    int64_t next = 0;
    if (self->typing_until_us > now)
        next =
            self->typing_at_us < self->typing_until_us ? self->typing_at_us : self->typing_until_us;
    if (has_words (self) && (!next || self->stream.next_us < next))
        next = self->stream.next_us;
    if (self->stream.on && (!next || self->stream.until_us < next))
        next = self->stream.until_us;
    return next;
}

static void tick (presence_t *self)
{
    int64_t now = now_us (self);
    if (self->call || self->delivery)
        return;
    if (self->stream.on && now >= self->stream.until_us)
        stream_end (&self->stream);
    if (has_words (self) && now >= self->stream.next_us)
        show_stream (self);
    else if (self->typing_until_us > now && now >= self->typing_at_us)
        show_typing (self);
    if (self->call)
        return;
    int64_t next = next_us (self, now);
    if (next)
        wake_at (self, next);
    else
        destroy (self);
}

/* ------------------------------------------------------------------ what agents do */

static void think (presence_t *self)
{
    const options_t *options = &self->owner->options;
    if (options->typing)
        self->typing_until_us = now_us (self) + (int64_t) options->typing_s * 1000000;
}

static void add_asked (presence_t *self, const pal_id_t *event)
{
    if (self->open == ASKED_MAX)
        memmove (self->asked, self->asked + 1, --self->open * sizeof *self->asked);
    self->asked[self->open++] = *event;
}

/*  `open`: it is not among them.  */
static unsigned find_asked (const presence_t *self, const pal_id_t *event)
{
    unsigned at = 0;
    while (at < self->open && memcmp (self->asked[at].text, event->text, sizeof event->text) != 0)
        at++;
    return at;
}

/*  With it all that came before it is over: answered, replaced by it, or passed over in silence.  */
static void end_asked (presence_t *self, const pal_id_t *event)
{
    unsigned at = find_asked (self, event);
    if (at == self->open)
        return;
    self->open -= at + 1;
    memmove (self->asked, self->asked + at + 1, self->open * sizeof *self->asked);
}

/*  Another message waits for the answer, to both or to itself alone.  */
static void drop_asked (presence_t *self, const pal_id_t *event)
{
    unsigned at = find_asked (self, event);
    if (at == self->open)
        return;
    self->open--;
    memmove (self->asked + at, self->asked + at + 1, (self->open - at) * sizeof *self->asked);
}

void presence_think (telegram_t *owner, int64_t chat, int64_t thread, const pal_id_t *event)
{
    const context_event_t *known = context_find (&owner->context, event);
    bool over =
        known && known->answered; /* its answer may be quicker than the word that it is stored */
    presence_t *self = owner->options.typing && !over ? get (owner, chat) : NULL;
    if (!self)
        return;
    self->thread = thread;
    add_asked (self, event);
    think (self);
    tick (self);
}

static void on_delta (presence_t *self, const pal_live_t *live, const json_t *body)
{
    telegram_t *owner = self->owner;
    const json_t *text = json_object_get (body, "delta");
    pal_text_t delta = {json_string_value (text), json_string_length (text)};
    json_int_t index = json_integer_value (json_object_get (body, "index"));
    if (stream_add (&self->stream, &live->reply_to, (uint64_t) index, delta)) {
        self->stream.draft = ++owner->drafts & INT32_MAX ? owner->drafts & INT32_MAX : 1;
        self->stream.next_us = now_us (self) + (self->chat < 0 ? FIRST_MS : 0) * INT64_C (1000);
    }
    self->stream.until_us = now_us (self) + STREAM_S * INT64_C (1000000);
    if (self->typing_until_us)
        think (self);
}

static void on_typing (presence_t *self, const json_t *body)
{
    if (json_is_false (json_object_get (body, "active")))
        self->typing_until_us = 0;
    else
        think (self);
}

/*  Nothing is shown for it any more: it has no answer of its own.  */
static void on_given_up (telegram_t *owner, int64_t chat, context_event_t *event,
                         const pal_live_t *live)
{
    presence_t *self = find (owner, chat);
    if (event)
        event->answered = true;
    if (self)
        drop_asked (self, &live->reply_to);
}

static void on_sign_of_agent (telegram_t *owner, int64_t chat, const context_event_t *event,
                              const pal_live_t *live, const json_t *body)
{
    presence_t *self = event && event->answered ? NULL : get (owner, chat);
    if (!self)
        return;
    if (event)
        self->thread = event->thread;
    if (pal_text_is (live->type, "chat.typing"))
        on_typing (self, body);
    else if (live->has_reply_to && owner->options.stream)
        on_delta (self, live, body);
    tick (self);
}

void presence_live (telegram_t *owner, const pal_live_t *live)
{
    char digits[24];
    snprintf (digits, sizeof digits, "%.*s", PAL_ARG (live->conversation));
    int64_t chat = moves_newest (owner, strtoll (digits, NULL, 10));
    context_event_t *event =
        live->has_reply_to ? context_find (&owner->context, &live->reply_to) : NULL;
    json_t *body = json_loadb (live->body.size ? live->body.data : "", live->body.size, 0, NULL);
    if (live->has_reply_to && pal_text_is (live->type, "chat.typing")
        && (json_object_get (body, "merged_into") || json_object_get (body, "interrupted_by")))
        on_given_up (owner, chat, event, live);
    else
        on_sign_of_agent (owner, chat, event, live, body);
    json_decref (body);
}

/* ------------------------------------------------------------------ answers */

bool presence_claim (telegram_t *owner, int64_t chat, delivery_t *delivery,
                     void (*go) (delivery_t *delivery))
{
    presence_t *self = get (owner, chat);
    if (!self || (self->delivery && self->delivery != delivery))
        return true; /* sessions that were two and are one now: each waits for itself */
    self->delivery = delivery;
    self->go = go;
    self->typing_until_us = 0;
    return !self->call;
}

int64_t presence_message (telegram_t *owner, int64_t chat, const pal_id_t *event)
{
    presence_t *self = find (owner, chat);
    if (!self || !self->stream.on
        || memcmp (self->stream.event.text, event->text, sizeof event->text) != 0)
        return 0;
    int64_t message_id = self->stream.message_id;
    stream_end (&self->stream);
    return message_id;
}

void presence_release (telegram_t *owner, int64_t chat, const delivery_t *delivery,
                       const pal_id_t *event)
{
    presence_t *self = find (owner, chat);
    if (!self || self->delivery != delivery)
        return;
    self->delivery = NULL;
    if (event)
        end_asked (self, event);
    else
        self->open = 0;
    if (self->open)
        think (self);
    tick (self);
}

void presences_close (telegram_t *owner)
{
    for (size_t at = 0; at < owner->presences.capacity;) {
        if (owner->presences.pairs[at].key)
            destroy ((presence_t *) (intptr_t) owner->presences.pairs[at].value);
        else
            at++;
    }
}
