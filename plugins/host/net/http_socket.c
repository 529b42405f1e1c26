/*  http_socket -- a WebSocket that a client has opened  */
#include "host/net/http_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/net/socket_message.h"
#include "host/net/socket_queue.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SEND_BUFFER_BYTES = 64 * 1024, REASON_BYTES = 124 };

struct http_socket {
    plv_node_t node; /* of `quiet` or of `closing` */
    uint64_t number;
    http_line_t *line;
    socket_queue_t out;
    socket_message_t in;
    int64_t touched_us; /* heard of, pinged, or asked to close */
    bool is_open;
    bool pinged;     /* and not heard of since */
    bool wants_ping; /* it is still to be written */
    bool is_closing;
    bool said_goodbye;
    uint32_t code;
    char *reason; /* NULL: none */
};

void http_socket_new (http_line_t *line, uint64_t number)
{
    http_socket_t *self = plv_alloc_zero (1, sizeof *self);
    self->number = number;
    self->line = line;
    line->socket = self;
    plv_map_u64_put (&line->http->sockets, number, self);
}

static void destroy (http_socket_t *self)
{
    plv_map_u64_remove (&self->line->http->sockets, self->number);
    self->line->socket = NULL;
    plv_node_remove (&self->node);
    socket_queue_free (&self->out);
    socket_message_free (&self->in);
    free (self->reason);
    free (self);
}

void http_socket_lost (http_line_t *line)
{
    http_t *http = line->http;
    if (!line->socket)
        return;
    uint64_t number = line->socket->number;
    destroy (line->socket);
    http_gone (http, number);
}

void http_socket_free_all (http_t *self)
{
    http_socket_t *socket;
    for (size_t at = 0; (socket = plv_map_u64_next (&self->sockets, &at)); at = 0)
        destroy (socket);
    plv_map_u64_free (&self->sockets);
}

/*  To the end of the list that it is in from now on.  */
static void touch (http_socket_t *self)
{
    http_t *http = self->line->http;
    plv_node_remove (&self->node);
    plv_list_push (self->is_closing ? &http->closing : &http->quiet, &self->node);
    self->touched_us = plv_clock_mono_us ();
}

/*  What waits goes out before the close, unless it is dropped here.  */
static void close_with (http_socket_t *self, uint32_t code, pal_text_t reason, bool drop)
{
    if (self->is_closing)
        return;
    self->is_closing = true;
    self->code = socket_code_good (code);
    if (reason.size) {
        self->reason = plv_alloc_zero (1, REASON_BYTES);
        snprintf (self->reason, REASON_BYTES, "%.*s", PAL_ARG (reason));
    }
    if (drop)
        socket_queue_free (&self->out);
    touch (self);
    lws_callback_on_writable (self->line->wsi);
}

/* ------------------------------------------------------------------ callbacks of libwebsockets */

int http_socket_opened (http_line_t *line)
{
    const int bytes = SEND_BUFFER_BYTES;
    http_t *http = line->http;
    http_socket_t *self = line->socket;
    if (!self)
        return -1;
    /*  libwebsockets has made it as small as its own read buffer.  */
    setsockopt (lws_get_socket_fd (line->wsi), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    self->is_open = true;
    touch (self);
    if (http->handler.socket_open && !self->is_closing)
        http->handler.socket_open (http->handler.arg, self->number);
    return 0;
}

static void heard (http_socket_t *self)
{
    self->pinged = false;
    if (!self->is_closing)
        touch (self);
}

int http_socket_received (http_line_t *line, void *bytes, size_t size)
{
    pal_text_t message;
    http_t *http = line->http;
    http_socket_t *self = line->socket;
    if (!self || self->is_closing)
        return 0;
    heard (self);
    bool binary = lws_frame_is_binary (line->wsi);
    uint32_t fault = socket_message_add (&self->in, line->wsi, bytes, size,
                                         http->options.message_bytes_max, &message);
    if (fault)
        close_with (self, fault,
                    pal_text (fault == SOCKET_TOO_LARGE ? "the message is too large"
                                                        : "the text is no UTF-8"),
                    true);
    else if (message.data && http->handler.socket_message)
        http->handler.socket_message (http->handler.arg, self->number, message, binary);
    if (line->socket && (fault || message.data))
        socket_message_free (&self->in);
    return 0;
}

void http_socket_ends (http_line_t *line)
{
    if (line->socket)
        line->socket->is_open = false;
}

int http_socket_ponged (http_line_t *line)
{
    if (line->socket)
        heard (line->socket);
    return 0;
}

static bool write_ping (http_socket_t *self)
{
    uint8_t bytes[LWS_PRE + 1] = {0};
    self->wants_ping = false;
    return lws_write (self->line->wsi, bytes + LWS_PRE, 1, LWS_WRITE_PING) >= 0;
}

int http_socket_writable (http_line_t *line)
{
    http_t *http = line->http;
    http_socket_t *self = line->socket;
    if (!self || self->said_goodbye)
        return 0;
    if (self->wants_ping && !self->is_closing && !write_ping (self))
        return -1;
    if (!socket_queue_write (&self->out, line->wsi))
        return -1;
    if (socket_queue_waiting (&self->out))
        return 0;
    if (self->is_closing) {
        self->said_goodbye = true;
        socket_queue_end (line->wsi, self->code, self->reason);
        return 0;
    }
    if (socket_queue_drained (&self->out) && http->handler.drained)
        http->handler.drained (http->handler.arg, self->number);
    return 0;
}

/* ------------------------------------------------------------------ time */

static http_socket_t *oldest (const plv_node_t *list, int64_t before_us)
{
    plv_node_t *node = plv_list_first (list);
    http_socket_t *socket = node ? PLV_OF (node, http_socket_t, node) : NULL;
    return socket && socket->touched_us <= before_us ? socket : NULL;
}

void http_socket_tick (http_t *self)
{
    int64_t now = plv_clock_mono_us (), ping_us = (int64_t) self->options.ping_s * 1000000;
    http_socket_t *socket;
    while ((socket = oldest (&self->quiet, now - ping_us))) {
        if (socket->pinged) {
            plv_node_remove (&socket->node);
            http_cut (socket->line);
            continue;
        }
        socket->pinged = socket->wants_ping = true;
        touch (socket);
        lws_callback_on_writable (socket->line->wsi);
    }
    while ((socket = oldest (&self->closing, now - HTTP_CLOSE_MS * 1000))) {
        plv_node_remove (&socket->node);
        http_cut (socket->line);
    }
}

/* ------------------------------------------------------------------ what the plugin asks for */

bool http_socket_send (http_t *self, uint64_t number, pal_text_t message, bool binary)
{
    http_socket_t *socket = plv_map_u64_get (&self->sockets, number);
    if (!socket || !socket->is_open || socket->is_closing)
        return false;
    size_t waits = socket_queue_waiting (&socket->out);
    if (waits && waits + message.size > self->options.out_bytes_max) {
        close_with (socket, SOCKET_SLOW, pal_text ("too slow"), true);
        return false;
    }
    socket_queue_push (&socket->out, message, binary);
    lws_callback_on_writable (socket->line->wsi);
    return true;
}

uint64_t http_socket_waiting (http_t *self, uint64_t number)
{
    const http_socket_t *socket = plv_map_u64_get (&self->sockets, number);
    return socket ? socket_queue_waiting (&socket->out) : 0;
}

void http_socket_close (http_t *self, uint64_t number, uint32_t code, pal_text_t reason)
{
    http_socket_t *socket = plv_map_u64_get (&self->sockets, number);
    if (socket)
        close_with (socket, code, reason, false);
}

size_t http_socket_pending (const http_t *self)
{
    size_t count = 0;
    const http_socket_t *socket;
    for (size_t at = 0; (socket = plv_map_u64_next (&self->sockets, &at));)
        count += socket->is_closing || socket_queue_waiting (&socket->out);
    return count;
}
