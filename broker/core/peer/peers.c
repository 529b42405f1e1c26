#include "core/internal.h"
#include "core/peer/drains.h"

#include "base/format.h"
#include "core/ask/control.h"
#include "core/ask/control_ask.h"
#include "core/ask/tails.h"
#include "core/call/calls.h"
#include "core/flow/accept.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
#include "core/flow/reply.h"
#include "core/peer/hello.h"
#include "core/peer/peers.h"
#include "core/text.h"
#include "wire/mp.h"

#include <stdarg.h>

static void send_error (core_t *self, peer_t *peer, const char *code, const char *text,
                        plv_verb_t verb)
{
    plv_buf_t *buf = frame_prompt (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_ERROR);
    plv_mp_put_text (buf, code);
    plv_mp_put_text (buf, text);
    plv_mp_put_text (buf, plv_verb_name (verb));
    plv_frame_end (buf, mark);
}

void peers_refuse (core_t *self, peer_t *peer, const char *code, plv_verb_t verb,
                   const char *format, ...)
{
    char text[PLV_FAIL_TEXT_BYTES];
    va_list args;
    va_start (args, format);
    plv_format_list (text, sizeof text, format, args);
    va_end (args);
    /* words of a peer are in it */
    text[text_cut (plv_view_str (text), sizeof text).size] = '\0';
    send_error (self, peer, code, text, verb);
    effects_log (self->effects, LOG_PEER_REFUSED, F_STR ("role", peer_role (peer)),
                 F_STR ("name", peer->name[0] ? peer->name : "?"), F_STR ("code", code),
                 F_STR ("text", text));
    count (self, COUNTER_PEERS_REFUSED);
    peers_gone (self, peer, HOW_DIED, "it broke the protocol");
}

static plv_gauge_t role_gauge (const peer_t *peer)
{
    if (peer->from == FROM_ADAPTER)
        return GAUGE_PEERS_ADAPTER;
    return peer->from == FROM_WORKER ? GAUGE_PEERS_WORKER : GAUGE_PEERS_TOOL;
}

static void ungather (core_t *self, peer_t *peer)
{
    timers_cancel (&self->timers, &peer->gather);
    for (plv_node_t *node; (node = plv_list_first (&peer->gathered));)
        dispatch_ungather (self, peer, PLV_OF (node, session_t, ready));
}

static void free_jobs (core_t *self, peer_t *peer, how_t how, const char *why)
{
    for (plv_node_t *node; (node = plv_list_first (&peer->holding));)
        fail_event (self, PLV_OF (node, entry_t, in_holder),
                    &(failure_t){.how = how, .why = plv_view_str (why)});
    ungather (self, peer);
    calls_gone (self, peer, how);
    for (size_t i = 0; i < peer->serving_count; i++)
        service_leave (self, &peer->servings[i]);
}

/*  A reply in the hands of an adapter whose connection is lost may have been sent: the adapter comes back and
    says so, or the outcome is unknown. One that takes its leave has told all it knows.  */
static void free_deliveries (core_t *self, peer_t *peer, how_t how)
{
    static const failure_t undelivered = {.how = HOW_UNDELIVERED};
    outlet_t *outlet = peer->outlet;
    if (outlet->peer == peer)
        outlet->peer = NULL;
    outlet->replies++; /* not now */
    for (plv_node_t *node; (node = plv_list_first (&peer->holding));) {
        entry_t *entry = PLV_OF (node, entry_t, in_holder);
        if (how == HOW_LEFT)
            outbox_failed (self, entry, &undelivered);
        else
            outbox_orphan (self, entry);
    }
    outlet->replies--;
    outlet_leave (self, outlet);
}

/*  What an adapter or a tool asked for, nobody waits for.  */
static void forget_asker (core_t *self, peer_t *peer, how_t how)
{
    control_forget (self, peer);
    calls_gone (self, peer, how);
}

void peers_gone (core_t *self, peer_t *peer, how_t how, const char *why)
{
    peer->draining = true;
    dispatch_idle (peer);
    if (peer->state == STATE_READY) {
        self->metrics.gauge[role_gauge (peer)]--;
        effects_log (self->effects, LOG_PEER_GONE, F_STR ("role", peer_role (peer)),
                     F_STR ("name", peer->name), F_STR ("how", how_text (how)), F_STR ("why", why),
                     F_INT ("held", peer->held));
    }
    if (peer->from == FROM_WORKER)
        free_jobs (self, peer, how, why);
    else
        forget_asker (self, peer, how);
    if (peer->from == FROM_ADAPTER && peer->outlet)
        free_deliveries (self, peer, how);
    tails_leave (self, peer);
    timers_cancel (&self->timers, &peer->silence);
    effects_close (self->effects, peer->number);
    plv_map_u64_remove (&self->peers, peer->number);
    peer_destroy (&peer);
}

static void send_bare (core_t *self, peer_t *peer, plv_verb_t verb)
{
    plv_buf_t *buf = frame_prompt (self, peer);
    plv_frame_end (buf, plv_frame_begin (buf, verb));
}

void peers_look (core_t *self, peer_t *peer)
{
    send_bare (self, peer, VERB_PING);
}

/*  Once a heartbeat. A peer that holds something, or has fallen silent, is asked for a sign, so that a dead one
    is found out by the socket before it is by its silence.  */
void peers_silence (core_t *self, peer_t *peer)
{
    const plv_conf_t *conf = self->policy->conf;
    int64_t silent_us = self->now.mono_us - peer->heard_us;
    if (silent_us >= conf->agents_timeout_ms * 1000) {
        peers_gone (self, peer, HOW_SILENT, "nothing was heard of it for agents.timeout_ms");
        return;
    }
    if (peer->held || peer_silent_us (peer, self->now.mono_us))
        peers_look (self, peer);
    timers_set (&self->timers, &peer->silence,
                self->now.mono_us + conf->agents_heartbeat_ms * 1000);
}

void peers_drain (core_t *self)
{
    peer_t *peer;
    self->draining = true;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));)
        ungather (self, peer);
    calls_drain (self);
}

void peers_let_go (core_t *self, peer_t *peer)
{
    if (peer->let_go || peer->held || peer->gathered_count || peer->draining)
        return;
    peer->let_go = true;
    effects_log (self->effects, LOG_AGENT_DRAINED, F_STR ("name", peer->name),
                 F_STR ("who", peer->drained_by));
    plv_buf_t *buf = frame_held (self, peer); /* behind the last COMMITTED */
    size_t mark = plv_frame_begin (buf, VERB_ERROR);
    plv_mp_pair_text (buf, "DRAINED",
                      "an operator drained this worker, and it holds nothing any more");
    plv_mp_put_text (buf, plv_verb_name (VERB_JOB));
    plv_frame_end (buf, mark);
}

void peers_retire (core_t *self, peer_t *peer, plv_view_t who)
{
    if (peer->retired)
        return;
    peer->retired = true;
    text_name (peer->drained_by, who);
    dispatch_idle (peer);
    ungather (self, peer);
    peers_let_go (self, peer);
}

void peers_farewell (core_t *self)
{
    peer_t *peer;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));) {
        if (peer->state != STATE_READY)
            continue;
        plv_buf_t *buf = frame_held (self, peer);
        size_t mark = plv_frame_begin (buf, VERB_BYE);
        plv_mp_put_text (buf, "the broker stops");
        plv_frame_end (buf, mark);
    }
}

static void take_ping (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    (void) frame;
    send_bare (self, peer, VERB_PONG);
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
    drains_left (self, peer);
    peers_gone (self, peer, HOW_LEFT, why);
}

static void take_credit (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t credit = frame->arg[0].number;
    peer->credit = credit < CREDIT_MAX ? (uint32_t) credit : CREDIT_MAX;
    peer->draining = credit == 0;
    dispatch_idle (peer); /* before what it gives back looks for a worker */
    if (peer->draining)
        ungather (self, peer);
    if (peer->outlet)
        outbox_feed (self, peer->outlet);
    else
        dispatch_release (self, peer);
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
        return reply_take;
    case VERB_NACK:
        return reply_nack;
    case VERB_STEP:
        return reply_step;
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
    send_bare (self, peer, VERB_WHO);
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

void peers_packet (core_t *self, const input_t *input)
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
