#include "bench/bench_link.h"

#include "base/clock.h"
#include "bench/bench_options.h"
#include "wire/mp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

enum { WAIT_MS = 500, HEARTBEAT_US = 1000000, WELCOME_US = 10000000, NAME_PAUSE_MS = 20 };

void bench_hello_put (const bench_hello_t *hello, plv_buf_t *packet)
{
    size_t mark = plv_frame_begin (packet, VERB_HELLO);
    plv_mp_put_text (packet, hello->role);
    plv_mp_put_text (packet, hello->name);
    plv_mp_put_text (packet, "bench");
    plv_mp_put_u64 (packet, (uint64_t) getpid ());
    plv_mp_put_map (packet, hello->service ? 3 : 1);
    plv_mp_put_text (packet, "credit");
    plv_mp_put_u64 (packet, hello->credit);
    if (hello->service) {
        plv_mp_put_text (packet, "services");
        plv_mp_put_array (packet, 1);
        plv_mp_put_text (packet, hello->service);
        plv_mp_put_text (packet, "history");
        plv_mp_put_u64 (packet, hello->history);
    }
    plv_frame_end (packet, mark);
}

static void set (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

static void take_nothing (void *arg, const plv_frame_t *frame)
{
    (void) arg;
    (void) frame;
}

void bench_link_open (bench_link_t *self, const char *run, const char *door,
                      const bench_hello_t *hello)
{
    char endpoint[256];
    *self = (bench_link_t){.context = zmq_ctx_new ()};
    self->socket = zmq_socket (self->context, ZMQ_DEALER);
    snprintf (endpoint, sizeof endpoint, "ipc://%s/%s.ipc", run, door);
    set (self->socket, ZMQ_SNDHWM, 0);
    set (self->socket, ZMQ_RCVHWM, 0);
    set (self->socket, ZMQ_LINGER, 0);
    set (self->socket, ZMQ_RCVTIMEO, WAIT_MS);
    if (zmq_connect (self->socket, endpoint))
        bench_die ("%s: %s", endpoint, zmq_strerror (errno));
    int64_t until_us = plv_clock_mono_us () + WELCOME_US;
    self->name_in_use = true;
    while (!self->welcome && plv_clock_mono_us () < until_us) {
        if (self->name_in_use) {
            self->name_in_use = false;
            bench_hello_put (hello, bench_link_packet (self));
            bench_link_flush (self);
        }
        bench_link_turn (self, take_nothing, NULL);
    }
    if (!self->welcome)
        bench_die ("%s: no WELCOME", endpoint);
}

plv_buf_t *bench_link_packet (bench_link_t *self)
{
    if (!self->packet.size)
        plv_packet_begin (&self->packet);
    return &self->packet;
}

static void say_bare (bench_link_t *self, plv_verb_t verb)
{
    plv_buf_t *packet = bench_link_packet (self);
    plv_frame_end (packet, plv_frame_begin (packet, verb));
}

void bench_link_flush (bench_link_t *self)
{
    int64_t now_us = plv_clock_mono_us ();
    if (!self->packet.size && now_us - self->said_us >= HEARTBEAT_US)
        say_bare (self, VERB_PING);
    if (!self->packet.size)
        return;
    if (zmq_send (self->socket, self->packet.data, self->packet.size, 0) < 0)
        bench_die ("send: %s", zmq_strerror (errno));
    plv_buf_clear (&self->packet);
    self->said_us = now_us;
}

void bench_link_close (bench_link_t *self)
{
    plv_buf_t *packet = bench_link_packet (self);
    size_t mark = plv_frame_begin (packet, VERB_BYE);
    plv_mp_put_text (packet, "measured");
    plv_frame_end (packet, mark);
    bench_link_flush (self);
    set (self->socket, ZMQ_LINGER, WAIT_MS);
    zmq_close (self->socket);
    zmq_ctx_term (self->context);
    plv_buf_free (&self->packet);
}

/*  What the broker has to complain about.  */
static _Noreturn void die_of (const plv_frame_t *frame)
{
    const char *types = plv_verb_info (frame->verb)->types;
    plv_view_t text = {0};
    for (size_t i = 0; types[i]; i++)
        if (types[i] == 's' && frame->arg[i].bytes.size > text.size)
            text = frame->arg[i].bytes;
    bench_die ("%s from the broker: " PLV_VIEW_FMT, plv_verb_name (frame->verb),
               PLV_VIEW_ARG (text));
}

static void take_frame (bench_link_t *self, const plv_frame_t *frame, bench_take_t *take, void *arg)
{
    switch (frame->verb) {
    case VERB_WELCOME:
        self->welcome = true;
        break;
    case VERB_PING:
        say_bare (self, VERB_PONG);
        break;
    case VERB_PONG:
        break;
    case VERB_ERROR:
        if (self->welcome || !plv_view_is (frame->arg[0].bytes, "NAME_IN_USE"))
            die_of (frame);
        self->name_in_use = true; /* the BYE of the last run is behind our HELLO: say it again */
        poll (NULL, 0, NAME_PAUSE_MS);
        break;
    case VERB_WHO:
    case VERB_BYE:
    case VERB_BUSY:
    case VERB_REJECTED:
    case VERB_CANCEL:
        die_of (frame);
    default:
        take (arg, frame);
    }
}

static void take_packet (bench_link_t *self, plv_view_t bytes, bench_take_t *take, void *arg)
{
    plv_packet_reader_t reader;
    plv_frame_t frame = {0};
    plv_fail_t fail;
    plv_err_t err = plv_packet_open (bytes, &reader, &fail);
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail)))
        take_frame (self, &frame, take, arg);
    if (err != ERR_NOENT)
        bench_die ("a packet of the broker: %s", fail.text);
}

bool bench_link_turn (bench_link_t *self, bench_take_t *take, void *arg)
{
    bool any = false;
    zmq_msg_t message;
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, self->socket, any ? ZMQ_DONTWAIT : 0) >= 0) {
        take_packet (self, plv_view (zmq_msg_data (&message), zmq_msg_size (&message)), take, arg);
        any = true;
    }
    zmq_msg_close (&message);
    return any;
}
