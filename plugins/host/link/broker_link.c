#include "host/link/link.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "wire/mp.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

enum {
    LIVE_BYTES_MAX = 256 * 1024, /* presence and the like that wait; more is dropped */
    CLAIM_MS = 20,               /* between two looks whether a predecessor has gone */
    TURN_PACKETS_MAX = 64,       /* packets read before the loop gets its turn */
};

/* ------------------------------------------------------------------ state */

void link_report (broker_link_t *self)
{
    bool up = self->state == LINK_READY;
    if (up == self->reported_up)
        return;
    self->reported_up = up;
    self->handler.up (self->handler.arg, up);
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

static void close_handle (void *handle_p)
{
    uv_handle_t **handle = handle_p;
    if (*handle)
        uv_close (*handle, free_handle);
    *handle = NULL;
}

void link_rewind (broker_link_t *self)
{
    kept_rewind (&self->events);
    deliveries_rewind (self->deliveries);
    plv_buf_clear (&self->small);
    plv_buf_clear (&self->packet);
}

static void socket_close (broker_link_t *self, int linger_ms)
{
    close_handle (&self->poll);
    if (self->socket) {
        zmq_setsockopt (self->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close (self->socket);
    }
    self->socket = NULL;
    link_rewind (self);
}

void link_step_away_for (broker_link_t *self, uint32_t wait_ms)
{
    socket_close (self, 0);
    self->state = LINK_AWAY;
    uint32_t jitter = randombytes_uniform (wait_ms / 2 + 1);
    self->retry_at = plv_clock_mono_us () + (int64_t) (wait_ms / 2 + jitter) * 1000;
    link_report (self);
}

void link_step_away (broker_link_t *self)
{
    link_step_away_for (self, self->retry_ms);
    self->retry_ms =
        self->retry_ms * 2 < LINK_RETRY_MS_MAX ? self->retry_ms * 2 : LINK_RETRY_MS_MAX;
}

void link_give_up (broker_link_t *self, const char *code, const char *text)
{
    link_step_away (self);
    self->retry_at = INT64_MAX;
    self->handler.trouble (self->handler.arg, code, text, true);
}

static void readable (uv_poll_t *poll, int status, int events)
{
    /*  The descriptor only wakes the loop: the work is done before it sleeps again.  */
    (void) poll, (void) status, (void) events;
}

static plv_err_t socket_open (broker_link_t *self, plv_fail_t *ret_fail)
{
    const int reconnect_ms = 20, reconnect_ms_max = 250, immediate = 1;
    const int64_t packet_bytes_max = PACKET_BYTES_MAX;
    int fd;
    size_t size = sizeof fd;
    self->socket = zmq_socket (self->context, ZMQ_DEALER);
    if (!self->socket)
        return plv_fail (ret_fail, ERR_IO, "no socket: %s", zmq_strerror (zmq_errno ()));
    zmq_setsockopt (self->socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms);
    zmq_setsockopt (self->socket, ZMQ_RECONNECT_IVL_MAX, &reconnect_ms_max,
                    sizeof reconnect_ms_max);
    zmq_setsockopt (self->socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_setsockopt (self->socket, ZMQ_MAXMSGSIZE, &packet_bytes_max, sizeof packet_bytes_max);
    if (zmq_connect (self->socket, self->options.endpoint) < 0
        || zmq_getsockopt (self->socket, ZMQ_FD, &fd, &size) < 0)
        return plv_fail (ret_fail, ERR_ARG, "%s: %s", self->options.endpoint,
                         zmq_strerror (zmq_errno ()));
    uv_poll_t *poll = plv_alloc_zero (1, sizeof *poll);
    int wrong = uv_poll_init (self->options.loop, poll, fd);
    if (wrong) {
        free (poll);
        return plv_fail (ret_fail, ERR_IO, "%s: cannot be watched: %s", self->options.endpoint,
                         uv_strerror (wrong));
    }
    poll->data = self;
    uv_poll_start (poll, UV_READABLE, readable);
    self->poll = poll;
    self->state = LINK_OPEN;
    self->hello_at = plv_clock_mono_us ();
    return ERR_OK;
}

/*  Reads up to TURN_PACKETS_MAX packets; true when there may be more.  */
static bool drain (broker_link_t *self)
{
    for (int count = 0; count < TURN_PACKETS_MAX; count++) {
        zmq_msg_t message;
        if (!self->socket)
            return false;
        zmq_msg_init (&message);
        if (zmq_msg_recv (&message, self->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (&message);
            return false;
        }
        /*  A packet is one part: what follows it in one message is nothing that we know.  */
        link_packet (self, plv_view (zmq_msg_data (&message), zmq_msg_size (&message)));
        zmq_msg_close (&message);
    }
    return true;
}

/* ------------------------------------------------------------------ the loop */

static void again (uv_idle_t *idle)
{
    uv_idle_stop (idle); /* it has kept the loop from sleeping, that is all */
}

/*  Right before the loop sleeps. The socket's descriptor tells changes only, and a send may swallow one:
    so read, write, and sleep only when the socket says that nothing is left.  */
static void turn (uv_prepare_t *prepare)
{
    broker_link_t *self = prepare->data;
    bool more = drain (self);
    link_flush (self);
    int events = 0;
    size_t size = sizeof events;
    if (self->socket && zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size) == 0)
        more = more || events & ZMQ_POLLIN || (events & ZMQ_POLLOUT && link_has_unsent (self));
    if (more)
        uv_idle_start (self->again, again);
}

static void beat (broker_link_t *self, int64_t now)
{
    if (now - self->heard_at > (int64_t) self->timeout_ms * 1000)
        link_step_away (self);
    else if (now - self->sent_at >= (int64_t) self->heartbeat_ms * 500)
        link_put (self, VERB_PING);
}

/*  A HELLO may have gone to a broker that died with it, and ZeroMQ has connected to the next one meanwhile:
    it is said again, on another connection, since a broker that is only slow would take a second one on
    this connection for an error.  */
static void expect_welcome (broker_link_t *self, int64_t now)
{
    if (now - self->hello_at <= (int64_t) self->welcome_ms * 1000)
        return;
    if (self->welcome_ms < LINK_WELCOME_MS_MAX)
        self->welcome_ms *= 2;
    link_step_away_for (self, 0);
}

static bool may_speak (const broker_link_t *self)
{
    return !self->options.may_speak || self->options.may_speak (self->options.may_speak_arg);
}

static void come_back (broker_link_t *self, int64_t now)
{
    plv_fail_t fail;
    if (now < self->retry_at || !may_speak (self))
        return;
    if (socket_open (self, &fail)) {
        link_step_away (self);
        self->handler.trouble (self->handler.arg, plv_err_name (fail.code), fail.text, false);
    }
}

static uint32_t tick_ms (const broker_link_t *self)
{
    if (self->state == LINK_AWAY)
        return CLAIM_MS;
    uint32_t ms = self->state == LINK_READY ? self->heartbeat_ms / 4 : 50;
    return ms > 10 ? ms : 10;
}

static void tick (uv_timer_t *timer)
{
    broker_link_t *self = timer->data;
    int64_t now = plv_clock_mono_us ();
    switch (self->state) {
    case LINK_AWAY:
        come_back (self, now);
        break;
    case LINK_OPEN:
        break;
    case LINK_HELLO:
        expect_welcome (self, now);
        break;
    case LINK_READY:
        beat (self, now);
        break;
    }
    uv_timer_start (timer, tick, tick_ms (self), 0);
}

static void handles_open (broker_link_t *self)
{
    self->prepare = plv_alloc_zero (1, sizeof *self->prepare);
    self->again = plv_alloc_zero (1, sizeof *self->again);
    self->timer = plv_alloc_zero (1, sizeof *self->timer);
    uv_prepare_init (self->options.loop, self->prepare);
    uv_idle_init (self->options.loop, self->again);
    uv_timer_init (self->options.loop, self->timer);
    self->prepare->data = self;
    self->timer->data = self;
    uv_prepare_start (self->prepare, turn);
    uv_timer_start (self->timer, tick, 0, 0);
}

enum { WILL_VERSION = 1 };

void broker_link_put_will (const broker_link_t *self, plv_buf_t *out)
{
    plv_mp_put_array (out, 3);
    plv_mp_put_u64 (out, WILL_VERSION);
    plv_mp_put_bin (out, plv_view (self->incarnation, sizeof self->incarnation));
    deliveries_put_outcomes (self->deliveries, out);
}

static plv_err_t take_will (broker_link_t *self, plv_view_t will, plv_fail_t *ret_fail)
{
    plv_mp_t at = plv_mp (will);
    plv_view_t incarnation;
    uint64_t version;
    uint32_t count;
    if (!plv_mp_array (&at, &count) || count != 3 || !plv_mp_u64 (&at, &version)
        || version != WILL_VERSION || !plv_mp_bin (&at, &incarnation)
        || incarnation.size != sizeof self->incarnation
        || !deliveries_take_outcomes (self->deliveries, &at))
        return plv_fail (ret_fail, ERR_CORRUPT, "is no will of this version");
    memcpy (self->incarnation, incarnation.data, sizeof self->incarnation);
    return ERR_OK;
}

plv_err_t broker_link_open (const broker_link_options_t *options,
                            const broker_link_handler_t *handler, broker_link_t **ret_link,
                            plv_fail_t *ret_fail)
{
    if (options->credit > BROKER_LINK_CREDIT_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "credit is at most %d", (int) BROKER_LINK_CREDIT_MAX);
    broker_link_t *self = plv_alloc_zero (1, sizeof *self);
    self->options = *options;
    self->handler = *handler;
    self->credit = self->credit_full = options->credit;
    self->heartbeat_ms = LINK_HEARTBEAT_MS_STANDARD;
    self->retry_ms = LINK_RETRY_MS;
    self->welcome_ms = LINK_WELCOME_MS;
    kept_queue_init (&self->events);
    self->deliveries = deliveries_new ();
    randombytes_buf (self->incarnation, sizeof self->incarnation);
    self->context = zmq_ctx_new ();
    plv_err_t err = options->will.size ? take_will (self, options->will, ret_fail) : ERR_OK;
    if (!err && may_speak (self))
        err = socket_open (self, ret_fail);
    if (err) {
        broker_link_destroy (&self);
        return err;
    }
    handles_open (self);
    *ret_link = self;
    return ERR_OK;
}

void broker_link_destroy (broker_link_t **self_p)
{
    broker_link_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    if (self->state == LINK_READY) {
        link_put_bye (self, "the adapter stops");
        link_flush (self);
    }
    socket_close (self, 500);
    close_handle (&self->prepare);
    close_handle (&self->again);
    close_handle (&self->timer);
    if (self->context)
        zmq_ctx_term (self->context);
    kept_queue_free (&self->events);
    deliveries_destroy (&self->deliveries);
    plv_buf_free (&self->small);
    plv_buf_free (&self->packet);
    free (self);
    *self_p = NULL;
}

/* ------------------------------------------------------------------ what the host asks for */

bool broker_link_up (const broker_link_t *self)
{
    return self->state == LINK_READY;
}

uint64_t broker_link_publish (broker_link_t *self, plv_view_t envelope, plv_view_t body)
{
    size_t bytes = envelope.size + body.size;
    if (self->events.by_number.count >= self->options.kept_max
        || self->kept_bytes + bytes > self->options.kept_bytes_max)
        return 0;
    kept_t *kept = plv_alloc_zero (1, sizeof *kept);
    kept_add (&self->events, kept, ++self->last_seq);
    size_t mark = plv_frame_begin (&kept->frame, VERB_PUBLISH);
    plv_mp_put_u64 (&kept->frame, kept->number);
    plv_buf_add_view (&kept->frame, envelope);
    plv_mp_put_bin (&kept->frame, body);
    plv_frame_end (&kept->frame, mark);
    plv_buf_check (&kept->frame);
    self->kept_bytes += kept->frame.size;
    kept_say (&self->events, kept);
    return kept->number;
}

bool broker_link_finish (broker_link_t *self, uint64_t delivery, const char *outcome,
                         plv_view_t platform_id, uint32_t retry_after_ms, plv_view_t reason)
{
    return deliveries_finish (self->deliveries, delivery, outcome, platform_id, retry_after_ms,
                              reason);
}

void broker_link_live (broker_link_t *self, plv_view_t envelope, plv_view_t body)
{
    if (self->state != LINK_READY || self->small.size + envelope.size + body.size > LIVE_BYTES_MAX)
        return;
    size_t mark = plv_frame_begin (&self->small, VERB_LIVE);
    plv_buf_add_view (&self->small, envelope);
    plv_mp_put_bin (&self->small, body);
    plv_frame_end (&self->small, mark);
}

bool broker_link_control (broker_link_t *self, uint64_t request, plv_view_t command,
                          plv_view_t arguments)
{
    if (self->state != LINK_READY || !plv_verb_legal (VERB_CONTROL, FROM_ADAPTER, STATE_READY))
        return false;
    size_t mark = plv_frame_begin (&self->small, VERB_CONTROL);
    plv_mp_put_u64 (&self->small, request);
    plv_mp_put_str (&self->small, command);
    plv_buf_add_view (&self->small, arguments);
    plv_frame_end (&self->small, mark);
    return true;
}

void broker_link_quiesce (broker_link_t *self, bool quiet)
{
    self->credit = quiet ? 0 : self->credit_full;
    if (self->state == LINK_READY)
        link_put_credit (self);
}

void broker_link_abandon (broker_link_t *self, const char *why)
{
    deliveries_abandon (self->deliveries, why);
}

void broker_link_hurry (broker_link_t *self)
{
    if (self->retry_at != INT64_MAX)
        link_step_away_for (self, 0);
    self->welcome_ms = LINK_WELCOME_MS;
}

size_t broker_link_kept (const broker_link_t *self)
{
    return self->events.by_number.count;
}

size_t broker_link_held (const broker_link_t *self)
{
    return deliveries_tried (self->deliveries);
}

size_t broker_link_unsettled (const broker_link_t *self)
{
    return deliveries_unsettled (self->deliveries);
}
