#include "core/internal.h"
#include "core/peer/drains.h"

#include "base/format.h"
#include "core/ask/control_ask.h"
#include "core/ask/tails.h"
#include "core/call/calls.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
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

void peers_ungather (core_t *self, peer_t *peer)
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
    peers_ungather (self, peer);
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

void peers_say (core_t *self, peer_t *peer, plv_verb_t verb)
{
    plv_buf_t *buf = frame_prompt (self, peer);
    plv_frame_end (buf, plv_frame_begin (buf, verb));
}

void peers_look (core_t *self, peer_t *peer)
{
    peers_say (self, peer, VERB_PING);
}

/*  Once a heartbeat. A peer that holds something, or has fallen silent, is asked for a sign, so that a dead one
    is found out by the socket before it is by its silence. A reload makes nobody late who keeps the time that it was
    told.  */
void peers_silence (core_t *self, peer_t *peer)
{
    const plv_conf_t *conf = self->policy->conf;
    int64_t silent_us = self->now.mono_us - peer->heard_us,
            most_us = conf->agents_timeout_ms * 1000;
    if (silent_us >= (most_us > peer->timeout_us ? most_us : peer->timeout_us)) {
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
        peers_ungather (self, peer);
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
    peers_ungather (self, peer);
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
