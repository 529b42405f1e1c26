#include "host/net/client_multi.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { CONNECTIONS_MAX = 128, CONNECTIONS_OF_A_HOST_MAX = 32, CONNECTIONS_KEPT = 32 };

struct client_multi {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t *timer; /* freed when it is closed */
    void (*done) (void *arg, CURL *easy, CURLcode result);
    void *arg;
};

typedef struct {
    uv_poll_t poll; /* first */
    client_multi_t *owner;
    curl_socket_t fd;
} line_t;

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

/*  `done` may do anything, so each message is asked for anew.  */
static void tell_done (client_multi_t *self)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read (self->multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_multi_remove_handle (self->multi, easy);
        self->done (self->arg, easy, result);
    }
}

static void on_events (uv_poll_t *poll, int status, int events)
{
    line_t *line = (line_t *) poll;
    client_multi_t *self = line->owner;
    int running, what = (events & UV_READABLE ? CURL_CSELECT_IN : 0)
                        | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0)
                        | (status < 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action (self->multi, line->fd, what, &running);
    tell_done (self);
}

static void on_time (uv_timer_t *timer)
{
    client_multi_t *self = timer->data;
    int running;
    curl_multi_socket_action (self->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_done (self);
}

static line_t *line_new (client_multi_t *self, curl_socket_t fd)
{
    line_t *line = plv_alloc_zero (1, sizeof *line);
    line->owner = self;
    line->fd = fd;
    if (uv_poll_init_socket (self->loop, &line->poll, fd) < 0) {
        free (line);
        return NULL;
    }
    curl_multi_assign (self->multi, fd, line);
    return line;
}

static int want_events (CURL *easy, curl_socket_t fd, int what, void *arg, void *line_arg)
{
    client_multi_t *self = arg;
    line_t *line = line_arg;
    (void) easy;
    if (what == CURL_POLL_REMOVE) {
        if (line)
            uv_close ((uv_handle_t *) &line->poll, free_handle);
        curl_multi_assign (self->multi, fd, NULL);
        return 0;
    }
    if (!line)
        line = line_new (self, fd);
    if (!line)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start (&line->poll, events, on_events) < 0 ? -1 : 0;
}

static int want_time (CURLM *multi, long ms, void *arg)
{
    client_multi_t *self = arg;
    (void) multi;
    if (ms < 0)
        uv_timer_stop (self->timer);
    else
        uv_timer_start (self->timer, on_time, (uint64_t) ms, 0);
    return 0;
}

client_multi_t *client_multi_new (uv_loop_t *loop,
                                  void (*done) (void *arg, CURL *easy, CURLcode result), void *arg)
{
    client_multi_t *self = plv_alloc_zero (1, sizeof *self);
    self->loop = loop;
    self->done = done;
    self->arg = arg;
    self->timer = plv_alloc_zero (1, sizeof *self->timer);
    self->timer->data = self;
    uv_timer_init (loop, self->timer);
    self->multi = curl_multi_init ();
    curl_multi_setopt (self->multi, CURLMOPT_SOCKETFUNCTION, want_events);
    curl_multi_setopt (self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt (self->multi, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt (self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt (self->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt (self->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) CONNECTIONS_MAX);
    curl_multi_setopt (self->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                       (long) CONNECTIONS_OF_A_HOST_MAX);
    curl_multi_setopt (self->multi, CURLMOPT_MAXCONNECTS, (long) CONNECTIONS_KEPT);
    return self;
}

void client_multi_destroy (client_multi_t **self_p)
{
    client_multi_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    curl_multi_cleanup (self->multi);
    uv_close ((uv_handle_t *) self->timer, free_handle);
    free (self);
    *self_p = NULL;
}

void client_multi_add (client_multi_t *self, CURL *easy)
{
    uv_update_time (self->loop);
    curl_multi_add_handle (self->multi, easy);
}

void client_multi_remove (client_multi_t *self, CURL *easy)
{
    curl_multi_remove_handle (self->multi, easy);
}
