#include "host/net/http_relay.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*  On its way from one side to the other.  */
typedef struct {
    plv_buf_t bytes;
    size_t at;
    bool is_over; /* nothing more comes */
} flow_t;

struct http_relay {
    http_line_t *line;
    uv_poll_t poll;
    int fd;
    int events;
    flow_t in;  /* from the client */
    flow_t out; /* to it */
};

typedef ssize_t io_fn (http_relay_t *self, void *bytes, size_t size);

static ssize_t read_pair (http_relay_t *self, void *bytes, size_t size)
{
    return http_wire_moved (recv (self->fd, bytes, size, MSG_DONTWAIT));
}

static ssize_t write_pair (http_relay_t *self, void *bytes, size_t size)
{
    return http_wire_moved (send (self->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static ssize_t read_client (http_relay_t *self, void *bytes, size_t size)
{
    return http_wire_read (self->line, bytes, size);
}

static ssize_t write_client (http_relay_t *self, void *bytes, size_t size)
{
    return http_wire_write (self->line, bytes, size);
}

/* ------------------------------------------------------------------ moving */

static size_t waits (const flow_t *flow)
{
    return flow->bytes.size - flow->at;
}

/*  A line that is silent keeps no memory.  */
static void empty (flow_t *flow)
{
    plv_buf_free (&flow->bytes);
    flow->at = 0;
}

static void add (flow_t *flow, plv_view_t bytes)
{
    plv_buf_add_view (&flow->bytes, bytes);
    plv_buf_check (&flow->bytes);
}

/*  True: all of it is written, and the flow goes on.  */
static bool flush (http_relay_t *self, flow_t *flow, io_fn *write)
{
    while (waits (flow)) {
        ssize_t size = write (self, flow->bytes.data + flow->at, waits (flow));
        if (size < 0) {
            flow->is_over = true;
            break;
        }
        if (size == 0)
            return false;
        flow->at += (size_t) size;
    }
    empty (flow);
    return !flow->is_over;
}

static void move (http_relay_t *self, flow_t *flow, io_fn *read, io_fn *write)
{
    uint8_t *bytes = self->line->http->scratch;
    while (flush (self, flow, write)) {
        ssize_t size = read (self, bytes, HTTP_READ_BYTES);
        if (size == 0)
            return;
        if (size < 0)
            flow->is_over = true;
        else
            add (flow, plv_view (bytes, (size_t) size));
    }
}

/* ------------------------------------------------------------------ life */

static void on_pair (uv_poll_t *poll, int status, int events)
{
    http_relay_t *self = poll->data;
    (void) events;
    if (status < 0)
        self->events = 0; /* uv waits no more; what is left can still be read */
    http_relay_turn (self);
}

static void watch (http_relay_t *self)
{
    int events = (!waits (&self->out) && !self->out.is_over ? UV_READABLE : 0)
                 | (waits (&self->in) ? UV_WRITABLE : 0);
    http_line_poll (&self->poll, &self->events, events, on_pair);
}

int http_relay_events (const http_relay_t *self)
{
    const http_line_t *line = self->line;
    int events = !waits (&self->in) && !self->in.is_over ? UV_READABLE : 0;
    if (waits (&self->out))
        events |= line->tls_wants_read ? UV_READABLE : UV_WRITABLE;
    return line->tls_wants_write ? events | UV_WRITABLE : events;
}

void http_relay_turn (http_relay_t *self)
{
    http_line_t *line = self->line;
    move (self, &self->in, read_client, write_pair);
    move (self, &self->out, read_pair, write_client);
    if (self->out.is_over && !waits (&self->out)) {
        http_relay_destroy (&line->relay);
        http_line_next (line, true);
        return;
    }
    if (self->in.is_over && !waits (&self->in))
        shutdown (self->fd, SHUT_WR); /* libwebsockets ends its side then, and that ends ours */
    http_line_set (line, LINE_RELAYS, self->in.is_over || self->out.is_over ? HTTP_STALL_S : 0);
    watch (self);
    http_line_attend (line, 0);
}

void http_relay_take (http_relay_t *self, plv_view_t bytes)
{
    add (&self->in, bytes);
}

int http_relay_new (http_line_t *line)
{
    int ends[2];
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    http_relay_t *self = plv_alloc_zero (1, sizeof *self);
    self->line = line;
    self->fd = ends[0];
    self->poll.data = self;
    if (uv_poll_init (line->http->loop, &self->poll, self->fd)) {
        close (ends[0]);
        close (ends[1]);
        free (self);
        return -1;
    }
    line->relay = self;
    line->http->relay_count++;
    http_line_set (line, LINE_RELAYS, 0);
    watch (self);
    return ends[1];
}

static void free_relay (uv_handle_t *handle)
{
    free (handle->data);
}

void http_relay_destroy (http_relay_t **self_p)
{
    http_relay_t *self = *self_p;
    if (!self)
        return;
    empty (&self->in);
    empty (&self->out);
    self->line->http->relay_count--;
    uv_close ((uv_handle_t *) &self->poll, free_relay);
    close (self->fd);
    *self_p = NULL;
}
