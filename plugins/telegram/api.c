#include "telegram/api.h"

#include "telegram/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  100 updates with all that they may carry.  */
enum { ANSWER_BYTES_MAX = 16 << 20, CONNECT_MS = 10000 };

struct api_call {
    telegram_t *owner;
    api_call_t *next, *previous;
    uint64_t request;
    int64_t chat;
    api_fn *done;
    void *arg;
    const char *method;
};

static void forget (api_call_t *self)
{
    if (self->previous)
        self->previous->next = self->next;
    else
        self->owner->calls = self->next;
    if (self->next)
        self->next->previous = self->previous;
    free (self);
}

/*  What every answer means, whoever asked.  */
static void learn (const api_call_t *self, const outcome_t *outcome)
{
    telegram_t *owner = self->owner;
    const pal_host_t *host = owner->host;
    if (outcome->verdict == VERDICT_NOT_SENT && outcome->root && outcome->retry_after_ms) {
        pace_block (owner, self->chat, outcome->retry_after_ms);
        host->metric_add (host, "floods_total", 1);
        host->log (host, PAL_LOG_WARN, "%s: Telegram wants %u s of rest%s", self->method,
                   outcome->retry_after_ms / 1000, self->chat ? " in a chat" : "");
    } else if (outcome->verdict == VERDICT_TOKEN) {
        host->health (host, false, "Telegram does not take the token, or api_root is none: %s",
                      outcome->reason);
    } else if (outcome->verdict == VERDICT_UNKNOWN) {
        host->metric_add (host, "lost_total", 1);
    }
}

static void on_answer (void *arg, const pal_answer_t *answer)
{
    api_call_t *self = arg;
    api_fn *done = self->done;
    void *done_arg = self->arg;
    outcome_t outcome;
    outcome_read (&outcome, answer);
    learn (self, &outcome);
    forget (self);
    if (done)
        done (done_arg, &outcome);
    outcome_free (&outcome);
}

static void send (api_call_t *self, const char *body, uint32_t timeout_ms)
{
    const pal_host_t *host = self->owner->host;
    char url[1024];
    snprintf (url, sizeof url, "%s%s", self->owner->base, self->method);
    pal_request_t request = {
        .method = pal_text ("POST"),
        .url = pal_text (url),
        .content_type = pal_text ("application/json"),
        .body = pal_text (body),
        .timeout_ms = timeout_ms,
        .connect_ms = CONNECT_MS,
        .body_bytes_max = ANSWER_BYTES_MAX,
    };
    self->request = host->request (host, &request, on_answer, self);
}

api_call_t *api_call (telegram_t *owner, const char *method, json_t *params, uint32_t timeout_ms,
                      api_fn *done, void *arg)
{
    api_call_t *self = calloc (1, sizeof *self);
    char *body = params ? json_dumps (params, JSON_COMPACT) : strdup ("{}");
    if (self && body) {
        *self = (api_call_t){
            .owner = owner, .next = owner->calls, .done = done, .arg = arg, .method = method};
        self->chat = json_integer_value (json_object_get (params, "chat_id"));
        if (self->next)
            self->next->previous = self;
        owner->calls = self;
        send (self, body, timeout_ms);
    } else {
        free (self);
        self = NULL;
    }
    free (body);
    json_decref (params);
    return self;
}

void api_cancel (api_call_t **call_p)
{
    api_call_t *self = *call_p;
    if (!self)
        return;
    *call_p = NULL;
    self->owner->host->request_cancel (self->owner->host, self->request);
    forget (self);
}

void api_cancel_all (telegram_t *self)
{
    while (self->calls) {
        api_call_t *call = self->calls;
        api_cancel (&call);
    }
}
