/*  http_call -- reading requests  */
#include "host/net/http_call.h"

#include "base/alloc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PATH_BYTES_MAX = 2047,
    QUERY_BYTES_MAX = 2047,
    PEER_BYTES = 64,
    PROTOCOLS_BYTES_MAX = 120,
    TICK_CALLS = 1024,
    VALUE_BYTES_MAX = 8192
};

static const char coded[] = "a body is taken as it is, without a content-encoding";

static http_call_t *call_new (http_line_t *line)
{
    char version[16] = "";
    if (line->call)
        http_call_destroy (line->call); /* over, and all of its answer has gone */
    http_call_t *call = plv_alloc_zero (1, sizeof *call);
    call->number = ++line->http->last;
    call->line = line;
    lws_hdr_copy (line->wsi, version, sizeof version, WSI_TOKEN_HTTP);
    call->is_old = strcmp (version, "HTTP/1.0") == 0;
    plv_map_u64_put (&line->http->calls, call->number, call);
    line->call = call;
    return call;
}

static void free_request (http_call_t *call)
{
    plv_buf_free (&call->path);
    plv_buf_free (&call->query);
    plv_buf_free (&call->body);
}

static void free_values (http_call_t *call)
{
    for (http_value_t *value = call->values, *next; value; value = next) {
        next = value->next;
        free (value);
    }
}

void http_call_destroy (http_call_t *call)
{
    plv_map_u64_remove (&call->line->http->calls, call->number);
    plv_node_remove (&call->handed_node);
    plv_node_remove (&call->ready_node);
    call->line->call = NULL;
    free_request (call);
    free_values (call);
    plv_buf_free (&call->headers);
    plv_buf_free (&call->content_type);
    plv_buf_free (&call->out);
    free (call);
}

void http_call_lost (http_line_t *line)
{
    http_call_t *call = line->call;
    if (!call)
        return;
    http_t *http = line->http;
    uint64_t number = call->number;
    bool waits = call->handed && (!call->answered || (call->is_stream && !call->ended));
    http_call_destroy (call);
    if (waits)
        http_gone (http, number);
}

/* ------------------------------------------------------------------ headers, as the plugin asks for them */

/*  libwebsockets knows some headers by number, the rest by name.  */
static int header_copy (struct lws *wsi, const char *name, char *text, int room)
{
    char with_colon[64];
    int size = snprintf (with_colon, sizeof with_colon, "%s:", name);
    if (size <= 0 || (size_t) size >= sizeof with_colon)
        return -1;
    for (int token = 0; token < WSI_TOKEN_COUNT; token++) {
        const unsigned char *known = lws_token_to_string ((enum lws_token_indexes) token);
        if (known && strcmp ((const char *) known, with_colon) == 0)
            return lws_hdr_copy (wsi, text, room, (enum lws_token_indexes) token);
    }
    return lws_hdr_custom_copy (wsi, text, room, with_colon, size);
}

/*  Each text lives as long as the request waits; one that is asked for again is the same.  */
pal_text_t http_header (http_t *self, uint64_t number, const char *name)
{
    char text[VALUE_BYTES_MAX];
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    int size =
        call && !call->answered ? header_copy (call->line->wsi, name, text, sizeof text) : -1;
    if (size <= 0)
        return pal_text (NULL);
    for (const http_value_t *value = call->values; value; value = value->next) {
        if (strcmp (value->text, text) == 0)
            return pal_text (value->text);
    }
    http_value_t *value = plv_alloc (sizeof *value + (size_t) size + 1);
    snprintf (value->text, (size_t) size + 1, "%s", text);
    value->next = call->values;
    call->values = value;
    return pal_text (value->text);
}

/* ------------------------------------------------------------------ what is in a head */

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_DELETE_URI, "DELETE"},
    {WSI_TOKEN_HEAD_URI, "HEAD"},
};

static int method_of (struct lws *wsi)
{
    for (int at = 0; at < (int) (sizeof methods / sizeof *methods); at++) {
        if (lws_hdr_total_length (wsi, methods[at].token) > 0)
            return at;
    }
    return -1;
}

static bool path_good (const char *path, size_t size)
{
    if (!size || *path != '/' || memchr (path, 0, size))
        return false;
    for (size_t at = 0; at + 2 < size; at++) {
        bool dots = memcmp (path + at, "/..", 3) == 0;
        if (dots && (at + 3 == size || path[at + 3] == '/'))
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

/*  libwebsockets has cut it at each '&' and decoded it; this is the way back.  */
static bool read_query (http_call_t *call)
{
    char part[QUERY_BYTES_MAX + 1], escape[4];
    int size;
    for (int at = 0; (size = lws_hdr_copy_fragment (call->line->wsi, part, sizeof part,
                                                    WSI_TOKEN_HTTP_URI_ARGS, at))
                     >= 0;
         at++) {
        if (at)
            plv_buf_add_u8 (&call->query, '&');
        for (int byte = 0; byte < size; byte++) {
            unsigned char c = (unsigned char) part[byte];
            if (c > ' ' && c < 127 && !strchr ("%&#\"<>", c))
                plv_buf_add_u8 (&call->query, c);
            else
                plv_buf_add (&call->query, escape,
                             (size_t) snprintf (escape, sizeof escape, "%%%02X", c));
        }
    }
    return call->query.size <= QUERY_BYTES_MAX;
}

static const char *read_head (http_call_t *call, const char *path, size_t path_bytes,
                              uint32_t *ret_status)
{
    struct lws *wsi = call->line->wsi;
    int method = method_of (wsi);
    *ret_status = 400;
    if (method < 0)
        return "this method is not known";
    snprintf (call->method, sizeof call->method, "%s", methods[method].name);
    if (path_bytes > PATH_BYTES_MAX
        || lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_URI_ARGS) > QUERY_BYTES_MAX
        || !read_query (call)) {
        *ret_status = 414;
        return "the address is too long";
    }
    if (!path_good (path, path_bytes))
        return "the path is not valid";
    plv_buf_add (&call->path, path, path_bytes);
    return NULL;
}

/*  libwebsockets gives us the bytes of a body without a content-length as they come, but only of these methods, and
    does not see its end: the connection is closed behind the answer.  */
static const char *read_encoding (http_call_t *call, int64_t length, uint32_t *ret_status)
{
    char encoding[16] = "";
    struct lws *wsi = call->line->wsi;
    if (lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) <= 0)
        return NULL;
    bool is_known =
        lws_hdr_copy (wsi, encoding, sizeof encoding, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0
        && strcasecmp (encoding, "chunked") == 0;
    call->is_in_chunks = call->line->is_for_one = true;
    *ret_status = !is_known ? 501 : 400;
    if (!is_known)
        return "of the transfer encodings only chunked is served";
    if (length != -1 || call->is_old)
        return "a body has either a content-length or chunks, and these in HTTP/1.1";
    *ret_status = 411;
    return strcmp (call->method, "POST") == 0 || strcmp (call->method, "PUT") == 0
                   || strcmp (call->method, "PATCH") == 0
               ? NULL
               : "a body of this method needs a content-length";
}

/*  Which of a server's sites is meant (RFC 9112, 3.2): two of them could be read as one here and as the other by
    who stands before us.  */
static const char *read_host (const http_call_t *call, uint32_t *ret_status)
{
    struct lws *wsi = call->line->wsi;
    *ret_status = 400;
    if (!call->is_old && lws_hdr_total_length (wsi, WSI_TOKEN_HOST) <= 0)
        return "a request of HTTP/1.1 needs a host header";
    return lws_hdr_fragment_length (wsi, WSI_TOKEN_HOST, 1) > 0
               ? "there is more than one host header"
               : NULL;
}

/*  A plugin gets the bytes of a body as they came, and would take coded ones for the text.  */
static bool is_coded (const http_call_t *call, int64_t length)
{
    char coding[16] = "";
    struct lws *wsi = call->line->wsi;
    return (length > 0 || call->is_in_chunks)
           && lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING) > 0
           && (lws_hdr_copy (wsi, coding, sizeof coding, WSI_TOKEN_HTTP_CONTENT_ENCODING) <= 0
               || strcasecmp (coding, "identity") != 0);
}

/*  It is refused when all of it has come: a client that still sends might not see the answer.  */
static const char *read_coding (http_call_t *call, int64_t length, uint32_t *ret_status)
{
    if (!is_coded (call, length))
        return NULL;
    *ret_status = 415;
    call->is_coded = !call->expects;
    return call->is_coded ? NULL : coded;
}

/*  Its client sends the body only when it is told to, or after a while.  */
static const char *read_expect (http_call_t *call, uint32_t *ret_status)
{
    char expect[16] = "";
    struct lws *wsi = call->line->wsi;
    if (call->is_old || lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_EXPECT) <= 0)
        return NULL;
    *ret_status = 417;
    if (lws_hdr_copy (wsi, expect, sizeof expect, WSI_TOKEN_HTTP_EXPECT) <= 0
        || strcasecmp (expect, "100-continue") != 0)
        return "of all that can be expected only 100-continue is met";
    call->expects = true;
    return NULL;
}

static pal_text_t text_in (const plv_buf_t *buf)
{
    plv_buf_check (buf);
    return (pal_text_t){(const char *) buf->data, buf->size};
}

static pal_http_request_t request_of (const http_call_t *call, char peer[PEER_BYTES])
{
    peer[0] = 0;
    lws_get_peer_simple (call->line->wsi, peer, PEER_BYTES);
    return (pal_http_request_t){
        .call = call->number,
        .method = pal_text (call->method),
        .path = text_in (&call->path),
        .query = text_in (&call->query),
        .body = text_in (&call->body),
        .peer = pal_text (peer),
    };
}

/* ------------------------------------------------------------------ requests */

void http_call_deaf (http_call_t *call, bool is_deaf)
{
    if (call->is_deaf == is_deaf)
        return;
    call->is_deaf = is_deaf;
    lws_rx_flow_control (call->line->wsi, !is_deaf);
}

static void hand_over (http_call_t *call)
{
    char peer[PEER_BYTES];
    http_t *http = call->line->http;
    call->handed = true;
    plv_list_push (&http->handed, &call->handed_node);
    lws_set_timeout (call->line->wsi, NO_PENDING_TIMEOUT, 0);
    pal_http_request_t request = request_of (call, peer);
    http->handler.request (http->handler.arg, &request);
    free_request (call);
    http_call_deaf (call, true);
}

static void complete (http_call_t *call)
{
    if (call->handed || call->answered)
        return;
    if (call->is_coded)
        http_answer_problem (call, 415, coded);
    else if (call->line->http->handler.request)
        hand_over (call);
    else
        http_answer_problem (call, 503, "this host stops");
}

/*  Said again and again when more follows that libwebsockets cannot keep for later.  */
int http_call_complete (http_call_t *call)
{
    if (!call || call->body_ended)
        return -1;
    call->body_ended = true;
    complete (call);
    return 0;
}

/*  One call for all of them. Who still sends, or has more to ask, has not gone.  */
void http_call_tick (http_t *self)
{
    struct pollfd items[TICK_CALLS];
    http_call_t *calls[TICK_CALLS];
    nfds_t count = 0;
    while (count < TICK_CALLS && !plv_list_empty (&self->handed)) {
        http_call_t *call = PLV_OF (plv_list_pop (&self->handed), http_call_t, handed_node);
        if (call->is_over && !lws_partial_buffered (call->line->wsi)) {
            http_call_destroy (call);
            continue;
        }
        calls[count] = call;
        items[count++] =
            (struct pollfd){.fd = lws_get_socket_fd (call->line->wsi), .events = POLLRDHUP};
    }
    int ready = poll (items, count, 0);
    for (nfds_t at = 0; at < count; at++) {
        plv_list_push (&self->handed, &calls[at]->handed_node);
        if (ready > 0 && items[at].revents)
            http_cut (calls[at]->line);
    }
}

/*  Who waits for leave to send the body does not send it after a refusal: nothing of it is to be read.  */
static void refuse (http_call_t *call, uint32_t status, const char *fault)
{
    if (call->expects)
        call->line->is_for_one = true;
    http_answer_problem (call, status, fault);
}

int http_call_head (http_line_t *line, const char *path, size_t path_bytes)
{
    uint32_t status;
    int64_t length = content_length (line->wsi);
    /*  libwebsockets takes the head for the body then. A client whose request is not answered asks again.  */
    if (line->pipelines && length > 0)
        return -1;
    http_call_t *call = call_new (line);
    const char *fault = read_head (call, path, path_bytes, &status);
    if (!fault)
        fault = read_host (call, &status);
    if (!fault)
        fault = read_encoding (call, length, &status);
    if (!fault)
        fault = read_expect (call, &status);
    if (!fault)
        fault = read_coding (call, length, &status);
    if (!fault && length == -2) {
        fault = "the content-length is no number";
        status = 400;
    }
    if (!fault && length > (int64_t) line->http->options.body_bytes_max) {
        fault = "the body is too large";
        status = 413;
    }
    if (fault)
        refuse (call, status, fault);
    else if (length <= 0 && !call->is_in_chunks)
        complete (call);
    else
        lws_set_timeout (line->wsi, PENDING_TIMEOUT_HTTP_CONTENT, HTTP_STALL_S);
    return !fault && call->expects && !http_answer_continue (call) ? -1 : 0;
}

static void take_chunks (http_call_t *call, plv_view_t bytes)
{
    chunks_end_t end = chunks_take (&call->chunks, bytes, &call->body);
    if (call->body.size > call->line->http->options.body_bytes_max)
        http_answer_problem (call, 413, "the body is too large");
    else if (end == CHUNKS_BAD)
        http_answer_problem (call, 400, "the chunks of the body make no sense");
    else if (end == CHUNKS_DONE)
        http_call_complete (call);
}

void http_call_body (http_call_t *call, const void *bytes, size_t size)
{
    if (!call || call->answered || call->handed)
        return;
    if (call->is_in_chunks)
        take_chunks (call, plv_view (bytes, size));
    else if (call->body.size + size > call->line->http->options.body_bytes_max)
        http_answer_problem (call, 413, "the body is too large");
    else
        plv_buf_add (&call->body, bytes, size);
}

/* ------------------------------------------------------------------ handshakes */

/*  What libwebsockets would only hang up on.  */
static uint32_t handshake_fault (struct lws *wsi)
{
    char version[8] = "", connection[128] = "";
    lws_hdr_copy (wsi, version, sizeof version, WSI_TOKEN_VERSION);
    lws_hdr_copy (wsi, connection, sizeof connection, WSI_TOKEN_CONNECTION);
    if (strcmp (version, "13") != 0)
        return 426;
    if (method_of (wsi) != 0 || !strcasestr (connection, "upgrade")
        || lws_hdr_total_length (wsi, WSI_TOKEN_HOST) <= 0
        || lws_hdr_fragment_length (wsi, WSI_TOKEN_HOST, 1) > 0
        || lws_hdr_total_length (wsi, WSI_TOKEN_KEY) != 24)
        return 400;
    return lws_hdr_total_length (wsi, WSI_TOKEN_PROTOCOL) > PROTOCOLS_BYTES_MAX ? 431 : 0;
}

/*  libwebsockets goes on only with a subprotocol of the client's list; when none was chosen, it gets the
    list's first one here, and its answer names none (see LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION).  */
static void choose_protocol (http_line_t *line, const char *chosen)
{
    http_t *http = line->http;
    char list[PROTOCOLS_BYTES_MAX + 1] = "";
    lws_hdr_copy (line->wsi, list, sizeof list, WSI_TOKEN_PROTOCOL);
    const char *first = list + strspn (list, " ,\t");
    if (chosen)
        snprintf (http->protocol, sizeof http->protocol, "%s", chosen);
    else
        snprintf (http->protocol, sizeof http->protocol, "%.*s", (int) strcspn (first, " ,\t"),
                  first);
    http->protocol_chosen = chosen != NULL;
}

static uint32_t ask_plugin (http_call_t *call, const char **ret_protocol)
{
    char peer[PEER_BYTES], path[PATH_BYTES_MAX + 2];
    http_t *http = call->line->http;
    uint32_t status = 414;
    int size = lws_hdr_copy (call->line->wsi, path, sizeof path, WSI_TOKEN_GET_URI);
    if (size <= 0 || read_head (call, path, (size_t) size, &status))
        return status;
    if (!http->handler.socket || http->is_closing)
        return http->is_closing ? 503 : 426;
    pal_http_request_t request = request_of (call, peer);
    return http->handler.socket (http->handler.arg, &request, ret_protocol);
}

int http_call_upgrade (http_line_t *line)
{
    char what[16] = "";
    const char *protocol = NULL;
    if (lws_hdr_copy (line->wsi, what, sizeof what, WSI_TOKEN_UPGRADE) <= 0)
        return -1;
    http_call_t *call = call_new (line);
    uint64_t number = call->number;
    uint32_t status = strcasecmp (what, "websocket") == 0 ? handshake_fault (line->wsi) : 400;
    if (!status)
        status = ask_plugin (call, &protocol);
    if (call->answered)
        status = call->status;
    bool alive = !status || http_answer_refusal (call, status);
    http_call_destroy (call);
    if (status)
        return alive ? 1 : -1;
    choose_protocol (line, protocol);
    http_socket_new (line, number);
    return 0;
}
