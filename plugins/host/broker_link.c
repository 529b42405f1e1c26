#include "host/broker_link.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "host/deliveries.h"
#include "host/kept.h"
#include "wire/event.h"
#include "wire/frame.h"
#include "wire/mp.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>
#include <zmq.h>

enum {
    PACKET_BYTES_GOAL = 256 * 1024, /* a packet is sent off when it has grown to this */
    LIVE_BYTES_MAX = 256 * 1024,    /* presence and the like that wait; more is dropped */
    HELLO_MS = 5000,                /* without WELCOME: another socket, another try */
    SILENCE_BEATS = 5,              /* heartbeats of silence, unless WELCOME names a timeout */
    HEARTBEAT_MS_STANDARD = 2000,   /* until WELCOME says otherwise */
    RETRY_MS = 200,                 /* after a failure; doubles */
    RETRY_NAME_MS = 200,            /* while a predecessor still holds our name */
    RETRY_BYE_MS = 2000,            /* the broker stops: give it time to come back */
    RETRY_MS_MAX = 10000,
    TURN_PACKETS_MAX = 64, /* packets read before the loop gets its turn */
};

typedef enum {
    LINK_AWAY,  /* no socket: waits for `retry_at` */
    LINK_OPEN,  /* a socket; HELLO goes out as soon as it is connected */
    LINK_HELLO, /* waits for WELCOME */
    LINK_READY,
} link_state_t;

struct broker_link {
    broker_link_options_t options;
    broker_link_handler_t handler;
    link_state_t state;
    void *context;
    void *socket;
    uv_poll_t *poll; /* freed when it is closed */
    uv_prepare_t *prepare;
    uv_idle_t *again;
    uv_timer_t *timer;
    uint8_t incarnation[16];
    uint32_t credit;
    uint64_t last_seq;
    kept_queue_t events;
    deliveries_t *deliveries;
    size_t kept_bytes;
    plv_buf_t small;  /* frames that are not repeated: PING, LIVE, CREDIT, CONTROL */
    plv_buf_t packet; /* being sent; not empty: the socket was full */
    uint32_t heartbeat_ms;
    uint32_t timeout_ms; /* silence for so long: the broker counts as away */
    uint32_t retry_ms;
    int64_t retry_at;
    int64_t hello_at;
    int64_t sent_at;
    int64_t heard_at;
    bool reported_up;
};

/* ------------------------------------------------------------------ state */

static void report (broker_link_t *self)
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

static void rewind_all (broker_link_t *self)
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
    rewind_all (self);
}

static void step_away_for (broker_link_t *self, uint32_t wait_ms)
{
    socket_close (self, 0);
    self->state = LINK_AWAY;
    uint32_t jitter = randombytes_uniform (wait_ms / 2 + 1);
    self->retry_at = plv_clock_mono_us () + (int64_t) (wait_ms / 2 + jitter) * 1000;
    report (self);
}

/*  Another attempt after a wait that grows, a little different for each adapter.  */
static void step_away (broker_link_t *self)
{
    step_away_for (self, self->retry_ms);
    self->retry_ms = self->retry_ms * 2 < RETRY_MS_MAX ? self->retry_ms * 2 : RETRY_MS_MAX;
}

/*  For good: nothing is tried again before somebody has changed something.  */
static void give_up (broker_link_t *self, const char *code, const char *text)
{
    step_away (self);
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
    const int reconnect_ms = 50, reconnect_ms_max = 1000, immediate = 1;
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
    self->poll = plv_alloc_zero (1, sizeof *self->poll);
    self->poll->data = self;
    uv_poll_init (self->options.loop, self->poll, fd);
    uv_poll_start (self->poll, UV_READABLE, readable);
    self->state = LINK_OPEN;
    self->hello_at = plv_clock_mono_us ();
    return ERR_OK;
}

/* ------------------------------------------------------------------ sending */

static void put_hello (broker_link_t *self, plv_buf_t *out)
{
    size_t mark = plv_frame_begin (out, VERB_HELLO);
    plv_mp_put_text (out, "adapter");
    plv_mp_put_text (out, self->options.name);
    plv_mp_put_text (out, self->options.build);
    plv_mp_put_u64 (out, (uint64_t) getpid ());
    plv_mp_put_map (out, 5);
    plv_mp_put_text (out, "platform");
    plv_mp_put_text (out, self->options.platform);
    plv_mp_put_text (out, "credit");
    plv_mp_put_u64 (out, self->credit);
    plv_mp_put_text (out, "deduplicates");
    plv_mp_put_bool (out, self->options.deduplicates);
    plv_mp_put_text (out, "incarnation");
    plv_mp_put_bin (out, plv_view (self->incarnation, sizeof self->incarnation));
    plv_mp_put_text (out, "holding");
    deliveries_put_holding (self->deliveries, out,
                            BROKER_LINK_CREDIT_MAX + BROKER_LINK_CREDIT_MAX / 2);
    plv_frame_end (out, mark);
}

static void pack (broker_link_t *self)
{
    plv_buf_t *packet = &self->packet;
    plv_packet_begin (packet);
    if (self->state == LINK_OPEN) {
        put_hello (self, packet);
        return;
    }
    plv_buf_add_view (packet, plv_buf_view (&self->small));
    plv_buf_clear (&self->small);
    deliveries_pack (self->deliveries, packet, PACKET_BYTES_GOAL);
    kept_pack (&self->events, packet, PACKET_BYTES_GOAL);
}

static bool has_unsent (const broker_link_t *self)
{
    if (self->packet.size || self->state == LINK_OPEN)
        return true;
    return self->state == LINK_READY
           && (self->small.size || kept_has_unsent (&self->events)
               || deliveries_has_unsent (self->deliveries));
}

/*  Sends what there is; stops when the socket is full or not connected.  */
static void flush (broker_link_t *self)
{
    while (self->socket && has_unsent (self)) {
        if (!self->packet.size)
            pack (self);
        plv_buf_check (&self->packet);
        if (zmq_send (self->socket, self->packet.data, self->packet.size, ZMQ_DONTWAIT) < 0) {
            /*  A HELLO that waits for its connection is made anew, with what is held by then.  */
            if (self->state == LINK_OPEN)
                plv_buf_clear (&self->packet);
            return;
        }
        plv_buf_clear (&self->packet);
        self->sent_at = plv_clock_mono_us ();
        if (self->state == LINK_OPEN) {
            self->state = LINK_HELLO;
            self->hello_at = self->sent_at;
        }
    }
}

static void put_small (broker_link_t *self, plv_verb_t verb)
{
    plv_frame_end (&self->small, plv_frame_begin (&self->small, verb));
}

static void put_credit (broker_link_t *self)
{
    size_t mark = plv_frame_begin (&self->small, VERB_CREDIT);
    plv_mp_put_u64 (&self->small, self->credit);
    plv_frame_end (&self->small, mark);
}

/* ------------------------------------------------------------------ receiving */

static void on_welcome (broker_link_t *self, const plv_frame_t *frame)
{
    uint64_t beat = frame->arg[1].number;
    plv_mp_t option;
    uint64_t timeout;
    self->heartbeat_ms = beat >= 20 && beat <= 600000 ? (uint32_t) beat : HEARTBEAT_MS_STANDARD;
    self->timeout_ms = self->heartbeat_ms * SILENCE_BEATS;
    if (plv_mp_find (frame->arg[2].bytes, "timeout_ms", &option) && plv_mp_u64 (&option, &timeout)
        && timeout >= self->heartbeat_ms && timeout <= 3600000)
        self->timeout_ms = (uint32_t) timeout;
    self->state = LINK_READY;
    self->retry_ms = RETRY_MS;
    report (self);
}

static void on_who (broker_link_t *self)
{
    if (self->state != LINK_READY)
        return; /* the HELLO that answers it is on its way */
    rewind_all (self);
    self->state = LINK_OPEN;
    report (self);
}

/*  Some reasons pass by themselves; any other one is for a person to read.  */
static void on_error (broker_link_t *self, const plv_frame_t *frame)
{
    char code[64], text[512];
    snprintf (code, sizeof code, PLV_VIEW_FMT, PLV_VIEW_ARG (frame->arg[0].bytes));
    snprintf (text, sizeof text, PLV_VIEW_FMT, PLV_VIEW_ARG (frame->arg[1].bytes));
    bool name = strcmp (code, "EXISTS") == 0 || strcmp (code, "NAME_IN_USE") == 0;
    if (name)
        step_away_for (self, RETRY_NAME_MS);
    else if (strcmp (code, "BUSY") == 0 || strcmp (code, "FULL") == 0
             || strcmp (code, "TIMEOUT") == 0)
        step_away (self);
    else
        give_up (self, code, text);
    if (self->retry_at != INT64_MAX)
        self->handler.trouble (self->handler.arg, code, text, false);
}

/*  False: it was answered before.  */
static bool event_done (broker_link_t *self, uint64_t seq)
{
    kept_t *kept = kept_get (&self->events, seq);
    if (!kept)
        return false;
    self->kept_bytes -= kept->frame.size;
    kept_drop (&self->events, kept);
    return true;
}

/*  Walks a list of numbers.  */
static bool next_number (plv_mp_t *at, uint32_t *left, uint64_t *ret_number)
{
    return *left && (*left)-- && plv_mp_u64 (at, ret_number);
}

static void on_stored (broker_link_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t left = 0;
    uint64_t seq;
    plv_mp_array (&at, &left);
    while (next_number (&at, &left, &seq))
        if (event_done (self, seq))
            self->handler.stored (self->handler.arg, seq);
}

static void on_busy (broker_link_t *self, const plv_frame_t *frame)
{
    if (!event_done (self, frame->arg[0].number))
        return;
    uint64_t wait = frame->arg[1].number;
    self->handler.busy (self->handler.arg, frame->arg[0].number,
                        wait < UINT32_MAX ? (uint32_t) wait : UINT32_MAX, frame->arg[2].bytes);
}

static void on_rejected (broker_link_t *self, const plv_frame_t *frame)
{
    if (!event_done (self, frame->arg[0].number))
        return;
    self->handler.rejected (self->handler.arg, frame->arg[0].number, frame->arg[1].bytes,
                            frame->arg[2].bytes);
}

static void on_deliver (broker_link_t *self, const plv_frame_t *frame)
{
    uint64_t delivery = frame->arg[0].number, attempt = frame->arg[1].number;
    plv_envelope_t envelope;
    bool known = !plv_envelope_parse (frame->arg[2].bytes, &envelope, NULL);
    if (deliveries_take (self->deliveries, delivery, known ? &envelope.id : NULL))
        self->handler.deliver (self->handler.arg, delivery,
                               attempt < UINT32_MAX ? (uint32_t) attempt : UINT32_MAX,
                               frame->arg[2].bytes, frame->arg[3].bytes);
}

static void on_settled (broker_link_t *self, const plv_frame_t *frame)
{
    plv_mp_t at = plv_mp (frame->arg[0].bytes);
    uint32_t left = 0;
    uint64_t delivery;
    plv_mp_array (&at, &left);
    while (next_number (&at, &left, &delivery))
        deliveries_settled (self->deliveries, delivery);
}

static void on_frame (broker_link_t *self, const plv_frame_t *frame)
{
    const plv_arg_t *arg = frame->arg;
    switch (frame->verb) {
    case VERB_WELCOME:
        on_welcome (self, frame);
        break;
    case VERB_WHO:
        on_who (self);
        break;
    case VERB_ERROR:
        on_error (self, frame);
        break;
    case VERB_BYE:
        step_away_for (self, RETRY_BYE_MS);
        break;
    case VERB_PING:
        put_small (self, VERB_PONG);
        break;
    case VERB_STORED:
        on_stored (self, frame);
        break;
    case VERB_BUSY:
        on_busy (self, frame);
        break;
    case VERB_REJECTED:
        on_rejected (self, frame);
        break;
    case VERB_DELIVER:
        on_deliver (self, frame);
        break;
    case VERB_SETTLED:
        on_settled (self, frame);
        break;
    case VERB_LIVE:
        self->handler.live (self->handler.arg, arg[0].bytes, arg[1].bytes);
        break;
    case VERB_RESULT:
        self->handler.result (self->handler.arg, arg[0].number, arg[1].number != 0, arg[2].bytes,
                              arg[3].bytes);
        break;
    default:
        break; /* PONG: it was heard */
    }
}

static plv_conn_state_t wire_state (const broker_link_t *self)
{
    return self->state == LINK_READY ? STATE_READY : STATE_NEW;
}

/*  A frame of an earlier life of this line is not an error: it is just late.  */
static bool stale (const broker_link_t *self, plv_verb_t verb)
{
    return self->state != LINK_READY && plv_verb_legal (verb, FROM_BROKER, STATE_READY);
}

static void on_packet (broker_link_t *self, plv_view_t bytes)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    self->heard_at = plv_clock_mono_us ();
    plv_err_t err = plv_packet_open (bytes, &reader, &fail);
    while (!err && self->socket) {
        err = plv_packet_next (&reader, &frame, &fail);
        if (err)
            break;
        if (plv_verb_legal (frame.verb, FROM_BROKER, wire_state (self)))
            on_frame (self, &frame);
        else if (!stale (self, frame.verb))
            err = plv_fail (&fail, ERR_PROTOCOL, "the broker sent %s", plv_verb_name (frame.verb));
    }
    if (err && err != ERR_NOENT && self->socket)
        give_up (self, plv_err_name (err), fail.text);
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
        on_packet (self, plv_view (zmq_msg_data (&message), zmq_msg_size (&message)));
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
    flush (self);
    int events = 0;
    size_t size = sizeof events;
    if (self->socket && zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size) == 0)
        more = more || events & ZMQ_POLLIN || (events & ZMQ_POLLOUT && has_unsent (self));
    if (more)
        uv_idle_start (self->again, again);
}

static void beat (broker_link_t *self, int64_t now)
{
    if (now - self->heard_at > (int64_t) self->timeout_ms * 1000)
        step_away (self);
    else if (now - self->sent_at >= (int64_t) self->heartbeat_ms * 500)
        put_small (self, VERB_PING);
}

static void tick (uv_timer_t *timer)
{
    broker_link_t *self = timer->data;
    int64_t now = plv_clock_mono_us ();
    plv_fail_t fail;
    switch (self->state) {
    case LINK_AWAY:
        if (now >= self->retry_at && socket_open (self, &fail)) {
            step_away (self);
            self->handler.trouble (self->handler.arg, plv_err_name (fail.code), fail.text, false);
        }
        break;
    case LINK_OPEN:
        break;
    case LINK_HELLO:
        if (now - self->hello_at > HELLO_MS * 1000)
            step_away (self);
        break;
    case LINK_READY:
        beat (self, now);
        break;
    }
    uint32_t next_ms = self->state == LINK_READY ? self->heartbeat_ms / 4 : 50;
    uv_timer_start (timer, tick, next_ms > 10 ? next_ms : 10, 0);
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

plv_err_t broker_link_open (const broker_link_options_t *options,
                            const broker_link_handler_t *handler, broker_link_t **ret_link,
                            plv_fail_t *ret_fail)
{
    if (options->credit > BROKER_LINK_CREDIT_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "credit is at most %d", (int) BROKER_LINK_CREDIT_MAX);
    broker_link_t *self = plv_alloc_zero (1, sizeof *self);
    self->options = *options;
    self->handler = *handler;
    self->credit = options->credit;
    self->heartbeat_ms = HEARTBEAT_MS_STANDARD;
    self->retry_ms = RETRY_MS;
    kept_queue_init (&self->events);
    self->deliveries = deliveries_new ();
    randombytes_buf (self->incarnation, sizeof self->incarnation);
    self->context = zmq_ctx_new ();
    plv_err_t err = socket_open (self, ret_fail);
    if (err) {
        broker_link_destroy (&self);
        return err;
    }
    handles_open (self);
    *ret_link = self;
    return ERR_OK;
}

static void say_bye (broker_link_t *self)
{
    if (self->state != LINK_READY)
        return;
    size_t mark = plv_frame_begin (&self->small, VERB_BYE);
    plv_mp_put_text (&self->small, "the adapter stops");
    plv_frame_end (&self->small, mark);
    flush (self);
}

void broker_link_destroy (broker_link_t **self_p)
{
    broker_link_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    if (self->socket)
        say_bye (self);
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

void broker_link_quiesce (broker_link_t *self)
{
    self->credit = 0;
    if (self->state == LINK_READY)
        put_credit (self);
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
