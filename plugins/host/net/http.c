#include "host/net/http_line.h"

#include "base/alloc.h"

#include <openssl/ssl.h>
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
    LWS_WRITE_BYTES = 64 * 1024,
    FILES_RESERVED = 128, /* for all but connections */
    FILES_TLS = 3,        /* a WebSocket over TLS is a connection and a pair of sockets */
};

/* ------------------------------------------------------------------ libwebsockets */

static bool context_open (http_t *self)
{
    static const lws_retry_bo_t no_pings = {0}; /* ours cost less with thousands of sockets */
    void *loops[1] = {self->loop};
    self->protocols[0] = (struct lws_protocols){
        .name = self->protocol, .callback = http_socket_event, .rx_buffer_size = SOCKET_READ_BYTES};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = self->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = self,
        .timeout_secs = HTTP_STALL_S,
        .retry_and_idle_policy = &no_pings,
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .pt_serv_buf_size = LWS_WRITE_BYTES,
    };
    lws_set_log_level (0, NULL); /* what a client does wrong is no matter for the log */
    self->context = lws_create_context (&info);
    return self->context != NULL;
}

/* ------------------------------------------------------------------ options */

/*  libwebsockets keeps a place for each descriptor that there may be, so it is raised first. `each`: descriptors
    of a connection.  */
static uint32_t connections_possible (uint32_t wanted, uint32_t each)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    rlim_t needed = (rlim_t) wanted * each + FILES_RESERVED;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
        getrlimit (RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    return limit.rlim_cur > 2 * FILES_RESERVED ? (uint32_t) (limit.rlim_cur - FILES_RESERVED) / each
                                               : FILES_RESERVED / each;
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
    self->options.connections_max =
        connections_possible (self->options.connections_max, self->tls ? FILES_TLS : 1);
}

/* ------------------------------------------------------------------ life */

static void on_tick (uv_timer_t *timer)
{
    http_t *self = timer->data;
    http_line_tick (self);
    http_call_tick (self);
    http_socket_tick (self);
    http_accept_poll (self);
}

/*  Who ends may have others told, who have something to write then.  */
static void on_turn (uv_prepare_t *turn)
{
    http_t *self = turn->data;
    while (!plv_list_empty (&self->cut) || !plv_list_empty (&self->ready)) {
        plv_node_t *node = plv_list_pop (&self->cut);
        if (node)
            http_line_destroy (PLV_OF (node, http_line_t, cut_node));
        http_answer_ready (self);
    }
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

static plv_err_t tls_open (const pal_http_options_t *options, SSL_CTX **ret_tls,
                           plv_fail_t *ret_fail)
{
    bool certificate = options->tls_certificate && *options->tls_certificate;
    bool key = options->tls_key && *options->tls_key;
    if (certificate != key)
        return plv_fail (ret_fail, ERR_ARG,
                         "TLS needs a certificate and its key, and there is only %s",
                         certificate ? options->tls_certificate : options->tls_key);
    return certificate
               ? http_tls_open (options->tls_certificate, options->tls_key, ret_tls, ret_fail)
               : ERR_OK;
}

static http_t *http_new (uv_loop_t *loop, const pal_http_options_t *options,
                         const pal_http_handler_t *handler, SSL_CTX *tls)
{
    http_t *self = plv_alloc_zero (1, sizeof *self);
    self->tls = tls;
    set_options (self, options);
    self->handler = *handler;
    self->loop = loop;
    self->fd = -1;
    plv_list_init (&self->lines);
    plv_list_init (&self->cut);
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
    SSL_CTX *tls = NULL;
    plv_err_t err = tls_open (options, &tls, ret_fail);
    if (err)
        return err;
    http_t *self = http_new (loop, options, handler, tls);
    err = http_accept_open (self, share, ret_fail);
    if (!err && !context_open (self))
        err = plv_fail (ret_fail, ERR_IO,
                        "libwebsockets does not start: is libwebsockets-evlib-uv installed?");
    if (err) {
        http_accept_close (self);
        SSL_CTX_free (tls);
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
    while (!plv_list_empty (&self->lines))
        http_line_destroy (PLV_OF (plv_list_first (&self->lines), http_line_t, node));
    /*  On a foreign loop this takes two calls: one starts the closing of the handles, one ends it.  */
    lws_context_destroy (self->context);
    for (int turns = 0; turns < 100 && uv_run (self->loop, UV_RUN_NOWAIT); turns++)
        ;
    lws_context_destroy (self->context);
    plv_map_u64_free (&self->calls);
    http_socket_free_all (self);
    SSL_CTX_free (self->tls);
    free (self);
    *self_p = NULL;
}

size_t http_pending (const http_t *self)
{
    size_t last_words = self->relay_count + self->bare_count - self->sockets.count;
    return self->calls.count + http_socket_pending (self) + last_words + http_line_coming (self);
}
