#include "host/net/http_line.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/net/http_call.h"
#include "host/net/http_relay.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

enum { DROP_BYTES = 16 * 1024 * 1024, DROP_S = 5, FIRST_S = 2 };

/* ------------------------------------------------------------------ life */

void http_line_set (http_line_t *self, http_line_state_t state, uint32_t seconds)
{
    self->state = state;
    self->since_us = plv_clock_mono_us ();
    self->deadline_us = seconds ? self->since_us + (int64_t) seconds * 1000000 : 0;
}

static void free_line (uv_handle_t *handle)
{
    free (handle->data);
}

/*  Of the line, only the memory is left, until uv has let go of it.  */
static void let_go (http_line_t *self)
{
    self->state = LINE_CLOSED;
    self->http->line_count--;
    plv_node_remove (&self->node);
    plv_node_remove (&self->cut_node);
    http_head_free (&self->head);
    plv_buf_free (&self->more);
    uv_close ((uv_handle_t *) &self->poll, free_line);
}

int http_line_take_fd (http_line_t *self)
{
    int fd = self->fd;
    let_go (self);
    return fd;
}

void http_line_destroy (http_line_t *self)
{
    if (self->state == LINE_CLOSED)
        return;
    http_relay_destroy (&self->relay);
    let_go (self);
    http_call_lost (self);
    SSL_free (self->tls);
    close (self->fd);
    http_accept_poll (self->http);
}

void http_line_cut (http_line_t *self)
{
    if (!plv_node_listed (&self->cut_node))
        plv_list_push (&self->http->cut, &self->cut_node);
}

/* ------------------------------------------------------------------ what comes */

static uint32_t head_s (const http_t *http)
{
    return http->options.idle_s < HTTP_STALL_S ? http->options.idle_s : HTTP_STALL_S;
}

/*  Who still sends when all has been said is not listened to for ever.  */
static void drop (http_line_t *self, size_t size)
{
    self->dropped += size;
    if (self->dropped > DROP_BYTES)
        http_line_destroy (self);
}

static size_t take_head (http_line_t *self, plv_view_t bytes)
{
    size_t used = 0;
    if (self->state == LINE_IDLE)
        http_line_set (self, LINE_HEAD, head_s (self->http));
    self->was_asked = true;
    http_head_end_t end =
        http_head_take (&self->head, bytes, self->http->options.header_bytes_max, &used);
    self->rest = plv_view (bytes.data + used, bytes.size - used);
    if (end == HTTP_HEAD_DONE)
        http_call_head (self);
    else if (end == HTTP_HEAD_BAD)
        http_call_refuse (self, self->head.status, self->head.fault);
    return used;
}

/*  Returns how much of it has found its place.  */
static size_t take_some (http_line_t *self, plv_view_t bytes)
{
    if (self->state == LINE_IDLE || self->state == LINE_HEAD)
        return take_head (self, bytes);
    if (self->state == LINE_BODY)
        return http_call_body (self->call, bytes);
    drop (self, bytes.size);
    return bytes.size;
}

static bool listens (const http_line_t *self)
{
    return !self->is_deaf
           && (self->state == LINE_IDLE || self->state == LINE_HEAD || self->state == LINE_BODY
               || self->state == LINE_ENDS);
}

/*  The same, until a request is whole.  */
static size_t take (http_line_t *self, plv_view_t bytes)
{
    size_t used = 0;
    while (used < bytes.size && listens (self))
        used += take_some (self, plv_view (bytes.data + used, bytes.size - used));
    if (self->state != LINE_RELAYS)
        return used;
    http_relay_take (self->relay, plv_view (bytes.data + used, bytes.size - used));
    http_relay_turn (self->relay);
    return bytes.size;
}

static void keep (http_line_t *self, plv_view_t bytes)
{
    plv_buf_add_view (&self->more, bytes);
    plv_buf_check (&self->more);
}

/*  A client that says that it has said all may still wait for an answer.  */
static void ended (http_line_t *self)
{
    bool is_answered = self->state == LINE_ENDS && !self->is_shut;
    if (self->state == LINE_HEAD || self->state == LINE_BODY)
        http_call_refuse (self, 400, "the connection ends before the request does");
    else if (!is_answered) {
        http_line_destroy (self);
        return;
    }
    self->is_deaf = true;
}

static void read_on (http_line_t *self)
{
    uint8_t *bytes = self->http->scratch;
    while (listens (self)) {
        ssize_t size = http_wire_read (self, bytes, HTTP_READ_BYTES);
        if (size < 0)
            ended (self);
        if (size <= 0)
            return;
        size_t used = take (self, plv_view (bytes, (size_t) size));
        if (self->state == LINE_BUSY)
            keep (self, plv_view (bytes + used, (size_t) size - used));
        if (!self->tls && size < HTTP_READ_BYTES)
            return;
    }
}

/*  What came with the request before this one is first.  */
static void go_on (http_line_t *self)
{
    while (self->more_at < self->more.size && listens (self))
        self->more_at += take (
            self, plv_view (self->more.data + self->more_at, self->more.size - self->more_at));
    if (self->more_at >= self->more.size) {
        plv_buf_free (&self->more);
        self->more_at = 0;
    }
    /*  OpenSSL may have read what no event will speak of again.  */
    if (listens (self) && self->tls && SSL_pending (self->tls))
        read_on (self);
}

void http_line_next (http_line_t *self, bool closes)
{
    if (!closes && self->state == LINE_BUSY) {
        http_line_set (self, LINE_IDLE, self->http->options.idle_s);
        go_on (self);
    } else {
        http_wire_shut (self);
        self->is_shut = true;
        http_line_set (self, LINE_ENDS, DROP_S);
        if (self->is_deaf)
            http_line_destroy (self);
    }
    http_line_attend (self, 0);
}

/* ------------------------------------------------------------------ events */

static void shake (http_line_t *self)
{
    int done = http_wire_shake (self);
    if (done < 0)
        http_line_next (self, true);
    else if (done)
        http_line_set (self, LINE_IDLE, self->http->options.idle_s);
}

static void on_event (uv_poll_t *poll, int status, int events)
{
    http_line_t *self = poll->data;
    if (status < 0) {
        http_line_destroy (self);
        return;
    }
    if (self->state == LINE_SHAKES)
        shake (self);
    if (self->state == LINE_RELAYS) {
        http_relay_turn (self->relay);
        return;
    }
    if (self->is_choked)
        http_answer_writable (self);
    if (listens (self))
        read_on (self);
    http_line_attend (self, events);
}

void http_line_poll (uv_poll_t *poll, int *now, int events, uv_poll_cb call)
{
    if (*now == events)
        return;
    *now = events;
    if (events)
        uv_poll_start (poll, events, call);
    else
        uv_poll_stop (poll);
}

/*  Most clients send nothing while they wait for an answer: who does, makes the line deaf with the first event.  */
void http_line_attend (http_line_t *self, int fired)
{
    int events = 0;
    if (self->state == LINE_CLOSED)
        return;
    if (self->state == LINE_RELAYS)
        events = http_relay_events (self->relay);
    else if (self->state == LINE_SHAKES)
        events = self->tls_wants_write ? UV_WRITABLE : UV_READABLE;
    else {
        if (listens (self))
            events |= UV_READABLE | (self->tls_wants_write ? UV_WRITABLE : 0);
        else
            events |= self->events & UV_READABLE & ~fired;
        if (self->is_choked)
            events |= self->tls_wants_read ? UV_READABLE : UV_WRITABLE;
    }
    http_line_poll (&self->poll, &self->events, events, on_event);
}

void http_line_new (http_t *http, int fd, const char *peer)
{
    http_line_t *self = plv_alloc_zero (1, sizeof *self);
    self->http = http;
    self->fd = fd;
    self->poll.data = self;
    snprintf (self->peer, sizeof self->peer, "%s", peer);
    if (uv_poll_init (http->loop, &self->poll, fd)) {
        close (fd);
        free (self);
        return;
    }
    plv_list_push (&http->lines, &self->node);
    http->line_count++;
    http_line_set (self, LINE_IDLE, http->options.idle_s);
    if (http->tls) {
        self->tls = SSL_new (http->tls);
        if (!self->tls || SSL_set_fd (self->tls, fd) != 1) {
            http_line_destroy (self);
            return;
        }
        http_line_set (self, LINE_SHAKES, head_s (http));
        shake (self);
    }
    if (listens (self))
        read_on (self);
    http_line_attend (self, 0);
}

/*  A handshake takes its time, and its client knows nothing of the end of this process. One who is slow on purpose
    holds it up no longer than others.  */
size_t http_line_coming (const http_t *http)
{
    size_t count = 0;
    int64_t since_us = plv_clock_mono_us () - FIRST_S * (int64_t) 1000000;
    for (plv_node_t *node = http->lines.next; node != &http->lines; node = node->next) {
        const http_line_t *self = PLV_OF (node, http_line_t, node);
        bool begins = self->state == LINE_HEAD || (self->state == LINE_IDLE && !self->was_asked);
        count += begins && self->since_us > since_us;
    }
    return count;
}

static void late (http_line_t *self)
{
    if (self->state == LINE_HEAD)
        http_call_refuse (self, 408, "the head of the request did not come in time");
    else if (self->state == LINE_BODY)
        http_call_refuse (self, 408, "the body of the request did not come in time");
    else
        http_line_destroy (self);
}

void http_line_tick (http_t *http)
{
    int64_t now_us = plv_clock_mono_us ();
    for (plv_node_t *node = http->lines.next, *next; node != &http->lines; node = next) {
        http_line_t *self = PLV_OF (node, http_line_t, node);
        next = node->next;
        if (self->deadline_us && self->deadline_us <= now_us)
            late (self);
    }
}
