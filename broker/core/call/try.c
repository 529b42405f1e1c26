#include "core/call/try.h"

#include "core/ask/control_answer.h"
#include "core/internal.h"
#include "wire/mp.h"

enum { TRY_MS_MAX = 600000 };

static plv_err_t read_event (plv_view_t arguments, asking_t *asking, plv_fail_t *fail)
{
    plv_envelope_t envelope;
    plv_view_t text;
    if (!calls_read_map (arguments, "envelope", &asking->envelope)
        || !calls_read_map (arguments, "body", &asking->body))
        return plv_fail (fail, ERR_ARG, "try needs \"envelope\" and \"body\", maps or their bytes");
    plv_err_t err = plv_envelope_parse (asking->envelope, &envelope, fail);
    if (!err
        && (asking->envelope.size > ENVELOPE_BYTES_MAX
            || !plv_event_type_routed (envelope.type_code)))
        err = plv_fail (fail, ERR_ARG, "no agent gets an event of the type \"" PLV_VIEW_FMT "\"",
                        PLV_VIEW_ARG (envelope.type));
    return err ? err : plv_body_check (envelope.type_code, asking->body, &text, fail);
}

static plv_err_t read_terms (core_t *self, plv_view_t arguments, asking_t *asking, plv_fail_t *fail)
{
    uint64_t ms = control_number (arguments, "deadline_ms",
                                  (uint64_t) self->policy->conf->agents_deadline_ms);
    asking->service = plv_mp_find_str (arguments, "service");
    if (!peer_name_good (asking->service))
        return plv_fail (fail, ERR_ARG, "try needs \"service\", the name of one");
    if (ms == 0 || ms > TRY_MS_MAX)
        return plv_fail (fail, ERR_RANGE, "\"deadline_ms\" is 1 to %d", TRY_MS_MAX);
    asking->patience_us = (int64_t) ms * 1000;
    asking->work_us = asking->patience_us;
    return ERR_OK;
}

void try_put (core_t *self, plv_buf_t *map, const call_t *call, const verdict_t *verdict)
{
    plv_mp_pair_str (map, "outcome", plv_view_str (verdict->outcome));
    plv_mp_put_text (map, "took_ms");
    plv_mp_put_u64 (map,
                    call->given_us ? (uint64_t) (self->now.mono_us - call->given_us) / 1000 : 0);
    plv_mp_pair_str (map, "who", label_view (call->who));
    plv_mp_pair_str (map, "answer", plv_mp_find_str (verdict->body, "response_text"));
    plv_mp_pair_str (map, "code", verdict->code);
    plv_mp_pair_str (map, "why", verdict->reason);
}

static void answer (core_t *self, const call_t *call, const verdict_t *verdict)
{
    plv_buf_t body = {0};
    if (!verdict)
        return;
    plv_mp_put_map (&body, TRY_PAIRS + 1);
    try_put (self, &body, call, verdict);
    plv_mp_put_text (&body, "body");
    if (verdict->body.size)
        plv_mp_put_bin (&body, verdict->body);
    else
        plv_mp_put_nil (&body);
    control_answer (self, call->asker, call->request, "ok", &body);
    plv_buf_free (&body);
}

void try_start (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    asking_t asking = {.over = answer, .trial = true, .asker = peer};
    plv_buf_t state = {0};
    verdict_t verdict;
    plv_fail_t fail;
    plv_err_t err = read_terms (self, arguments, &asking, &fail);
    if (!err)
        err = read_event (arguments, &asking, &fail);
    if (!err)
        err = calls_read_memory (self, arguments, &asking, &state, &fail);
    if (!err && self->draining)
        err = plv_fail (&fail, ERR_BUSY, "the broker stops");
    call_t *call = err ? NULL : calls_new (self, &asking, &verdict);
    if (!err && !call)
        err = plv_fail (&fail, ERR_BUSY, PLV_VIEW_FMT, PLV_VIEW_ARG (verdict.reason));
    if (err) {
        control_fail (self, peer, request, err, "%s", fail.text);
    } else {
        call->request = request;
        calls_start (self, call);
    }
    plv_buf_free (&state);
}
