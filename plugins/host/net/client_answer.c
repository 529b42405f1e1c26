#include "host/net/client_answer.h"

#include <ctype.h>
#include <string.h>

enum {
    HEAD_BYTES_MAX = 64 * 1024,
    HEADERS_MAX = 200,
    RETRY_AFTER_S_MAX = 24 * 3600,
    REASON_BYTES = 600
};

/* ------------------------------------------------------------------ as it comes */

static size_t on_body (char *bytes, size_t one, size_t size, void *arg)
{
    client_send_t *send = arg;
    (void) one;
    if (send->answer_body.size + size > send->body_bytes_max) {
        send->is_too_large = true;
        return 0;
    }
    plv_buf_add (&send->answer_body, bytes, size);
    plv_buf_check (&send->answer_body);
    return size;
}

static void add_header (plv_buf_t *head, const char *line, size_t size)
{
    const char *colon = memchr (line, ':', size);
    if (!colon || colon == line)
        return;
    size_t at = (size_t) (colon - line) + 1;
    while (size > at && isspace ((unsigned char) line[size - 1]))
        size--;
    while (at < size && isspace ((unsigned char) line[at]))
        at++;
    for (const char *c = line; c < colon; c++)
        plv_buf_add_u8 (head, (uint8_t) tolower ((unsigned char) *c));
    plv_buf_add_u8 (head, 0);
    plv_buf_add (head, line + at, size - at);
    plv_buf_add_u8 (head, 0);
    plv_buf_check (head);
}

/*  A status line begins anew: what came before was a 100 or a 103.  */
static size_t on_header (char *line, size_t one, size_t size, void *arg)
{
    client_send_t *send = arg;
    (void) one;
    if (size > 5 && memcmp (line, "HTTP/", 5) == 0)
        plv_buf_clear (&send->answer_head);
    else if (memchr (line, 0, size) == NULL)
        add_header (&send->answer_head, line, size);
    send->is_too_large = send->is_too_large || send->answer_head.size > HEAD_BYTES_MAX;
    return send->is_too_large ? 0 : size;
}

void client_answer_collect (client_send_t *send)
{
    curl_easy_setopt (send->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt (send->easy, CURLOPT_WRITEDATA, send);
    curl_easy_setopt (send->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt (send->easy, CURLOPT_HEADERDATA, send);
}

/* ------------------------------------------------------------------ as it is told */

uint32_t client_send_status (const client_send_t *self)
{
    long status = 0;
    curl_easy_getinfo (self->easy, CURLINFO_RESPONSE_CODE, &status);
    return (uint32_t) status;
}

static uint32_t read_headers (const plv_buf_t *head, pal_header_t headers[HEADERS_MAX])
{
    uint32_t count = 0;
    const char *at = (const char *) head->data, *end = at + head->size;
    for (; at < end && count < HEADERS_MAX; count++) {
        headers[count].name = pal_text (at);
        at += headers[count].name.size + 1;
        headers[count].value = pal_text (at);
        at += headers[count].value.size + 1;
    }
    return count;
}

static uint32_t retry_after_ms (const client_send_t *self)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo (self->easy, CURLINFO_RETRY_AFTER, &seconds);
    seconds = seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX;
    return seconds > 0 ? (uint32_t) seconds * 1000 : 0;
}

/*  Whatever libcurl says of it, the path stays here.  */
static const char *words_for (const client_send_t *self, CURLcode result)
{
    const char *path = (const char *) self->path.data;
    bool tells = strlen (path) > 1 && strstr (self->fault, path);
    if (self->is_too_large)
        return "the answer is larger than is allowed";
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return "the connection was closed before an answer came";
    return *self->fault && !tells && !strchr (self->fault, '?') ? self->fault
                                                                : curl_easy_strerror (result);
}

/*  An HTTP/2 server that needs no more of the request answers and then ends the stream with
    RST_STREAM, which does not take the answer back (RFC 9113, 8.1). libcurl 7.88 reports it as
    an error. Whether the answer is whole can be told where it came with its length.  */
static bool is_whole (const client_send_t *self)
{
    curl_off_t length = -1, got = 0;
    curl_easy_getinfo (self->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo (self->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    return length >= 0 && got == length && !self->is_too_large;
}

pal_ended_t client_send_ended (const client_send_t *self, CURLcode result)
{
    long sent = 0;
    if (result == CURLE_OK || (result == CURLE_HTTP2_STREAM && is_whole (self)))
        return PAL_ANSWERED;
    curl_easy_getinfo (self->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0 ? PAL_LOST : PAL_UNSENT;
}

void client_send_end (client_send_t *self, CURLcode result)
{
    pal_header_t headers[HEADERS_MAX];
    char reason[REASON_BYTES];
    pal_answer_t answer = {.ended = client_send_ended (self, result)};
    if (answer.ended == PAL_ANSWERED) {
        answer.status = client_send_status (self);
        answer.headers = headers;
        answer.header_count = read_headers (&self->answer_head, headers);
        answer.retry_after_ms = retry_after_ms (self);
        answer.body = (pal_text_t){(char *) self->answer_body.data, self->answer_body.size};
    } else {
        snprintf (reason, sizeof reason, "%s: %s", (const char *) self->remote.data,
                  words_for (self, result));
        answer.reason = pal_text (reason);
    }
    if (self->done)
        self->done (self->arg, &answer);
}

void client_send_refuse (client_send_t *self)
{
    pal_answer_t answer = {.ended = PAL_UNSENT,
                           .retry_after_ms = self->retry_after_ms,
                           .reason = pal_text (self->fail.text)};
    if (self->done)
        self->done (self->arg, &answer);
}
