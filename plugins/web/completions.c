/*  completions -- POST /v1/chat/completions: the same conversations for clients that speak OpenAI's protocol  */
#include "sdk/fence.h"
#include "web/completion.h"
#include "web/models.h"
#include "web/web.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { COMMENT_MS = 15000, ONCE_BYTES = 16 };

/*  A completion that waits for its answer.  */
typedef struct {
    call_t call;
    asker_t asker;
    ticket_t *ticket;
    bool stream, include_usage;
    bool begun;  /* the head of the stream is out */
    text_t sent; /* what was streamed */
    size_t said; /* bytes of `sent` that this attempt at the answer has said */
    uint64_t next_index;
    bool strayed;       /* it says something else: the whole answer follows */
    size_t asked_bytes; /* of the question: for the usage, when the agent does not say it */
    uint64_t comment;   /* timer */
    char model[COMPLETION_NAME_BYTES + 1];
    char id[48];
} wait_t;

static void wait_free (wait_t *self)
{
    self->asker.web->host->timer_cancel (self->asker.web->host, self->comment);
    if (self->begun)
        self->asker.web->streams--;
    text_free (&self->sent);
    free (self);
}

static void wait_end (wait_t *self)
{
    call_remove (&self->asker.web->calls, &self->call);
    wait_free (self);
}

/* ------------------------------------------------------------------ what is written */

static long long seconds (const wait_t *self)
{
    const pal_host_t *host = self->asker.web->host;
    return (long long) (host->wall_us (host) / 1000000);
}

static void write_head (const wait_t *self, text_t *out, const char *object)
{
    text_addf (out, "{\"id\":\"chatcmpl-%s\",\"object\":\"%s\",\"created\":%lld,\"model\":\"%s\"",
               self->id, object, seconds (self), self->model);
    text_add (out, ",\"system_fingerprint\":null");
}

/*  What the agent has counted; four bytes are about one token: a guess for those that do not.  */
static long long tokens (const json_t *said, size_t bytes)
{
    const json_int_t most = INT32_MAX;
    json_int_t count = json_is_integer (said) ? json_integer_value (said) : -1;
    return count >= 0 && count <= most ? (long long) count : (long long) (bytes + 3) / 4;
}

static void write_usage (const wait_t *self, text_t *out, const pal_reply_t *reply)
{
    json_t *metadata = json_loadb (reply->metadata.size ? reply->metadata.data : "{}",
                                   reply->metadata.size ? reply->metadata.size : 2, 0, NULL);
    const json_t *usage = json_object_get (metadata, "usage");
    long long prompt = tokens (json_object_get (usage, "input_tokens"), self->asked_bytes);
    long long answer = tokens (json_object_get (usage, "output_tokens"), reply->response_text.size);
    text_addf (out, "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld}",
               prompt, answer, prompt + answer);
    json_decref (metadata);
}

/*  What is written behind `text` is not to be shown as code of it.  */
static void end_code (const wait_t *self, text_t *out, pal_text_t text)
{
    char end[PAL_FENCE_END_BYTES];
    pal_fence_end (self->asker.web->host, text, end);
    text_add (out, end);
}

/*  Disclaimers belong to the answer: these clients show its text and nothing else.  */
static void write_content (const wait_t *self, text_t *out, const pal_reply_t *reply)
{
    size_t at;
    json_t *one;
    text_add_view (out, reply->response_text);
    json_t *list = reply->disclaimers.size
                       ? json_loadb (reply->disclaimers.data, reply->disclaimers.size, 0, NULL)
                       : NULL;
    if (json_array_size (list))
        end_code (self, out, reply->response_text);
    json_array_foreach (list, at, one)
    {
        text_add (out, "\n\n");
        text_add (out, json_string_value (one) ? json_string_value (one) : "");
    }
    json_decref (list);
}

static void write_whole (const wait_t *self, text_t *out, const ticket_end_t *end)
{
    text_t content = {0};
    write_content (self, &content, end->reply);
    write_head (self, out, "chat.completion");
    text_add (out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    text_add_quoted (out, text_view (&content));
    text_add (out, ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":");
    write_usage (self, out, end->reply);
    text_add (out, ",\"palaver\":");
    text_add_view (out, end->json);
    text_add (out, "}\n");
    text_free (&content);
}

/* ------------------------------------------------------------------ streaming */

static bool write_out (wait_t *self, const text_t *piece)
{
    const pal_host_t *host = self->asker.web->host;
    bool there = host->http_write (host, self->call.number, text_view (piece));
    self->asker.web->meters.slow += !there;
    return there;
}

/*  `delta`: the JSON of the choice's delta; `finish`: the JSON of finish_reason.  */
static void write_chunk (const wait_t *self, text_t *out, pal_text_t delta, const char *finish)
{
    text_add (out, "data: ");
    write_head (self, out, "chat.completion.chunk");
    text_add (out, ",\"choices\":[{\"index\":0,\"delta\":");
    text_add_view (out, delta);
    text_addf (out, ",\"logprobs\":null,\"finish_reason\":%s}]", finish);
    text_add (out, self->include_usage ? ",\"usage\":null}\n\n" : "}\n\n");
}

static void write_text_chunk (wait_t *self, text_t *out, pal_text_t text)
{
    text_t delta = {0};
    if (!text.size)
        return;
    text_add (&delta, "{\"content\":");
    text_add_quoted (&delta, text);
    text_add (&delta, "}");
    write_chunk (self, out, text_view (&delta), "null");
    text_add_view (&self->sent, text);
    text_free (&delta);
}

static void on_comment (void *arg)
{
    wait_t *self = arg;
    const pal_host_t *host = self->asker.web->host;
    host->http_write (host, self->call.number, pal_text (": still here\n\n"));
}

/*  Once the message is safe: until then the status can still say that it was not taken.  */
static void begin (wait_t *self)
{
    const pal_host_t *host = self->asker.web->host;
    text_t piece = {0};
    if (self->begun)
        return;
    self->begun = true;
    self->asker.web->streams++;
    write_chunk (self, &piece, pal_text ("{\"role\":\"assistant\",\"content\":\"\"}"), "null");
    self->comment = host->timer (host, COMMENT_MS, COMMENT_MS, on_comment, self);
    asker_begin (&self->asker,
                 &(asker_answer_t){.status = 200,
                                   .type = "text/event-stream",
                                   .body = text_view (&piece),
                                   .more = {{pal_text ("x-accel-buffering"), pal_text ("no")}},
                                   .more_count = 1});
    text_free (&piece);
}

/*  What was streamed cannot be taken back: an answer that does not begin with it follows it whole.  */
static void stream_rest (wait_t *self, text_t *out, const pal_reply_t *reply)
{
    text_t content = {0}, between = {0};
    size_t sent = self->sent.size;
    write_content (self, &content, reply);
    bool goes_on =
        !sent || (content.size >= sent && memcmp (content.data, self->sent.data, sent) == 0);
    if (!goes_on) {
        end_code (self, &between, text_view (&self->sent));
        text_add (&between, "\n\n");
        write_text_chunk (self, out, text_view (&between));
        sent = 0;
    }
    if (content.size > sent)
        write_text_chunk (self, out, (pal_text_t){content.data + sent, content.size - sent});
    text_free (&content);
    text_free (&between);
}

static void stream_end (wait_t *self, const pal_reply_t *reply)
{
    text_t out = {0};
    begin (self);
    stream_rest (self, &out, reply);
    write_chunk (self, &out, pal_text ("{}"), "\"stop\"");
    if (self->include_usage) {
        text_add (&out, "data: ");
        write_head (self, &out, "chat.completion.chunk");
        text_add (&out, ",\"choices\":[],\"usage\":");
        write_usage (self, &out, reply);
        text_add (&out, "}\n\n");
    }
    text_add (&out, "data: [DONE]\n\n");
    write_out (self, &out);
    self->asker.web->host->http_end (self->asker.web->host, self->call.number);
    text_free (&out);
}

/*  The status is out already: the stream says it.  */
static void stream_fail (wait_t *self, problem_t problem, pal_text_t detail)
{
    text_t out = {0};
    text_add (&out, "data: ");
    problem_openai (&out, problem, detail);
    text_add (&out, "\n\n");
    write_out (self, &out);
    self->asker.web->host->http_end (self->asker.web->host, self->call.number);
    text_free (&out);
}

/* ------------------------------------------------------------------ what the ticket says */

static void on_stored (void *arg, ticket_t *ticket)
{
    wait_t *self = arg;
    (void) ticket;
    if (self->stream)
        begin (self);
}

/*  What is new of it: another attempt says again what was streamed of the first, and may stray from it.  */
static pal_text_t new_words (wait_t *self, pal_text_t text, uint64_t index)
{
    if (index == 0) {
        self->said = 0;
        self->strayed = false;
    } else if (index != self->next_index) {
        self->strayed = true;
    }
    self->next_index = index + 1;
    size_t known = self->sent.size > self->said ? self->sent.size - self->said : 0;
    size_t same = text.size < known ? text.size : known;
    if (same && memcmp (self->sent.data + self->said, text.data, same) != 0)
        self->strayed = true;
    if (self->strayed)
        return pal_text (NULL);
    self->said += text.size;
    return (pal_text_t){text.data + same, text.size - same};
}

static void on_delta (void *arg, ticket_t *ticket, pal_text_t text, uint64_t index)
{
    wait_t *self = arg;
    text_t piece = {0};
    (void) ticket;
    if (!self->stream)
        return;
    begin (self);
    write_text_chunk (self, &piece, new_words (self, text, index));
    if (piece.size)
        write_out (self, &piece);
    text_free (&piece);
}

static void answer (wait_t *self, const ticket_end_t *end)
{
    web_t *web = self->asker.web;
    text_t body = {0};
    meters_waited (&web->meters, web->host->mono_us (web->host) - self->asker.since_us);
    if (self->stream) {
        stream_end (self, end->reply);
        return;
    }
    write_whole (self, &body, end);
    asker_json (&self->asker, 200, text_view (&body));
    text_free (&body);
}

static void fail (wait_t *self, const ticket_end_t *end)
{
    const pal_host_t *host = self->asker.web->host;
    problem_t problem = ticket_problem (end);
    pal_text_t detail =
        problem == PROBLEM_LATE ? host->conf_text (host, "timeout_text") : end->reason;
    uint32_t retry_after_ms = end->how == TICKET_BUSY         ? end->retry_after_ms
                              : problem == PROBLEM_NOT_STORED ? 1000
                                                              : 0;
    if (self->begun)
        stream_fail (self, problem, detail);
    else
        asker_problem (&self->asker, problem, detail, retry_after_ms);
}

static void on_ended (void *arg, ticket_t *ticket, const ticket_end_t *end)
{
    wait_t *self = arg;
    (void) ticket;
    if (end->how == TICKET_ANSWERED)
        answer (self, end);
    else
        fail (self, end);
    wait_end (self);
}

static const ticket_waiter_t waiter = {.stored = on_stored, .delta = on_delta, .ended = on_ended};

static void on_gone (call_t *call)
{
    wait_t *self = ENTRY_OF (call, wait_t, call);
    ticket_leave (self->ticket);
    wait_free (self);
}

/* ------------------------------------------------------------------ requests */

static void untaken (asker_t *asker, ticket_taking_t taking)
{
    if (taking == TICKET_IN_FLIGHT)
        asker_problem (asker, PROBLEM_IN_FLIGHT, pal_text (NULL), 1000);
    else if (taking == TICKET_OTHER_BODY)
        asker_problem (asker, PROBLEM_OTHER_BODY, pal_text (NULL), 0);
    else
        asker_problem (asker, PROBLEM_BUSY, pal_text (NULL), 1000);
}

/*  The session of this key of this client, whatever they are made of.  */
static void write_once (const asker_t *asker, pal_text_t key, char ret_hex[ONCE_BYTES * 2 + 1])
{
    char name[96] = "";
    uint8_t bytes[ONCE_BYTES];
    crypto_generichash_state state;
    if (asker->key)
        asker_name (asker, name, sizeof name);
    crypto_generichash_init (&state, NULL, 0, sizeof bytes);
    crypto_generichash_update (&state, (const unsigned char *) name, strlen (name) + 1);
    crypto_generichash_update (&state, (const unsigned char *) key.data, key.size);
    crypto_generichash_final (&state, bytes, sizeof bytes);
    sodium_bin2hex (ret_hex, ONCE_BYTES * 2 + 1, bytes, sizeof bytes);
}

/*  Whom the request speaks for: who names no user has a conversation of his own, this once.  */
static void read_session (asker_t *asker, const completion_t *completion, pal_text_t key,
                          text_t *out)
{
    char hex[ONCE_BYTES * 2 + 1];
    if (completion->session.size) {
        text_add_view (out, text_view (&completion->session));
    } else if (key.size) {
        write_once (asker, key, hex);
        text_addf (out, "once-%s", hex);
    } else {
        trace_t random;
        trace_begin (&random, asker->web->host, pal_text (NULL));
        text_add (out, "once-");
        text_add_view (out, (pal_text_t){random.text + TRACE_ID_AT, TRACE_ID_BYTES});
    }
}

/*  The answer to an earlier request with the same key, told again.  */
static void answer_again (wait_t *self, const ticket_t *ticket)
{
    json_t *kept =
        json_loadb (ticket->answer.size ? ticket->answer.data : "", ticket->answer.size, 0, NULL);
    const json_t *text = json_object_get (kept, "response_text");
    char *disclaimers = json_dumps (json_object_get (kept, "disclaimers"), JSON_COMPACT);
    char *metadata = json_dumps (json_object_get (kept, "metadata"), JSON_COMPACT);
    char words[TICKET_WORDS_BYTES];
    if (ticket->state == TICKET_REPLACED) {
        asker_problem (&self->asker, PROBLEM_INTERRUPTED, ticket_replaced_by (ticket, words), 0);
    } else if (!json_is_string (text)) {
        asker_problem (&self->asker, PROBLEM_NOT_KEPT, pal_text (NULL), 0);
    } else {
        pal_reply_t reply = {
            .response_text = {json_string_value (text), json_string_length (text)},
            .disclaimers = pal_text (disclaimers),
            .metadata = pal_text (metadata),
        };
        answer (self, &(ticket_end_t){.how = TICKET_ANSWERED,
                                      .reply = &reply,
                                      .json = text_view (&ticket->answer)});
    }
    free (disclaimers);
    free (metadata);
    json_decref (kept);
}

static void begin_wait (wait_t *self, const request_t *request, completion_t *completion,
                        pal_text_t key, pal_text_t command)
{
    asker_t *asker = &self->asker;
    text_t session = {0}, text = {0};
    read_session (asker, completion, key, &session);
    if (command.size) {
        text_add_view (&text, command);
        text_add (&text, " ");
    }
    text_add_view (&text, text_view (&completion->text));
    ticket_order_t order = {
        .event = {.type = PAL_CHAT_MESSAGE,
                  .conversation = text_view (&session),
                  .user_id = completion->user.size ? completion->user : text_view (&session),
                  .message_text = text_view (&text),
                  .metadata = text_view (&completion->metadata),
                  .traceparent = {asker->trace.text, TRACE_BYTES}},
        .key = key,
        .scope = text_view (&session),
        .same = request->http->body,
        .wait_ms = asker->web->timeout_ms,
    };
    ticket_taking_t taking = ticket_take (asker->web, &order, &waiter, self, &self->ticket);
    call_put (&asker->web->calls, &self->call, asker->call);
    if (taking == TICKET_TAKEN) {
        memcpy (self->id, self->ticket->id.text, sizeof self->ticket->id.text);
        if (self->ticket->stored)
            on_stored (self, self->ticket);
    } else {
        if (taking == TICKET_REPEATED) {
            memcpy (self->id, self->ticket->id.text, sizeof self->ticket->id.text);
            answer_again (self, self->ticket);
        } else {
            untaken (asker, taking);
        }
        wait_end (self);
    }
    text_free (&session);
    text_free (&text);
}

static void take (asker_t *asker, const request_t *request, completion_t *completion,
                  pal_text_t key)
{
    pal_text_t command;
    if (!models_find (asker->web->models, completion->model, &command)) {
        models_unknown (asker, completion->model);
        return;
    }
    wait_t *self = calloc (1, sizeof *self);
    if (!self) {
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
        return;
    }
    self->asker = *asker;
    self->call.gone = on_gone;
    self->stream = completion->stream;
    self->include_usage = completion->include_usage;
    self->asked_bytes = completion->text.size + completion->metadata.size;
    memcpy (self->model, completion->model.data, completion->model.size);
    begin_wait (self, request, completion, key, command);
}

void route_completions (asker_t *asker, const request_t *request)
{
    char bytes[TICKET_KEY_BYTES_MAX];
    pal_text_t key;
    completion_t completion = {0};
    if (!request_takes_json (asker) || !chat_key (asker, bytes, &key) || !chat_may_take (asker))
        return;
    const char *fault = completion_parse (&completion, request->http->body);
    if (fault)
        asker_problem (asker, completion.root ? PROBLEM_INVALID : PROBLEM_NOT_JSON,
                       pal_text (fault), 0);
    else
        take (asker, request, &completion, key);
    completion_free (&completion);
}
