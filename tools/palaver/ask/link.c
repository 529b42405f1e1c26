#include "palaver/ask/link.h"

#include "base/alloc.h"
#include "base/build.h"
#include "base/check.h"
#include "base/clock.h"
#include "palaver/ask/where.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINGER_MS = 1000, SEND_MS = 5000, HEARTBEAT_MS = 2000 };

static void set (void *socket, int option, int value)
{
    CHECK (zmq_setsockopt (socket, option, &value, sizeof value) == 0, "option %d", option);
}

static plv_err_t open_socket (link_t *self, const char *path, plv_fail_t *ret_fail)
{
    char *endpoint = NULL;
    if (asprintf (&endpoint, "ipc://%s", path) < 0)
        plv_out_of_memory (strlen (path) + 7);
    self->context = zmq_ctx_new ();
    self->socket = self->context ? zmq_socket (self->context, ZMQ_DEALER) : NULL;
    plv_err_t err = ERR_OK;
    if (!self->socket) {
        err = plv_fail (ret_fail, ERR_IO, "ZeroMQ: %s", zmq_strerror (errno));
        goto done;
    }
    set (self->socket, ZMQ_LINGER, LINGER_MS);
    set (self->socket, ZMQ_SNDTIMEO, SEND_MS);
    set (self->socket, ZMQ_RECONNECT_IVL, 100);
    set (self->socket, ZMQ_RECONNECT_IVL_MAX, 5000);
    int64_t most = PACKET_BYTES_MAX;
    zmq_setsockopt (self->socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    if (zmq_connect (self->socket, endpoint))
        err = plv_fail (ret_fail, ERR_GONE, "%s: %s", endpoint, zmq_strerror (errno));
done:
    free (endpoint);
    return err;
}

static void put_hello (const hello_t *hello, plv_buf_t *packet)
{
    plv_packet_begin (packet);
    size_t mark = plv_frame_begin (packet, VERB_HELLO);
    plv_mp_put_text (packet, hello->role);
    plv_mp_put_text (packet, hello->name);
    plv_mp_put_text (packet, plv_build_version);
    plv_mp_put_u64 (packet, (uint64_t) getpid ());
    plv_mp_put_map (packet, hello->platform ? 3 : 0);
    if (hello->platform) {
        plv_mp_pair_text (packet, "platform", hello->platform);
        plv_mp_pair_u64 (packet, "credit", hello->credit);
        plv_mp_pair_bin (packet, "incarnation", plv_view (hello->incarnation.bytes, PLV_ID_BYTES));
    }
    plv_frame_end (packet, mark);
}

plv_err_t link_send (link_t *self, plv_buf_t *packet, plv_fail_t *ret_fail)
{
    int sent;
    plv_buf_check (packet);
    do
        sent = zmq_send (self->socket, packet->data, packet->size, 0);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return plv_fail (ret_fail, ERR_GONE, "the broker takes nothing: %s", zmq_strerror (errno));
    plv_buf_clear (packet);
    self->said_us = plv_clock_mono_us ();
    return ERR_OK;
}

static plv_err_t send_verb (link_t *self, plv_verb_t verb, const char *text, plv_fail_t *ret_fail)
{
    plv_buf_t packet = {0};
    plv_packet_begin (&packet);
    size_t mark = plv_frame_begin (&packet, verb);
    if (text)
        plv_mp_put_text (&packet, text);
    plv_frame_end (&packet, mark);
    plv_err_t err = link_send (self, &packet, ret_fail);
    plv_buf_free (&packet);
    return err;
}

static plv_err_t code_of (plv_view_t name)
{
    if (plv_view_is (name, "NAME_IN_USE"))
        return ERR_EXISTS;
    for (int code = 1; code < ERR_COUNT_; code++)
        if (plv_view_is (name, plv_err_name ((plv_err_t) code)))
            return (plv_err_t) code;
    return ERR_PROTOCOL;
}

/*  What is about the connection itself. `*ret_done`: the frame needs no more attention.  */
static plv_err_t take_own (link_t *self, const plv_frame_t *frame, bool *ret_done,
                           plv_fail_t *ret_fail)
{
    *ret_done = true;
    switch (frame->verb) {
    case VERB_PING:
        return send_verb (self, VERB_PONG, NULL, ret_fail);
    case VERB_PONG:
        return ERR_OK;
    case VERB_WHO:
        return plv_fail (ret_fail, ERR_GONE, "the broker was restarted");
    case VERB_BYE:
        return plv_fail (ret_fail, ERR_GONE, "the broker stops");
    case VERB_ERROR:
        return plv_fail (ret_fail, code_of (frame->arg[0].bytes), "the broker says: " PLV_VIEW_FMT,
                         PLV_VIEW_ARG (frame->arg[1].bytes));
    default:
        *ret_done = false;
        return ERR_OK;
    }
}

/*  Waits until a packet is there, saying PING when that is due. ERR_TIMEOUT at the deadline.  */
static plv_err_t wait_for_packet (link_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    for (;;) {
        int got = zmq_msg_recv (&self->message, self->socket, ZMQ_DONTWAIT);
        if (got >= 0)
            return ERR_OK;
        if (errno != EAGAIN && errno != EINTR)
            return plv_fail (ret_fail, ERR_GONE, "the connection: %s", zmq_strerror (errno));
        int64_t now_us = plv_clock_mono_us (), until_us = deadline_us;
        if (now_us >= deadline_us)
            return plv_fail (ret_fail, ERR_TIMEOUT, "no answer in time");
        if (self->timeout_us && now_us - self->heard_us > self->timeout_us)
            return plv_fail (ret_fail, ERR_GONE, "the broker has fallen silent");
        if (self->timeout_us && now_us - self->said_us >= self->heartbeat_us) {
            plv_err_t err = send_verb (self, VERB_PING, NULL, ret_fail);
            if (err)
                return err;
        }
        if (self->timeout_us && now_us + self->heartbeat_us / 2 < until_us)
            until_us = now_us + self->heartbeat_us / 2;
        zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
        zmq_poll (&item, 1, (long) ((until_us - now_us + 999) / 1000));
    }
}

static plv_err_t open_packet (link_t *self, int64_t deadline_us, plv_fail_t *ret_fail)
{
    plv_err_t err = wait_for_packet (self, deadline_us, ret_fail);
    if (err)
        return err;
    self->heard_us = plv_clock_mono_us ();
    plv_view_t packet = plv_view (zmq_msg_data (&self->message), zmq_msg_size (&self->message));
    err = plv_packet_open (packet, &self->reader, ret_fail);
    self->reading = !err;
    return err;
}

plv_err_t link_next (link_t *self, int64_t deadline_us, plv_frame_t *ret_frame,
                     plv_fail_t *ret_fail)
{
    for (;;) {
        plv_frame_t frame;
        bool done;
        plv_err_t err = ERR_OK;
        if (!self->reading)
            err = open_packet (self, deadline_us, ret_fail);
        if (err)
            return err;
        err = plv_packet_next (&self->reader, &frame, ret_fail);
        if (err == ERR_NOENT) {
            self->reading = false;
            continue;
        }
        if (!err)
            err = take_own (self, &frame, &done, ret_fail);
        if (err)
            return err;
        if (!done) {
            *ret_frame = frame;
            return ERR_OK;
        }
    }
}

static void read_welcome (link_t *self, const plv_frame_t *frame)
{
    plv_mp_t value;
    uint64_t timeout_ms = frame->arg[1].number * 5, history_turns;
    if (plv_mp_find (frame->arg[2].bytes, "timeout_ms", &value))
        plv_mp_u64 (&value, &timeout_ms);
    if (plv_mp_find (frame->arg[2].bytes, "history_turns", &value)
        && plv_mp_u64 (&value, &history_turns))
        self->history_turns = (uint32_t) history_turns;
    self->heartbeat_us = (int64_t) frame->arg[1].number * 1000;
    self->timeout_us = (int64_t) timeout_ms * 1000;
}

static plv_err_t introduce (link_t *self, const hello_t *hello, int64_t deadline_us,
                            plv_fail_t *ret_fail)
{
    plv_buf_t packet = {0};
    plv_frame_t frame;
    put_hello (hello, &packet);
    plv_err_t err = link_send (self, &packet, ret_fail);
    plv_buf_free (&packet);
    if (!err)
        err = link_next (self, deadline_us, &frame, ret_fail);
    if (!err && frame.verb != VERB_WELCOME)
        err = plv_fail (ret_fail, ERR_PROTOCOL, "the broker says %s where WELCOME is due",
                        plv_verb_name (frame.verb));
    if (!err)
        read_welcome (self, &frame);
    return err;
}

plv_err_t link_open (link_t *self, const char *run, const char *door, const hello_t *hello,
                     int64_t deadline_us, plv_fail_t *ret_fail)
{
    char *path = where_socket (run, door);
    *self = (link_t){.heard_us = plv_clock_mono_us ()};
    zmq_msg_init (&self->message);
    plv_err_t err = where_probe (path, ret_fail);
    if (!err)
        err = open_socket (self, path, ret_fail);
    if (!err) {
        err = introduce (self, hello, deadline_us, ret_fail);
        if (err && ret_fail)
            plv_fail_context (ret_fail, "%s", path);
    }
    free (path);
    if (err)
        link_close (self);
    return err;
}

void link_close (link_t *self)
{
    if (self->socket && self->timeout_us)
        send_verb (self, VERB_BYE, "done", NULL);
    if (self->context)
        zmq_msg_close (&self->message);
    if (self->socket)
        zmq_close (self->socket);
    if (self->context)
        zmq_ctx_term (self->context);
    *self = (link_t){0};
}
