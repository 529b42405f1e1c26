#include "host/net/client_send.h"

#include "base/alloc.h"
#include "host/net/client_answer.h"
#include "host/net/field.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS_STANDARD = 30000,
    CONNECT_MS_STANDARD = 10000,
    BODY_BYTES_STANDARD = 1 << 20,
    KEPT_S =
        30, /* of a connection that nobody uses: longer, and the remote may just be closing it */
};

/* ------------------------------------------------------------------ what the plugin gave */

static char *keep (plv_buf_t *buf, pal_text_t text)
{
    plv_buf_clear (buf);
    plv_buf_add (buf, text.data, text.size);
    plv_buf_add_u8 (buf, 0);
    plv_buf_check (buf);
    return (char *) buf->data;
}

static bool add_header (client_send_t *self, pal_text_t name, pal_text_t value)
{
    plv_buf_t line = {0};
    if (!field_is_name (name) || !field_is_value (value))
        return false;
    plv_buf_add (&line, name.data, name.size);
    plv_buf_add (&line, value.size ? ": " : ";", value.size ? 2 : 1); /* libcurl's "is empty" */
    plv_buf_add (&line, value.data, value.size);
    plv_buf_add_u8 (&line, 0);
    plv_buf_check (&line);
    self->headers = curl_slist_append (self->headers, (char *) line.data);
    plv_buf_free (&line);
    return true;
}

static plv_err_t set_headers (client_send_t *self, const pal_request_t *request)
{
    for (uint32_t at = 0; at < request->header_count; at++) {
        if (!add_header (self, request->headers[at].name, request->headers[at].value))
            return plv_fail (&self->fail, ERR_ARG, "header %u of the request is no header", at + 1);
    }
    if (request->content_type.size
        && !add_header (self, pal_text ("Content-Type"), request->content_type))
        return plv_fail (&self->fail, ERR_ARG, "the content type is no header");
    /*  libcurl would add them on its own.  */
    if (!request->content_type.size && !request->part_count)
        self->headers = curl_slist_append (self->headers, "Content-Type:");
    self->headers = curl_slist_append (self->headers, "Expect:");
    curl_easy_setopt (self->easy, CURLOPT_HTTPHEADER, self->headers);
    return ERR_OK;
}

static plv_err_t set_url (client_send_t *self, const pal_request_t *request)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, remote[512];
    CURLU *url = curl_url ();
    bool good = field_is_value (request->url)
                && !curl_url_set (url, CURLUPART_URL, keep (&self->url, request->url), 0)
                && !curl_url_get (url, CURLUPART_SCHEME, &scheme, 0)
                && !curl_url_get (url, CURLUPART_HOST, &host, 0)
                && !curl_url_get (url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)
                && !curl_url_get (url, CURLUPART_PATH, &path, 0)
                && (strcmp (scheme, "http") == 0 || strcmp (scheme, "https") == 0);
    if (good) {
        snprintf (remote, sizeof remote, "%s://%s:%s", scheme, host, port);
        keep (&self->remote, pal_text (remote));
        keep (&self->path, pal_text (path));
        curl_easy_setopt (self->easy, CURLOPT_URL, self->url.data);
    }
    curl_free (scheme);
    curl_free (host);
    curl_free (port);
    curl_free (path);
    curl_url_cleanup (url);
    return good ? ERR_OK : plv_fail (&self->fail, ERR_ARG, "the URL is not of http:// or https://");
}

static void set_parts (client_send_t *self, const pal_request_t *request)
{
    plv_buf_t text = {0};
    self->mime = curl_mime_init (self->easy);
    for (uint32_t at = 0; at < request->part_count; at++) {
        const pal_part_t *part = &request->parts[at];
        curl_mimepart *one = curl_mime_addpart (self->mime);
        curl_mime_name (one, keep (&text, part->name));
        curl_mime_data (one, part->data.data ? part->data.data : "", part->data.size);
        if (part->file_name.size)
            curl_mime_filename (one, keep (&text, part->file_name));
        if (part->content_type.size)
            curl_mime_type (one, keep (&text, part->content_type));
    }
    plv_buf_free (&text);
    curl_easy_setopt (self->easy, CURLOPT_MIMEPOST, self->mime);
}

static bool is_one_of (const char *method, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp (method, *names) == 0)
            return true;
    }
    return false;
}

static plv_err_t set_body (client_send_t *self, const pal_request_t *request)
{
    static const char *const repeatable[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL};
    static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
    bool has_body = request->body.size || request->part_count;
    pal_text_t standard = pal_text (has_body ? "POST" : "GET");
    if (request->method.size && !field_is_name (request->method))
        return plv_fail (&self->fail, ERR_ARG, "the method is no word");
    const char *method = keep (&self->method, request->method.size ? request->method : standard);
    self->may_repeat = is_one_of (method, repeatable);
    if (request->part_count)
        set_parts (self, request);
    else if (has_body || is_one_of (method, with_body)) {
        plv_buf_add (&self->body, request->body.data, request->body.size);
        plv_buf_check (&self->body);
        curl_easy_setopt (self->easy, CURLOPT_POST, 1L);
        curl_easy_setopt (self->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) self->body.size);
        curl_easy_setopt (self->easy, CURLOPT_POSTFIELDS,
                          self->body.size ? (char *) self->body.data : "");
    } else if (strcmp (method, "HEAD") == 0)
        curl_easy_setopt (self->easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt (self->easy, CURLOPT_CUSTOMREQUEST, method);
    return ERR_OK;
}

/* ------------------------------------------------------------------ how it is sent */

/*  Called when a connection is ready, before anything of the request is written to it. libcurl takes another one
    when the first was dead, although the request may have got through.  */
static int on_connected (void *arg, __attribute__ ((unused)) char *to,
                         __attribute__ ((unused)) char *from, int to_port, int from_port)
{
    client_send_t *self = arg;
    long sent = 0;
    (void) to_port, (void) from_port;
    curl_easy_getinfo (self->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0 && !self->may_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_rules (client_send_t *self)
{
    CURL *easy = self->easy;
    const char *file = getenv ("SSL_CERT_FILE"), *folder = getenv ("SSL_CERT_DIR");
    curl_easy_setopt (easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->fault);
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt (easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt (easy, CURLOPT_USERAGENT, "palaver");
    curl_easy_setopt (easy, CURLOPT_MAXAGE_CONN, (long) KEPT_S);
    curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt (easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt (easy, CURLOPT_PREREQDATA, self);
    if (file)
        curl_easy_setopt (easy, CURLOPT_CAINFO, file);
    if (folder)
        curl_easy_setopt (easy, CURLOPT_CAPATH, folder);
    client_answer_collect (self);
}

client_send_t *client_send_new (const pal_request_t *request, int64_t now_us)
{
    client_send_t *self = plv_alloc_zero (1, sizeof *self);
    uint32_t timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS_STANDARD;
    uint32_t connect_ms = request->connect_ms ? request->connect_ms : CONNECT_MS_STANDARD;
    self->body_bytes_max = request->body_bytes_max ? request->body_bytes_max : BODY_BYTES_STANDARD;
    self->deadline_us = now_us + (int64_t) timeout_ms * 1000;
    self->easy = curl_easy_init ();
    set_rules (self);
    curl_easy_setopt (self->easy, CURLOPT_CONNECTTIMEOUT_MS, (long) connect_ms);
    if (!set_url (self, request) && !set_headers (self, request))
        set_body (self, request);
    return self;
}

bool client_send_start (client_send_t *self, int64_t now_us)
{
    int64_t left_ms = (self->deadline_us - now_us) / 1000;
    if (left_ms <= 0) {
        plv_fail (&self->fail, ERR_TIMEOUT, "too many requests are under way");
        return false;
    }
    curl_easy_setopt (self->easy, CURLOPT_TIMEOUT_MS, (long) left_ms);
    return true;
}

void client_send_destroy (client_send_t **self_p)
{
    client_send_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    plv_buf_t *bufs[] = {&self->url,  &self->body,        &self->method,     &self->remote,
                         &self->path, &self->answer_head, &self->answer_body};
    plv_node_remove (&self->node);
    curl_easy_cleanup (self->easy);
    curl_mime_free (self->mime);
    curl_slist_free_all (self->headers);
    for (size_t at = 0; at < sizeof bufs / sizeof *bufs; at++)
        plv_buf_free (bufs[at]);
    free (self);
    *self_p = NULL;
}
