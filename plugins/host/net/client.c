#include "host/net/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "host/net/client_breaker.h"
#include "host/net/client_multi.h"
#include "host/net/client_send.h"

#include <sodium.h>
#include <stdlib.h>

enum { TICK_MS = 100 };

struct client {
    uv_loop_t *loop;
    client_multi_t *multi;
    client_breaker_t breaker;
    uv_timer_t *ticker; /* runs while something waits or was refused; freed when it is closed */
    plv_map_u64_t sends;
    plv_node_t waiting;
    plv_node_t refused; /* told when the loop turns */
    size_t under_way, waits;
    uint64_t last;
};

static plv_view_t remote_of (const client_send_t *send)
{
    return plv_view (send->remote.data, send->remote.size);
}

static void forget (client_t *self, client_send_t *send)
{
    plv_map_u64_remove (&self->sends, send->number);
    client_send_destroy (&send);
}

/* ------------------------------------------------------------------ beginning */

static void on_tick (uv_timer_t *timer);

static void refuse (client_t *self, client_send_t *send)
{
    plv_list_push (&self->refused, &send->node);
    uv_timer_start (self->ticker, on_tick, 0, TICK_MS);
}

/*  Through its circuit, and out.  */
static void start (client_t *self, client_send_t *send)
{
    int64_t now = plv_clock_mono_us ();
    uint32_t wait_ms = 0;
    if (client_send_start (send, now)) {
        wait_ms = client_breaker_wait (&self->breaker, remote_of (send), now);
        if (wait_ms)
            plv_fail (&send->fail, ERR_BUSY,
                      "%s has failed again and again: left alone for a while",
                      (const char *) send->remote.data);
    }
    send->retry_after_ms = wait_ms;
    if (send->fail.code) {
        refuse (self, send);
        return;
    }
    send->is_under_way = true;
    self->under_way++;
    client_multi_add (self->multi, send->easy);
}

static void start_waiting (client_t *self)
{
    while (self->under_way < CLIENT_UNDER_WAY_MAX && !plv_list_empty (&self->waiting)) {
        self->waits--;
        start (self, PLV_OF (plv_list_pop (&self->waiting), client_send_t, node));
    }
}

uint64_t client_request (client_t *self, const pal_request_t *request, pal_answer_fn *done,
                         void *arg)
{
    client_send_t *send = client_send_new (request, plv_clock_mono_us ());
    send->number = ++self->last;
    send->done = done;
    send->arg = arg;
    plv_map_u64_put (&self->sends, send->number, send);
    if (!send->fail.code && self->waits >= CLIENT_WAITING_MAX)
        plv_fail (&send->fail, ERR_FULL, "too many requests wait");
    if (send->fail.code) {
        refuse (self, send);
    } else if (self->under_way < CLIENT_UNDER_WAY_MAX && !self->waits) {
        start (self, send);
    } else {
        plv_list_push (&self->waiting, &send->node);
        self->waits++;
        if (!uv_is_active ((uv_handle_t *) self->ticker))
            uv_timer_start (self->ticker, on_tick, TICK_MS, TICK_MS);
    }
    return send->number;
}

/* ------------------------------------------------------------------ ending */

static void count (client_t *self, client_send_t *send, pal_ended_t ended)
{
    bool bad = ended == PAL_ANSWERED ? client_status_is_bad (client_send_status (send))
                                     : !send->is_too_large;
    if (bad)
        client_breaker_bad (&self->breaker, remote_of (send), plv_clock_mono_us ());
    else
        client_breaker_good (&self->breaker, remote_of (send));
}

static void on_done (void *arg, CURL *easy, CURLcode result)
{
    client_t *self = arg;
    void *private = NULL;
    curl_easy_getinfo (easy, CURLINFO_PRIVATE, &private);
    client_send_t *send = private;
    plv_map_u64_remove (&self->sends, send->number);
    self->under_way--;
    count (self, send, client_send_ended (send, result));
    client_send_end (send, result);
    client_send_destroy (&send);
    start_waiting (self);
}

static void tell_refused (client_t *self)
{
    plv_node_t now;
    plv_list_init (&now);
    while (!plv_list_empty (&self->refused))
        plv_list_push (&now, plv_list_pop (&self->refused));
    while (!plv_list_empty (&now)) {
        client_send_t *send = PLV_OF (plv_list_pop (&now), client_send_t, node);
        plv_map_u64_remove (&self->sends, send->number);
        client_send_refuse (send);
        client_send_destroy (&send);
    }
}

/*  Those whose time is over before there was room for them.  */
static void refuse_late (client_t *self)
{
    int64_t now = plv_clock_mono_us ();
    for (plv_node_t *node = self->waiting.next, *next; node != &self->waiting; node = next) {
        client_send_t *send = PLV_OF (node, client_send_t, node);
        next = node->next;
        if (client_send_start (send, now))
            continue;
        plv_node_remove (node);
        self->waits--;
        plv_list_push (&self->refused, node);
    }
}

static void on_tick (uv_timer_t *timer)
{
    client_t *self = timer->data;
    refuse_late (self);
    tell_refused (self);
    if (!self->waits && plv_list_empty (&self->refused))
        uv_timer_stop (timer);
}

void client_cancel (client_t *self, uint64_t number)
{
    client_send_t *send = plv_map_u64_get (&self->sends, number);
    if (!send)
        return;
    if (send->is_under_way) {
        client_multi_remove (self->multi, send->easy);
        client_breaker_unknown (&self->breaker, remote_of (send));
        self->under_way--;
    } else if (!send->fail.code) {
        self->waits--;
    }
    forget (self, send);
    start_waiting (self);
}

/* ------------------------------------------------------------------ life */

client_t *client_new (uv_loop_t *loop)
{
    uint8_t seed[16];
    client_t *self = plv_alloc_zero (1, sizeof *self);
    randombytes_buf (seed, sizeof seed);
    self->loop = loop;
    client_breaker_init (&self->breaker, seed);
    plv_list_init (&self->waiting);
    plv_list_init (&self->refused);
    self->ticker = plv_alloc_zero (1, sizeof *self->ticker);
    self->ticker->data = self;
    uv_timer_init (loop, self->ticker);
    curl_global_init (CURL_GLOBAL_ALL);
    self->multi = client_multi_new (loop, on_done, self);
    return self;
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

void client_destroy (client_t **self_p)
{
    client_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    client_send_t *send;
    for (size_t at = 0; (send = plv_map_u64_next (&self->sends, &at)); at = 0) {
        if (send->is_under_way)
            client_multi_remove (self->multi, send->easy);
        forget (self, send);
    }
    plv_map_u64_free (&self->sends);
    client_multi_destroy (&self->multi);
    client_breaker_free (&self->breaker);
    uv_close ((uv_handle_t *) self->ticker, free_handle);
    free (self);
    *self_p = NULL;
}
