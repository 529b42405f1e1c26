#include "web/web.h"

#include "web/models.h"
#include "web/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  Who has connected when the listener closes, and asks within this time, is served.  */
enum { LAST_MOMENT_MS = 2000 };

/* ------------------------------------------------------------------ what the listener says */

static void on_request (void *arg, const pal_http_request_t *request)
{
    route_serve (arg, request);
}

static void on_refused (void *arg, const pal_http_request_t *request, uint32_t status,
                        pal_text_t reason)
{
    route_refuse (arg, request, status, reason);
}

static void on_gone (void *arg, uint64_t number)
{
    web_t *self = arg;
    call_t *call = call_get (&self->calls, number);
    if (!call)
        return;
    call_remove (&self->calls, call);
    call->gone (call);
}

static uint32_t on_socket (void *arg, const pal_http_request_t *request, const char **ret_protocol)
{
    return socket_accept (arg, request, ret_protocol);
}

static void on_socket_open (void *arg, uint64_t number)
{
    web_t *self = arg;
    call_t *call = call_get (&self->calls, number);
    if (call && call->open)
        call->open (call);
}

static void on_socket_message (void *arg, uint64_t number, pal_text_t message, bool binary)
{
    web_t *self = arg;
    call_t *call = call_get (&self->calls, number);
    if (call && binary)
        self->host->socket_close (self->host, number, 1003, pal_text ("messages are JSON"));
    else if (call && call->message)
        call->message (call, message);
}

/* ------------------------------------------------------------------ life */

static const pal_key_t keys[] = {
    PAL_TEXT ("host", "127.0.0.1",
              "the address to listen on, as a number; localhost, ::1 and 0.0.0.0 as well"),
    PAL_INT ("port", 8080, 0, 65535, "the port; 0: any that is free, named in the log"),
    PAL_TEXT ("tls_certificate", "",
              "a PEM file with the certificate and its chain; empty: no TLS"),
    PAL_TEXT ("tls_key", "", "a PEM file with its key"),
    PAL_INT ("timeout_s", 30, 1, 3600, "seconds that a request waits for its answer"),
    PAL_TEXT ("timeout_text",
              "The answer takes longer than it should. It will appear here as soon as it is ready.",
              "what the client is told then"),
    PAL_SECRET (
        "api_keys",
        "keys that clients show, one a line: KEY SCOPES NAME, where SCOPES is chat, operate "
        "or chat,operate; without a key for chat everybody who can connect may chat"),
    PAL_TEXT ("origins", "",
              "web sites whose pages may use this gateway, as https://chat.example, with blanks "
              "between them; * is any"),
    PAL_TEXT (
        "hosts", "",
        "names besides numbers and localhost by which clients may call a gateway that listens "
        "on this machine alone and has no key for chat, with blanks between them; * is any"),
    PAL_TEXT (
        "models", "palaver",
        "names for clients of OpenAI's protocol, with blanks between them; NAME=/command puts "
        "the command before each message"),
    PAL_INT ("message_rate", 0, 0, 1000000,
             "messages a minute of one key, or of one address without keys; beyond: 429; 0: no "
             "limit"),
    PAL_INT ("body_kb", 256, 1, 1024, "kilobytes of a request's body"),
    PAL_INT ("header_kb", 8, 1, 60,
             "kilobytes of a request's head, in at most 256 headers; beyond: 431, or 414 when its "
             "address is too long"),
    PAL_INT ("connections", 12000, 1, 100000,
             "connections at a time; further ones wait; fewer when there are too few descriptors, "
             "of which a WebSocket over TLS needs three"),
    PAL_INT ("idle_s", 60, 1, 3600,
             "seconds until a connection without a request is closed; a head that takes longer, "
             "or 20 seconds, is answered with 408"),
    PAL_INT ("socket_message_kb", 64, 1, 1024, "kilobytes of a message on a WebSocket"),
    PAL_INT ("socket_ping_s", 30, 1, 3600, "seconds until a quiet WebSocket is pinged"),
    PAL_INT ("slow_kb", 256, 16, 65536,
             "kilobytes that a client may leave unread before it is cut off"),
    PAL_INT ("waiting", 10000, 1, 100000,
             "requests that wait for their answers at a time; beyond: 503"),
    PAL_INT ("recent_mb", 32, 1, 4096, "megabytes of recent events, for clients that come back"),
    PAL_INT ("repeats", 10000, 1, 1000000,
             "messages whose answers are kept for a repeated Idempotency-Key or for polling"),
    PAL_INT ("repeats_h", 24, 1, 192, "hours that they are kept"),
};

static void web_destroy (web_t *self)
{
    shelf_free (&self->calls);
    shelf_free (&self->questions);
    shelf_free (&self->orders);
    shelf_free (&self->tails);
    shelf_free (&self->savings);
    shelf_free (&self->held);
    shelf_free (&self->tickets);
    shelf_free (&self->ticket_ids);
    shelf_free (&self->merged);
    shelf_free (&self->rooms);
    access_free (&self->access);
    free (self);
}

static int listen_on (web_t *self)
{
    const pal_host_t *host = self->host;
    char address[64], certificate[1024], key[1024];
    uint16_t port = 0;
    snprintf (address, sizeof address, "%.*s", PAL_ARG (host->conf_text (host, "host")));
    snprintf (certificate, sizeof certificate, "%.*s",
              PAL_ARG (host->conf_text (host, "tls_certificate")));
    snprintf (key, sizeof key, "%.*s", PAL_ARG (host->conf_text (host, "tls_key")));
    pal_http_options_t options = {
        .address = address,
        .port = (uint16_t) host->conf_int (host, "port"),
        .body_bytes_max = (uint32_t) host->conf_int (host, "body_kb") * 1024,
        .header_bytes_max = (uint32_t) host->conf_int (host, "header_kb") * 1024,
        .connections_max = (uint32_t) host->conf_int (host, "connections"),
        .idle_s = (uint32_t) host->conf_int (host, "idle_s"),
        .out_bytes_max = (uint32_t) host->conf_int (host, "slow_kb") * 1024,
        .message_bytes_max = (uint32_t) host->conf_int (host, "socket_message_kb") * 1024,
        .ping_s = (uint32_t) host->conf_int (host, "socket_ping_s"),
        .tls_certificate = self->tls ? certificate : NULL,
        .tls_key = self->tls ? key : NULL,
    };
    pal_http_handler_t handler = {.request = on_request,
                                  .gone = on_gone,
                                  .arg = self,
                                  .socket = on_socket,
                                  .socket_open = on_socket_open,
                                  .socket_message = on_socket_message,
                                  .refused = on_refused};
    if (host->http_listen (host, &options, &handler, &port))
        return -1;
    host->log (host, PAL_LOG_INFO, "listening on http%s://%s%s%s:%u", self->tls ? "s" : "",
               strchr (address, ':') ? "[" : "", address, strchr (address, ':') ? "]" : "", port);
    return 0;
}

static void read_conf (web_t *self)
{
    const pal_host_t *host = self->host;
    self->timeout_ms = (uint32_t) host->conf_int (host, "timeout_s") * 1000;
    self->message_rate = (uint32_t) host->conf_int (host, "message_rate");
    self->waiting_max = (size_t) host->conf_int (host, "waiting");
    self->recent_bytes_max = (size_t) host->conf_int (host, "recent_mb") << 20;
    self->kept_max = (size_t) host->conf_int (host, "repeats");
    self->kept_us_max = host->conf_int (host, "repeats_h") * 3600 * 1000000;
    self->origins = host->conf_text (host, "origins");
    self->hosts = host->conf_text (host, "hosts");
    self->loopback = names_loopback (host->conf_text (host, "host"));
    self->models = host->conf_text (host, "models");
    self->tls = host->conf_text (host, "tls_certificate").size > 0;
    self->since_us = self->forgotten_us = host->wall_us (host);
}

static int check_conf (web_t *self)
{
    const pal_host_t *host = self->host;
    const char *fault = models_fault (self->models);
    fault = fault ? fault : asker_origins_fault (self->origins);
    if (fault)
        return host->fail (host, "%s", fault);
    if (self->tls != (host->conf_text (host, "tls_key").size > 0))
        return host->fail (host, "tls_certificate and tls_key: give both or none");
    return access_read (&self->access, host, host->conf_text (host, "api_keys"));
}

static bool make_tables (web_t *self)
{
    const pal_host_t *host = self->host;
    return shelf_init (&self->calls, host, self->waiting_max)
           && shelf_init (&self->tickets, host, self->waiting_max + self->kept_max)
           && shelf_init (&self->ticket_ids, host, self->waiting_max + self->kept_max)
           && shelf_init (&self->merged, host, self->waiting_max)
           && shelf_init (&self->rooms, host, 16384) && shelf_init (&self->questions, host, 64)
           && shelf_init (&self->orders, host, 64) && shelf_init (&self->tails, host, 16)
           && shelf_init (&self->savings, host, 64) && shelf_init (&self->held, host, 64);
}

static void on_loaded (web_t *self)
{
    tickets_make_room (self);
    delivery_release (self);
}

static int web_open (const pal_host_t *host, void **ret_self)
{
    web_t *self = calloc (1, sizeof *self);
    if (!self)
        return host->fail (host, "out of memory");
    self->host = host;
    self->loaded = on_loaded;
    read_conf (self);
    int failed = check_conf (self);
    if (!failed && !make_tables (self))
        failed = host->fail (host, "out of memory");
    if (!failed)
        failed = listen_on (self);
    if (failed) {
        web_destroy (self);
        return -1;
    }
    ticket_store_load (self);
    *ret_self = self;
    return 0;
}

static void web_deliver (void *arg, const pal_reply_t *reply)
{
    delivery_take (arg, reply);
}

static void web_live (void *arg, const pal_live_t *live)
{
    web_t *self = arg;
    text_t json = {0};
    if (pal_text_is (live->type, "chat.delta"))
        self->meters.deltas++;
    const room_t *room = room_find (self, live->conversation);
    if (room && room->followers) {
        char name[64];
        snprintf (name, sizeof name, "%.*s", PAL_ARG (live->type));
        answer_write_live (&json, live);
        room_tell (self, live->conversation, name, text_view (&json));
        text_free (&json);
    }
    ticket_live (self, live);
}

/*  What is open without a request connects again, to a successor if there is one.  */
static void stop_followers (web_t *self)
{
    size_t looks = self->calls.count;
    while (looks-- > 0) {
        call_t *call = ENTRY_OF (shelf_oldest (&self->calls), call_t, entry);
        if (call->stop) {
            call_remove (&self->calls, call);
            call->stop (call);
        } else {
            shelf_touch (&self->calls, &call->entry);
        }
    }
}

static void web_drain (void *arg)
{
    web_t *self = arg;
    self->draining = true;
    self->idle = delivery_pass_on;
    self->takes_until_us = self->host->mono_us (self->host) + LAST_MOMENT_MS * INT64_C (1000);
    stop_followers (self);
}

static void web_close (void *arg)
{
    web_t *self = arg;
    tickets_close (self);
    stop_followers (self);
    session_close (self);
    operate_close (self);
    operate_tail_close (self);
    delivery_close (self);
    rooms_close (self);
    web_destroy (self);
}

PAL_EXPORT const pal_adapter_t palaver_adapter = {
    .abi = PAL_ABI,
    .size = sizeof (pal_adapter_t),
    .name = "web",
    .version = "0.2.0",
    .platform = "web",
    /*  Answers have ids and numbers, and what is not read goes with the process: a second copy does no harm.  */
    .can = PAL_CAN_STREAM | PAL_CAN_TYPING | PAL_DEDUPLICATES,
    .markdown = PAL_MARKDOWN_COMMON,
    .credit = 1024,
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .key_size = sizeof *keys,
    .open = web_open,
    .deliver = web_deliver,
    .live = web_live,
    .drain = web_drain,
    .close = web_close,
};
