#include "core/internal.h"

#include "core/ask/tails.h"
#include "core/call/calls.h"
#include "core/flow/answer.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lane_change.h"
#include "core/flow/lease.h"
#include "core/flow/mark.h"
#include "core/flow/reply.h"
#include "core/flow/sign.h"
#include "core/peer/peers.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/state/state.h"
#include "core/text.h"
#include "wire/mp.h"

/*  A reload may have given the route to another service than that of the worker that answers.  */
static bool may_keep (const entry_t *entry)
{
    const lane_t *lane = entry->lane;
    return lane && lane->route->cache && peer_serves (entry->holder, lane->service)
           && cache_may (entry_body (entry));
}

static void keep_in_cache (core_t *self, const entry_t *entry, plv_view_t body)
{
    plv_buf_t key = {0}, subset = {0}, marked = {0};
    plv_view_t query = plv_mp_find_str (entry_body (entry), "message_text");
    if (query.size == 0 || !may_keep (entry))
        return;
    state_subset (&entry->session->state, plv_buf_view (&entry->lane->service->cache_keys),
                  &subset);
    cache_key (&key, entry->lane->index, query, plv_buf_view (&subset));
    plv_buf_check (&subset);
    plv_buf_check (&key);
    mark_body (&marked, body, "cached");
    cache_put (self->cache, plv_buf_view (&key), plv_buf_view (&marked), self->now.mono_us);
    plv_buf_free (&key);
    plv_buf_free (&subset);
    plv_buf_free (&marked);
}

/*  Is the answer one, and would the session's state take the patch? `ret_state` gets the patch's bytes.  */
static plv_err_t check_reply (core_t *self, const entry_t *entry, const plv_frame_t *frame,
                              plv_view_t *ret_state, plv_fail_t *fail)
{
    plv_view_t text, state = {0};
    plv_mp_t value;
    plv_err_t err = plv_body_check (EVENT_CHAT_RESPONSE, frame->arg[1].bytes, &text, fail);
    if (err)
        return err;
    if (!frame->arg[2].nil && plv_mp_find (frame->arg[2].bytes, "state", &value)
        && !plv_mp_bin (&value, &state) && !plv_mp_nil (&value))
        return plv_fail (fail, ERR_MSGPACK, "options.state is not bytes");
    if (state.size) {
        plv_buf_t trial = {0};
        plv_buf_add_view (&trial, plv_buf_view (&entry->session->state));
        plv_buf_check (&trial);
        err = state_patch (&trial, state, self->options.secret,
                           (size_t) self->policy->conf->session_state_kb << 10, fail);
        plv_buf_free (&trial);
    }
    *ret_state = state;
    return err;
}

void reply_take (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    plv_view_t state;
    plv_fail_t fail;
    entry_t *entry = lease_held (self, peer, lease);
    if (!entry)
        return;
    if (check_reply (self, entry, frame, &state, &fail)) {
        lease_cancel (self, peer, lease, "bad_reply", fail.text);
        fail_event (self, entry,
                    &(failure_t){.how = HOW_BAD_REPLY,
                                 .why = plv_view_str (fail.text),
                                 .code = plv_view_str (plv_err_name (fail.code))});
        return;
    }
    session_t *session = entry->session;
    lane_t *lane = entry->lane;
    plv_histogram_add (&self->metrics.histogram[HISTOGRAM_JOB_TIME],
                       self->now.mono_us - entry->lease_us);
    keep_in_cache (self, entry, frame->arg[1].bytes);
    if (lane)
        lane_changed (self, lane, breaker_success (&lane->breaker, entry->number));
    session->failed_by = 0;
    answer_give (self, entry, frame->arg[1].bytes, state, 0);
    frame_ack (self, peer, ACK_COMMITTED, lease);
    calls_over (self, peer, lease);
    dispatch_release (self, peer);
    dispatch_session (self, session);
}

void reply_nack (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    int64_t most_us = self->policy->conf->agents_backoff_max_ms * 1000;
    entry_t *entry = lease_held (self, peer, lease);
    if (!entry)
        return;
    failure_t failure = {
        .how = frame->arg[1].number ? HOW_NACK_FINAL : HOW_NACK,
        .permanent = frame->arg[1].number != 0,
        .code = text_cut (frame->arg[3].bytes, NAME_BYTES_MAX),
        .why = text_cut (frame->arg[4].bytes, REASON_BYTES_MAX),
    };
    if (!frame->arg[2].nil && frame->arg[2].number < (uint64_t) most_us / 1000)
        failure.delay_us = (int64_t) frame->arg[2].number * 1000;
    else if (!frame->arg[2].nil)
        failure.delay_us = most_us;
    frame_ack (self, peer, ACK_COMMITTED, lease);
    fail_event (self, entry, &failure);
}

static void refuse_step (core_t *self, peer_t *peer, entry_t *entry, const char *why)
{
    lease_cancel (self, peer, entry_lease (entry), "step_refused", why);
    fail_event (self, entry,
                &(failure_t){.how = HOW_BAD_REPLY,
                             .permanent = true,
                             .why = plv_view_str (why),
                             .code = plv_view_str ("step_refused")});
}

void reply_step (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    plv_view_t name = frame->arg[1].bytes, result = frame->arg[2].bytes;
    entry_t *entry = lease_held (self, peer, frame->arg[0].number);
    if (!entry)
        return;
    const char *why = steps_refuse (&entry->steps, name, result);
    if (why) {
        refuse_step (self, peer, entry, why);
        return;
    }
    record_t record = {.type = RECORD_STEP, .number = entry->number, .name = name, .body = result};
    apply_new (self, &record);
    count (self, COUNTER_STEPS_SAVED);
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_STEP_SAVED);
    plv_mp_put_u64 (buf, frame->arg[0].number);
    plv_mp_put_str (buf, name);
    plv_frame_end (buf, mark);
}

/*  A worker speaks for itself: neither as the broker does, nor as a person.  */
static bool may_pass (const plv_envelope_t *envelope, plv_view_t body)
{
    plv_view_t text;
    plv_fail_t fail;
    bool typing = envelope->type_code == EVENT_CHAT_TYPING;
    return (typing || envelope->type_code == EVENT_CHAT_DELTA)
           && !plv_body_check (envelope->type_code, body, &text, &fail)
           && !(typing && sign_is_own (body));
}

/*  A delta or typing sign of a worker: to the adapter of the session that it works on, if it is there.  */
void reply_live (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    plv_envelope_t envelope, event;
    plv_fail_t fail;
    if (plv_envelope_parse (frame->arg[0].bytes, &envelope, &fail)) {
        peers_refuse (self, peer, plv_err_name (fail.code), VERB_LIVE, "%s", fail.text);
        return;
    }
    bool in_call = envelope.has_reply_to && calls_answers (peer, &envelope.reply_to);
    bool nowhere = in_call || !may_pass (&envelope, frame->arg[1].bytes);
    plv_node_t *node = nowhere ? &peer->holding : peer->holding.next;
    for (; node != &peer->holding; node = node->next) {
        entry_t *entry = PLV_OF (node, entry_t, in_holder);
        if (entry->kind != ENTRY_EVENT || !plv_view_equal (entry->session->id, envelope.session_id)
            || plv_envelope_parse (entry_envelope (entry), &event, NULL))
            continue;
        if (tails_any (self))
            tail_tell_live (self, &envelope, frame->arg[1].bytes);
        outlet_t *outlet = plv_map_get (&self->outlets, event.adapter);
        if (!outlet || !outlet->peer)
            break;
        plv_buf_t *buf = frame_prompt (self, outlet->peer);
        size_t mark = plv_frame_begin (buf, VERB_LIVE);
        plv_buf_add_view (buf, frame->arg[0].bytes);
        plv_mp_put_bin (buf, frame->arg[1].bytes);
        plv_frame_end (buf, mark);
        return;
    }
    count (self, COUNTER_LIVE_DROPPED);
}
