#include "core/call/calls.h"
#include "core/flow/lease.h"
#include "core/internal.h"
#include "core/text.h"
#include "wire/mp.h"

/*  What workers say about a lease of a call.  */

static call_t *find (core_t *self, uint64_t lease)
{
    call_t *call = plv_map_u64_get (&self->calls, call_of_lease (lease));
    return call && call->holder && call_lease (call) == lease ? call : NULL;
}

call_t *calls_leased (core_t *self, peer_t *peer, uint64_t lease)
{
    call_t *call = find (self, lease);
    if (call && call->holder == peer)
        return call;
    count (self, COUNTER_REPLIES_STALE);
    lease_cancel (self, peer, lease, call ? "not_leased" : "finished",
                  "this call is over, or with another worker");
    return NULL;
}

static void put_words (plv_buf_t *buf, plv_view_t words)
{
    if (words.size)
        plv_mp_put_str (buf, words);
    else
        plv_mp_put_nil (buf);
}

void calls_reply (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    call_t *call = calls_leased (self, peer, lease);
    plv_view_t text;
    plv_fail_t fail;
    if (!call)
        return;
    plv_histogram_add (&self->metrics.histogram[HISTOGRAM_CALL_TIME],
                       self->now.mono_us - call->given_us);
    if (plv_body_check (EVENT_CHAT_RESPONSE, frame->arg[1].bytes, &text, &fail)) {
        lease_cancel (self, peer, lease, "bad_reply", fail.text);
        calls_end (self, &call,
                   &(verdict_t){.outcome = "bad_reply",
                                .code = plv_view_str (plv_err_name (fail.code)),
                                .reason = plv_view_str (fail.text)},
                   NULL);
        return;
    }
    frame_ack (self, peer, ACK_COMMITTED, lease);
    calls_end (self, &call, &(verdict_t){.outcome = "answer", .body = frame->arg[1].bytes}, NULL);
}

void calls_nack (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    call_t *call = calls_leased (self, peer, lease);
    if (!call)
        return;
    frame_ack (self, peer, ACK_COMMITTED, lease);
    calls_end (self, &call,
               &(verdict_t){.outcome = "nack",
                            .code = text_cut (frame->arg[3].bytes, NAME_BYTES_MAX),
                            .reason = text_cut (frame->arg[4].bytes, REASON_BYTES_MAX)},
               NULL);
}

/*  Kept for another worker, should this one go away: in memory, as the call itself is, and while there is room.  */
void calls_step (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    plv_view_t name = frame->arg[1].bytes, result = frame->arg[2].bytes;
    call_t *call = calls_leased (self, peer, lease);
    if (!call)
        return;
    const char *why = steps_refuse (&call->steps, name, result);
    if (why) {
        lease_cancel (self, peer, lease, "step_refused", why);
        calls_end (self, &call,
                   &(verdict_t){.outcome = "bad_reply",
                                .code = plv_view_str ("step_refused"),
                                .reason = plv_view_str (why)},
                   NULL);
        return;
    }
    size_t before = call_bytes (call);
    if (self->call_bytes + name.size + result.size < CALLS_BYTES_MAX)
        steps_add (&call->steps, name, result);
    self->call_bytes += call_bytes (call) - before;
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_STEP_SAVED);
    plv_mp_put_u64 (buf, lease);
    plv_mp_put_str (buf, name);
    plv_frame_end (buf, mark);
}

void calls_answer (core_t *self, const call_t *call, const verdict_t *verdict)
{
    if (!verdict)
        return;
    plv_buf_t *buf = frame_held (self, call->asker);
    size_t mark = plv_frame_begin (buf, VERB_ANSWER);
    plv_mp_put_u64 (buf, call->origin);
    plv_mp_put_u64 (buf, call->id);
    plv_mp_put_text (buf, verdict->outcome);
    if (verdict->body.size)
        plv_mp_put_bin (buf, verdict->body);
    else
        plv_mp_put_nil (buf);
    put_words (buf, verdict->code);
    put_words (buf, verdict->reason);
    plv_frame_end (buf, mark);
}

bool calls_answers (const peer_t *peer, const plv_id_t *id)
{
    plv_envelope_t envelope;
    for (plv_node_t *node = peer->calls.next; node != &peer->calls; node = node->next) {
        const call_t *call = PLV_OF (node, call_t, in_holder);
        if (!plv_envelope_parse (plv_buf_view (&call->envelope), &envelope, NULL)
            && memcmp (envelope.id.bytes, id->bytes, PLV_ID_BYTES) == 0)
            return true;
    }
    return false;
}

bool calls_claim (core_t *self, peer_t *peer, uint64_t lease, plv_node_t *olds)
{
    call_t *call = find (self, lease);
    if (!call
        || memcmp (call->holder->incarnation.bytes, peer->incarnation.bytes, PLV_ID_BYTES) != 0)
        return false;
    if (call->holder == peer)
        return true;
    peer_replaced (call->holder, olds);
    calls_follow (call->holder, peer, lease);
    calls_hold (call, peer);
    return true;
}
