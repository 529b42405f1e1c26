#include "fuzz/web_world.h"

#include "base/alloc.h"
#include "base/check.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const pal_adapter_t palaver_adapter;

enum { OPEN_MAX = 64, EVENTS_MAX = 128, WAITING_MAX = 256 };

typedef enum {
    CALL_FREE = 0,
    CALL_WAITS,
    CALL_UPGRADES, /* may be answered instead of becoming a socket */
    CALL_STREAMS,
    CALL_SOCKET,
    CALL_OVER
} call_state_t;

typedef struct {
    uint64_t number;
    call_state_t state;
    char *headers;
} open_t;

typedef struct {
    pal_published_fn *done;
    void *arg;
    pal_id_t id;
    char *conversation;
    bool pending;
} event_t;

typedef struct {
    void (*done) (void *arg, const pal_control_result_t *result);
    void *arg;
} question_t;

typedef struct {
    pal_kv_fn *done;
    void *arg;
} saving_t;

typedef struct {
    uint64_t number;
    void (*fn) (void *arg);
    void *arg;
} timer_entry_t;

struct web_world {
    pal_host_t table; /* first */
    pal_http_handler_t handler;
    void *gateway;
    uint64_t last;
    int64_t now_us;
    open_t open[OPEN_MAX];
    event_t events[EVENTS_MAX];
    size_t event_count;
    question_t questions[WAITING_MAX];
    size_t question_count;
    saving_t savings[WAITING_MAX];
    size_t saving_count;
    timer_entry_t timers[WAITING_MAX];
    size_t timer_count;
    uint64_t deliveries, finished;
    char header[4096];
};

static web_world_t *world (const pal_host_t *table)
{
    return (web_world_t *) (uintptr_t) table;
}

static char *copy (pal_text_t text)
{
    char *bytes = plv_alloc (text.size + 1);
    if (text.size)
        memcpy (bytes, text.data, text.size);
    bytes[text.size] = 0;
    return bytes;
}

static void check_json (pal_text_t text)
{
    json_error_t error;
    json_t *json = json_loadb (text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    CHECK (json, "no JSON: %s: %.*s", error.text, PAL_ARG (text));
    json_decref (json);
}

/* ------------------------------------------------------------------ what the gateway calls */

static void do_publish (const pal_host_t *table, const pal_event_t *event, pal_published_fn *done,
                        void *arg, pal_id_t *ret_id)
{
    web_world_t *self = world (table);
    CHECK (self->event_count < EVENTS_MAX, "too many events");
    CHECK (event->conversation.size && event->conversation.size <= 180, "conversation");
    CHECK (event->platform_id.size == 32 && event->traceparent.size == 55, "ids");
    if (event->metadata.size)
        check_json (event->metadata);
    event_t *kept = &self->events[self->event_count];
    *kept = (event_t){.done = done, .arg = arg, .pending = true};
    kept->conversation = copy (event->conversation);
    snprintf (kept->id.text, sizeof kept->id.text, "00000000-0000-7000-8000-%012zu",
              self->event_count++);
    *ret_id = kept->id;
}

static void do_live (const pal_host_t *table, const pal_event_t *event)
{
    (void) table;
    check_json (event->body);
}

static void do_finish (const pal_host_t *table, uint64_t delivery, pal_outcome_t outcome,
                       pal_text_t platform_id, uint32_t retry_after_ms, pal_text_t reason)
{
    web_world_t *self = world (table);
    (void) outcome, (void) platform_id, (void) retry_after_ms, (void) reason;
    CHECK (delivery && delivery <= self->deliveries, "delivery %llu",
           (unsigned long long) delivery);
    self->finished++;
    CHECK (self->finished <= self->deliveries, "a delivery was finished twice");
}

static void do_control (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    web_world_t *self = world (table);
    (void) command;
    check_json (arguments);
    CHECK (self->question_count < WAITING_MAX, "too many questions");
    self->questions[self->question_count++] = (question_t){done, arg};
}

static uint64_t do_ask (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        uint32_t within_ms,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    (void) within_ms;
    do_control (table, command, arguments, done, arg);
    return world (table)->question_count;
}

static bool do_ask_more (const pal_host_t *table, uint64_t question, pal_text_t command,
                         pal_text_t arguments)
{
    (void) table, (void) question, (void) command;
    check_json (arguments);
    return true;
}

static bool do_connected (const pal_host_t *table)
{
    (void) table;
    return true;
}

static const pal_key_t *key_of (const char *name)
{
    for (uint32_t at = 0; at < palaver_adapter.key_count; at++) {
        if (strcmp (palaver_adapter.keys[at].name, name) == 0)
            return &palaver_adapter.keys[at];
    }
    CHECK (false, "no key %s", name);
    return NULL;
}

static pal_text_t do_conf_text (const pal_host_t *table, const char *name)
{
    (void) table;
    if (strcmp (name, "api_keys") == 0)
        return pal_text ("alpha chat\nbeta chat,operate ops\n");
    if (strcmp (name, "origins") == 0)
        return pal_text ("https://a.example");
    return pal_text (key_of (name)->text);
}

static int64_t do_conf_int (const pal_host_t *table, const char *name)
{
    (void) table;
    if (strcmp (name, "repeats") == 0)
        return 8; /* so that they are forgotten, too */
    if (strcmp (name, "waiting") == 0)
        return 64;
    return strcmp (name, "recent_mb") == 0 ? 1 : key_of (name)->number;
}

static void do_log (const pal_host_t *table, pal_log_level_t level, const char *format, ...)
{
    (void) table, (void) level, (void) format;
}

static int do_fail (const pal_host_t *table, const char *format, ...)
{
    (void) table;
    CHECK (false, "%s", format);
    return -1;
}

static int64_t do_time (const pal_host_t *table)
{
    return world (table)->now_us += 17;
}

static void do_random (const pal_host_t *table, void *bytes, size_t size)
{
    web_world_t *self = world (table);
    memset (bytes, 0, size);
    self->last++;
    memcpy (bytes, &self->last, size < sizeof self->last ? size : sizeof self->last);
}

static bool do_same_secret (const pal_host_t *table, pal_text_t a, pal_text_t b)
{
    (void) table;
    return pal_text_equal (a, b);
}

static uint64_t do_timer (const pal_host_t *table, uint32_t after_ms, uint32_t every_ms,
                          void (*fn) (void *arg), void *arg)
{
    web_world_t *self = world (table);
    (void) after_ms;
    CHECK (self->timer_count < WAITING_MAX, "too many timers");
    self->timers[self->timer_count++] = (timer_entry_t){++self->last, every_ms ? NULL : fn, arg};
    return self->last;
}

static void do_timer_cancel (const pal_host_t *table, uint64_t number)
{
    web_world_t *self = world (table);
    for (size_t at = 0; at < self->timer_count; at++) {
        if (self->timers[at].number == number)
            self->timers[at] = self->timers[--self->timer_count];
    }
}

/* ------------------------------------------------------------------ listener */

static open_t *find (web_world_t *self, uint64_t number)
{
    for (size_t at = 0; at < OPEN_MAX; at++) {
        if (self->open[at].state != CALL_FREE && self->open[at].number == number)
            return &self->open[at];
    }
    return NULL;
}

static void release (open_t *open)
{
    free (open->headers);
    *open = (open_t){0};
}

static int do_listen (const pal_host_t *table, const pal_http_options_t *options,
                      const pal_http_handler_t *handler, uint16_t *ret_port)
{
    (void) options;
    world (table)->handler = *handler;
    *ret_port = 1;
    return 0;
}

static pal_text_t do_header (const pal_host_t *table, uint64_t call, const char *name)
{
    web_world_t *self = world (table);
    const open_t *open = find (self, call);
    size_t size = strlen (name);
    const char *line = open && open->headers ? open->headers : "";
    while (*line) {
        size_t end = strcspn (line, "\n");
        if (end > size + 2 && strncmp (line, name, size) == 0 && line[size] == ':') {
            snprintf (self->header, sizeof self->header, "%.*s", (int) (end - size - 2),
                      line + size + 2);
            return pal_text (self->header);
        }
        line += end + (line[end] == '\n');
    }
    return pal_text (NULL);
}

static void check_response (const pal_http_response_t *response)
{
    CHECK (response->status >= 200 && response->status < 600, "status %u", response->status);
    for (uint32_t at = 0; at < response->header_count; at++)
        CHECK (response->headers[at].name.size, "a header without a name");
    if (response->content_type.size
        && memmem (response->content_type.data, response->content_type.size, "json", 4))
        check_json (response->body);
}

static bool do_respond (const pal_host_t *table, uint64_t call, const pal_http_response_t *response)
{
    open_t *open = find (world (table), call);
    check_response (response);
    if (!open)
        return false;
    CHECK (open->state == CALL_WAITS || open->state == CALL_UPGRADES, "answered twice");
    release (open);
    return true;
}

static bool do_begin (const pal_host_t *table, uint64_t call, const pal_http_response_t *response)
{
    open_t *open = find (world (table), call);
    check_response (response);
    if (!open)
        return false;
    CHECK (open->state == CALL_WAITS, "begun twice");
    open->state = CALL_STREAMS;
    return true;
}

static bool do_write (const pal_host_t *table, uint64_t call, pal_text_t piece)
{
    const open_t *open = find (world (table), call);
    CHECK (piece.size > 2 && memcmp (piece.data + piece.size - 2, "\n\n", 2) == 0,
           "half an event: %.*s", PAL_ARG (piece));
    CHECK (!open || open->state == CALL_STREAMS, "written to what is no stream");
    return open != NULL;
}

static void do_end (const pal_host_t *table, uint64_t call)
{
    open_t *open = find (world (table), call);
    CHECK (!open || open->state == CALL_STREAMS, "ended what is no stream");
    if (open)
        release (open);
}

static bool do_socket_send (const pal_host_t *table, uint64_t socket, pal_text_t message,
                            bool binary)
{
    const open_t *open = find (world (table), socket);
    CHECK (!binary, "a binary message");
    check_json (message);
    return open && open->state == CALL_SOCKET;
}

static uint64_t do_socket_waiting (const pal_host_t *table, uint64_t socket)
{
    (void) table;
    return socket % 3 ? 0 : 100000;
}

static void do_socket_close (const pal_host_t *table, uint64_t socket, uint32_t code,
                             pal_text_t reason)
{
    open_t *open = find (world (table), socket);
    CHECK (code >= 1000 && reason.size <= 123, "close %u", code);
    if (open)
        open->state = CALL_OVER; /* gone follows */
}

/* ------------------------------------------------------------------ the rest of the table */

static void do_kv_put (const pal_host_t *table, pal_text_t key, pal_text_t value, pal_kv_fn *done,
                       void *arg)
{
    web_world_t *self = world (table);
    CHECK (key.size && key.size <= 255 && value.size <= 65536, "kv");
    CHECK (self->saving_count < WAITING_MAX, "too many savings");
    if (done)
        self->savings[self->saving_count++] = (saving_t){done, arg};
}

static void do_kv_remove (const pal_host_t *table, pal_text_t key, pal_kv_fn *done, void *arg)
{
    do_kv_put (table, key, pal_text (NULL), done, arg);
}

static void do_kv_list (const pal_host_t *table, pal_text_t prefix, pal_kv_fn *done, void *arg)
{
    do_kv_put (table, prefix, pal_text (NULL), done, arg);
}

static uint32_t do_rate_take (const pal_host_t *table, const pal_bucket_t *buckets, uint32_t count,
                              pal_urgency_t urgency)
{
    (void) table, (void) buckets, (void) count, (void) urgency;
    return 0;
}

static const pal_host_t TABLE = {
    .abi = PAL_ABI,
    .size = sizeof (pal_host_t),
    .publish = do_publish,
    .live = do_live,
    .finish = do_finish,
    .control = do_control,
    .ask = do_ask,
    .ask_more = do_ask_more,
    .connected = do_connected,
    .conf_text = do_conf_text,
    .conf_int = do_conf_int,
    .log = do_log,
    .fail = do_fail,
    .wall_us = do_time,
    .mono_us = do_time,
    .random = do_random,
    .same_secret = do_same_secret,
    .timer = do_timer,
    .timer_cancel = do_timer_cancel,
    .http_listen = do_listen,
    .http_header = do_header,
    .http_respond = do_respond,
    .http_begin = do_begin,
    .http_write = do_write,
    .http_end = do_end,
    .socket_send = do_socket_send,
    .socket_waiting = do_socket_waiting,
    .socket_close = do_socket_close,
    .kv_put = do_kv_put,
    .kv_remove = do_kv_remove,
    .kv_list = do_kv_list,
    .rate_take = do_rate_take,
};

/* ------------------------------------------------------------------ what happens to it */

web_world_t *web_world_new (bool ready)
{
    web_world_t *self = plv_alloc_zero (1, sizeof *self);
    self->table = TABLE;
    self->now_us = 1700000000000000;
    CHECK (palaver_adapter.open (&self->table, &self->gateway) == 0, "open");
    if (ready)
        web_world_kv (self, true); /* the list of what was kept: empty */
    return self;
}

static open_t *open_new (web_world_t *self, pal_text_t headers, call_state_t state)
{
    for (size_t at = 0; at < OPEN_MAX; at++) {
        if (self->open[at].state == CALL_FREE) {
            self->open[at] = (open_t){++self->last, state, copy (headers)};
            return &self->open[at];
        }
    }
    return NULL;
}

void web_world_request (web_world_t *self, const char *method, pal_text_t path, pal_text_t query,
                        pal_text_t headers, pal_text_t body)
{
    if (self->event_count == EVENTS_MAX || self->question_count == WAITING_MAX
        || self->timer_count + 4 > WAITING_MAX || self->saving_count + 16 > WAITING_MAX)
        return;
    open_t *open = open_new (self, headers, CALL_WAITS);
    if (!open)
        return;
    pal_http_request_t request = {.call = open->number,
                                  .method = pal_text (method),
                                  .path = path,
                                  .query = query,
                                  .body = body,
                                  .peer = pal_text ("127.0.0.1")};
    self->handler.request (self->handler.arg, &request);
}

void web_world_socket (web_world_t *self, pal_text_t path, pal_text_t query, pal_text_t headers)
{
    const char *protocol = NULL;
    open_t *open = open_new (self, headers, CALL_UPGRADES);
    if (!open)
        return;
    uint64_t number = open->number;
    pal_http_request_t request = {.call = number,
                                  .method = pal_text ("GET"),
                                  .path = path,
                                  .query = query,
                                  .peer = pal_text ("127.0.0.1")};
    uint32_t status = self->handler.socket (self->handler.arg, &request, &protocol);
    open = find (self, number);
    if (status) {
        CHECK (status >= 400 && status < 600, "refused with %u", status);
        if (open)
            release (open);
        return;
    }
    CHECK (open, "answered, and taken as a socket");
    open->state = CALL_SOCKET;
    self->handler.socket_open (self->handler.arg, number);
}

static open_t *which_open (web_world_t *self, unsigned which, bool socket)
{
    for (size_t at = 0; at < OPEN_MAX; at++) {
        open_t *open = &self->open[(at + which) % OPEN_MAX];
        if (open->state != CALL_FREE && (!socket || open->state == CALL_SOCKET))
            return open;
    }
    return NULL;
}

void web_world_message (web_world_t *self, unsigned which, pal_text_t message, bool binary)
{
    const open_t *open = which_open (self, which, true);
    if (open && self->event_count < EVENTS_MAX && self->timer_count + 4 < WAITING_MAX
        && self->saving_count + 16 < WAITING_MAX)
        self->handler.socket_message (self->handler.arg, open->number, message, binary);
}

void web_world_hang_up (web_world_t *self, unsigned which)
{
    open_t *open = which_open (self, which, false);
    if (!open)
        return;
    uint64_t number = open->number;
    release (open);
    self->handler.gone (self->handler.arg, number);
}

void web_world_publish (web_world_t *self, unsigned which, pal_taken_t taken)
{
    if (!self->event_count)
        return;
    event_t *event = &self->events[which % self->event_count];
    if (!event->pending)
        return;
    event->pending = false;
    event->done (event->arg, &(pal_published_t){.taken = taken,
                                                .id = event->id,
                                                .retry_after_ms = 1500,
                                                .reason = pal_text ("because")});
}

void web_world_control (web_world_t *self, unsigned which, const char *status, pal_text_t body)
{
    if (!self->question_count)
        return;
    question_t question = self->questions[which % self->question_count];
    self->questions[which % self->question_count] = self->questions[self->question_count - 1];
    self->question_count--;
    json_t *json = json_loadb (body.data, body.size, JSON_ALLOW_NUL, NULL);
    question.done (question.arg, &(pal_control_result_t){.ok = json && strcmp (status, "ok") == 0,
                                                         .status = pal_text (json ? status : "IO"),
                                                         .body = body});
    json_decref (json);
}

void web_world_kv (web_world_t *self, bool ok)
{
    if (!self->saving_count)
        return;
    saving_t saving = self->savings[0];
    memmove (self->savings, self->savings + 1, --self->saving_count * sizeof *self->savings);
    saving.done (saving.arg, &(pal_kv_result_t){.ok = ok, .reason = pal_text ("no")});
}

void web_world_timer (web_world_t *self, unsigned which)
{
    if (!self->timer_count)
        return;
    timer_entry_t timer = self->timers[which % self->timer_count];
    if (!timer.fn) /* one that comes again and again */
        return;
    self->timers[which % self->timer_count] = self->timers[self->timer_count - 1];
    self->timer_count--;
    timer.fn (timer.arg);
}

void web_world_deliver (web_world_t *self, unsigned which, pal_text_t text, pal_text_t metadata)
{
    if (!self->event_count || self->saving_count + 16 > WAITING_MAX)
        return;
    const event_t *event = &self->events[which % self->event_count];
    pal_reply_t reply = {.delivery = ++self->deliveries,
                         .attempt = 1,
                         .has_reply_to = true,
                         .id = event->id,
                         .reply_to = event->id,
                         .conversation = pal_text (event->conversation),
                         .timestamp_us = self->now_us,
                         .response_text = text,
                         .metadata = metadata,
                         .confidence = 0.5,
                         .processing_time = -1};
    palaver_adapter.deliver (self->gateway, &reply);
}

void web_world_live (web_world_t *self, unsigned which, const char *type, pal_text_t body)
{
    if (!self->event_count)
        return;
    const event_t *event = &self->events[which % self->event_count];
    pal_live_t live = {.type = pal_text (type),
                       .conversation = pal_text (event->conversation),
                       .has_reply_to = true,
                       .reply_to = event->id,
                       .body = body};
    palaver_adapter.live (self->gateway, &live);
}

void web_world_drain (web_world_t *self)
{
    palaver_adapter.drain (self->gateway);
}

void web_world_destroy (web_world_t *self)
{
    palaver_adapter.close (self->gateway);
    for (size_t at = 0; at < OPEN_MAX; at++) {
        const open_t *open = &self->open[at];
        CHECK (open->state != CALL_STREAMS && open->state != CALL_SOCKET, "left open");
        release (&self->open[at]);
    }
    CHECK (!self->timer_count, "%zu timers are left", self->timer_count);
    for (size_t at = 0; at < self->event_count; at++)
        free (self->events[at].conversation);
    free (self);
}
