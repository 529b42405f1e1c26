#include "host/net/socket_client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "host/net/socket_line.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, READ_BYTES = 16 * 1024, HEADER_BYTES = 16 * 1024, TURNS = 1000 };

struct socket_client {
    uv_loop_t *loop;
    struct lws_context *context; /* NULL: not needed yet */
    uv_timer_t *ticker;          /* freed when it is closed */
    plv_map_u64_t by_number;     /* those that are not over */
    plv_node_t lines;            /* all */
    uint64_t last;
};

static void tick (socket_client_t *self);

/* ------------------------------------------------------------------ the end of a socket */

static bool is_free (const socket_line_t *line)
{
    return line->state == LINE_OVER && !line->wsi && !line->lookup;
}

static void over (socket_line_t *line)
{
    if (line->state == LINE_OVER)
        return;
    line->state = LINE_OVER;
    plv_map_u64_remove (&line->client->by_number, line->number);
    if (line->handler.closed)
        line->handler.closed (line->handler.arg, line->number, line->code, pal_text (line->reason));
}

/*  Without a word to the peer.  */
static void cut (socket_line_t *line)
{
    if (!line->wsi)
        return;
    lws_set_timeout (line->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service (line->client->context);
}

static void lost (socket_line_t *line, const char *reason)
{
    /*  The answer to our own close: its code stands.  */
    if (!line->said_goodbye) {
        line->code = line->state == LINE_CLOSING ? 0 : line->code;
        socket_line_blame (line, 0, reason, strlen (reason));
    }
    over (line);
}

/* ------------------------------------------------------------------ callbacks of libwebsockets */

/*  libwebsockets says little of what happened before the handshake.  */
static void on_failed (socket_line_t *line, struct lws *wsi, const char *reason, size_t size)
{
    char words[100];
    unsigned status = line->has_asked ? lws_http_client_http_response (wsi) : 0;
    if (!line->has_asked && line->next)
        return; /* the ticker takes the next address when this attempt is gone */
    if (status && status != 101)
        snprintf (words, sizeof words, "refused with %u", status);
    else
        snprintf (words, sizeof words, "%s: %.*s",
                  line->has_asked ? "no handshake" : "no connection",
                  reason ? (int) strnlen (reason, size) : 0, reason ? reason : "");
    socket_line_blame (line, 0, words, strlen (words));
}

static void on_goodbye (socket_line_t *line, const uint8_t *bytes, size_t size)
{
    uint32_t code = size >= 2 ? (uint32_t) bytes[0] << 8 | bytes[1] : 1005;
    if (line->state == LINE_OPEN)
        socket_line_blame (line, code, (const char *) bytes + 2, size > 2 ? size - 2 : 0);
}

/*  Nonzero: it was closed meanwhile.  */
static int on_open (socket_line_t *line)
{
    if (line->state != LINE_CONNECTS || *line->reason)
        return -1;
    line->state = LINE_OPEN;
    line->deadline_us = 0;
    socket_line_heard (line);
    if (line->handler.open)
        line->handler.open (line->handler.arg, line->number);
    return 0;
}

static void on_gone (socket_line_t *line)
{
    line->wsi = NULL;
    if (line->state != LINE_CONNECTS || line->has_asked || !line->next || *line->reason)
        lost (line, "the connection was lost");
}

static int on_lws (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t size)
{
    socket_line_t *line = wsi ? lws_get_opaque_user_data (wsi) : NULL;
    (void) user;
    if (!line)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_failed (line, wsi, in, size);
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return socket_line_append (line, in, size);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return on_open (line);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return socket_line_received (line, in, size);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        socket_line_heard (line);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_goodbye (line, in, size);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return socket_line_writable (line);
    case LWS_CALLBACK_CLIENT_CLOSED:
        lost (line, "the connection was lost");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_gone (line);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "client", .callback = on_lws, .rx_buffer_size = READ_BYTES},
    {.name = NULL},
};

static bool context_open (socket_client_t *self)
{
    static const lws_retry_bo_t no_pings = {0};
    void *loops[1] = {self->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT
                   | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = self,
        .max_http_header_data2 = HEADER_BYTES,
        .retry_and_idle_policy = &no_pings,
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .pt_serv_buf_size = HEADER_BYTES * 4,
    };
    if (self->context)
        return true;
    lws_set_log_level (0, NULL);
    self->context = lws_create_context (&info);
    if (self->context) /* it would take one from the environment, for every host there is */
        lws_set_proxy (lws_get_vhost_by_name (self->context, "default"), "none:0");
    return self->context != NULL;
}

/* ------------------------------------------------------------------ connecting */

static void connect_on (socket_line_t *line)
{
    if (!socket_line_connect (line, line->client->context))
        lost (line, "no connection to any of its addresses");
}

static void on_addresses (uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    socket_line_t *line = lookup->data;
    free (lookup);
    line->lookup = NULL;
    line->addresses = line->next = addresses;
    if (line->state == LINE_OVER)
        return;
    if (status < 0)
        lost (line, status == UV_ECANCELED ? "closed before it was open" : uv_strerror (status));
    else
        connect_on (line);
}

static void resolve (socket_line_t *line)
{
    char port[8];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    snprintf (port, sizeof port, "%u", line->port);
    line->lookup = plv_alloc_zero (1, sizeof *line->lookup);
    line->lookup->data = line;
    if (uv_getaddrinfo (line->client->loop, line->lookup, on_addresses, line->host, port, &hints)
        < 0) {
        free (line->lookup);
        line->lookup = NULL;
        socket_line_blame (line, 0, "the name cannot be resolved", 27);
    }
}

/*  A socket that cannot be has a number too, and is closed when the loop turns.  */
static socket_line_t *line_of_nothing (const char *reason)
{
    socket_line_t *line = plv_alloc_zero (1, sizeof *line);
    socket_line_blame (line, 0, reason, strlen (reason));
    return line;
}

static void on_tick (uv_timer_t *timer)
{
    tick (timer->data);
}

uint64_t socket_client_connect (socket_client_t *self, const pal_socket_options_t *options,
                                const pal_socket_handler_t *handler)
{
    const char *fault;
    socket_line_t *line = socket_line_new (options, plv_clock_mono_us (), &fault);
    if (!line)
        line = line_of_nothing (fault);
    line->number = SOCKET_CLIENT_FIRST + ++self->last;
    line->client = self;
    line->handler = *handler;
    plv_list_push (&self->lines, &line->node);
    plv_map_u64_put (&self->by_number, line->number, line);
    if (!fault && !context_open (self))
        socket_line_blame (line, 0, "libwebsockets does not start", 28);
    if (!*line->reason)
        resolve (line);
    uv_timer_start (self->ticker, on_tick, *line->reason ? 0 : TICK_MS, TICK_MS);
    return line->number;
}

/* ------------------------------------------------------------------ time */

static void ping (socket_line_t *line, int64_t now_us)
{
    if (line->state != LINE_OPEN || !line->ping_us || now_us < line->touched_us + line->ping_us)
        return;
    line->touched_us = now_us;
    if (line->pinged) {
        socket_line_blame (line, 0, "no answer to a ping", 19);
        cut (line);
    } else {
        line->pinged = line->wants_ping = true;
        lws_callback_on_writable (line->wsi);
    }
}

static void be_late (socket_line_t *line)
{
    line->deadline_us = 0;
    if (line->state == LINE_CLOSING) {
        line->code = 0;
        line->said_goodbye = false;
        *line->reason = 0;
        socket_line_blame (line, 0, "no answer to the close", 22);
    } else {
        socket_line_blame (line, 0, "no connection in time", 21);
    }
    cut (line);
    over (line);
}

static void give_up (socket_line_t *line)
{
    if (line->lookup)
        uv_cancel ((uv_req_t *) line->lookup);
    cut (line);
    over (line);
}

static void tick_one (socket_line_t *line, int64_t now_us)
{
    ping (line, now_us);
    if (line->deadline_us && now_us >= line->deadline_us)
        be_late (line);
    else if (line->state < LINE_OPEN && *line->reason)
        give_up (line);
    else if (line->state == LINE_CONNECTS && !line->wsi)
        connect_on (line);
}

/*  A callback may open and close others, but never takes one off the list.  */
static void tick (socket_client_t *self)
{
    int64_t now = plv_clock_mono_us ();
    for (plv_node_t *node = self->lines.next; node != &self->lines; node = node->next) {
        socket_line_t *line = PLV_OF (node, socket_line_t, node);
        if (line->state != LINE_OVER)
            tick_one (line, now);
    }
    for (plv_node_t *node = self->lines.next, *next; node != &self->lines; node = next) {
        socket_line_t *line = PLV_OF (node, socket_line_t, node);
        next = node->next;
        if (is_free (line))
            socket_line_destroy (&line);
    }
    if (plv_list_empty (&self->lines))
        uv_timer_stop (self->ticker);
}

/* ------------------------------------------------------------------ what the plugin asks for */

bool socket_client_send (socket_client_t *self, uint64_t number, pal_text_t message, bool binary)
{
    socket_line_t *line = plv_map_u64_get (&self->by_number, number);
    if (!line || line->state != LINE_OPEN
        || socket_queue_waiting (&line->out) + message.size > SOCKET_CLIENT_OUT_BYTES_MAX)
        return false;
    socket_queue_push (&line->out, message, binary);
    lws_callback_on_writable (line->wsi);
    return true;
}

uint64_t socket_client_waiting (socket_client_t *self, uint64_t number)
{
    const socket_line_t *line = plv_map_u64_get (&self->by_number, number);
    return line ? socket_queue_waiting (&line->out) : 0;
}

void socket_client_close (socket_client_t *self, uint64_t number, uint32_t code, pal_text_t reason)
{
    socket_line_t *line = plv_map_u64_get (&self->by_number, number);
    if (!line)
        return;
    if (line->state == LINE_RESOLVES || line->state == LINE_CONNECTS) {
        socket_line_blame (line, 0, "closed before it was open", 25);
        uv_timer_start (self->ticker, on_tick, 0, TICK_MS);
    } else {
        socket_line_close (line, code, reason, false);
    }
}

/* ------------------------------------------------------------------ life */

socket_client_t *socket_client_new (uv_loop_t *loop)
{
    socket_client_t *self = plv_alloc_zero (1, sizeof *self);
    self->loop = loop;
    plv_list_init (&self->lines);
    self->ticker = plv_alloc_zero (1, sizeof *self->ticker);
    self->ticker->data = self;
    uv_timer_init (loop, self->ticker);
    return self;
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

void socket_client_mute (socket_client_t *self)
{
    for (plv_node_t *node = self->lines.next; node != &self->lines; node = node->next)
        memset (&PLV_OF (node, socket_line_t, node)->handler, 0, sizeof (pal_socket_handler_t));
}

size_t socket_client_pending (const socket_client_t *self)
{
    size_t count = 0;
    for (const plv_node_t *node = self->lines.next; node != &self->lines; node = node->next)
        count += PLV_OF (node, socket_line_t, node)->state == LINE_CLOSING;
    return count;
}

static bool resolves (const socket_client_t *self)
{
    for (const plv_node_t *node = self->lines.next; node != &self->lines; node = node->next) {
        if (PLV_OF (node, socket_line_t, node)->lookup)
            return true;
    }
    return false;
}

void socket_client_destroy (socket_client_t **self_p)
{
    socket_client_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    socket_client_mute (self);
    uv_close ((uv_handle_t *) self->ticker, free_handle);
    for (plv_node_t *node = self->lines.next; node != &self->lines; node = node->next) {
        socket_line_t *line = PLV_OF (node, socket_line_t, node);
        over (line);
        if (line->lookup)
            uv_cancel ((uv_req_t *) line->lookup);
    }
    if (self->context)
        lws_context_destroy (self->context);
    for (int turns = 0; turns < TURNS && (uv_run (self->loop, UV_RUN_NOWAIT) || resolves (self));
         turns++)
        uv_sleep (resolves (self) ? 1 : 0);
    if (self->context)
        lws_context_destroy (self->context);
    plv_node_t *node;
    while (!resolves (self) && (node = plv_list_first (&self->lines))) {
        socket_line_t *line = PLV_OF (node, socket_line_t, node);
        socket_line_destroy (&line);
    }
    plv_map_u64_free (&self->by_number);
    free (self);
    *self_p = NULL;
}
