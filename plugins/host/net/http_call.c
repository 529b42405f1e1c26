/*  http_call -- reading requests  */
#include "host/net/http_call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/net/http_line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>

enum {
    TICK_CALLS = 1024,
    KEY_BYTES = 24,
    LENGTH_DIGITS_MAX = 18,
    BODY_BYTES_PER_S = 1024,
    INTERIM_S = 5, /* between two of them */
};

static http_call_t *call_new (http_line_t *line)
{
    http_call_t *call = plv_alloc_zero (1, sizeof *call);
    call->number = ++line->http->last;
    call->line = line;
    call->head = line->head;
    line->head = (http_head_t){0};
    plv_map_u64_put (&line->http->calls, call->number, call);
    line->call = call;
    return call;
}

static void free_values (http_call_t *call)
{
    for (http_value_t *value = call->values, *next; value; value = next) {
        next = value->next;
        free (value);
    }
    call->values = NULL;
}

void http_call_free_request (http_call_t *call)
{
    plv_buf_free (&call->head.text);
    plv_buf_free (&call->head.query);
    plv_buf_free (&call->head.fields);
    plv_buf_free (&call->body);
    free_values (call);
}

void http_call_destroy (http_call_t *call)
{
    plv_map_u64_remove (&call->line->http->calls, call->number);
    plv_node_remove (&call->handed_node);
    plv_node_remove (&call->ready_node);
    call->line->call = NULL;
    http_call_free_request (call);
    plv_buf_free (&call->out);
    free (call);
}

void http_call_tell_gone (http_t *self, uint64_t number)
{
    if (self->handler.gone)
        self->handler.gone (self->handler.arg, number);
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
        http_call_tell_gone (http, number);
}

/* ------------------------------------------------------------------ headers, as the plugin asks for them */

/*  Several lines of one name are one list (RFC 9110, 5.3).  */
static void join (const http_head_t *head, const char *name, plv_buf_t *text)
{
    const char *value;
    for (size_t nth = 0; (value = http_head_value (head, name, nth)); nth++) {
        if (nth)
            plv_buf_add (text, ", ", 2);
        plv_buf_add (text, value, strlen (value));
    }
    plv_buf_add_u8 (text, 0);
    plv_buf_check (text);
}

/*  Each text lives as long as the request waits; one that is asked for again is the same.  */
pal_text_t http_header (http_t *self, uint64_t number, const char *name)
{
    plv_buf_t joined = {0};
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    const char *first = call && !call->answered ? http_head_value (&call->head, name, 0) : NULL;
    if (!first || !http_head_value (&call->head, name, 1))
        return pal_text (first && *first ? first : NULL);
    join (&call->head, name, &joined);
    http_value_t *value = call->values;
    while (value && strcmp (value->text, (const char *) joined.data) != 0)
        value = value->next;
    if (!value) {
        value = plv_alloc (sizeof *value + joined.size);
        memcpy (value->text, joined.data, joined.size);
        value->next = call->values;
        call->values = value;
    }
    plv_buf_free (&joined);
    return pal_text (value->text);
}

/* ------------------------------------------------------------------ what is in a head */

/*  -1: none was said. -2: it makes no sense.  */
static int64_t content_length (const http_head_t *head)
{
    const char *text = http_head_value (head, "content-length", 0);
    if (!text)
        return -1;
    size_t digits = strspn (text, "0123456789");
    if (!digits || text[digits] || digits > LENGTH_DIGITS_MAX
        || http_head_value (head, "content-length", 1))
        return -2;
    return strtoll (text, NULL, 10);
}

static const char *read_length (const http_call_t *call, int64_t length, uint32_t *ret_status)
{
    *ret_status = 400;
    if (length == -2)
        return "the content-length is no number, or said twice";
    *ret_status = 413;
    return length > (int64_t) call->line->http->options.body_bytes_max ? "the body is too large"
                                                                       : NULL;
}

static const char *read_encoding (http_call_t *call, int64_t length, uint32_t *ret_status)
{
    const char *encoding = http_head_value (&call->head, "transfer-encoding", 0);
    if (!encoding)
        return NULL;
    bool is_known = strcasecmp (encoding, "chunked") == 0
                    && !http_head_value (&call->head, "transfer-encoding", 1);
    call->is_in_chunks = true;
    *ret_status = !is_known ? 501 : 400;
    if (!is_known)
        return "of the transfer encodings only chunked is served";
    return length != -1 || call->head.is_old
               ? "a body has either a content-length or chunks, and these in HTTP/1.1"
               : NULL;
}

/*  Which of a server's sites is meant (RFC 9112, 3.2): two of them could be read as one here and as the other by
    who stands before us.  */
static const char *read_host (const http_call_t *call, uint32_t *ret_status)
{
    const char *host = http_head_value (&call->head, "host", 0);
    *ret_status = 400;
    if (!call->head.is_old && (!host || !*host))
        return "a request of HTTP/1.1 needs a host header";
    return http_head_value (&call->head, "host", 1) ? "there is more than one host header" : NULL;
}

/*  A plugin gets the bytes of a body as they came, and would take coded ones for the text.  */
static const char *read_coding (const http_call_t *call, int64_t length, uint32_t *ret_status)
{
    const char *coding = http_head_value (&call->head, "content-encoding", 0);
    bool has_body = length > 0 || call->is_in_chunks;
    *ret_status = 415;
    return has_body && coding
                   && (strcasecmp (coding, "identity") != 0
                       || http_head_value (&call->head, "content-encoding", 1))
               ? "a body is taken as it is, without a content-encoding"
               : NULL;
}

static const char *read_expect (const http_call_t *call, uint32_t *ret_status)
{
    const char *expect = http_head_value (&call->head, "expect", 0);
    *ret_status = 417;
    return expect && !call->head.is_old
                   && (strcasecmp (expect, "100-continue") != 0
                       || http_head_value (&call->head, "expect", 1))
               ? "of all that can be expected only 100-continue is met"
               : NULL;
}

static const char *read_head (http_call_t *call, int64_t length, uint32_t *ret_status)
{
    const char *fault = read_host (call, ret_status);
    if (!fault)
        fault = read_encoding (call, length, ret_status);
    if (!fault)
        fault = read_expect (call, ret_status);
    if (!fault)
        fault = read_coding (call, length, ret_status);
    return fault ? fault : read_length (call, length, ret_status);
}

static pal_text_t text_in (const plv_buf_t *buf)
{
    plv_buf_check (buf);
    return (pal_text_t){(const char *) buf->data, buf->size};
}

static pal_http_request_t request_of (const http_call_t *call)
{
    bool has_path = call->head.path > 0; /* a method is before it */
    return (pal_http_request_t){
        .call = call->number,
        .method = pal_text (call->head.method),
        .path = pal_text (has_path ? http_head_path (&call->head) : NULL),
        .query = has_path ? text_in (&call->head.query) : pal_text (NULL),
        .body = text_in (&call->body),
        .peer = pal_text (call->line->peer),
    };
}

/* ------------------------------------------------------------------ requests */

static void hand_over (http_call_t *call)
{
    http_t *http = call->line->http;
    call->handed = true;
    plv_list_push (&http->handed, &call->handed_node);
    pal_http_request_t request = request_of (call);
    http->handler.request (http->handler.arg, &request);
    plv_buf_free (&call->body);
}

static void end_with (http_call_t *call, uint32_t status, const char *fault)
{
    call->closes = true;
    call->refused = status;
    http_line_set (call->line, LINE_ENDS, HTTP_STALL_S);
    if (!call->answered)
        http_answer_problem (call, status, fault);
}

/*  The plugin may have better words, and headers without which a browser shows none to its page.  */
static void refuse (http_call_t *call, uint32_t status, const char *fault)
{
    const http_t *http = call->line->http;
    call->closes = true;
    call->refused = status;
    plv_buf_free (&call->body);
    pal_http_request_t request = request_of (call);
    if (http->handler.refused)
        http->handler.refused (http->handler.arg, &request, status, pal_text (fault));
    end_with (call, status, fault);
}

void http_call_refuse (http_line_t *line, uint32_t status, const char *fault)
{
    refuse (line->call ? line->call : call_new (line), status, fault);
}

static void complete (http_call_t *call)
{
    http_line_set (call->line, LINE_BUSY, 0);
    if (call->line->http->handler.request)
        hand_over (call);
    else
        refuse (call, 503, "this host stops");
}

/*  The client has said all: it may have gone, or still wait for its answer. An interim response (RFC 9110, 15.2) is
    let by by who waits, and met with a reset by who has gone. HTTP/1.0 has none, and a stream has no place for it.  */
static bool may_listen (http_call_t *call)
{
    int64_t now_us = plv_clock_mono_us ();
    if (call->answered)
        return !call->is_stream || call->ended; /* what is left of it is being written */
    if (call->head.is_old)
        return false;
    if (now_us < call->interim_us)
        return true;
    call->interim_us = now_us + INTERIM_S * (int64_t) 1000000;
    return http_answer_continue (call);
}

static bool has_gone (http_call_t *call, short events)
{
    return events & (POLLERR | POLLHUP) || (events && !may_listen (call));
}

/*  One call for all of them.  */
void http_call_tick (http_t *self)
{
    struct pollfd items[TICK_CALLS];
    http_call_t *calls[TICK_CALLS];
    nfds_t count = 0;
    while (count < TICK_CALLS && !plv_list_empty (&self->handed)) {
        http_call_t *call = PLV_OF (plv_list_pop (&self->handed), http_call_t, handed_node);
        calls[count] = call;
        items[count++] = (struct pollfd){.fd = call->line->fd, .events = POLLRDHUP};
    }
    int ready = poll (items, count, 0);
    for (nfds_t at = 0; at < count; at++) {
        plv_list_push (&self->handed, &calls[at]->handed_node);
        if (ready > 0 && has_gone (calls[at], items[at].revents))
            http_line_cut (calls[at]->line);
    }
}

/*  Neither a long silence nor a trickle: who sends bytes one by one would hold a connection for days.  */
static void await_body (http_call_t *call)
{
    http_line_set (call->line, LINE_BODY, HTTP_STALL_S);
    if (call->line->deadline_us > call->until_us)
        call->line->deadline_us = call->until_us;
}

static void take_chunks (http_call_t *call, plv_view_t bytes, size_t *ret_used)
{
    chunks_end_t end = chunks_take (&call->chunks, bytes, &call->body, ret_used);
    if (call->body.size > call->line->http->options.body_bytes_max)
        refuse (call, 413, "the body is too large");
    else if (end == CHUNKS_BAD)
        refuse (call, 400, "the chunks of the body make no sense");
    else if (end == CHUNKS_DONE)
        complete (call);
}

size_t http_call_body (http_call_t *call, plv_view_t bytes)
{
    size_t used = bytes.size < call->left ? bytes.size : (size_t) call->left;
    await_body (call);
    if (call->is_in_chunks) {
        take_chunks (call, bytes, &used);
        return used;
    }
    plv_buf_add (&call->body, bytes.data, used);
    call->left -= used;
    if (!call->left)
        complete (call);
    return used;
}

/* ------------------------------------------------------------------ handshakes */

/*  What came behind it would be taken for frames if it were a body.  */
static uint32_t handshake_fault (const http_head_t *head, bool has_body)
{
    const char *version = http_head_value (head, "sec-websocket-version", 0);
    const char *key = http_head_value (head, "sec-websocket-key", 0);
    if (!version || strcmp (version, "13") != 0)
        return 426;
    return !has_body && strcmp (head->method, "GET") == 0 && !head->is_old && key
                   && strlen (key) == KEY_BYTES && !http_head_value (head, "sec-websocket-key", 1)
                   && http_head_lists (head, "connection", "upgrade")
               ? 0
               : 400;
}

static uint32_t ask_plugin (http_call_t *call, const char **ret_protocol)
{
    const http_t *http = call->line->http;
    if (!http->handler.socket || http->is_closing)
        return http->is_closing ? 503 : 426;
    pal_http_request_t request = request_of (call);
    return http->handler.socket (http->handler.arg, &request, ret_protocol);
}

static void take_socket (http_call_t *call, const char *protocol)
{
    char key[KEY_BYTES + 1];
    http_line_t *line = call->line;
    uint64_t number = call->number;
    snprintf (key, sizeof key, "%s", http_head_value (&call->head, "sec-websocket-key", 0));
    http_call_destroy (call);
    http_socket_adopt (line, number, key, protocol);
}

static void upgrade (http_call_t *call, bool has_body)
{
    const char *protocol = NULL;
    call->closes = true;
    uint32_t fault = handshake_fault (&call->head, has_body);
    uint32_t status = fault ? fault : ask_plugin (call, &protocol);
    const char *words = status == 426 ? "this is no WebSocket of version 13 that is served here"
                                      : "this WebSocket is refused";
    if (call->answered) /* by the plugin, in its own words */
        http_line_set (call->line, LINE_ENDS, HTTP_STALL_S);
    else if (fault)
        refuse (call, status, words);
    else if (status)
        end_with (call, status, words);
    else
        take_socket (call, protocol);
}

/*  Some clients offer HTTP/2 with every request, and a server may go on with HTTP/1.1.  */
static bool wants_socket (const http_head_t *head)
{
    return http_head_lists (head, "upgrade", "websocket");
}

static void read_body (http_call_t *call, int64_t length)
{
    call->left = length > 0 ? (uint64_t) length : 0;
    int64_t size = length > 0 ? length : call->line->http->options.body_bytes_max;
    call->until_us =
        plv_clock_mono_us () + (HTTP_STALL_S + size / BODY_BYTES_PER_S) * (int64_t) 1000000;
    await_body (call);
    if (http_head_value (&call->head, "expect", 0) && !call->head.is_old
        && !http_answer_continue (call))
        http_line_destroy (call->line);
}

void http_call_head (http_line_t *line)
{
    uint32_t status;
    http_call_t *call = call_new (line);
    int64_t length = content_length (&call->head);
    const char *fault = read_head (call, length, &status);
    call->closes = call->head.is_old ? !http_head_lists (&call->head, "connection", "keep-alive")
                                     : http_head_lists (&call->head, "connection", "close");
    bool has_body = length > 0 || call->is_in_chunks;
    if (fault)
        refuse (call, status, fault);
    else if (wants_socket (&call->head))
        upgrade (call, has_body);
    else if (has_body)
        read_body (call, length);
    else
        complete (call);
}
