/*  http_answer -- writing answers, whole or piece by piece  */
#include "host/net/http_call.h"
#include "host/net/http_line.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { PROBLEM_BYTES = 256, OUT_KEPT_BYTES = 16 * 1024 };

static bool is_silent (const http_call_t *call)
{
    return strcmp (call->head.method, "HEAD") == 0;
}

static bool has_no_body (uint32_t status)
{
    return status == 204 || status == 304;
}

static bool is_chunked (const http_call_t *call)
{
    return call->is_stream && !call->head.is_old;
}

static size_t unsent (const http_call_t *call)
{
    return call->out.size - call->out_at;
}

/* ------------------------------------------------------------------ what is said */

static const char *reason_of (uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Method Not Served"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t at = 0; at < sizeof reasons / sizeof *reasons; at++) {
        if (reasons[at].status == status)
            return reasons[at].reason;
    }
    return "Status"; /* nobody reads it but people, and the number is before it */
}

static const char *date (http_t *http)
{
    struct tm parts;
    time_t now = time (NULL);
    if (now != http->date_s) {
        gmtime_r (&now, &parts);
        strftime (http->date, sizeof http->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        http->date_s = now;
    }
    return http->date;
}

static void add_text (http_call_t *call, const char *text)
{
    plv_buf_add (&call->out, text, strlen (text));
}

static bool is_clean (pal_text_t text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (strchr ("\r\n", text.data[at])) /* finds NUL too */
            return false;
    }
    return true;
}

static void add_header (http_call_t *call, pal_text_t name, pal_text_t value)
{
    /*  What would end a line early is not a header.  */
    if (!name.size || !is_clean (name) || !is_clean (value))
        return;
    plv_buf_add (&call->out, name.data, name.size);
    add_text (call, name.data[name.size - 1] == ':' ? " " : ": ");
    plv_buf_add (&call->out, value.data, value.size);
    add_text (call, "\r\n");
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

/*  What goes on behind the answer: the connection, or another protocol that is asked for (RFC 9110, 15.5.22).  */
static const char *connection_of (const http_call_t *call, uint32_t status)
{
    if (status == 426)
        return call->closes ? "upgrade, close" : "upgrade";
    return call->closes ? "close" : call->head.is_old ? "keep-alive" : NULL;
}

/*  Where the answer ends is the host's to say: another word on it, and the next answer is read as part of this one.  */
static bool is_framing (pal_text_t name)
{
    static const char *const names[] = {"content-length", "transfer-encoding"};
    size_t size = name.size && name.data[name.size - 1] == ':' ? name.size - 1 : name.size;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        if (size == strlen (names[at]) && strncasecmp (name.data, names[at], size) == 0)
            return true;
    return false;
}

static void add_given (http_call_t *call, const pal_http_response_t *response)
{
    for (uint32_t at = 0; at < response->header_count; at++)
        if (!is_framing (response->headers[at].name))
            add_header (call, response->headers[at].name, response->headers[at].value);
}

/*  How the connection and the body go on.  */
static void add_framing (http_call_t *call, const pal_http_response_t *response)
{
    char length[24];
    call->closes =
        call->closes || call->line->http->is_closing || (call->is_stream && !is_chunked (call));
    if (connection_of (call, response->status))
        add_header (call, pal_text ("connection"),
                    pal_text (connection_of (call, response->status)));
    if (is_chunked (call))
        add_header (call, pal_text ("transfer-encoding"), pal_text ("chunked"));
    snprintf (length, sizeof length, "%zu", response->body.size);
    if (!call->is_stream && !has_no_body (response->status))
        add_header (call, pal_text ("content-length"), pal_text (length));
}

/*  What a client is to do instead, whoever has the words (RFC 9110, 15.5.16 and 15.5.22).  */
static void add_way_out (http_call_t *call)
{
    if (call->refused == 415) {
        add_header (call, pal_text ("accept-encoding"), pal_text ("identity"));
    } else if (call->refused == 426) {
        add_header (call, pal_text ("upgrade"), pal_text ("websocket"));
        add_header (call, pal_text ("sec-websocket-version"), pal_text ("13"));
    }
}

static void ready (http_call_t *call)
{
    if (!plv_node_listed (&call->ready_node))
        plv_list_push (&call->line->http->ready, &call->ready_node);
}

/*  What is no final status leaves the client waiting for one.  */
static pal_http_response_t final_of (const pal_http_response_t *given)
{
    pal_http_response_t response = *given;
    if (response.status < 200 || response.status > 599)
        response.status = 500;
    return response;
}

static void answer (http_call_t *call, const pal_http_response_t *given)
{
    char first[64];
    const pal_http_response_t final = final_of (given), *response = &final;
    snprintf (first, sizeof first, "HTTP/1.1 %u %s\r\n", response->status,
              reason_of (response->status));
    call->answered = true;
    add_text (call, first);
    add_header (call, pal_text ("server"), pal_text ("palaver"));
    add_header (call, pal_text ("date"), pal_text (date (call->line->http)));
    if (response->content_type.size)
        add_header (call, pal_text ("content-type"), response->content_type);
    add_framing (call, response);
    add_way_out (call);
    add_given (call, response);
    add_text (call, "\r\n");
    if (!has_no_body (response->status))
        add_piece (call, response->body);
    plv_buf_check (&call->out);
    ready (call);
}

void http_answer_problem (http_call_t *call, uint32_t status, const char *title)
{
    char text[PROBLEM_BYTES];
    snprintf (text, sizeof text, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}", title,
              status);
    pal_http_response_t response = {.status = status,
                                    .content_type = pal_text ("application/problem+json"),
                                    .body = pal_text (text)};
    answer (call, &response);
}

/* ------------------------------------------------------------------ onto the line */

/*  Bytes that are gone make room for others: also of a client that never has all of them. No more are moved than
    have gone.  */
static void make_room (http_call_t *call)
{
    size_t left = unsent (call);
    if (left > call->out_at)
        return;
    if (left)
        memmove (call->out.data, call->out.data + call->out_at, left);
    call->out.size = left;
    call->out_at = 0;
    if (!left && call->out.capacity > OUT_KEPT_BYTES)
        plv_buf_free (&call->out);
}

/*  All that the kernel takes; false: the line is dead.  */
static bool write_all (http_call_t *call)
{
    http_line_t *line = call->line;
    ssize_t size = 1;
    while (size > 0 && unsent (call)) {
        size = http_wire_write (line, call->out.data + call->out_at, unsent (call));
        call->out_at += size > 0 ? (size_t) size : 0;
    }
    line->is_choked = unsent (call) > 0;
    return size >= 0;
}

static void say_drained (http_call_t *call)
{
    http_t *http = call->line->http;
    if (call->has_unsaid && http->handler.drained) {
        call->has_unsaid = false;
        http->handler.drained (http->handler.arg, call->number);
    }
}

static void write_on (http_call_t *call)
{
    http_line_t *line = call->line;
    size_t before = call->out_at;
    bool was_choked = line->is_choked;
    if (!write_all (call)) {
        http_line_destroy (line);
        return;
    }
    if (line->is_choked) {
        /*  What the plugin adds is nothing that the client takes.  */
        if (!was_choked || call->out_at > before)
            http_line_set (line, line->state, HTTP_STALL_S);
        make_room (call);
        http_line_attend (line, 0);
        return;
    }
    /*  Who asked for the head of a stream has got it all: for the plugin the client is gone.  */
    if (!call->is_stream || call->ended || is_silent (call)) {
        bool closes = call->closes;
        http_call_lost (line);
        http_line_next (line, closes);
        return;
    }
    make_room (call);
    http_call_free_request (call);
    http_line_set (line, line->state, 0);
    http_line_attend (line, 0);
    say_drained (call);
}

void http_answer_writable (http_line_t *line)
{
    if (line->call && !line->call->cut)
        write_on (line->call);
}

/*  An answer may let the next request in, and that be answered at once.  */
void http_answer_ready (http_t *self)
{
    while (!plv_list_empty (&self->ready)) {
        http_call_t *call = PLV_OF (plv_list_pop (&self->ready), http_call_t, ready_node);
        if (!call->cut)
            write_on (call);
    }
}

bool http_answer_continue (http_call_t *call)
{
    static const char words[] = "HTTP/1.1 100 Continue\r\n\r\n";
    return http_wire_write (call->line, words, sizeof words - 1) == sizeof words - 1;
}

/* ------------------------------------------------------------------ what the plugin asks for */

static http_call_t *unanswered (http_t *self, uint64_t number)
{
    http_call_t *call = plv_map_u64_get (&self->calls, number);
    return call && !call->answered ? call : NULL;
}

bool http_respond (http_t *self, uint64_t number, const pal_http_response_t *response)
{
    http_call_t *call = unanswered (self, number);
    if (!call)
        return false;
    answer (call, response);
    return true;
}

bool http_begin (http_t *self, uint64_t number, const pal_http_response_t *response)
{
    http_call_t *call = unanswered (self, number);
    if (!call)
        return false;
    call->is_stream = true;
    call->has_unsaid = true;
    answer (call, response);
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
        http_line_cut (call->line);
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
