/*  chat -- POST /chat/message: publish, wait for the answer, or say why there is none yet; and
    GET /chat/message/ID: what became of it  */
#include "web/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  A request that waits for its answer.  */
typedef struct {
    call_t call;
    asker_t asker;
    ticket_t *ticket; /* NULL: not yet, or it has ended */
    bool respond_async;
    bool wait_given; /* Prefer: wait=N */
} wait_t;

static void wait_free (wait_t *self)
{
    call_remove (&self->asker.web->calls, &self->call);
    free (self);
}

/* ------------------------------------------------------------------ what is answered */

static const char *const state_names[] = {"pending", "done", "failed", "interrupted"};

static void location_of (const ticket_t *ticket, char bytes[80])
{
    snprintf (bytes, 80, "/chat/message/%s", ticket->id.text);
}

/*  The message as a resource.  */
static void write_status (text_t *out, const ticket_t *ticket)
{
    text_addf (out, "{\"message_id\":\"%s\",\"status\":\"%s\",\"session_id\":", ticket->id.text,
               state_names[ticket->state]);
    text_add_quoted (out, ticket->conversation);
    text_add (out, ",\"response\":");
    text_add_view (out, ticket->answer.size ? text_view (&ticket->answer) : pal_text ("null"));
    if (ticket->state == TICKET_REPLACED)
        text_addf (out, ",\"interrupted_by\":\"%s\"", ticket->by.text);
    text_add (out, "}\n");
}

static void answer_accepted (wait_t *self, ticket_t *ticket)
{
    char location[80];
    text_t body = {0};
    ticket_keep (ticket);
    location_of (ticket, location);
    write_status (&body, ticket);
    asker_answer (&self->asker,
                  &(asker_answer_t){
                      .status = 202,
                      .body = text_view (&body),
                      .more = {{pal_text ("location"), pal_text (location)},
                               {pal_text ("retry-after"), pal_text ("1")},
                               {pal_text ("preference-applied"), pal_text ("respond-async")}},
                      .more_count = 3,
                  });
    text_free (&body);
}

static void answer_late (wait_t *self, ticket_t *ticket, bool stored)
{
    const pal_host_t *host = self->asker.web->host;
    char location[80];
    if (!stored) {
        asker_problem (&self->asker, PROBLEM_NOT_STORED, pal_text (NULL), 1000);
        return;
    }
    if (self->respond_async) {
        answer_accepted (self, ticket);
        return;
    }
    ticket_keep (ticket);
    location_of (ticket, location);
    asker_problem_with (&self->asker, PROBLEM_LATE, host->conf_text (host, "timeout_text"),
                        &(pal_header_t){pal_text ("location"), pal_text (location)});
}

static void answer_kept (asker_t *asker, const ticket_t *ticket)
{
    char words[TICKET_WORDS_BYTES];
    if (ticket->state == TICKET_REPLACED)
        asker_problem (asker, PROBLEM_INTERRUPTED, ticket_replaced_by (ticket, words), 0);
    else if (!ticket->answer.size)
        asker_problem (asker, PROBLEM_NOT_KEPT, pal_text (NULL), 0);
    else
        asker_json (asker, 200, text_view (&ticket->answer));
}

/* ------------------------------------------------------------------ what the ticket says */

static void on_stored (void *arg, ticket_t *ticket)
{
    wait_t *self = arg;
    if (!self->respond_async || self->wait_given)
        return;
    answer_accepted (self, ticket);
    ticket_leave (ticket);
    wait_free (self);
}

static void on_ended (void *arg, ticket_t *ticket, const ticket_end_t *end)
{
    wait_t *self = arg;
    asker_t *asker = &self->asker;
    switch (end->how) {
    case TICKET_ANSWERED:
        meters_waited (&asker->web->meters,
                       asker->web->host->mono_us (asker->web->host) - asker->since_us);
        asker_json (asker, 200, end->json);
        break;
    case TICKET_LATE:
        answer_late (self, ticket, end->stored);
        break;
    case TICKET_BUSY:
    case TICKET_REJECTED:
    case TICKET_ASIDE:
    case TICKET_INTERRUPTED:
        asker_problem (asker, ticket_problem (end), end->reason, end->retry_after_ms);
        break;
    case TICKET_STOPPED:
        asker_problem (asker, ticket_problem (end),
                       pal_text (end->stored
                                     ? "the gateway stops; the answer will appear in the session"
                                     : "the gateway stops; send the message again"),
                       end->retry_after_ms);
        break;
    }
    wait_free (self);
}

static const ticket_waiter_t waiter = {.stored = on_stored, .ended = on_ended};

static void on_gone (call_t *call)
{
    wait_t *self = ENTRY_OF (call, wait_t, call);
    if (self->ticket)
        ticket_leave (self->ticket); /* its answer will be kept with its session */
    free (self);
}

/* ------------------------------------------------------------------ requests */

/*  RFC 7240: respond-async, wait=SECONDS.  */
static uint32_t read_prefer (wait_t *self, uint32_t standard_ms)
{
    char bytes[256];
    pal_text_t prefer = asker_header (&self->asker, "prefer", bytes, sizeof bytes - 1);
    bytes[prefer.size] = 0;
    for (char *save, *one = strtok_r (bytes, ",; ", &save); one;
         one = strtok_r (NULL, ",; ", &save)) {
        if (strcasecmp (one, "respond-async") == 0)
            self->respond_async = true;
        if (strncasecmp (one, "wait=", 5) != 0)
            continue;
        unsigned long seconds = strtoul (one + 5, NULL, 10);
        self->wait_given = seconds > 0;
        if (seconds > 0 && seconds < standard_ms / 1000)
            standard_ms = (uint32_t) seconds * 1000;
    }
    return standard_ms;
}

static void answer_untaken (asker_t *asker, ticket_taking_t taking, const ticket_t *ticket)
{
    switch (taking) {
    case TICKET_TAKEN:
        break;
    case TICKET_REPEATED:
        answer_kept (asker, ticket);
        break;
    case TICKET_IN_FLIGHT:
        asker_problem (asker, PROBLEM_IN_FLIGHT, pal_text (NULL), 1000);
        break;
    case TICKET_OTHER_BODY:
        asker_problem (asker, PROBLEM_OTHER_BODY, pal_text (NULL), 0);
        break;
    case TICKET_FULL:
        asker_problem (asker, PROBLEM_BUSY, pal_text ("too many requests wait for their answers"),
                       1000);
        break;
    case TICKET_TOO_SOON:
        asker_problem (asker, PROBLEM_NO_BROKER,
                       pal_text ("the gateway has just started and does not know yet whether this "
                                 "Idempotency-Key was used"),
                       1000);
        break;
    }
}

static void order (asker_t *asker, const request_t *request, const message_t *message,
                   pal_text_t key)
{
    ticket_t *ticket = NULL;
    wait_t *self = calloc (1, sizeof *self);
    if (!self) {
        asker_problem (asker, PROBLEM_BUSY, pal_text ("out of memory"), 1000);
        return;
    }
    self->asker = *asker;
    self->call.gone = on_gone;
    ticket_order_t what = {
        .event = {.type = PAL_CHAT_MESSAGE,
                  .conversation = message->session_id,
                  .user_id = message->user_id,
                  .timestamp_us = message->timestamp_us,
                  .message_text = message->message_text,
                  .metadata = pal_text (message->metadata),
                  .traceparent = {asker->trace.text, TRACE_BYTES}},
        .key = key,
        .scope = message->session_id,
        .same = request->http->body,
        .wait_ms = read_prefer (self, asker->web->timeout_ms),
    };
    ticket_taking_t taking = ticket_take (asker->web, &what, &waiter, self, &ticket);
    if (taking != TICKET_TAKEN) {
        answer_untaken (asker, taking, ticket);
        free (self);
        return;
    }
    self->ticket = ticket;
    call_put (&asker->web->calls, &self->call, asker->call);
    if (ticket->stored && self->respond_async && !self->wait_given)
        on_stored (self, ticket); /* it was taken before */
}

bool chat_may_take (asker_t *asker)
{
    const web_t *web = asker->web;
    if (web->draining && web->host->mono_us (web->host) >= web->takes_until_us) {
        asker_problem (asker, PROBLEM_STOPPING, pal_text (NULL), 1000);
        return false;
    }
    uint32_t excess_ms = asker_excess_ms (asker);
    if (excess_ms)
        asker_problem (asker, PROBLEM_TOO_MANY, pal_text (NULL), excess_ms);
    return !excess_ms;
}

bool chat_key (asker_t *asker, char bytes[TICKET_KEY_BYTES_MAX], pal_text_t *ret_key)
{
    *ret_key = asker_header (asker, "idempotency-key", bytes, TICKET_KEY_BYTES_MAX);
    if (ret_key->size || !asker_has (asker, "idempotency-key"))
        return true;
    asker_problem (asker, PROBLEM_BAD_PARAMETER, pal_text ("Idempotency-Key: at most 255 bytes"),
                   0);
    return false;
}

void route_chat_message (asker_t *asker, const request_t *request)
{
    char bytes[TICKET_KEY_BYTES_MAX];
    pal_text_t key;
    message_t message = {0};
    if (!request_takes_json (asker) || !chat_key (asker, bytes, &key) || !chat_may_take (asker))
        return;
    const char *fault = message_parse (&message, request->http->body);
    if (fault)
        asker_problem (asker, message.root ? PROBLEM_INVALID : PROBLEM_NOT_JSON, pal_text (fault),
                       0);
    else
        order (asker, request, &message, key);
    message_free (&message);
}

void route_chat_status (asker_t *asker, const request_t *request)
{
    ticket_t *ticket = ticket_find (asker->web, request->part);
    text_t body = {0};
    if (!ticket) {
        asker_problem (asker, PROBLEM_NO_MESSAGE, pal_text (NULL), 0);
        return;
    }
    write_status (&body, ticket);
    asker_answer (asker, &(asker_answer_t){
                             .status = 200,
                             .body = text_view (&body),
                             .more = {{pal_text ("retry-after"), pal_text ("1")}},
                             .more_count = ticket->state == TICKET_PENDING ? 1 : 0,
                         });
    text_free (&body);
}
