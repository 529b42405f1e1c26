#include "web/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ who may ask */

/*  One key a line. Every key is compared, so that the time tells nothing.  */
static bool key_known (web_t *self, pal_text_t given)
{
    pal_text_t keys = self->host->conf_text (self->host, "api_keys");
    bool known = false;
    for (size_t at = 0; at < keys.size;) {
        size_t end = at;
        while (end < keys.size && keys.data[end] != '\n' && keys.data[end] != '\r')
            end++;
        if (end > at)
            known |=
                self->host->same_secret (self->host, (pal_text_t){keys.data + at, end - at}, given);
        at = end + 1;
    }
    return known;
}

static bool allowed (web_t *self, const pal_http_request_t *request)
{
    static const char bearer[] = "Bearer ";
    const size_t size = sizeof bearer - 1;
    if (!self->host->conf_text (self->host, "api_keys").size)
        return true;
    pal_text_t given = self->host->http_header (self->host, request->call, "authorization");
    if (given.size > size && memcmp (given.data, bearer, size) == 0)
        return key_known (self, (pal_text_t){given.data + size, given.size - size});
    given = self->host->http_header (self->host, request->call, "x-api-key");
    return given.size && key_known (self, given);
}

/*  A browser asks before it sends JSON to another site, and does not before a form: forms are not taken.  */
static bool is_json (web_t *self, const pal_http_request_t *request)
{
    static const char type[] = "application/json";
    pal_text_t given = self->host->http_header (self->host, request->call, "content-type");
    if (given.size < sizeof type - 1 || strncasecmp (given.data, type, sizeof type - 1) != 0)
        return false;
    return given.size == sizeof type - 1 || strchr ("; ", given.data[sizeof type - 1]);
}

/* ------------------------------------------------------------------ routes */

static void show_health (web_t *self, const pal_http_request_t *request, pal_text_t part)
{
    (void) part;
    respond (self, request->call, 200, pal_text ("{\"status\":\"ok\"}\n"), NULL);
}

static void show_ready (web_t *self, const pal_http_request_t *request, pal_text_t part)
{
    (void) part;
    if (self->host->connected (self->host) && !self->draining)
        respond (self, request->call, 200, pal_text ("{\"status\":\"ready\"}\n"), NULL);
    else
        respond_busy (self, request->call, 1000, pal_text ("the broker is not there"));
}

static void take_message (web_t *self, const pal_http_request_t *request, pal_text_t part)
{
    (void) part;
    if (self->draining)
        respond_busy (self, request->call, 1000, pal_text ("the gateway stops"));
    else if (!is_json (self, request))
        respond_problem (self, request->call, 415,
                         pal_text ("Content-Type: takes application/json"), NULL);
    else
        chat_message (self, request);
}

static void show_session (web_t *self, const pal_http_request_t *request, pal_text_t part)
{
    session_show (self, request->call, part);
}

static void reset_session (web_t *self, const pal_http_request_t *request, pal_text_t part)
{
    session_reset (self, request->call, part);
}

/*  `*` stands for one part of the path.  */
static const struct {
    const char *method;
    const char *path;
    bool open; /* without a key */
    void (*serve) (web_t *self, const pal_http_request_t *request, pal_text_t part);
} routes[] = {
    {"GET", "/healthz", true, show_health},
    {"GET", "/readyz", true, show_ready},
    {"POST", "/chat/message", false, take_message},
    {"GET", "/chat/session/*", false, show_session},
    {"POST", "/chat/session/*/reset", false, reset_session},
};

static bool matches (const char *pattern, pal_text_t path, pal_text_t *ret_part)
{
    size_t head = strcspn (pattern, "*");
    size_t tail = pattern[head] ? strlen (pattern + head + 1) : 0;
    if (!pattern[head])
        return pal_text_is (path, pattern);
    if (path.size <= head + tail || memcmp (path.data, pattern, head) != 0
        || memcmp (path.data + path.size - tail, pattern + head + 1, tail) != 0)
        return false;
    *ret_part = (pal_text_t){path.data + head, path.size - head - tail};
    return !memchr (ret_part->data, '/', ret_part->size);
}

static bool method_is (pal_text_t method, const char *wanted)
{
    return pal_text_is (method, wanted)
           || (pal_text_is (method, "HEAD") && strcmp (wanted, "GET") == 0);
}

static void serve (web_t *self, const pal_http_request_t *request, size_t at, pal_text_t part)
{
    if (!routes[at].open && !allowed (self, request)) {
        pal_header_t how = {pal_text ("www-authenticate"), pal_text ("Bearer")};
        respond_problem (self, request->call, 401,
                         pal_text ("an API key is needed: Authorization: Bearer KEY"), &how);
        return;
    }
    routes[at].serve (self, request, part);
}

static void on_request (void *arg, const pal_http_request_t *request)
{
    web_t *self = arg;
    const char *other = NULL;
    pal_text_t part = {0};
    for (size_t at = 0; at < sizeof routes / sizeof *routes; at++) {
        if (!matches (routes[at].path, request->path, &part))
            continue;
        if (method_is (request->method, routes[at].method)) {
            serve (self, request, at, part);
            return;
        }
        other = routes[at].method;
    }
    if (other) {
        pal_header_t allow = {pal_text ("allow"), pal_text (other)};
        respond_problem (self, request->call, 405, pal_text ("this path takes another method"),
                         &allow);
    } else {
        respond_problem (self, request->call, 404, pal_text ("there is nothing at this path"),
                         NULL);
    }
}

static void on_gone (void *arg, uint64_t call)
{
    chat_gone (arg, call);
}

/* ------------------------------------------------------------------ life */

static const pal_key_t keys[] = {
    PAL_TEXT ("host", "127.0.0.1",
              "the address to listen on, as a number; ::1 and 0.0.0.0 as well"),
    PAL_INT ("port", 8080, 0, 65535, "the port; 0: any that is free, named in the log"),
    PAL_INT ("timeout_s", 30, 1, 3600, "seconds that a request waits for its answer"),
    PAL_TEXT ("timeout_text",
              "The answer takes longer than it should. It will appear here as soon as it is ready.",
              "what the client is told then"),
    PAL_INT ("body_kb", 256, 1, 1024, "kilobytes of a request's body"),
    PAL_INT ("header_kb", 8, 1, 60, "kilobytes of a request's headers"),
    PAL_INT ("connections", 10000, 1, 100000, "connections at a time; further ones wait"),
    PAL_INT ("idle_s", 60, 1, 3600, "seconds until a connection without a request is closed"),
    PAL_INT ("waiting", 10000, 1, 100000,
             "requests that wait for their answers at a time; beyond: 503"),
    PAL_INT ("recent_mb", 32, 1, 4096,
             "megabytes of recent answers, for clients that did not wait"),
    PAL_INT ("repeats", 10000, 1, 1000000, "Idempotency-Keys whose answers are remembered"),
    PAL_SECRET ("api_keys",
                "keys that clients show, one a line; none: everybody who can connect may ask"),
};

static void web_destroy (web_t *self)
{
    table_free (&self->waits);
    table_free (&self->calls);
    table_free (&self->sessions);
    table_free (&self->repeats);
    table_free (&self->questions);
    free (self);
}

static int listen_on (web_t *self)
{
    const pal_host_t *host = self->host;
    char address[64];
    uint16_t port = 0;
    snprintf (address, sizeof address, "%.*s", PAL_ARG (host->conf_text (host, "host")));
    pal_http_options_t options = {
        .address = address,
        .port = (uint16_t) host->conf_int (host, "port"),
        .body_bytes_max = (uint32_t) host->conf_int (host, "body_kb") * 1024,
        .header_bytes_max = (uint32_t) host->conf_int (host, "header_kb") * 1024,
        .connections_max = (uint32_t) host->conf_int (host, "connections"),
        .idle_s = (uint32_t) host->conf_int (host, "idle_s"),
    };
    pal_http_handler_t handler = {.request = on_request, .gone = on_gone, .arg = self};
    if (host->http_listen (host, &options, &handler, &port))
        return -1;
    host->log (host, PAL_LOG_INFO, "listening on http://%s%s%s:%u",
               strchr (address, ':') ? "[" : "", address, strchr (address, ':') ? "]" : "", port);
    return 0;
}

static int web_open (const pal_host_t *host, void **ret_self)
{
    web_t *self = calloc (1, sizeof *self);
    if (!self)
        return host->fail (host, "out of memory");
    self->host = host;
    self->timeout_ms = (uint32_t) host->conf_int (host, "timeout_s") * 1000;
    self->recent_bytes_max = (size_t) host->conf_int (host, "recent_mb") << 20;
    self->waiting_max = (size_t) host->conf_int (host, "waiting");
    self->repeats_max = (size_t) host->conf_int (host, "repeats");
    if (!table_init (&self->waits, host, self->waiting_max)
        || !table_init (&self->calls, host, self->waiting_max)
        || !table_init (&self->sessions, host, 4096) || !table_init (&self->questions, host, 64)
        || !table_init (&self->repeats, host, self->repeats_max)) {
        web_destroy (self);
        return host->fail (host, "out of memory");
    }
    if (listen_on (self)) {
        web_destroy (self);
        return -1;
    }
    *ret_self = self;
    return 0;
}

static void web_deliver (void *arg, const pal_reply_t *reply)
{
    chat_deliver (arg, reply);
}

static void web_drain (void *arg)
{
    web_t *self = arg;
    self->draining = true;
}

static void web_close (void *arg)
{
    web_t *self = arg;
    chat_close (self);
    session_close (self);
    recent_close (self);
    web_destroy (self);
}

PAL_EXPORT const pal_adapter_t palaver_adapter = {
    .abi = PAL_ABI,
    .size = sizeof (pal_adapter_t),
    .name = "web",
    .version = "0.1.0",
    .platform = "web",
    .markdown = PAL_MARKDOWN_COMMON,
    .credit = 1024,
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .key_size = sizeof *keys,
    .open = web_open,
    .deliver = web_deliver,
    .drain = web_drain,
    .close = web_close,
};
