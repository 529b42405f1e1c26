#include "sdk/fake_host_net.h"

#include "sdk/fake_host_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096, PARTS_BYTES = 4096, OUT_BYTES_MAX = 4 * 1024 * 1024 };

#define CLIENT_FIRST ((uint64_t) 1 << 62)

typedef struct {
    fake_sent_t sent;
    pal_answer_fn *done;
    void *arg;
} request_t;

/*  What somebody writes piece by piece.  */
typedef struct {
    char *text;
    size_t size;
    uint64_t waits, limit; /* while nothing is taken */
    bool is_stalled;
} script_t;

typedef struct {
    fake_socket_t seen;
    pal_socket_handler_t handler;
    script_t script;
} socket_t;

/*  One request of a client, and the stream or the WebSocket that it became.  */
typedef struct {
    char *headers, *protocol;
    fake_response_t response;
    script_t script;
    bool is_answered, is_over, is_stream, is_socket;
    uint32_t code; /* that it was ended with */
} exchange_t;

struct fake_net {
    pal_http_handler_t handler;
    bool listens, is_muted;
    char *text[ROOM * 4]; /* to be freed at the end */
    size_t texts;
    request_t requests[ROOM];
    size_t request_count;
    socket_t sockets[ROOM];
    size_t socket_count;
    exchange_t exchanges[ROOM];
    size_t exchange_count;
};

static void need (bool condition, const char *what)
{
    if (condition)
        return;
    fprintf (stderr, "fake_host_net: %s\n", what);
    abort ();
}

/*  Every call of a test on the plugin ends like this.  */
static void turn (fake_host_t *host)
{
    fake_kit_turn (fake_host_kit ((const pal_host_t *) host));
}

static fake_net_t *net_of (const fake_host_t *host)
{
    return fake_host_net ((const pal_host_t *) host);
}

/* ------------------------------------------------------------------ texts */

static char *keep (fake_net_t *self, pal_text_t text)
{
    need (self->texts < sizeof self->text / sizeof *self->text, "too many texts");
    char *copy = calloc (1, text.size + 1);
    need (copy != NULL, "out of memory");
    memcpy (copy, text.size ? text.data : "", text.size);
    self->text[self->texts++] = copy;
    return copy;
}

static void write_on (script_t *script, const char *bytes, size_t size)
{
    script->text = realloc (script->text, script->size + size + 1);
    need (script->text != NULL, "out of memory");
    memcpy (script->text + script->size, bytes, size);
    script->size += size;
    script->text[script->size] = 0;
}

static void write_message (script_t *script, pal_text_t message, bool binary)
{
    if (!binary) {
        write_on (script, message.size ? message.data : "", message.size);
    } else {
        char hex[3];
        write_on (script, "binary:", 7);
        for (size_t at = 0; at < message.size; at++) {
            snprintf (hex, sizeof hex, "%02x", (unsigned char) message.data[at]);
            write_on (script, hex, 2);
        }
    }
    write_on (script, "\n", 1);
}

/*  False: the one who should read is too slow.  */
static bool take (script_t *script, size_t size)
{
    if (!script->is_stalled)
        return true;
    if (script->waits + size > script->limit)
        return false;
    script->waits += size;
    return true;
}

static char *keep_headers (fake_net_t *self, const pal_header_t *headers, uint32_t count)
{
    script_t lines = {0};
    write_on (&lines, "", 0);
    for (uint32_t at = 0; at < count; at++) {
        write_on (&lines, headers[at].name.data, headers[at].name.size);
        write_on (&lines, ": ", 2);
        write_on (&lines, headers[at].value.size ? headers[at].value.data : "",
                  headers[at].value.size);
        write_on (&lines, "\n", 1);
    }
    char *kept = keep (self, pal_text (lines.text));
    free (lines.text);
    return kept;
}

/*  Of "name: value\n" lines; how many there are. A line without a name is none.  */
static uint32_t split_headers (const char *lines, pal_header_t *headers, uint32_t room)
{
    uint32_t count = 0;
    while (lines && *lines && count < room) {
        size_t size = strcspn (lines, "\n"), name = strcspn (lines, ":");
        if (name < size) {
            size_t at = name + (lines[name + 1] == ' ' ? 2 : 1);
            headers[count].name = (pal_text_t){lines, name};
            headers[count++].value = (pal_text_t){lines + at, size - at};
        }
        lines += size + (lines[size] == '\n');
    }
    return count;
}

/* ------------------------------------------------------------------ requests of the plugin */

static char *keep_parts (fake_net_t *self, const pal_request_t *request)
{
    char text[PARTS_BYTES] = "";
    size_t size = 0;
    for (uint32_t at = 0; at < request->part_count; at++) {
        const pal_part_t *part = &request->parts[at];
        size += (size_t) snprintf (text + size, sizeof text - size, "%.*s|%.*s|%.*s|%.*s\n",
                                   PAL_ARG (part->name), PAL_ARG (part->file_name),
                                   PAL_ARG (part->content_type), PAL_ARG (part->data));
        need (size < sizeof text, "the parts are too large");
    }
    return keep (self, pal_text (text));
}

static uint64_t do_request (const pal_host_t *table, const pal_request_t *request,
                            pal_answer_fn *done, void *arg)
{
    fake_net_t *self = fake_host_net (table);
    need (self->request_count < ROOM, "too many requests");
    request_t *mine = &self->requests[self->request_count++];
    bool has_body = request->body.size || request->part_count;
    pal_text_t standard = pal_text (has_body ? "POST" : "GET");
    *mine = (request_t){
        .sent =
            {
                .method = keep (self, request->method.size ? request->method : standard),
                .url = keep (self, request->url),
                .content_type = keep (self, request->content_type),
                .body = keep (self, request->body),
                .headers = keep_headers (self, request->headers, request->header_count),
                .parts = keep_parts (self, request),
                .timeout_ms = request->timeout_ms,
                .body_bytes_max = request->body_bytes_max,
            },
        .done = done,
        .arg = arg,
    };
    return self->request_count;
}

static void do_request_cancel (const pal_host_t *table, uint64_t number)
{
    fake_net_t *self = fake_host_net (table);
    if (number == 0 || number > self->request_count || self->requests[number - 1].sent.is_over)
        return;
    self->requests[number - 1].sent.is_over = true;
    self->requests[number - 1].sent.is_cancelled = true;
}

size_t fake_host_requests (const fake_host_t *self)
{
    return net_of (self)->request_count;
}

const fake_sent_t *fake_host_sent (const fake_host_t *self, size_t at)
{
    need (at < net_of (self)->request_count, "no such request");
    return &net_of (self)->requests[at].sent;
}

size_t fake_host_requests_open (const fake_host_t *self)
{
    size_t count = 0;
    for (size_t at = 0; at < net_of (self)->request_count; at++)
        count += !net_of (self)->requests[at].sent.is_over;
    return count;
}

void fake_host_answer_request (fake_host_t *self, size_t at, pal_ended_t ended, uint32_t status,
                               const char *headers, const char *body)
{
    fake_net_t *net = net_of (self);
    pal_header_t split[64];
    need (at < net->request_count, "no such request");
    need (!net->requests[at].sent.is_over, "the request is over");
    request_t *request = &net->requests[at];
    request->sent.is_over = true;
    pal_answer_t answer = {.ended = ended, .headers = split};
    answer.header_count = split_headers (headers, split, 64);
    pal_text_t retry_after = pal_answer_header (&answer, "retry-after");
    if (retry_after.size) /* what follows in the line is no digit */
        answer.retry_after_ms = (uint32_t) strtoul (retry_after.data, NULL, 10) * 1000;
    if (ended == PAL_ANSWERED) {
        answer.status = status;
        answer.body = pal_text (body);
    } else {
        answer.header_count = 0;
        answer.reason = pal_text (body);
    }
    if (request->done && !net->is_muted)
        request->done (request->arg, &answer);
    turn (self);
}

/* ------------------------------------------------------------------ sockets of the plugin */

static socket_t *socket_at (const fake_host_t *self, size_t at)
{
    need (at < net_of (self)->socket_count, "no such socket");
    return &net_of (self)->sockets[at];
}

static socket_t *socket_of (fake_net_t *self, uint64_t number)
{
    uint64_t at = number - CLIENT_FIRST - 1;
    return number > CLIENT_FIRST && at < self->socket_count ? &self->sockets[at] : NULL;
}

static uint64_t do_socket_connect (const pal_host_t *table, const pal_socket_options_t *options,
                                   const pal_socket_handler_t *handler)
{
    fake_net_t *self = fake_host_net (table);
    need (self->socket_count < ROOM, "too many sockets");
    socket_t *mine = &self->sockets[self->socket_count++];
    *mine = (socket_t){
        .seen =
            {
                .url = keep (self, options->url),
                .protocol = keep (self, options->protocol),
                .headers = keep_headers (self, options->headers, options->header_count),
                .reason = "",
            },
        .handler = *handler,
    };
    return CLIENT_FIRST + self->socket_count;
}

size_t fake_host_sockets (const fake_host_t *self)
{
    return net_of (self)->socket_count;
}

fake_socket_t fake_host_socket (const fake_host_t *self, size_t at)
{
    fake_socket_t seen = socket_at (self, at)->seen;
    seen.transcript = socket_at (self, at)->script.text ? socket_at (self, at)->script.text : "";
    return seen;
}

void fake_host_socket_open (fake_host_t *self, size_t at)
{
    socket_t *socket = socket_at (self, at);
    need (!socket->seen.is_open && !socket->seen.is_over, "the socket was open before");
    socket->seen.is_open = true;
    if (socket->handler.open && !net_of (self)->is_muted)
        socket->handler.open (socket->handler.arg, CLIENT_FIRST + at + 1);
    turn (self);
}

static void say (fake_host_t *self, size_t at, pal_text_t message, bool binary)
{
    socket_t *socket = socket_at (self, at);
    need (socket->seen.is_open && !socket->seen.is_over, "the socket is not open");
    if (socket->handler.message && !socket->seen.is_closing && !net_of (self)->is_muted)
        socket->handler.message (socket->handler.arg, CLIENT_FIRST + at + 1, message, binary);
    turn (self);
}

void fake_host_socket_say (fake_host_t *self, size_t at, const char *text)
{
    say (self, at, pal_text (text), false);
}

void fake_host_socket_say_bytes (fake_host_t *self, size_t at, const void *bytes, size_t size)
{
    say (self, at, (pal_text_t){bytes, size}, true);
}

void fake_host_socket_closed (fake_host_t *self, size_t at, uint32_t code, const char *reason)
{
    socket_t *socket = socket_at (self, at);
    need (!socket->seen.is_over, "the socket is over");
    socket->seen.is_over = true;
    socket->seen.is_open = false;
    if (socket->handler.closed && !net_of (self)->is_muted)
        socket->handler.closed (socket->handler.arg, CLIENT_FIRST + at + 1, code,
                                pal_text (reason));
    turn (self);
}

/* ------------------------------------------------------------------ the listener */

static exchange_t *exchange_of (fake_net_t *self, uint64_t call)
{
    return call > 0 && call <= self->exchange_count ? &self->exchanges[call - 1] : NULL;
}

static exchange_t *exchange_at (const fake_host_t *self, uint64_t call)
{
    exchange_t *exchange = exchange_of (net_of (self), call);
    need (exchange != NULL, "no such call");
    return exchange;
}

static int do_http_listen (const pal_host_t *table, const pal_http_options_t *options,
                           const pal_http_handler_t *handler, uint16_t *ret_port)
{
    fake_net_t *self = fake_host_net (table);
    if (options->port == 1)
        return table->fail (table, "cannot listen on port 1");
    self->handler = *handler;
    self->listens = true;
    if (ret_port)
        *ret_port = options->port ? options->port : 12345;
    return 0;
}

static pal_text_t do_http_header (const pal_host_t *table, uint64_t call, const char *name)
{
    pal_header_t headers[64];
    const exchange_t *exchange = exchange_of (fake_host_net (table), call);
    if (!exchange || exchange->is_answered)
        return pal_text (NULL);
    uint32_t count = split_headers (exchange->headers, headers, 64);
    for (uint32_t at = 0; at < count; at++) {
        if (pal_text_is (headers[at].name, name))
            return headers[at].value;
    }
    return pal_text (NULL);
}

static bool answer (fake_net_t *self, uint64_t call, const pal_http_response_t *response)
{
    exchange_t *exchange = exchange_of (self, call);
    if (!exchange || exchange->is_answered || exchange->is_over)
        return false;
    exchange->is_answered = true;
    exchange->response = (fake_response_t){
        .status = response->status,
        .content_type = keep (self, response->content_type),
        .body = keep (self, response->body),
        .headers = keep_headers (self, response->headers, response->header_count),
    };
    return true;
}

static bool do_http_respond (const pal_host_t *table, uint64_t call,
                             const pal_http_response_t *response)
{
    if (!answer (fake_host_net (table), call, response))
        return false;
    exchange_of (fake_host_net (table), call)->is_over = true;
    return true;
}

static bool do_http_begin (const pal_host_t *table, uint64_t call,
                           const pal_http_response_t *response)
{
    if (!answer (fake_host_net (table), call, response))
        return false;
    exchange_t *exchange = exchange_of (fake_host_net (table), call);
    exchange->is_stream = true;
    write_on (&exchange->script, response->body.size ? response->body.data : "",
              response->body.size);
    return true;
}

static bool do_http_write (const pal_host_t *table, uint64_t call, pal_text_t piece)
{
    exchange_t *exchange = exchange_of (fake_host_net (table), call);
    if (!exchange || !exchange->is_stream || exchange->is_over
        || !take (&exchange->script, piece.size))
        return false;
    write_on (&exchange->script, piece.size ? piece.data : "", piece.size);
    return true;
}

static void do_http_end (const pal_host_t *table, uint64_t call)
{
    exchange_t *exchange = exchange_of (fake_host_net (table), call);
    if (!exchange || !exchange->is_stream || exchange->is_over)
        return;
    exchange->is_over = true;
    exchange->code = 1;
}

static void do_http_close (const pal_host_t *table)
{
    fake_host_net (table)->listens = false;
}

/* ------------------------------------------------------------------ sockets of both directions */

static bool do_socket_send (const pal_host_t *table, uint64_t number, pal_text_t message,
                            bool binary)
{
    fake_net_t *self = fake_host_net (table);
    socket_t *socket = socket_of (self, number);
    exchange_t *exchange = exchange_of (self, number);
    script_t *script = NULL;
    if (socket && socket->seen.is_open && !socket->seen.is_closing)
        script = &socket->script;
    else if (exchange && exchange->is_socket && !exchange->is_over && !exchange->code)
        script = &exchange->script;
    if (!script || message.size > OUT_BYTES_MAX || !take (script, message.size))
        return false;
    write_message (script, message, binary);
    return true;
}

static uint64_t do_socket_waiting (const pal_host_t *table, uint64_t number)
{
    fake_net_t *self = fake_host_net (table);
    socket_t *socket = socket_of (self, number);
    exchange_t *exchange = exchange_of (self, number);
    return socket ? socket->script.waits : exchange ? exchange->script.waits : 0;
}

static void do_socket_close (const pal_host_t *table, uint64_t number, uint32_t code,
                             pal_text_t reason)
{
    fake_net_t *self = fake_host_net (table);
    socket_t *socket = socket_of (self, number);
    exchange_t *exchange = exchange_of (self, number);
    code = code ? code : 1000;
    if (socket && !socket->seen.is_over && !socket->seen.is_closing) {
        socket->seen.is_closing = true;
        socket->seen.code = code;
        socket->seen.reason = keep (self, reason);
    } else if (exchange && exchange->is_socket && !exchange->is_over && !exchange->code) {
        exchange->code = code;
    }
}

/* ------------------------------------------------------------------ clients of the listener */

static exchange_t *exchange_new (fake_host_t *self, const char *headers)
{
    fake_net_t *net = net_of (self);
    need (net->listens && net->exchange_count < ROOM, "nobody listens");
    exchange_t *exchange = &net->exchanges[net->exchange_count++];
    exchange->headers = keep (net, pal_text (headers));
    exchange->protocol = keep (net, pal_text (NULL));
    return exchange;
}

static pal_http_request_t request_new (fake_host_t *self, const char *method, const char *path,
                                       const char *headers, const char *body)
{
    exchange_new (self, headers);
    const char *query = strchr (path, '?');
    return (pal_http_request_t){
        .call = net_of (self)->exchange_count,
        .method = pal_text (method),
        .path = {path, query ? (size_t) (query - path) : strlen (path)},
        .query = pal_text (query ? query + 1 : NULL),
        .body = pal_text (body),
        .peer = pal_text ("127.0.0.1"),
    };
}

uint64_t fake_host_request (fake_host_t *self, const char *method, const char *path,
                            const char *headers, const char *body)
{
    fake_net_t *net = net_of (self);
    pal_http_request_t request = request_new (self, method, path, headers, body);
    net->handler.request (net->handler.arg, &request);
    turn (self);
    return request.call;
}

uint64_t fake_host_refuse (fake_host_t *self, const char *method, const char *path,
                           const char *headers, uint32_t status, const char *reason)
{
    fake_net_t *net = net_of (self);
    pal_http_request_t request = request_new (self, method, path, headers, NULL);
    if (net->handler.refused)
        net->handler.refused (net->handler.arg, &request, status, pal_text (reason));
    bool is_answered = exchange_at (self, request.call)->is_answered;
    exchange_at (self, request.call)->is_over = true;
    turn (self);
    return is_answered ? request.call : 0;
}

fake_response_t fake_host_response (const fake_host_t *self, uint64_t call)
{
    return exchange_at (self, call)->response;
}

void fake_host_hang_up (fake_host_t *self, uint64_t call)
{
    fake_net_t *net = net_of (self);
    exchange_t *exchange = exchange_at (self, call);
    need (!exchange->is_over, "the call is over");
    exchange->is_over = true;
    if (!net->is_muted)
        net->handler.gone (net->handler.arg, call);
    turn (self);
}

static void open_socket (fake_host_t *self, exchange_t *exchange, uint64_t call)
{
    fake_net_t *net = net_of (self);
    exchange->is_answered = exchange->is_socket = true;
    if (net->handler.socket_open)
        net->handler.socket_open (net->handler.arg, call);
}

uint64_t fake_host_connect (fake_host_t *self, const char *path, const char *query,
                            const char *headers, uint32_t *ret_status)
{
    fake_net_t *net = net_of (self);
    exchange_t *exchange = exchange_new (self, headers);
    const char *protocol = NULL;
    pal_http_request_t request = {
        .call = net->exchange_count,
        .method = pal_text ("GET"),
        .path = pal_text (path),
        .query = pal_text (query),
        .peer = pal_text ("127.0.0.1"),
    };
    uint32_t status =
        net->handler.socket ? net->handler.socket (net->handler.arg, &request, &protocol) : 426;
    exchange->protocol = keep (net, pal_text (protocol));
    need (status || !exchange->is_answered, "a WebSocket that was refused in words is taken");
    if (status)
        exchange->is_answered = exchange->is_over = true;
    else
        open_socket (self, exchange, request.call);
    turn (self);
    if (ret_status)
        *ret_status = status;
    return status ? 0 : request.call;
}

const char *fake_host_protocol (const fake_host_t *self, uint64_t call)
{
    return exchange_at (self, call)->protocol;
}

void fake_host_say (fake_host_t *self, uint64_t call, const char *text)
{
    fake_net_t *net = net_of (self);
    exchange_t *exchange = exchange_at (self, call);
    need (exchange->is_socket && !exchange->is_over, "no WebSocket is open");
    if (net->handler.socket_message && !exchange->code && !net->is_muted)
        net->handler.socket_message (net->handler.arg, call, pal_text (text), false);
    turn (self);
}

const char *fake_host_transcript (const fake_host_t *self, uint64_t call)
{
    const char *text = exchange_at (self, call)->script.text;
    return text ? text : "";
}

uint32_t fake_host_ended (const fake_host_t *self, uint64_t call)
{
    return exchange_at (self, call)->code;
}

void fake_host_stall (fake_host_t *self, uint64_t call, uint64_t limit)
{
    script_t *script = &exchange_at (self, call)->script;
    script->is_stalled = true;
    script->limit = limit;
}

void fake_host_drained (fake_host_t *self, uint64_t call)
{
    fake_net_t *net = net_of (self);
    script_t *script = &exchange_at (self, call)->script;
    script->is_stalled = false;
    script->waits = 0;
    if (net->handler.drained && !net->is_muted)
        net->handler.drained (net->handler.arg, call);
    turn (self);
}

/* ------------------------------------------------------------------ life */

void fake_net_enter (pal_host_t *table)
{
    table->http_listen = do_http_listen;
    table->http_header = do_http_header;
    table->http_respond = do_http_respond;
    table->http_close = do_http_close;
    table->request = do_request;
    table->request_cancel = do_request_cancel;
    table->socket_connect = do_socket_connect;
    table->socket_send = do_socket_send;
    table->socket_waiting = do_socket_waiting;
    table->socket_close = do_socket_close;
    table->http_begin = do_http_begin;
    table->http_write = do_http_write;
    table->http_end = do_http_end;
}

fake_net_t *fake_net_new (void)
{
    fake_net_t *self = calloc (1, sizeof *self);
    need (self != NULL, "out of memory");
    return self;
}

void fake_net_mute (fake_net_t *self)
{
    self->is_muted = true;
}

void fake_net_destroy (fake_net_t **self_p)
{
    fake_net_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (size_t at = 0; at < self->texts; at++)
        free (self->text[at]);
    for (size_t at = 0; at < self->socket_count; at++)
        free (self->sockets[at].script.text);
    for (size_t at = 0; at < self->exchange_count; at++)
        free (self->exchanges[at].script.text);
    free (self);
    *self_p = NULL;
}
