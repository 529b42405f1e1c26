/*  http_socket -- a WebSocket that a client has opened  */
#include "host/net/http_line.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/net/http_relay.h"
#include "host/net/socket_message.h"
#include "host/net/socket_queue.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SEND_BUFFER_BYTES = 64 * 1024, HEAD_BYTES = 512 };

struct http_socket {
    plv_node_t node; /* of `quiet` or of `closing` */
    uint64_t number;
    http_t *http;
    struct lws *wsi; /* NULL: not yet */
    socket_queue_t out;
    socket_message_t in;
    int64_t touched_us; /* heard of, pinged, or asked to close */
    bool is_bare;       /* its connection is its own, and not that of a relay */
    bool is_open;
    bool pinged;     /* and not heard of since */
    bool wants_ping; /* it is still to be written */
    bool is_closing;
    bool said_goodbye;
    uint32_t code;
    char *reason; /* NULL: none */
};

static void destroy (http_socket_t *self)
{
    plv_map_u64_remove (&self->http->sockets, self->number);
    self->http->bare_count -= self->is_bare;
    if (self->wsi)
        lws_set_opaque_user_data (self->wsi, NULL);
    plv_node_remove (&self->node);
    socket_queue_free (&self->out);
    socket_message_free (&self->in);
    free (self->reason);
    free (self);
}

static void lost (http_socket_t *self)
{
    http_t *http = self->http;
    uint64_t number = self->number;
    destroy (self);
    http_call_tell_gone (http, number);
    http_accept_poll (http);
}

/*  Asked for outside of the connection's own callbacks, where its end would come too early.  */
static void cut (http_socket_t *self)
{
    lws_set_timeout (self->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service (self->http->context);
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
    http_t *http = self->http;
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
    reason = socket_reason_good (reason);
    if (reason.size) {
        self->reason = plv_alloc_zero (1, SOCKET_REASON_BYTES_MAX + 1);
        memcpy (self->reason, reason.data, reason.size);
    }
    if (drop)
        socket_queue_free (&self->out);
    touch (self);
    lws_callback_on_writable (self->wsi);
}

/* ------------------------------------------------------------------ callbacks of libwebsockets */

static int opened (http_socket_t *self)
{
    const int bytes = SEND_BUFFER_BYTES;
    http_t *http = self->http;
    /*  libwebsockets has made it as small as its own read buffer.  */
    setsockopt (lws_get_socket_fd (self->wsi), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
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

static int received (http_socket_t *self, void *bytes, size_t size)
{
    pal_text_t message;
    http_t *http = self->http;
    if (self->is_closing)
        return 0;
    heard (self);
    bool binary = lws_frame_is_binary (self->wsi);
    uint32_t fault = socket_message_add (&self->in, self->wsi, bytes, size,
                                         http->options.message_bytes_max, &message);
    if (fault)
        close_with (self, fault,
                    pal_text (fault == SOCKET_TOO_LARGE ? "the message is too large"
                                                        : "the text is no UTF-8"),
                    true);
    else if (message.data && http->handler.socket_message)
        http->handler.socket_message (http->handler.arg, self->number, message, binary);
    if (fault || message.data)
        socket_message_free (&self->in);
    return 0;
}

static bool write_ping (http_socket_t *self)
{
    uint8_t bytes[LWS_PRE + 1] = {0};
    self->wants_ping = false;
    return lws_write (self->wsi, bytes + LWS_PRE, 1, LWS_WRITE_PING) >= 0;
}

static int writable (http_socket_t *self)
{
    const http_t *http = self->http;
    if (self->said_goodbye)
        return 0;
    if (self->wants_ping && !self->is_closing && !write_ping (self))
        return -1;
    if (!socket_queue_write (&self->out, self->wsi))
        return -1;
    if (socket_queue_waiting (&self->out))
        return 0;
    if (self->is_closing) {
        self->said_goodbye = true;
        socket_queue_end (self->wsi, self->code, self->reason);
        return 0;
    }
    if (socket_queue_drained (&self->out) && http->handler.drained)
        http->handler.drained (http->handler.arg, self->number);
    return 0;
}

/*  It is known by its wsi from the first event on, which comes while it is adopted.  */
static http_socket_t *socket_of (struct lws *wsi)
{
    http_t *http = lws_context_user (lws_get_context (wsi));
    http_socket_t *self = lws_get_opaque_user_data (wsi);
    if (self || !http->adopted || http->adopted->wsi)
        return self;
    http->adopted->wsi = wsi;
    lws_set_opaque_user_data (wsi, http->adopted);
    return http->adopted;
}

int http_socket_event (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t size)
{
    http_socket_t *self = NULL;
    (void) user;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION || reason == LWS_CALLBACK_ESTABLISHED)
        self = socket_of (wsi);
    else if (wsi)
        self = lws_get_opaque_user_data (wsi);
    if (!self)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return opened (self);
    case LWS_CALLBACK_RECEIVE:
        return received (self, in, size);
    case LWS_CALLBACK_RECEIVE_PONG:
        heard (self);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        self->is_open = false; /* nothing can be sent any more */
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writable (self);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        lost (self);
        return 0;
    default:
        return 0;
    }
}

/* ------------------------------------------------------------------ adopting */

/*  libwebsockets sees a handshake that cannot fail: the client's own has been checked, and holds what it need not
    know. Frames may have come behind it.  */
static plv_buf_t handshake (const char *key, const char *protocol, plv_view_t early)
{
    char head[HEAD_BYTES];
    plv_buf_t bytes = {0};
    int size =
        snprintf (head, sizeof head,
                  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                  key, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "",
                  protocol ? "\r\n" : "");
    plv_buf_add (&bytes, head, (size_t) size);
    plv_buf_add_view (&bytes, early);
    plv_buf_check (&bytes);
    return bytes;
}

static void hand_to_lws (http_socket_t *self, int fd, const plv_buf_t *bytes, const char *protocol)
{
    http_t *http = self->http;
    uint64_t number = self->number;
    struct lws_vhost *host = lws_get_vhost_by_name (http->context, "default");
    snprintf (http->protocol, sizeof http->protocol, "%s", protocol ? protocol : "");
    http->adopted = self;
    struct lws *wsi =
        lws_adopt_socket_vhost_readbuf (host, fd, (const char *) bytes->data, bytes->size);
    http->adopted = NULL;
    self = plv_map_u64_get (&http->sockets, number);
    if (!wsi && self)
        lost (self);
}

void http_socket_adopt (http_line_t *line, uint64_t number, const char *key, const char *protocol)
{
    http_t *http = line->http;
    bool is_bare = !line->tls;
    plv_buf_t bytes = handshake (key, protocol, is_bare ? line->rest : plv_view (NULL, 0));
    int fd = is_bare ? http_line_take_fd (line) : http_relay_new (line);
    if (fd < 0) {
        http_call_tell_gone (http, number);
        http_call_refuse (line, 503, "there are no descriptors left for a WebSocket");
    } else {
        http_socket_t *self = plv_alloc_zero (1, sizeof *self);
        self->http = http;
        self->number = number;
        self->is_bare = is_bare;
        http->bare_count += is_bare;
        plv_map_u64_put (&http->sockets, number, self);
        hand_to_lws (self, fd, &bytes, protocol);
    }
    plv_buf_free (&bytes);
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
            cut (socket);
            continue;
        }
        socket->pinged = socket->wants_ping = true;
        touch (socket);
        lws_callback_on_writable (socket->wsi);
    }
    while ((socket = oldest (&self->closing, now - HTTP_CLOSE_MS * 1000))) {
        plv_node_remove (&socket->node);
        cut (socket);
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
    lws_callback_on_writable (socket->wsi);
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
