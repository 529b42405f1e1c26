#include "core/packet.h"

#include "base/format.h"
#include "core/ask/control.h"
#include "core/call/calls.h"
#include "core/flow/accept.h"
#include "core/flow/dispatch.h"
#include "core/flow/outbox.h"
#include "core/flow/reply.h"
#include "core/internal.h"
#include "core/peer/hello.h"
#include "core/peer/peers.h"
#include "core/peer/retire.h"
#include "core/text.h"

static void take_ping (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (void) frame;
    peers_say (self, peer, VERB_PONG);
}

static void take_pong (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (void) self;
    (void) peer;
    (void) frame;
}

static void take_bye (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    char why[128];
    plv_view_t reason = text_cut (frame->arg[0].bytes, sizeof why - 1);
    plv_format (why, sizeof why, PLV_VIEW_FMT, PLV_VIEW_ARG (reason));
    retire_left (self, peer);
    peers_gone (self, peer, HOW_LEFT, why);
}

static void take_credit (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t credit = frame->arg[0].number;
    peer->credit = credit < CREDIT_MAX ? (uint32_t) credit : CREDIT_MAX;
    peer->draining = credit == 0;
    dispatch_idle (peer); /* before what it gives back looks for a worker */
    if (peer->draining)
        peers_ungather (self, peer);
    if (peer->outlet)
        outbox_feed (self, peer->outlet);
    else
        dispatch_release (self, peer);
}

/*  What a worker says about a job goes where the job is: to the events, or to the calls.  */

static void take_reply (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (call_is_lease (frame->arg[0].number) ? calls_reply : reply_take) (self, peer, frame);
}

static void take_nack (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (call_is_lease (frame->arg[0].number) ? calls_nack : reply_nack) (self, peer, frame);
}

static void take_step (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (call_is_lease (frame->arg[0].number) ? calls_step : reply_step) (self, peer, frame);
}

typedef void (*verb_fn) (core_t *self, peer_t *peer, const plv_frame_t *frame);

static verb_fn fn_of (plv_verb_t verb)
{
    switch (verb) {
    case VERB_PING:
        return take_ping;
    case VERB_PONG:
        return take_pong;
    case VERB_BYE:
        return take_bye;
    case VERB_CREDIT:
        return take_credit;
    case VERB_PUBLISH:
        return accept_publish;
    case VERB_DELIVERED:
        return outbox_delivered;
    case VERB_LIVE:
        return reply_live;
    case VERB_REPLY:
        return take_reply;
    case VERB_NACK:
        return take_nack;
    case VERB_STEP:
        return take_step;
    case VERB_CALL:
        return calls_take;
    case VERB_CALL_CANCEL:
        return calls_cancel;
    case VERB_CONTROL:
        return control_take;
    default:
        return NULL;
    }
}

/*  A stranger that talks as if it were known has survived a restart of the broker: it is asked to say HELLO
    again, and forgotten until it does.  */
static void ask_who (core_t *self, peer_t *peer)
{
    peers_say (self, peer, VERB_WHO);
    peers_gone (self, peer, HOW_LEFT, "");
}

static void take_frame (core_t *self, peer_t *peer, unsigned allowed, const plv_frame_t *frame)
{
    unsigned from = peer->from ? peer->from : allowed;
    if (peer->state == STATE_NEW && frame->verb == VERB_HELLO) {
        hello_take (self, peer, allowed, frame);
        return;
    }
    if (peer->state == STATE_NEW && plv_verb_legal (frame->verb, from, STATE_READY)) {
        ask_who (self, peer);
        return;
    }
    verb_fn fn = fn_of (frame->verb);
    if (!fn || !plv_verb_legal (frame->verb, from, peer->state)) {
        count (self, COUNTER_ILLEGAL_FRAMES);
        peers_refuse (self, peer, "PROTOCOL", frame->verb, "%s is not for %s to send here",
                      plv_verb_name (frame->verb), peer_role (peer));
        return;
    }
    fn (self, peer, frame);
}

static peer_t *peer_of (core_t *self, uint32_t number)
{
    peer_t *peer = plv_map_u64_get (&self->peers, number);
    if (peer)
        return peer;
    peer = peer_new (number);
    peer->silence.kind = TIMER_PEER;
    peer->gather.kind = TIMER_GATHER;
    plv_map_u64_put (&self->peers, number, peer);
    timers_set (&self->timers, &peer->silence,
                self->now.mono_us + self->policy->conf->agents_heartbeat_ms * 1000);
    return peer;
}

/*  The words are read at the peer: they name the sides as seen from there.  */
static plv_err_t open_packet (const input_t *input, plv_packet_reader_t *reader,
                              plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    if (input->more)
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "a message of several parts: a packet is a message of one part");
    err = plv_packet_open (input->bytes, reader, ret_fail);
    if (err == ERR_VERSION)
        plv_fail (ret_fail, err,
                  "the broker speaks wire version %d.%d and this peer %u.%u: upgrade %s",
                  PLV_WIRE_MAJOR, PLV_WIRE_MINOR, input->bytes.data[2], input->bytes.data[3],
                  input->bytes.data[2] > PLV_WIRE_MAJOR ? "the broker" : "this peer");
    return err;
}

void packet_take (core_t *self, const input_t *input)
{
    peer_t *peer = peer_of (self, input->peer);
    plv_packet_reader_t reader;
    plv_frame_t frame = {0};
    plv_fail_t fail;

    peer->heard_us = self->now.mono_us;
    plv_err_t err = open_packet (input, &reader, &fail);
    if (!err)
        peer->minor = reader.minor;
    while (!err && !(err = plv_packet_next (&reader, &frame, &fail))) {
        take_frame (self, peer, input->allowed, &frame);
        if (plv_map_u64_get (&self->peers, input->peer) != peer)
            return;
    }
    if (err != ERR_NOENT) {
        count (self, COUNTER_ILLEGAL_FRAMES);
        peers_refuse (self, peer, plv_err_name (err), frame.verb, "%s", fail.text);
    }
}
