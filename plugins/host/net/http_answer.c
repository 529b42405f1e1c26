/*  http_answer -- writing answers, whole or piece by piece  */
#include "host/net/http_call.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 4096, PROBLEM_BYTES = 256, OUT_KEPT_BYTES = 16 * 1024 };

static bool is_silent (const http_call_t *call)
{
    return strcmp (call->method, "HEAD") == 0;
}

static bool has_no_body (const http_call_t *call)
{
    return call->status == 204 || call->status == 304;
}

static bool is_chunked (const http_call_t *call)
{
    return call->is_stream && !call->is_old;
}

/*  What follows a head that makes no sense is not a request. A body that is too large is read and dropped, so that
    its client sees the answer.  */
static bool closes_after (const http_call_t *call)
{
    bool clear = call->handed || call->status == 413;
    return !clear || call->line->http->is_closing || call->line->is_for_one
           || (call->is_stream && call->is_old);
}

static size_t unsent (const http_call_t *call)
{
    return call->out.size - call->out_at + call->in_flight;
}

static void add_piece (http_call_t *call, pal_text_t piece)
{
    char size[24];
    if (!piece.size || is_silent (call))
        return;
    if (is_chunked (call))
        plv_buf_add (&call->out, size,
                     (size_t) snprintf (size, sizeof size, "%zx\r\n", piece.size));
    plv_buf_add (&call->out, piece.data, piece.size);
    if (is_chunked (call))
        plv_buf_add (&call->out, "\r\n", 2);
    plv_buf_check (&call->out);
}

static void add_header (http_call_t *call, const pal_header_t *header)
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

static void ready (http_call_t *call)
{
    if (!plv_node_listed (&call->ready_node))
        plv_list_push (&call->line->http->ready, &call->ready_node);
}

static void answer (http_call_t *call, uint32_t status, pal_text_t type, pal_text_t body)
{
    call->answered = true;
    call->status = status;
    call->length = body.size;
    plv_buf_add (&call->content_type, type.data, type.size);
    add_piece (call, body);
    ready (call);
}

static pal_text_t problem_text (char text[PROBLEM_BYTES], uint32_t status, const char *title)
{
    snprintf (text, PROBLEM_BYTES, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}",
              title, status);
    return pal_text (text);
}

void http_answer_problem (http_call_t *call, uint32_t status, const char *title)
{
    char text[PROBLEM_BYTES];
    pal_header_t codings = {pal_text ("accept-encoding"), pal_text ("identity")};
    if (status == 415)
        add_header (call, &codings);
    answer (call, status, pal_text ("application/problem+json"),
            problem_text (text, status, title));
}

/* ------------------------------------------------------------------ onto the line */

static bool put_headers (http_call_t *call, uint8_t **at, uint8_t *end)
{
    struct lws *wsi = call->line->wsi;
    const char *name = (const char *) call->headers.data;
    const char *stop = name + call->headers.size;
    while (name < stop) {
        const char *value = name + strlen (name) + 1;
        if (lws_add_http_header_by_name (wsi, (const unsigned char *) name,
                                         (const unsigned char *) value, (int) strlen (value), at,
                                         end))
            return false;
        name = value + strlen (value) + 1;
    }
    return true;
}

static bool put_head (http_call_t *call, uint8_t **at, uint8_t *end)
{
    struct lws *wsi = call->line->wsi;
    const unsigned char chunked[] = "chunked", closed[] = "close";
    if (lws_add_http_header_status (wsi, call->status, at, end)
        || (call->content_type.size
            && lws_add_http_header_by_token (wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                             call->content_type.data, (int) call->content_type.size,
                                             at, end)))
        return false;
    if (closes_after (call)
        && lws_add_http_header_by_token (wsi, WSI_TOKEN_CONNECTION, closed, sizeof closed - 1, at,
                                         end))
        return false;
    if (is_chunked (call)) {
        if (lws_add_http_header_by_token (wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, chunked,
                                          sizeof chunked - 1, at, end))
            return false;
    } else if (!call->is_stream && !has_no_body (call)
               && lws_add_http_header_content_length (wsi, call->length, at, end)) {
        return false;
    }
    return put_headers (call, at, end) && lws_finalize_http_header (wsi, at, end) == 0;
}

/*  The head and as much of the body as fits into one write: small answers are one packet.  */
static bool write_some (http_call_t *call)
{
    struct lws *wsi = call->line->wsi;
    size_t body = call->out.size - call->out_at;
    body = body < HTTP_WRITE_BYTES ? body : HTTP_WRITE_BYTES;
    uint8_t *bytes = plv_alloc (LWS_PRE + HEAD_BYTES + body), *at = bytes + LWS_PRE;
    bool good = call->head_written || put_head (call, &at, at + HEAD_BYTES);
    if (good) {
        call->head_written = true;
        memcpy (at, body ? call->out.data + call->out_at : at, body);
        call->out_at += body;
        at += body;
        int size = (int) (at - bytes - LWS_PRE);
        good = lws_write (wsi, bytes + LWS_PRE, (size_t) size, LWS_WRITE_HTTP) >= size;
        call->in_flight = good && lws_partial_buffered (wsi) ? (size_t) size : 0;
    }
    free (bytes);
    return good;
}

/*  Bytes that are gone make room for others.  */
static void make_room (http_call_t *call)
{
    size_t left = call->out.size - call->out_at;
    if (left)
        memmove (call->out.data, call->out.data + call->out_at, left);
    call->out.size = left;
    call->out_at = 0;
    if (!left && call->out.capacity > OUT_KEPT_BYTES) {
        plv_buf_free (&call->out);
        call->out = (plv_buf_t){0};
    }
}

/*  Has libwebsockets read more than this request? It does not say so, but does not want to wait then.  */
static bool more_was_read (http_call_t *call)
{
    enum { LONG_MS = 1000 };
    struct lws_context *context = call->line->http->context;
    http_call_deaf (call, true);
    bool others = lws_service_adjust_timeout (context, LONG_MS, 0) == 0;
    http_call_deaf (call, false);
    return !others && lws_service_adjust_timeout (context, LONG_MS, 0) == 0;
}

static int finish (http_call_t *call)
{
    http_line_t *line = call->line;
    bool closes = closes_after (call);
    line->pipelines = more_was_read (call);
    http_call_destroy (call);
    if (lws_http_transaction_completed (line->wsi))
        return -1;
    return closes ? -1 : 0;
}

/*  libwebsockets has the last bytes and the kernel has not. When they leave, the client may have its next request
    under way before we are told, and it would be taken for more of this one's body: so libwebsockets turns
    to the next request with the last byte. The call lives until then, for those who wait for the end of all.  */
static int finish_behind (http_call_t *call)
{
    http_line_t *line = call->line;
    call->is_over = true;
    line->pipelines = more_was_read (call);
    return lws_http_transaction_completed (line->wsi) ? -1 : 0;
}

/*  Everything is said, written, and in the hands of libwebsockets, and the connection goes on.  */
static bool is_behind (const http_call_t *call)
{
    bool is_said = !call->is_stream || call->ended;
    bool is_given = call->head_written && call->out_at == call->out.size;
    return is_said && is_given && call->in_flight && call->handed && !closes_after (call);
}

/*  All that the kernel takes; what it does not take all of, libwebsockets keeps.  */
static bool write_all (http_call_t *call)
{
    struct lws *wsi = call->line->wsi;
    while ((!call->head_written || call->out_at < call->out.size) && !lws_send_pipe_choked (wsi)) {
        if (!write_some (call))
            return false;
    }
    return true;
}

static void say_drained (http_call_t *call)
{
    http_t *http = call->line->http;
    if (call->has_unsaid && http->handler.drained) {
        call->has_unsaid = false;
        http->handler.drained (http->handler.arg, call->number);
    }
}

/*  Nonzero: close.  */
static int write_on (http_call_t *call)
{
    struct lws *wsi = call->line->wsi;
    if (!write_all (call))
        return -1;
    if (unsent (call) || !call->head_written) {
        http_call_deaf (call, false); /* a line that is deaf is not told that it can write either */
        lws_set_timeout (wsi, PENDING_TIMEOUT_HTTP_CONTENT, HTTP_STALL_S);
        lws_callback_on_writable (wsi);
        return is_behind (call) ? finish_behind (call) : 0;
    }
    make_room (call);
    if (!call->is_stream || call->ended)
        return finish (call);
    http_call_deaf (call, true);
    lws_set_timeout (wsi, NO_PENDING_TIMEOUT, 0);
    say_drained (call);
    return 0;
}

int http_answer_writable (http_line_t *line)
{
    http_call_t *call = line->call;
    if (!call || !call->answered || call->cut || call->is_over)
        return 0;
    call->in_flight = 0;
    return write_on (call);
}

void http_answer_ready (http_t *self)
{
    plv_node_t now;
    plv_list_init (&now);
    while (!plv_list_empty (&self->ready))
        plv_list_push (&now, plv_list_pop (&self->ready));
    while (!plv_list_empty (&now)) {
        http_call_t *call = PLV_OF (plv_list_pop (&now), http_call_t, ready_node);
        struct lws *wsi = call->line->wsi;
        if (!call->cut && write_on (call))
            lws_set_timeout (wsi, PENDING_TIMEOUT_HTTP_KEEPALIVE_IDLE, LWS_TO_KILL_SYNC);
    }
}

bool http_answer_continue (http_call_t *call)
{
    static const char words[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t bytes[LWS_PRE + sizeof words];
    int size = sizeof words - 1;
    memcpy (bytes + LWS_PRE, words, sizeof words);
    return lws_write (call->line->wsi, bytes + LWS_PRE, (size_t) size, LWS_WRITE_HTTP) >= size;
}

bool http_answer_refusal (http_call_t *call, uint32_t status)
{
    char text[PROBLEM_BYTES];
    if (call->answered)
        return write_some (call); /* by the plugin, in its own words */
    const char *title = status == 426 ? "this is no WebSocket of version 13 that is served here"
                                      : "this WebSocket is refused";
    pal_header_t version = {pal_text ("sec-websocket-version"), pal_text ("13")};
    pal_text_t body = problem_text (text, status, title);
    call->status = status;
    call->length = body.size;
    plv_buf_add (&call->content_type, "application/problem+json", 24);
    if (status == 426)
        add_header (call, &version);
    add_piece (call, body);
    return write_some (call);
}

/* ------------------------------------------------------------------ what the plugin asks for */

static http_call_t *unanswered (http_t *self, uint64_t number)
{
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    return call && !call->answered ? call : NULL;
}

static void begin (http_call_t *call, const pal_http_response_t *response)
{
    for (uint32_t at = 0; at < response->header_count; at++)
        add_header (call, &response->headers[at]);
    answer (call, response->status, response->content_type, response->body);
}

bool http_respond (http_t *self, uint64_t number, const pal_http_response_t *response)
{
    http_call_t *call = unanswered (self, number);
    if (!call)
        return false;
    begin (call, response);
    return true;
}

bool http_begin (http_t *self, uint64_t number, const pal_http_response_t *response)
{
    http_call_t *call = unanswered (self, number);
    if (!call)
        return false;
    call->is_stream = true;
    call->has_unsaid = true;
    begin (call, response);
    return true;
}

bool http_write (http_t *self, uint64_t number, pal_text_t piece)
{
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    if (!call || !call->is_stream || call->ended || call->cut)
        return false;
    size_t waits = unsent (call);
    if (waits && waits + piece.size > self->options.out_bytes_max) {
        call->cut = true;
        http_cut (call->line);
        return false;
    }
    add_piece (call, piece);
    call->has_unsaid = true;
    ready (call);
    return true;
}

void http_end (http_t *self, uint64_t number)
{
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    if (!call || !call->is_stream || call->ended || call->cut)
        return;
    call->ended = true;
    if (is_chunked (call) && !is_silent (call))
        plv_buf_add (&call->out, "0\r\n\r\n", 5);
    plv_buf_check (&call->out);
    ready (call);
}
