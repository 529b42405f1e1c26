#include "host/net/socket_line.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/net/field.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS_STANDARD = 10000,
    MESSAGE_BYTES_STANDARD = 4 * 1024 * 1024,
    CLOSE_MS = 4500, /* before libwebsockets gives up, at 5000, and does not say so */
};

/* ------------------------------------------------------------------ what the plugin gave */

static char *copy (pal_text_t text)
{
    char *to = plv_alloc (text.size + 1);
    memcpy (to, text.size ? text.data : "", text.size);
    to[text.size] = 0;
    return to;
}

static bool set_headers (socket_line_t *self, const pal_socket_options_t *options)
{
    for (uint32_t at = 0; at < options->header_count; at++) {
        const pal_header_t *header = &options->headers[at];
        if (!field_is_name (header->name) || !field_is_value (header->value))
            return false;
        plv_buf_add (&self->headers, header->name.data, header->name.size);
        plv_buf_add (&self->headers, ": ", 2);
        plv_buf_add (&self->headers, header->value.data, header->value.size);
        plv_buf_add (&self->headers, "\r\n", 2);
    }
    plv_buf_check (&self->headers);
    return true;
}

/*  The same as of HTTP, but for the scheme.  */
static bool set_url (socket_line_t *self, pal_text_t url)
{
    char *host = NULL, *port = NULL, *path = NULL, *query = NULL, *text = copy (url);
    self->is_tls = url.size > 6 && memcmp (text, "wss://", 6) == 0;
    bool good =
        field_is_value (url) && (self->is_tls || (url.size > 5 && memcmp (text, "ws://", 5) == 0));
    CURLU *parts = curl_url ();
    good = good && !curl_url_set (parts, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME)
           && !curl_url_get (parts, CURLUPART_HOST, &host, 0)
           && !curl_url_get (parts, CURLUPART_PATH, &path, 0);
    if (good) {
        size_t size = strlen (host);
        bool brackets = *host == '[' && size > 2;
        curl_url_get (parts, CURLUPART_PORT, &port, 0);
        curl_url_get (parts, CURLUPART_QUERY, &query, 0);
        self->port = port ? (uint16_t) strtoul (port, NULL, 10) : self->is_tls ? 443 : 80;
        self->host = copy ((pal_text_t){host + (brackets ? 1 : 0), size - (brackets ? 2 : 0)});
        size = strlen (path) + (query ? strlen (query) : 0) + 2;
        self->path = plv_alloc (size);
        snprintf (self->path, size, "%s%s%s", path, query ? "?" : "", query ? query : "");
    }
    curl_free (host);
    curl_free (port);
    curl_free (path);
    curl_free (query);
    curl_url_cleanup (parts);
    free (text);
    return good;
}

socket_line_t *socket_line_new (const pal_socket_options_t *options, int64_t now_us,
                                const char **ret_reason)
{
    socket_line_t *self = plv_alloc_zero (1, sizeof *self);
    uint32_t connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS_STANDARD;
    self->deadline_us = now_us + (int64_t) connect_ms * 1000;
    self->ping_us = (int64_t) options->ping_s * 1000000;
    self->message_bytes_max =
        options->message_bytes_max ? options->message_bytes_max : MESSAGE_BYTES_STANDARD;
    if (options->protocol.size)
        self->protocol = copy (options->protocol);
    *ret_reason = !set_url (self, options->url)         ? "the URL is not of ws:// or wss://"
                  : !set_headers (self, options)        ? "a header of the socket is no header"
                  : !field_is_value (options->protocol) ? "the subprotocol is no word"
                                                        : NULL;
    if (*ret_reason)
        socket_line_destroy (&self);
    return self;
}

void socket_line_destroy (socket_line_t **self_p)
{
    socket_line_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    plv_node_remove (&self->node);
    if (self->addresses)
        uv_freeaddrinfo (self->addresses);
    free (self->host);
    free (self->path);
    free (self->protocol);
    plv_buf_free (&self->headers);
    socket_queue_free (&self->out);
    socket_message_free (&self->in);
    free (self);
    *self_p = NULL;
}

void socket_line_blame (socket_line_t *self, uint32_t code, const char *reason, size_t size)
{
    if (self->code || *self->reason)
        return;
    self->code = code;
    size = size < sizeof self->reason - 1 ? size : sizeof self->reason - 1;
    memcpy (self->reason, reason, size);
    self->reason[size] = 0;
}

/* ------------------------------------------------------------------ connecting */

bool socket_line_connect (socket_line_t *self, struct lws_context *context)
{
    char address[64], host[300];
    bool default_port = self->port == (self->is_tls ? 443 : 80);
    bool is_six = strchr (self->host, ':') != NULL;
    snprintf (host, sizeof host, default_port ? "%s%s%s" : "%s%s%s:%u", is_six ? "[" : "",
              self->host, is_six ? "]" : "", self->port);
    while (self->next) {
        const struct addrinfo *to = self->next;
        self->next = to->ai_next;
        if (getnameinfo (to->ai_addr, to->ai_addrlen, address, sizeof address, NULL, 0,
                         NI_NUMERICHOST))
            continue;
        struct lws_client_connect_info info = {
            .context = context,
            .address = address,
            .port = self->port,
            .ssl_connection = self->is_tls ? LCCSCF_USE_SSL : 0,
            .path = self->path,
            .host = host,
            .protocol = self->protocol,
            .local_protocol_name = "client",
            .alpn = "http/1.1",
            .ietf_version_or_minus_one = -1,
            .pwsi = &self->wsi,
            .opaque_user_data = self,
        };
        self->state = LINE_CONNECTS;
        if (lws_client_connect_via_info (&info))
            return true;
        self->wsi = NULL;
    }
    return false;
}

int socket_line_append (socket_line_t *self, unsigned char **at, size_t room)
{
    self->has_asked = true;
    if (self->headers.size >= room) {
        socket_line_blame (self, 0, "the headers are too large", 25);
        return -1;
    }
    if (self->headers.size)
        memcpy (*at, self->headers.data, self->headers.size);
    *at += self->headers.size;
    return 0;
}

/* ------------------------------------------------------------------ talking */

void socket_line_close (socket_line_t *self, uint32_t code, pal_text_t reason, bool drop)
{
    if (self->state != LINE_OPEN)
        return;
    self->state = LINE_CLOSING;
    self->deadline_us = plv_clock_mono_us () + CLOSE_MS * 1000;
    reason = socket_reason_good (reason);
    socket_line_blame (self, socket_code_good (code), reason.data ? reason.data : "", reason.size);
    if (drop)
        socket_queue_free (&self->out);
    lws_callback_on_writable (self->wsi);
}

void socket_line_heard (socket_line_t *self)
{
    self->pinged = false;
    self->touched_us = plv_clock_mono_us ();
}

int socket_line_received (socket_line_t *self, void *bytes, size_t size)
{
    pal_text_t message;
    if (self->state != LINE_OPEN)
        return 0;
    socket_line_heard (self);
    bool binary = lws_frame_is_binary (self->wsi);
    uint32_t fault =
        socket_message_add (&self->in, self->wsi, bytes, size, self->message_bytes_max, &message);
    if (fault)
        socket_line_close (self, fault,
                           pal_text (fault == SOCKET_TOO_LARGE ? "the message is too large"
                                                               : "the text is no UTF-8"),
                           true);
    else if (message.data && self->handler.message)
        self->handler.message (self->handler.arg, self->number, message, binary);
    if (fault || message.data)
        socket_message_free (&self->in);
    return 0;
}

static bool write_ping (socket_line_t *self)
{
    uint8_t bytes[LWS_PRE + 1] = {0};
    self->wants_ping = false;
    return lws_write (self->wsi, bytes + LWS_PRE, 1, LWS_WRITE_PING) >= 0;
}

int socket_line_writable (socket_line_t *self)
{
    if (self->said_goodbye || self->state == LINE_OVER)
        return 0;
    if (self->wants_ping && self->state == LINE_OPEN && !write_ping (self))
        return -1;
    if (!socket_queue_write (&self->out, self->wsi))
        return -1;
    if (self->state != LINE_CLOSING || socket_queue_waiting (&self->out))
        return 0;
    self->said_goodbye = true;
    socket_queue_end (self->wsi, self->code, *self->reason ? self->reason : NULL);
    return 0;
}
