/*  chat -- POST /chat/message: publish, wait for the answer, or say why there is none yet  */
#include "web/web.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 16, KEY_BYTES_MAX = 255 };

/*  An Idempotency-Key that was used. It outlives its request by as long as there is room.  */
typedef struct {
    entry_t entry;
    char platform_id[HASH_BYTES * 2 + 1];
    uint8_t body[HASH_BYTES];
    bool answered;
    text_t answer;
} repeat_t;

/*  A request that waits for its answer.  */
typedef struct {
    entry_t by_id;
    entry_t by_call;
    web_t *web;
    uint64_t call;
    bool over;      /* answered, or its client has gone */
    bool published; /* its callback is still to come */
    bool stored;
    uint64_t timer;
    pal_id_t id;
    repeat_t *repeat; /* NULL: no Idempotency-Key */
} wait_t;

/* ------------------------------------------------------------------ repeats */

static void hash_text (uint8_t hash[HASH_BYTES], pal_text_t a, pal_text_t b)
{
    crypto_generichash_state state;
    crypto_generichash_init (&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update (&state, (const unsigned char *) &a.size, sizeof a.size);
    crypto_generichash_update (&state, (const unsigned char *) a.data, a.size);
    crypto_generichash_update (&state, (const unsigned char *) b.data, b.size);
    crypto_generichash_final (&state, hash, HASH_BYTES);
}

static void repeat_destroy (web_t *self, repeat_t *repeat)
{
    table_remove (&self->repeats, &repeat->entry);
    text_free (&repeat->answer);
    free (repeat);
}

/*  Only those whose request is over may go.  */
static void repeat_make_room (web_t *self)
{
    entry_t *entry = table_oldest (&self->repeats);
    if (self->repeats.count < self->repeats_max || !entry)
        return;
    repeat_t *oldest = ENTRY_OF (entry, repeat_t, entry);
    if (oldest->answered)
        repeat_destroy (self, oldest);
}

static repeat_t *repeat_new (web_t *self, const char *platform_id, const uint8_t body[HASH_BYTES])
{
    repeat_make_room (self);
    repeat_t *repeat = calloc (1, sizeof *repeat);
    if (!repeat)
        return NULL;
    memcpy (repeat->platform_id, platform_id, sizeof repeat->platform_id);
    memcpy (repeat->body, body, HASH_BYTES);
    repeat->entry.key = pal_text (repeat->platform_id);
    table_put (&self->repeats, &repeat->entry);
    return repeat;
}

/*  True: the request is answered from what an earlier one with the same key got.  */
static bool answer_repeat (web_t *self, uint64_t call, repeat_t *repeat,
                           const uint8_t body[HASH_BYTES])
{
    if (memcmp (repeat->body, body, HASH_BYTES) != 0)
        respond_problem (self, call, 422,
                         pal_text ("this Idempotency-Key was used with another body"), NULL);
    else if (!repeat->answered)
        respond_problem (self, call, 409,
                         pal_text ("the first request with this Idempotency-Key still waits"),
                         NULL);
    else if (repeat->answer.size)
        respond (self, call, 200, text_view (&repeat->answer), NULL);
    else
        return false;
    return true;
}

/* ------------------------------------------------------------------ waiting */

static pal_text_t call_key (const uint64_t *call)
{
    return (pal_text_t){(const char *) call, sizeof *call};
}

/*  A request that is over stays in memory until the host has said what became of the event.  */
static void wait_free (wait_t *wait)
{
    if (wait->published || !wait->over)
        return;
    table_remove (&wait->web->calls, &wait->by_call);
    free (wait);
}

/*  No answer will come through this request any more.  */
static void wait_end (wait_t *wait, pal_text_t answer)
{
    web_t *self = wait->web;
    if (wait->over)
        return;
    table_remove (&self->waits, &wait->by_id);
    self->host->timer_cancel (self->host, wait->timer);
    wait->over = true;
    if (wait->repeat) {
        wait->repeat->answered = true;
        text_add_view (&wait->repeat->answer, answer);
    }
}

/*  The event was not taken: the same key may be tried again.  */
static void wait_fail (wait_t *wait)
{
    repeat_t *repeat = wait->repeat;
    wait->repeat = NULL;
    wait_end (wait, pal_text (NULL));
    if (repeat)
        repeat_destroy (wait->web, repeat);
}

static void on_published (void *arg, const pal_published_t *result)
{
    wait_t *wait = arg;
    web_t *self = wait->web;
    wait->published = false;
    wait->stored = result->taken == PAL_STORED;
    if (!wait->over && result->taken == PAL_BUSY) {
        respond_busy (self, wait->call, result->retry_after_ms, result->reason);
        wait_fail (wait);
    } else if (!wait->over && result->taken == PAL_REJECTED) {
        respond_problem (self, wait->call, 422, result->reason, NULL);
        wait_fail (wait);
    }
    wait_free (wait);
}

static void on_timeout (void *arg)
{
    wait_t *wait = arg;
    web_t *self = wait->web;
    if (wait->stored)
        respond_problem (self, wait->call, 504, self->host->conf_text (self->host, "timeout_text"),
                         NULL);
    else
        respond_busy (
            self, wait->call, 1000,
            pal_text (
                "the broker has not taken the message yet; send it again with the same Idempotency-Key"));
    wait_end (wait, pal_text (NULL));
    wait_free (wait);
}

static wait_t *wait_new (web_t *self, uint64_t call, repeat_t *repeat)
{
    wait_t *wait = calloc (1, sizeof *wait);
    if (!wait)
        return NULL;
    wait->web = self;
    wait->call = call;
    wait->repeat = repeat;
    wait->published = true;
    return wait;
}

static void publish (web_t *self, wait_t *wait, const message_t *message, const char *platform_id)
{
    pal_event_t event = {
        .type = PAL_CHAT_MESSAGE,
        .conversation = message->session_id,
        .user_id = message->user_id,
        .platform_id = pal_text (platform_id),
        .timestamp_us = message->timestamp_us,
        .message_text = message->message_text,
        .metadata = pal_text (message->metadata),
        .traceparent = self->host->http_header (self->host, wait->call, "traceparent"),
    };
    if (event.traceparent.size > 55)
        event.traceparent = pal_text (NULL);
    self->host->publish (self->host, &event, on_published, wait, &wait->id);
    wait->by_id.key = pal_text (wait->id.text);
    wait->by_call.key = call_key (&wait->call);
    table_put (&self->waits, &wait->by_id);
    table_put (&self->calls, &wait->by_call);
    wait->timer = self->host->timer (self->host, self->timeout_ms, 0, on_timeout, wait);
}

/* ------------------------------------------------------------------ requests */

static void make_platform_id (web_t *self, char ret_id[HASH_BYTES * 2 + 1], pal_text_t conversation,
                              pal_text_t key)
{
    uint8_t bytes[HASH_BYTES];
    if (key.size)
        hash_text (bytes, conversation, key); /* one client's key is not another one's */
    else
        self->host->random (self->host, bytes, sizeof bytes);
    sodium_bin2hex (ret_id, HASH_BYTES * 2 + 1, bytes, sizeof bytes);
}

static void take (web_t *self, const pal_http_request_t *request, const message_t *message)
{
    char platform_id[HASH_BYTES * 2 + 1];
    uint8_t body[HASH_BYTES];
    repeat_t *repeat = NULL;
    pal_text_t key = self->host->http_header (self->host, request->call, "idempotency-key");
    if (key.size > KEY_BYTES_MAX) {
        respond_problem (self, request->call, 400, pal_text ("Idempotency-Key: at most 255 bytes"),
                         NULL);
        return;
    }
    make_platform_id (self, platform_id, message->session_id, key);
    hash_text (body, pal_text (NULL), request->body);
    if (key.size) {
        entry_t *entry = table_get (&self->repeats, pal_text (platform_id));
        if (entry && answer_repeat (self, request->call, ENTRY_OF (entry, repeat_t, entry), body))
            return;
        if (entry)
            repeat_destroy (self, ENTRY_OF (entry, repeat_t, entry));
        repeat = repeat_new (self, platform_id, body);
    }
    wait_t *wait = wait_new (self, request->call, repeat);
    if (wait)
        publish (self, wait, message, platform_id);
    else
        respond_busy (self, request->call, 1000, pal_text ("out of memory"));
}

void chat_message (web_t *self, const pal_http_request_t *request)
{
    message_t message;
    if (self->waits.count >= self->waiting_max) {
        respond_busy (self, request->call, 1000,
                      pal_text ("too many requests wait for their answers"));
        return;
    }
    const char *fault = message_parse (&message, request->body);
    if (fault)
        respond_problem (self, request->call, message.root ? 422 : 400, pal_text (fault), NULL);
    else
        take (self, request, &message);
    message_free (&message);
}

void chat_gone (web_t *self, uint64_t call)
{
    entry_t *entry = table_get (&self->calls, call_key (&call));
    if (!entry)
        return;
    wait_t *wait = ENTRY_OF (entry, wait_t, by_call);
    wait_end (wait, pal_text (NULL)); /* its answer will be kept with its session */
    wait_free (wait);
}

/* ------------------------------------------------------------------ answers */

static void add_number (text_t *out, const char *name, double value)
{
    text_addf (out, ",\"%s\":", name);
    if (value < 0)
        text_add (out, "null");
    else
        text_addf (out, "%.15g", value);
}

static void add_json (text_t *out, const char *name, pal_text_t json, const char *otherwise)
{
    text_addf (out, ",\"%s\":", name);
    text_add_view (out, json.size ? json : pal_text (otherwise));
}

static void write_answer (text_t *out, const pal_reply_t *reply)
{
    text_add (out, "{\"response_text\":");
    text_add_quoted (out, reply->response_text);
    add_json (out, "recommendations", reply->recommendations, "[]");
    add_number (out, "confidence", reply->confidence);
    add_json (out, "sources", reply->sources, "[]");
    add_number (out, "processing_time", reply->processing_time);
    add_json (out, "disclaimers", reply->disclaimers, "[]");
    add_json (out, "metadata", reply->metadata, "{}");
    text_add (out, ",\"session_id\":");
    text_add_quoted (out, reply->conversation);
    text_addf (out, ",\"reply_to\":\"%s\"}", reply->has_reply_to ? reply->reply_to.text : "");
}

void chat_deliver (web_t *self, const pal_reply_t *reply)
{
    text_t answer = {0};
    write_answer (&answer, reply);
    entry_t *entry =
        reply->has_reply_to ? table_get (&self->waits, pal_text (reply->reply_to.text)) : NULL;
    bool kept = !answer.failed && recent_add (self, reply->conversation, text_view (&answer));
    if (entry && !answer.failed) {
        wait_t *wait = ENTRY_OF (entry, wait_t, by_id);
        respond (self, wait->call, 200, text_view (&answer), NULL);
        wait_end (wait, text_view (&answer));
        wait_free (wait);
        kept = true;
    }
    if (kept)
        pal_sent (self->host, reply->delivery, pal_text (reply->id.text));
    else
        pal_not_sent (self->host, reply->delivery, 1000, "out of memory");
    text_free (&answer);
}

void chat_close (web_t *self)
{
    for (entry_t *entry; (entry = table_oldest (&self->calls));) {
        wait_t *wait = ENTRY_OF (entry, wait_t, by_call);
        if (!wait->over)
            respond_busy (self, wait->call, 1000,
                          pal_text (wait->stored
                                        ? "the gateway stops; the answer will appear in the session"
                                        : "the gateway stops; send the message again"));
        wait_end (wait, pal_text (NULL));
        wait->published = false; /* the host will not call back any more */
        wait_free (wait);
    }
    for (entry_t *entry; (entry = table_oldest (&self->repeats));)
        repeat_destroy (self, ENTRY_OF (entry, repeat_t, entry));
}
