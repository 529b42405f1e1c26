#include "host/net/http_parts.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    HEADER_BYTES_STANDARD = 8192,
    CONNECTIONS_STANDARD = 10000,
    IDLE_S_STANDARD = 60,
    OUT_BYTES_STANDARD = 256 * 1024,
    MESSAGE_BYTES_STANDARD = 64 * 1024,
    PING_S_STANDARD = 30,
    SOCKET_READ_BYTES = 4096, /* kept for each WebSocket */
    FILES_RESERVED = 128,     /* for all but connections */
};

/* ------------------------------------------------------------------ lines */

http_line_t *http_line_of (struct lws *wsi)
{
    http_line_t *line = lws_get_opaque_user_data (wsi);
    if (line)
        return line;
    line = plv_alloc_zero (1, sizeof *line);
    line->http = lws_context_user (lws_get_context (wsi));
    line->wsi = wsi;
    lws_set_opaque_user_data (wsi, line);
    return line;
}

static void line_lost (http_line_t *line)
{
    if (!line)
        return;
    http_call_lost (line);
    http_socket_lost (line);
}

static void count (http_t *self, int more)
{
    self->connections += (size_t) more;
    http_accept_poll (self);
}

static void line_destroy (http_t *self, struct lws *wsi)
{
    http_line_t *line = lws_get_opaque_user_data (wsi);
    line_lost (line);
    lws_set_opaque_user_data (wsi, NULL);
    free (line);
    count (self, -1);
}

/*  Asked for outside of the connection's own callbacks, where its end would come too early.  */
void http_cut (http_line_t *line)
{
    lws_set_timeout (line->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service (line->http->context);
}

/* ------------------------------------------------------------------ libwebsockets */

static int on_socket (struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    http_line_t *line = http_line_of (wsi);
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        /*  Past the search for the subprotocol, and before it is told to the client.  */
        if (!line->http->protocol_chosen)
            line->http->protocol[0] = 0;
        return line->socket ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return http_socket_opened (line);
    case LWS_CALLBACK_RECEIVE:
        return http_socket_received (line, in, size);
    case LWS_CALLBACK_RECEIVE_PONG:
        return http_socket_ponged (line);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        http_socket_ends (line);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return http_socket_writable (line);
    default:
        return 0;
    }
}

static int on_lws (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t size)
{
    http_t *self = lws_context_user (lws_get_context (wsi));
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        http_tls_set (user);
        return 0;
    case LWS_CALLBACK_WSI_CREATE:
        count (self, 1);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        line_destroy (self, wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return http_call_head (http_line_of (wsi), in, size);
    case LWS_CALLBACK_HTTP_BODY:
        http_call_body (http_line_of (wsi)->call, in, size);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return http_call_complete (http_line_of (wsi)->call);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_answer_writable (http_line_of (wsi));
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return http_call_upgrade (http_line_of (wsi));
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_CLOSED:
        line_lost (lws_get_opaque_user_data (wsi));
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_socket (wsi, reason, in, size);
    default:
        return 0;
    }
}

static bool context_open (http_t *self)
{
    static const lws_retry_bo_t no_pings = {0}; /* ours cost less with thousands of sockets */
    const pal_http_options_t *options = &self->options;
    void *loops[1] = {self->loop};
    self->protocols[0] = (struct lws_protocols){
        .name = self->protocol, .callback = on_lws, .rx_buffer_size = SOCKET_READ_BYTES};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = self->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = self,
        .alpn = "http/1.1",
        .max_http_header_data2 = options->header_bytes_max,
        .keepalive_timeout = (int) options->idle_s,
        .timeout_secs = HTTP_STALL_S,
        .timeout_secs_ah_idle = options->idle_s,
        .retry_and_idle_policy = &no_pings,
        .server_string = "palaver",
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .pt_serv_buf_size = HTTP_WRITE_BYTES,
    };
    if (options->tls_certificate && *options->tls_certificate) {
        self->is_tls = true;
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = options->tls_certificate;
        info.ssl_private_key_filepath = options->tls_key;
    }
    lws_set_log_level (0, NULL); /* what a client does wrong is no matter for the log */
    self->context = lws_create_context (&info);
    return self->context != NULL;
}

/* ------------------------------------------------------------------ options */

/*  libwebsockets keeps a place for each descriptor that there may be, so it is raised first.  */
static uint32_t connections_possible (uint32_t wanted)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    rlim_t needed = (rlim_t) wanted + FILES_RESERVED;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
        getrlimit (RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    return limit.rlim_cur > 2 * FILES_RESERVED ? (uint32_t) limit.rlim_cur - FILES_RESERVED
                                               : FILES_RESERVED;
}

static void standard (uint32_t *value, uint32_t otherwise)
{
    *value = *value ? *value : otherwise;
}

static void set_options (http_t *self, const pal_http_options_t *options)
{
    self->options = *options;
    snprintf (self->address, sizeof self->address, "%s",
              options->address ? options->address : "127.0.0.1");
    self->options.address = self->address;
    standard (&self->options.header_bytes_max, HEADER_BYTES_STANDARD);
    standard (&self->options.connections_max, CONNECTIONS_STANDARD);
    standard (&self->options.idle_s, IDLE_S_STANDARD);
    standard (&self->options.out_bytes_max, OUT_BYTES_STANDARD);
    standard (&self->options.message_bytes_max, MESSAGE_BYTES_STANDARD);
    standard (&self->options.ping_s, PING_S_STANDARD);
    self->options.connections_max = connections_possible (self->options.connections_max);
}

/* ------------------------------------------------------------------ life */

static void on_tick (uv_timer_t *timer)
{
    http_t *self = timer->data;
    http_call_tick (self);
    http_socket_tick (self);
    http_accept_poll (self);
}

static void on_turn (uv_prepare_t *turn)
{
    http_answer_ready (turn->data);
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

static void handles_start (http_t *self)
{
    self->turn = plv_alloc_zero (1, sizeof *self->turn);
    self->turn->data = self;
    uv_prepare_init (self->loop, self->turn);
    uv_prepare_start (self->turn, on_turn);
    self->ticker = plv_alloc_zero (1, sizeof *self->ticker);
    self->ticker->data = self;
    uv_timer_init (self->loop, self->ticker);
    uv_timer_start (self->ticker, on_tick, HTTP_TICK_MS, HTTP_TICK_MS);
}

static plv_err_t tls_check (const pal_http_options_t *options, plv_fail_t *ret_fail)
{
    bool certificate = options->tls_certificate && *options->tls_certificate;
    bool key = options->tls_key && *options->tls_key;
    if (certificate != key)
        return plv_fail (ret_fail, ERR_ARG,
                         "TLS needs a certificate and its key, and there is only %s",
                         certificate ? options->tls_certificate : options->tls_key);
    return certificate ? http_tls_check (options->tls_certificate, options->tls_key, ret_fail)
                       : ERR_OK;
}

static http_t *http_new (uv_loop_t *loop, const pal_http_options_t *options,
                         const pal_http_handler_t *handler)
{
    http_t *self = plv_alloc_zero (1, sizeof *self);
    set_options (self, options);
    self->handler = *handler;
    self->loop = loop;
    self->fd = -1;
    plv_list_init (&self->handed);
    plv_list_init (&self->ready);
    plv_list_init (&self->quiet);
    plv_list_init (&self->closing);
    return self;
}

plv_err_t http_open (uv_loop_t *loop, const pal_http_options_t *options,
                     const pal_http_handler_t *handler, bool share, http_t **ret_http,
                     uint16_t *ret_port, plv_fail_t *ret_fail)
{
    plv_err_t err = tls_check (options, ret_fail);
    if (err)
        return err;
    http_t *self = http_new (loop, options, handler);
    err = http_accept_open (self, share, ret_fail);
    if (!err && !context_open (self))
        err = plv_fail (ret_fail, ERR_IO,
                        "libwebsockets does not start: is libwebsockets-evlib-uv installed?");
    if (err) {
        http_accept_close (self);
        free (self);
        return err;
    }
    http_accept_poll (self);
    handles_start (self);
    *ret_port = http_accept_port (self);
    *ret_http = self;
    return ERR_OK;
}

/*  Who was in the queue has been let in by the kernel: it is served before the door closes.  */
void http_close (http_t *self)
{
    if (self->is_closing)
        return;
    http_accept_all (self);
    self->is_closing = true;
    http_accept_close (self);
}

void http_mute (http_t *self)
{
    memset (&self->handler, 0, sizeof self->handler);
}

void http_gone (http_t *self, uint64_t number)
{
    if (self->handler.gone)
        self->handler.gone (self->handler.arg, number);
}

void http_destroy (http_t **self_p)
{
    http_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    self->is_closing = true;
    http_accept_close (self);
    uv_close ((uv_handle_t *) self->ticker, free_handle);
    uv_close ((uv_handle_t *) self->turn, free_handle);
    http_mute (self);
    /*  On a foreign loop this takes two calls: one starts the closing of the handles, one ends it.  */
    lws_context_destroy (self->context);
    for (int turns = 0; turns < 100 && uv_run (self->loop, UV_RUN_NOWAIT); turns++)
        ;
    lws_context_destroy (self->context);
    http_call_t *call;
    for (size_t at = 0; (call = plv_map_u64_next (&self->calls, &at)); at = 0)
        http_call_destroy (call);
    plv_map_u64_free (&self->calls);
    http_socket_free_all (self);
    free (self);
    *self_p = NULL;
}

size_t http_pending (const http_t *self)
{
    return self->calls.count + http_socket_pending (self);
}
