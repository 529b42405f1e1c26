#include "core/ask/control_answer.h"
#include "core/call/calls.h"
#include "core/flow/lease.h"
#include "core/internal.h"
#include "core/state/live.h"
#include "core/state/state.h"
#include "wire/mp.h"

/*  CALL: a worker, inside a job that it holds, asks another service. CALL_CANCEL: it waits no longer.  */

/*  The job that asks: an event's attempt, or a call's.  */
typedef struct {
    uint64_t lease;
    plv_view_t envelope;
    int64_t until_us; /* monotonic */
    unsigned depth;
    bool trial;
} origin_t;

static bool find_origin (core_t *self, peer_t *peer, uint64_t lease, origin_t *origin)
{
    if (call_is_lease (lease)) {
        const call_t *call = calls_leased (self, peer, lease);
        if (call)
            *origin = (origin_t){lease, plv_buf_view (&call->envelope), call->timer.at_us,
                                 call->depth, call->trial};
        return call != NULL;
    }
    const entry_t *entry = lease_held (self, peer, lease);
    if (entry)
        *origin = (origin_t){lease, entry_envelope (entry), entry->timer.at_us, 0, false};
    return entry != NULL;
}

/*  What is given of the session's memory: `history` and `state` of a map. `state` gets the bytes.  */
plv_err_t calls_read_memory (const core_t *self, plv_view_t map, asking_t *asking, plv_buf_t *state,
                             plv_fail_t *fail)
{
    plv_mp_t value;
    plv_view_t bytes;
    plv_err_t err = ERR_OK;
    if (plv_mp_find (map, "history", &value) && !plv_mp_nil (&value)
        && (!plv_mp_skip (&value, &asking->history) || !history_is (asking->history)))
        return plv_fail (
            fail, ERR_ARG,
            "\"history\" is an array of maps with \"role\" and \"text\", of at most %d "
            "bytes",
            HISTORY_BYTES_MAX);
    if (calls_read_map (map, "state", &bytes))
        err = state_patch (state, bytes, self->options.secret, STATE_BYTES_MAX, fail);
    asking->state = plv_buf_view (state);
    return err;
}

bool calls_read_map (plv_view_t arguments, const char *key, plv_view_t *ret_map)
{
    plv_mp_t value;
    if (!plv_mp_find (arguments, key, &value) || plv_mp_nil (&value))
        return false;
    if (plv_mp_peek (&value) == MP_MAP)
        return plv_mp_skip (&value, ret_map);
    return plv_mp_bin (&value, ret_map);
}

/*  A person's message, as it might have come: of the same session, with an id of its own.  */
static void put_envelope (core_t *self, const origin_t *origin, plv_view_t options, plv_buf_t *buf)
{
    plv_envelope_t envelope;
    plv_view_t traceparent = plv_mp_find_str (options, "traceparent");
    if (plv_envelope_parse (origin->envelope, &envelope, NULL))
        return;
    envelope.id = id_next (self);
    envelope.type_code = EVENT_CHAT_MESSAGE;
    envelope.type = plv_view_str (plv_event_type_name (EVENT_CHAT_MESSAGE));
    envelope.timestamp = self->now.wall_us;
    envelope.has_reply_to = false;
    envelope.platform_id = plv_view (NULL, 0);
    if (traceparent.size && traceparent.size <= TRACEPARENT_BYTES_MAX
        && plv_utf8_valid (traceparent))
        envelope.traceparent = traceparent;
    plv_envelope_write (buf, &envelope);
    plv_buf_check (buf);
}

/*  It ends before the job that asks does, so that this one can still say something.  */
static int64_t patience_of (const core_t *self, const origin_t *origin, plv_view_t options)
{
    int64_t left_us = origin->until_us - self->now.mono_us;
    int64_t margin_us = CALL_MARGIN_MS * INT64_C (1000);
    if (margin_us > left_us / 10)
        margin_us = left_us / 10;
    int64_t most_us = left_us - margin_us;
    uint64_t ms = control_number (options, "deadline_ms", UINT64_MAX);
    return ms < (uint64_t) (most_us < 0 ? 0 : most_us) / 1000 ? (int64_t) ms * 1000 : most_us;
}

/*  How many calls of a job are open, and the one of this number among them, or NULL.  */
static uint32_t open_of (const peer_t *peer, uint64_t lease, uint64_t id, call_t **ret_call)
{
    uint32_t open = 0;
    *ret_call = NULL;
    for (const plv_node_t *node = peer->asked.next; node != &peer->asked; node = node->next) {
        call_t *call = PLV_OF (node, call_t, in_asker);
        bool ours = call->origin == lease;
        open += ours;
        if (ours && call->id == id)
            *ret_call = call;
    }
    return open;
}

static void refuse (core_t *self, peer_t *peer, const plv_frame_t *frame, const verdict_t *verdict)
{
    call_t none = {.asker = peer, .origin = frame->arg[0].number, .id = frame->arg[1].number};
    count (self, COUNTER_CALLS_FAILED);
    calls_answer (self, &none, verdict);
}

static const char *check (const core_t *self, const plv_frame_t *frame, const origin_t *origin,
                          asking_t *asking, plv_buf_t *state, plv_fail_t *fail)
{
    plv_view_t text;
    if (!peer_name_good (asking->service))
        plv_fail (fail, ERR_ARG,
                  "a service has a name of 1 to %d letters, digits, dots, dashes and "
                  "underscores",
                  NAME_BYTES_MAX);
    else if (origin->depth >= CALL_DEPTH_MAX)
        plv_fail (fail, ERR_FULL,
                  "calls inside calls are at most %d deep: services that call each other "
                  "in a circle have no end",
                  CALL_DEPTH_MAX);
    else if (plv_body_check (EVENT_CHAT_MESSAGE, frame->arg[3].bytes, &text, fail)
             || calls_read_memory (self, frame->arg[4].bytes, asking, state, fail))
        return plv_err_name (fail->code);
    else
        return NULL;
    return plv_err_name (fail->code);
}

static void begin (core_t *self, peer_t *peer, const plv_frame_t *frame, const origin_t *origin,
                   asking_t *asking)
{
    plv_buf_t envelope = {0};
    verdict_t verdict;
    asking->patience_us = patience_of (self, origin, frame->arg[4].bytes);
    asking->work_us = asking->patience_us;
    if (asking->patience_us <= 0) {
        verdict = (verdict_t){.outcome = "timeout",
                              .code = plv_view_str ("timeout"),
                              .reason = plv_view_str ("the job that calls has no time left")};
        refuse (self, peer, frame, &verdict);
        return;
    }
    put_envelope (self, origin, frame->arg[4].bytes, &envelope);
    asking->envelope = plv_buf_view (&envelope);
    call_t *call = calls_new (self, asking, &verdict);
    plv_buf_free (&envelope);
    if (!call) {
        refuse (self, peer, frame, &verdict);
        return;
    }
    call->origin = origin->lease;
    call->id = frame->arg[1].number;
    calls_start (self, call);
}

void calls_take (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    origin_t origin;
    plv_buf_t state = {0};
    plv_fail_t fail;
    call_t *known;
    if (!find_origin (self, peer, frame->arg[0].number, &origin))
        return;
    asking_t asking = {
        .over = calls_answer,
        .trial = origin.trial,
        .depth = (uint8_t) (origin.depth + 1),
        .asker = peer,
        .service = frame->arg[2].bytes,
        .body = frame->arg[3].bytes,
    };
    uint32_t open = open_of (peer, origin.lease, frame->arg[1].number, &known);
    const char *code = known ? NULL : check (self, frame, &origin, &asking, &state, &fail);
    if (code)
        refuse (self, peer, frame,
                &(verdict_t){.outcome = "refused",
                             .code = plv_view_str (code),
                             .reason = plv_view_str (fail.text)});
    else if (!known && open >= CALLS_OF_JOB_MAX)
        refuse (self, peer, frame,
                &(verdict_t){.outcome = "busy",
                             .code = plv_view_str ("BUSY"),
                             .reason = plv_view_str ("as many calls of one job as may be "
                                                     "(CALLS_OF_JOB_MAX) are open")});
    else if (!known)
        begin (self, peer, frame, &origin, &asking);
    plv_buf_free (&state);
}

/*  One that is not known has ended meanwhile, with its ANSWER or with its job.  */
void calls_cancel (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    call_t *call;
    open_of (peer, frame->arg[0].number, frame->arg[1].number, &call);
    if (call)
        calls_end (self, &call, NULL, "unwanted");
}
