#include "host/http.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADER_BYTES_STANDARD = 8192,
    CONNECTIONS_STANDARD = 10000,
    IDLE_S_STANDARD = 60,
    REQUEST_S = 20, /* for the client to send what it announced */
    BACKLOG = 1024,
    WRITE_BYTES = 64 * 1024,
    RESPONSE_HEAD_BYTES = 4096,
    VALUE_BYTES_MAX = 4096,
};

/*  One request of a connection.  */
typedef struct {
    uint64_t number;
    struct lws *wsi;
    char method[16];
    char path[2048];
    char query[2048];
    char peer[64];
    plv_buf_t body;
    bool handed;   /* the plugin has seen it */
    bool answered; /* `status` and the rest are set */
    bool head_written;
    unsigned status;
    plv_buf_t headers; /* name NUL value NUL ... */
    plv_buf_t content_type;
    plv_buf_t out;
    size_t out_at;
} call_t;

struct http {
    pal_http_options_t options;
    pal_http_handler_t handler;
    uv_loop_t *loop;
    struct lws_context *context;
    uv_poll_t *listener; /* freed when it is closed */
    int fd;
    size_t connections;
    uint64_t last;
    plv_map_u64_t calls;
    char value[VALUE_BYTES_MAX]; /* of http_header, until the next one */
    char address[64];
    bool closing;
};

/*  What libwebsockets keeps for each connection.  */
typedef struct {
    call_t *call;
    bool counted;
} connection_t;

/* ------------------------------------------------------------------ calls */

static call_t *call_new (http_t *self, struct lws *wsi)
{
    call_t *call = plv_alloc_zero (1, sizeof *call);
    call->number = ++self->last;
    call->wsi = wsi;
    plv_map_u64_put (&self->calls, call->number, call);
    return call;
}

static void call_destroy (http_t *self, call_t *call)
{
    plv_map_u64_remove (&self->calls, call->number);
    plv_buf_free (&call->body);
    plv_buf_free (&call->headers);
    plv_buf_free (&call->content_type);
    plv_buf_free (&call->out);
    free (call);
}

static void answer (call_t *call, unsigned status, pal_text_t type, pal_text_t body)
{
    call->answered = true;
    call->status = status;
    plv_buf_add (&call->content_type, type.data, type.size);
    plv_buf_add (&call->out, body.data, body.size);
    lws_set_timeout (call->wsi, PENDING_TIMEOUT_HTTP_CONTENT, REQUEST_S);
    lws_callback_on_writable (call->wsi);
}

/*  What is wrong before the plugin has a say.  */
static void answer_problem (call_t *call, unsigned status, const char *title)
{
    char body[256];
    snprintf (body, sizeof body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}", title,
              status);
    answer (call, status, pal_text ("application/problem+json"), pal_text (body));
}

/* ------------------------------------------------------------------ requests */

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_DELETE_URI, "DELETE"},
    {WSI_TOKEN_HEAD_URI, "HEAD"},
};

static bool read_method (call_t *call)
{
    for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
        if (lws_hdr_total_length (call->wsi, methods[at].token) > 0) {
            snprintf (call->method, sizeof call->method, "%s", methods[at].name);
            return true;
        }
    }
    return false;
}

static bool path_good (const char *path)
{
    if (*path != '/')
        return false;
    for (const char *at = path; (at = strstr (at, "/..")); at += 3) {
        if (at[3] == 0 || at[3] == '/')
            return false;
    }
    return true;
}

/*  -1: none was said. -2: it makes no sense.  */
static int64_t content_length (struct lws *wsi)
{
    char text[24];
    char *end;
    if (lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return -1;
    if (lws_hdr_copy (wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return -2;
    errno = 0;
    long long length = strtoll (text, &end, 10);
    return *end || end == text || errno || length < 0 ? -2 : length;
}

static void hand_over (http_t *self, call_t *call)
{
    if (call->handed || call->answered)
        return;
    call->handed = true;
    plv_buf_check (&call->body);
    lws_set_timeout (call->wsi, NO_PENDING_TIMEOUT, 0);
    pal_http_request_t request = {
        .call = call->number,
        .method = pal_text (call->method),
        .path = pal_text (call->path),
        .query = pal_text (call->query),
        .body = {(const char *) call->body.data, call->body.size},
        .peer = pal_text (call->peer),
    };
    self->handler.request (self->handler.arg, &request);
}

static const char *head_fault (call_t *call, const char *path, size_t path_bytes,
                               unsigned *ret_status)
{
    *ret_status = 400;
    if (!read_method (call))
        return "this method is not known";
    if (path_bytes >= sizeof call->path
        || lws_hdr_total_length (call->wsi, WSI_TOKEN_HTTP_URI_ARGS) >= (int) sizeof call->query) {
        *ret_status = 414;
        return "the address is too long";
    }
    memcpy (call->path, path, path_bytes);
    if (strlen (call->path) != path_bytes || !path_good (call->path))
        return "the path is not valid";
    lws_hdr_copy (call->wsi, call->query, sizeof call->query, WSI_TOKEN_HTTP_URI_ARGS);
    if (lws_hdr_total_length (call->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        *ret_status = 411;
        return "a body needs a content-length";
    }
    return NULL;
}

static int on_head (http_t *self, connection_t *connection, struct lws *wsi, const char *path,
                    size_t bytes)
{
    unsigned status;
    call_t *call = call_new (self, wsi);
    connection->call = call;
    const char *fault = head_fault (call, path, bytes, &status);
    int64_t length = content_length (wsi);
    lws_get_peer_simple (wsi, call->peer, sizeof call->peer);
    if (!fault && length == -2) {
        fault = "the content-length is no number";
        status = 400;
    }
    if (!fault && length > (int64_t) self->options.body_bytes_max) {
        fault = "the body is too large";
        status = 413;
    }
    if (fault)
        answer_problem (call, status, fault);
    else if (length <= 0)
        hand_over (self, call);
    else
        lws_set_timeout (wsi, PENDING_TIMEOUT_HTTP_CONTENT, REQUEST_S);
    return 0;
}

static void on_body (http_t *self, call_t *call, const void *bytes, size_t size)
{
    if (!call || call->answered || call->handed)
        return;
    if (call->body.size + size > self->options.body_bytes_max)
        answer_problem (call, 413, "the body is too large");
    else
        plv_buf_add (&call->body, bytes, size);
}

/* ------------------------------------------------------------------ answers */

static bool write_head (call_t *call)
{
    uint8_t head[LWS_PRE + RESPONSE_HEAD_BYTES];
    uint8_t *start = head + LWS_PRE, *at = start, *end = head + sizeof head - 1;
    if (lws_add_http_header_status (call->wsi, call->status, &at, end)
        || (call->content_type.size
            && lws_add_http_header_by_token (call->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                             call->content_type.data, (int) call->content_type.size,
                                             &at, end))
        || lws_add_http_header_content_length (call->wsi, call->out.size, &at, end))
        return false;
    const char *name = (const char *) call->headers.data;
    const char *stop = name + call->headers.size;
    while (name < stop) {
        const char *value = name + strlen (name) + 1;
        if (lws_add_http_header_by_name (call->wsi, (const unsigned char *) name,
                                         (const unsigned char *) value, (int) strlen (value), &at,
                                         end))
            return false;
        name = value + strlen (value) + 1;
    }
    return lws_finalize_write_http_header (call->wsi, start, &at, end) == 0;
}

static bool write_body (call_t *call)
{
    size_t size = call->out.size - call->out_at;
    if (size > WRITE_BYTES)
        size = WRITE_BYTES;
    uint8_t *piece = plv_alloc (LWS_PRE + size + 1);
    memcpy (piece + LWS_PRE, call->out.data + call->out_at, size);
    call->out_at += size;
    bool last = call->out_at == call->out.size;
    int wrote =
        lws_write (call->wsi, piece + LWS_PRE, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    free (piece);
    return wrote >= (int) size;
}

/*  Nonzero closes the connection.  */
static int on_writable (http_t *self, connection_t *connection)
{
    call_t *call = connection->call;
    if (!call || !call->answered)
        return 0;
    bool silent = strcmp (call->method, "HEAD") == 0;
    if (!call->head_written) {
        if (!write_head (call))
            return -1;
        call->head_written = true;
        if (silent)
            call->out_at = call->out.size;
    }
    if (call->out_at < call->out.size && !write_body (call))
        return -1;
    if (call->out_at < call->out.size) {
        lws_callback_on_writable (call->wsi);
        return 0;
    }
    struct lws *wsi = call->wsi;
    /*  A body that nobody wanted still comes: the connection cannot be used again.  */
    bool reusable = call->handed && !self->closing;
    connection->call = NULL;
    call_destroy (self, call);
    if (lws_http_transaction_completed (wsi))
        return -1;
    return reusable ? 0 : -1;
}

static void on_closed (http_t *self, connection_t *connection)
{
    call_t *call = connection->call;
    connection->call = NULL;
    if (!call)
        return;
    uint64_t number = call->number;
    bool waits = call->handed && !call->answered;
    call_destroy (self, call);
    if (waits)
        self->handler.gone (self->handler.arg, number);
}

/* ------------------------------------------------------------------ libwebsockets */

static void listener_poll (http_t *self);

static void count (http_t *self, connection_t *connection, bool opens)
{
    if (!connection || connection->counted == opens)
        return;
    connection->counted = opens;
    self->connections += opens ? 1 : (size_t) -1;
    listener_poll (self);
}

static int on_lws (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t size)
{
    http_t *self = lws_context_user (lws_get_context (wsi));
    connection_t *connection = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        count (self, connection, true);
        return on_head (self, connection, wsi, in, size);
    case LWS_CALLBACK_HTTP_BODY:
        on_body (self, connection->call, in, size);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (connection->call)
            hand_over (self, connection->call);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable (self, connection);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (connection) {
            on_closed (self, connection);
            count (self, connection, false);
        }
        return 0;
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
    case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        return 0;
    default:
        return lws_callback_http_dummy (wsi, reason, user, in, size);
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_lws, .per_session_data_size = sizeof (connection_t)},
    {.name = NULL},
};

static bool context_open (http_t *self)
{
    void *loops[1] = {self->loop};
    uint32_t head =
        self->options.header_bytes_max ? self->options.header_bytes_max : HEADER_BYTES_STANDARD;
    uint32_t idle = self->options.idle_s ? self->options.idle_s : IDLE_S_STANDARD;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = self,
        .max_http_header_data2 = head,
        .keepalive_timeout = (int) idle,
        .timeout_secs = REQUEST_S,
        .timeout_secs_ah_idle = idle,
        .server_string = "palaver",
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .pt_serv_buf_size = WRITE_BYTES,
        .fd_limit_per_thread = self->options.connections_max + 64,
    };
    lws_set_log_level (LLL_ERR, NULL);
    self->context = lws_create_context (&info);
    return self->context != NULL;
}

/* ------------------------------------------------------------------ the listening socket */

static void on_connection (uv_poll_t *poll, int status, int events)
{
    http_t *self = poll->data;
    (void) status, (void) events;
    for (int burst = 0; burst < 64; burst++) {
        const int yes = 1;
        int fd = accept4 (self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        lws_adopt_socket_vhost (lws_get_vhost_by_name (self->context, "default"), fd);
    }
}

/*  Accepts while there is room, else leaves connections in the kernel's queue.  */
static void listener_poll (http_t *self)
{
    if (!self->listener)
        return;
    if (self->connections < self->options.connections_max)
        uv_poll_start (self->listener, UV_READABLE, on_connection);
    else
        uv_poll_stop (self->listener);
}

static socklen_t address_of (const pal_http_options_t *options,
                             struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *four = (struct sockaddr_in *) (void *) ret_address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) (void *) ret_address;
    memset (ret_address, 0, sizeof *ret_address);
    if (inet_pton (AF_INET, options->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons (options->port);
        return sizeof *four;
    }
    if (inet_pton (AF_INET6, options->address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons (options->port);
        return sizeof *six;
    }
    return 0;
}

static uint16_t port_of (int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    getsockname (fd, (struct sockaddr *) &address, &size);
    return ntohs (address.ss_family == AF_INET6
                      ? ((struct sockaddr_in6 *) (void *) &address)->sin6_port
                      : ((struct sockaddr_in *) (void *) &address)->sin_port);
}

static plv_err_t listen_on (http_t *self, bool share, plv_fail_t *ret_fail)
{
    const int yes = 1;
    struct sockaddr_storage address;
    socklen_t size = address_of (&self->options, &address);
    if (!size)
        return plv_fail (ret_fail, ERR_ARG, "%s is no numeric IP address", self->options.address);
    self->fd = socket (address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt (self->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (share)
        setsockopt (self->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (self->fd < 0 || bind (self->fd, (struct sockaddr *) &address, size) < 0
        || listen (self->fd, BACKLOG) < 0)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "cannot listen on %s port %u: %s",
                         self->options.address, self->options.port, strerror (errno));
    return ERR_OK;
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

static void listener_close (http_t *self)
{
    if (self->listener)
        uv_close ((uv_handle_t *) self->listener, free_handle);
    self->listener = NULL;
    if (self->fd >= 0)
        close (self->fd);
    self->fd = -1;
}

plv_err_t http_open (uv_loop_t *loop, const pal_http_options_t *options,
                     const pal_http_handler_t *handler, bool share, http_t **ret_http,
                     uint16_t *ret_port, plv_fail_t *ret_fail)
{
    http_t *self = plv_alloc_zero (1, sizeof *self);
    self->options = *options;
    snprintf (self->address, sizeof self->address, "%s",
              options->address ? options->address : "127.0.0.1");
    self->options.address = self->address;
    if (!self->options.connections_max)
        self->options.connections_max = CONNECTIONS_STANDARD;
    self->handler = *handler;
    self->loop = loop;
    self->fd = -1;
    plv_err_t err = listen_on (self, share, ret_fail);
    if (!err && !context_open (self))
        err = plv_fail (ret_fail, ERR_IO,
                        "libwebsockets does not start: is libwebsockets-evlib-uv installed?");
    if (err) {
        listener_close (self);
        free (self);
        return err;
    }
    self->listener = plv_alloc_zero (1, sizeof *self->listener);
    self->listener->data = self;
    uv_poll_init (loop, self->listener, self->fd);
    listener_poll (self);
    *ret_port = port_of (self->fd);
    *ret_http = self;
    return ERR_OK;
}

void http_share (http_t *self)
{
    const int yes = 1;
    if (self->fd >= 0)
        setsockopt (self->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
}

/*  Who was in the queue has been let in by the kernel: it is served before the door closes.  */
void http_close (http_t *self)
{
    if (!self->listener)
        return;
    on_connection (self->listener, 0, UV_READABLE);
    self->closing = true;
    listener_close (self);
}

void http_destroy (http_t **self_p)
{
    http_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    listener_close (self);
    self->closing = true;
    /*  On a foreign loop this takes two calls: one starts the closing of the handles, one ends it.  */
    lws_context_destroy (self->context);
    for (int turns = 0; turns < 100 && uv_run (self->loop, UV_RUN_NOWAIT); turns++)
        ;
    lws_context_destroy (self->context);
    call_t *call;
    for (size_t at = 0; (call = plv_map_u64_next (&self->calls, &at)); at = 0)
        call_destroy (self, call);
    plv_map_u64_free (&self->calls);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ what the plugin asks for */

/*  libwebsockets knows some headers by number, the rest by name.  */
static int header_copy (http_t *self, struct lws *wsi, const char *name)
{
    char with_colon[64];
    int size = snprintf (with_colon, sizeof with_colon, "%s:", name);
    if (size <= 0 || (size_t) size >= sizeof with_colon)
        return -1;
    for (int token = 0; token < WSI_TOKEN_COUNT; token++) {
        const unsigned char *known = lws_token_to_string ((enum lws_token_indexes) token);
        if (known && strcmp ((const char *) known, with_colon) == 0)
            return lws_hdr_copy (wsi, self->value, sizeof self->value,
                                 (enum lws_token_indexes) token);
    }
    return lws_hdr_custom_copy (wsi, self->value, sizeof self->value, with_colon, size);
}

pal_text_t http_header (http_t *self, uint64_t number, const char *name)
{
    call_t *call = plv_map_u64_get (&self->calls, number);
    int size = call && !call->answered ? header_copy (self, call->wsi, name) : -1;
    return (pal_text_t){.data = self->value, .size = size > 0 ? (size_t) size : 0};
}

static void add_header (call_t *call, const pal_header_t *header)
{
    /*  What would end a line early is not a header.  */
    for (size_t at = 0; at < header->value.size; at++) {
        if (strchr ("\r\n", header->value.data[at])) /* finds NUL too */
            return;
    }
    if (!header->name.size)
        return;
    plv_buf_add (&call->headers, header->name.data, header->name.size);
    if (header->name.data[header->name.size - 1] != ':')
        plv_buf_add_u8 (&call->headers, ':');
    plv_buf_add_u8 (&call->headers, 0);
    plv_buf_add (&call->headers, header->value.data, header->value.size);
    plv_buf_add_u8 (&call->headers, 0);
}

bool http_respond (http_t *self, uint64_t number, const pal_http_response_t *response)
{
    call_t *call = plv_map_u64_get (&self->calls, number);
    if (!call || call->answered)
        return false;
    for (uint32_t at = 0; at < response->header_count; at++)
        add_header (call, &response->headers[at]);
    answer (call, response->status, response->content_type, response->body);
    return true;
}

size_t http_pending (const http_t *self)
{
    return self->calls.count;
}
