#include "host/net/services_net.h"

#include "host/host.h"

#include <string.h>

static host_t *host_of (const pal_host_t *table)
{
    return (host_t *) (uintptr_t) table; /* lent to the plugin as const; it is the first member */
}

/* ------------------------------------------------------------------ the listener */

/*  A plugin has what its ABI had: behind that is anything.  */
static pal_http_handler_t handler_of (const host_t *self, const pal_http_handler_t *given)
{
    pal_http_handler_t handler = {0};
    unsigned minor = plugin_adapter (self->plugin)->abi & 0xffff;
    memcpy (&handler, given,
            minor >= 3   ? sizeof handler
            : minor >= 1 ? offsetof (pal_http_handler_t, refused)
                         : offsetof (pal_http_handler_t, socket));
    return handler;
}

static pal_http_options_t options_of (const host_t *self, const pal_http_options_t *given)
{
    pal_http_options_t options = {0};
    unsigned minor = plugin_adapter (self->plugin)->abi & 0xffff;
    memcpy (&options, given,
            minor >= 1 ? sizeof options : offsetof (pal_http_options_t, out_bytes_max));
    return options;
}

int services_net_listen (const pal_host_t *table, const pal_http_options_t *options,
                         const pal_http_handler_t *handler, uint16_t *ret_port)
{
    host_t *self = host_of (table);
    uint16_t port = 0;
    if (self->http)
        return table->fail (table, "a plugin has one listener");
    const pal_http_options_t known = options_of (self, options);
    const pal_http_handler_t calls = handler_of (self, handler);
    if (known.tls_certificate && known.tls_key) {
        renewal_add (&self->renewal, known.tls_certificate, true);
        renewal_add (&self->renewal, known.tls_key, true);
    }
    if (http_open (&self->loop, &known, &calls, self->options.beside, &self->http, &port,
                   &self->fail))
        return -1;
    if (ret_port)
        *ret_port = port;
    return 0;
}

pal_text_t services_net_header (const pal_host_t *table, uint64_t call, const char *name)
{
    host_t *self = host_of (table);
    return self->http ? http_header (self->http, call, name) : pal_text (NULL);
}

bool services_net_respond (const pal_host_t *table, uint64_t call,
                           const pal_http_response_t *response)
{
    host_t *self = host_of (table);
    return self->http && http_respond (self->http, call, response);
}

void services_net_close (const pal_host_t *table)
{
    host_t *self = host_of (table);
    if (self->http)
        http_close (self->http);
}

bool services_net_begin (const pal_host_t *table, uint64_t call,
                         const pal_http_response_t *response)
{
    host_t *self = host_of (table);
    return self->http && http_begin (self->http, call, response);
}

bool services_net_write (const pal_host_t *table, uint64_t call, pal_text_t piece)
{
    host_t *self = host_of (table);
    return self->http && http_write (self->http, call, piece);
}

void services_net_end (const pal_host_t *table, uint64_t call)
{
    host_t *self = host_of (table);
    if (self->http)
        http_end (self->http, call);
}

/* ------------------------------------------------------------------ the HTTP client */

uint64_t services_net_request (const pal_host_t *table, const pal_request_t *request,
                               pal_answer_fn *done, void *arg)
{
    host_t *self = host_of (table);
    if (!self->client)
        self->client = client_new (&self->loop);
    return client_request (self->client, request, done, arg);
}

void services_net_request_cancel (const pal_host_t *table, uint64_t request)
{
    host_t *self = host_of (table);
    if (self->client)
        client_cancel (self->client, request);
}

/* ------------------------------------------------------------------ WebSockets of both directions */

uint64_t services_net_socket_connect (const pal_host_t *table, const pal_socket_options_t *options,
                                      const pal_socket_handler_t *handler)
{
    host_t *self = host_of (table);
    if (!self->sockets)
        self->sockets = socket_client_new (&self->loop);
    return socket_client_connect (self->sockets, options, handler);
}

bool services_net_socket_send (const pal_host_t *table, uint64_t socket, pal_text_t message,
                               bool binary)
{
    host_t *self = host_of (table);
    if (socket >= SOCKET_CLIENT_FIRST)
        return self->sockets && socket_client_send (self->sockets, socket, message, binary);
    return self->http && http_socket_send (self->http, socket, message, binary);
}

uint64_t services_net_socket_waiting (const pal_host_t *table, uint64_t socket)
{
    host_t *self = host_of (table);
    if (socket >= SOCKET_CLIENT_FIRST)
        return self->sockets ? socket_client_waiting (self->sockets, socket) : 0;
    return self->http ? http_socket_waiting (self->http, socket) : 0;
}

void services_net_socket_close (const pal_host_t *table, uint64_t socket, uint32_t code,
                                pal_text_t reason)
{
    host_t *self = host_of (table);
    if (socket >= SOCKET_CLIENT_FIRST && self->sockets)
        socket_client_close (self->sockets, socket, code, reason);
    else if (self->http)
        http_socket_close (self->http, socket, code, reason);
}

/* ------------------------------------------------------------------ ending */

void services_net_mute (struct host *host)
{
    client_destroy (&host->client);
    if (host->sockets)
        socket_client_mute (host->sockets);
    if (host->http)
        http_mute (host->http);
}

size_t services_net_pending (const struct host *host)
{
    return (host->http ? http_pending (host->http) : 0)
           + (host->sockets ? socket_client_pending (host->sockets) : 0);
}

void services_net_free (struct host *host)
{
    client_destroy (&host->client);
    socket_client_destroy (&host->sockets);
    http_destroy (&host->http);
}
