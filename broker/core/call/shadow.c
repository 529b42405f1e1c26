#include "core/call/shadow.h"

#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/call/try.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lanes.h"
#include "core/internal.h"
#include "core/policy/correct.h"
#include "wire/mp.h"

#include <string.h>

/*  Until an agent takes a letter; a tool of version 1.1 of the wire waits for a part five minutes.  */
static const int64_t PATIENCE_US = INT64_C (240) * 1000000;

/*  What the person was told when the event died, in the words that conf has now; empty: nothing, or it was about a rule
    that forbids the message.  */
static void put_old (core_t *self, const entry_t *letter, const dead_t *dead, plv_buf_t *old)
{
    bool tried = dead->why == DEAD_PERMANENT || dead->why == DEAD_ATTEMPTS;
    plv_buf_t body = {0};
    if (!(letter->flags & ENTRY_TOLD) || dead->why == DEAD_REJECTED)
        return;
    fallback_kind_t kind = tried ? fail_fallback (ledger_outcome (&letter->ledger), dead->code)
                                 : FALLBACK_GENERAL_ERROR;
    fallback_body (&body, self->policy->conf, kind,
                   plv_mp_find_str (entry_body (letter), "message_text"));
    plv_buf_check (&body);
    plv_buf_add_view (old, plv_mp_find_str (plv_buf_view (&body), "response_text"));
    plv_buf_check (old);
    plv_buf_free (&body);
}

static void put_part (core_t *self, ask_t *ask, const call_t *call, const verdict_t *verdict)
{
    peer_t *peer = plv_map_u64_get (&self->peers, ask->peer);
    plv_envelope_t envelope = {0};
    plv_buf_t body = {0};
    plv_envelope_parse (plv_buf_view (&call->envelope), &envelope, NULL);
    plv_mp_put_map (&body, TRY_PAIRS + 3);
    plv_mp_pair_u64 (&body, "number", call->letter);
    plv_mp_pair_str (&body, "session_id", envelope.session_id);
    plv_mp_pair_str (&body, "old", plv_buf_view (&call->old));
    try_put (self, &body, call, verdict);
    if (strcmp (verdict->outcome, "answer") == 0)
        ask->answered++;
    else
        ask->unanswered++;
    if (peer)
        control_part (self, peer, ask->request, &body);
    plv_buf_free (&body);
}

/*  A letter that no trial was begun for.  */
static void refuse (core_t *self, ask_t *ask, const entry_t *letter, const plv_buf_t *old,
                    const verdict_t *verdict)
{
    call_t none = {.letter = letter->number, .old = *old};
    plv_buf_add_view (&none.envelope, entry_envelope (letter));
    plv_buf_check (&none.envelope);
    put_part (self, ask, &none, verdict);
    plv_buf_free (&none.envelope);
}

static const lane_t *lane_of (core_t *self, const ask_t *ask, entry_t *letter)
{
    return ask->to[0] ? lane_named (self, plv_view_str (ask->to)) : dispatch_lane (self, letter);
}

static void put_body (const ask_t *ask, const entry_t *letter, plv_buf_t *body)
{
    char original[PLV_ID_TEXT_BYTES] = "";
    plv_envelope_t envelope;
    if (!ask->has_set || plv_envelope_parse (entry_envelope (letter), &envelope, NULL)) {
        plv_buf_add_view (body, entry_body (letter));
    } else {
        plv_id_format (&envelope.id, original);
        correct_body (body, entry_body (letter), plv_buf_view (&ask->set), original);
    }
    plv_buf_check (body);
}

static void over (core_t *self, const call_t *call, const verdict_t *verdict)
{
    ask_t *ask = plv_map_u64_get (&self->asks, call->token);
    ask->trials--;
    if (verdict)
        put_part (self, ask, call, verdict);
    control_settle (self, ask);
}

/*  As a replay would give it to an agent: with the steps that earlier attempts have saved, unless its text is another
    one.  */
static call_t *call_for (core_t *self, const ask_t *ask, const entry_t *letter, const lane_t *lane,
                         verdict_t *verdict)
{
    plv_buf_t body = {0};
    put_body (ask, letter, &body);
    asking_t asking = {
        .over = over,
        .trial = true,
        .asker = plv_map_u64_get (&self->peers, ask->peer),
        .service = plv_view_str (lane->route->service),
        .envelope = entry_envelope (letter),
        .body = plv_buf_view (&body),
        .steps = ask->has_set ? NULL : &letter->steps,
        .of_session = true,
        .patience_us = PATIENCE_US,
        .work_us = lane->route->deadline_us,
    };
    call_t *call = calls_new (self, &asking, verdict);
    plv_buf_free (&body);
    return call;
}

void shadow_letter (core_t *self, ask_t *ask, entry_t *letter, const dead_t *dead)
{
    verdict_t verdict = {.outcome = "refused",
                         .code = plv_view_str ("no_route"),
                         .reason = plv_view_str ("no route in conf matches this event any more")};
    plv_buf_t old = {0};
    call_t *call = NULL;
    const lane_t *lane = lane_of (self, ask, letter);
    if (!plv_map_u64_get (&self->peers, ask->peer))
        return;
    put_old (self, letter, dead, &old);
    if (lane && self->draining)
        verdict = (verdict_t){.outcome = "busy", .reason = plv_view_str ("the broker stops")};
    else if (lane)
        call = call_for (self, ask, letter, lane, &verdict);
    if (!call) {
        refuse (self, ask, letter, &old, &verdict);
        plv_buf_free (&old);
        return;
    }
    call->token = ask->token;
    call->letter = letter->number;
    call->old = old;
    ask->trials++;
    calls_start (self, call);
}

void shadow_finish (core_t *self, peer_t *peer, const ask_t *ask)
{
    uint32_t skipped = (uint32_t) (ask->skipped.size / sizeof (uint64_t));
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 6);
    plv_mp_pair_bool (&body, "shadow", true);
    plv_mp_pair_u64 (&body, "answered", ask->answered);
    plv_mp_pair_u64 (&body, "failed", ask->unanswered);
    plv_mp_pair_u64 (&body, "missing", ask->missing);
    plv_mp_pair_u64 (&body, "skipped", skipped);
    plv_mp_put_text (&body, "skips");
    plv_mp_put_array (&body, skipped);
    plv_buf_add_view (&body, plv_buf_view (&ask->skips));
    control_answer (self, peer, ask->request,
                    ask->answered || ask->unanswered || skipped ? "ok" : "NOENT", &body);
    plv_buf_free (&body);
}
