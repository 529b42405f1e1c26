#include "core/call/calls.h"

#include "base/alloc.h"
#include "base/format.h"
#include "core/flow/dispatch.h"
#include "core/flow/lanes.h"
#include "core/flow/lease.h"
#include "core/internal.h"
#include "core/state/live.h"
#include "core/state/state.h"
#include "wire/mp.h"

enum { WIRE_MINOR_OF_TRIALS = 1 };

/*  A number that no call before a restart had: a worker may still speak of one.  */
static uint64_t number_of (core_t *self)
{
    uint64_t number;
    do
        number = plv_rng_next (&self->rng) >> 17;
    while (number == 0 || plv_map_u64_get (&self->calls, number));
    return number;
}

static bool is_full (const core_t *self, size_t bytes, verdict_t *verdict)
{
    *verdict = (verdict_t){.outcome = "busy", .code = plv_view_str ("BUSY")};
    if (self->calls.count >= CALLS_MAX)
        verdict->reason = plv_view_str ("as many calls and trials as may be (CALLS_MAX) are open");
    else if (self->call_bytes + bytes > CALLS_BYTES_MAX)
        verdict->reason = plv_view_str ("the open calls and trials carry as much as they may "
                                        "(CALLS_BYTES_MAX)");
    else
        return false;
    return true;
}

static void copy_load (call_t *call, const asking_t *asking)
{
    plv_buf_add_view (&call->envelope, asking->envelope);
    plv_buf_add_view (&call->body, asking->body);
    plv_buf_add_view (&call->history, asking->history);
    plv_buf_add_view (&call->state, asking->state);
    if (asking->steps) {
        call->steps.count = asking->steps->count;
        plv_buf_add_view (&call->steps.packed, plv_buf_view (&asking->steps->packed));
    }
    plv_buf_check (&call->envelope);
    plv_buf_check (&call->body);
    plv_buf_check (&call->history);
    plv_buf_check (&call->state);
    plv_buf_check (&call->steps.packed);
}

call_t *calls_new (core_t *self, const asking_t *asking, verdict_t *ret_verdict)
{
    size_t bytes = asking->envelope.size + asking->body.size + asking->history.size
                   + asking->state.size + (asking->steps ? asking->steps->packed.size : 0);
    if (is_full (self, bytes, ret_verdict))
        return NULL;
    call_t *call = plv_alloc_zero (1, sizeof *call);
    call->number = number_of (self);
    call->over = asking->over;
    call->trial = asking->trial;
    call->depth = asking->depth;
    call->asker = asking->asker;
    call->service = service_of (self, asking->service);
    call->timer.kind = TIMER_CALL;
    call->begun_us = self->now.mono_us;
    call->deadline_us = self->now.mono_us + asking->patience_us;
    call->work_us = asking->work_us;
    call->of_session = asking->of_session;
    call->service->open++;
    copy_load (call, asking);
    self->call_bytes += bytes;
    plv_map_u64_put (&self->calls, call->number, call);
    plv_list_push (&call->asker->asked, &call->in_asker);
    self->metrics.gauge[call->trial ? GAUGE_TRIALS : GAUGE_CALLS]++;
    count (self, call->trial ? COUNTER_TRIALS : COUNTER_CALLS);
    return call;
}

/*  When what it waits for is to be looked at: a worker that serves it, or the end.  */
static void wait_for_worker (core_t *self, call_t *call)
{
    int64_t from_us =
        call->begun_us > call->service->left_us ? call->begun_us : call->service->left_us;
    int64_t look_us = from_us + CALL_UNSERVED_MS * INT64_C (1000);
    if (look_us <= self->now.mono_us)
        look_us = self->now.mono_us + CALL_UNSERVED_MS * INT64_C (1000);
    timers_set (&self->timers, &call->timer,
                look_us < call->deadline_us ? look_us : call->deadline_us);
}

void calls_start (core_t *self, call_t *call)
{
    plv_list_push (call->trial ? &call->service->trials : &call->service->calls, &call->in_service);
    wait_for_worker (self, call);
    if (call->trial)
        calls_feed_trials (self, call->service);
    else
        calls_feed (self, call->service);
}

static void leave_holder (call_t *call)
{
    if (!call->holder)
        return;
    plv_node_remove (&call->in_holder);
    call->holder->held--;
    call->holder->trials -= call->trial;
    call->holder = NULL;
}

void calls_hold (call_t *call, peer_t *peer)
{
    leave_holder (call);
    call->holder = peer;
    plv_list_push (&peer->calls, &call->in_holder);
    peer->held++;
    peer->trials += call->trial;
}

static void put_options (plv_buf_t *buf, const call_t *call)
{
    plv_mp_put_map (buf, 3);
    plv_mp_pair_bool (buf, "trial", call->trial);
    plv_mp_pair_text (buf, "service", call->service->name);
    plv_mp_pair_u64 (buf, "depth", call->depth);
}

static const session_t *session_of (core_t *self, const call_t *call)
{
    plv_envelope_t envelope;
    if (!call->of_session || plv_envelope_parse (plv_buf_view (&call->envelope), &envelope, NULL))
        return NULL;
    return session_get (self, envelope.session_id);
}

static void put_history (plv_buf_t *buf, const call_t *call, const session_t *session,
                         const peer_t *peer)
{
    if (session)
        history_write (&session->history, peer->history, buf);
    else
        history_write_given (plv_buf_view (&call->history), peer->history, buf);
}

static void send_job (core_t *self, const call_t *call, int64_t until_us)
{
    const session_t *session = session_of (self, call);
    plv_buf_t *buf = frame_held (self, call->holder);
    size_t mark = plv_frame_begin (buf, VERB_JOB);
    plv_mp_put_u64 (buf, call_lease (call));
    plv_mp_put_u64 (buf, call->tries);
    plv_mp_put_u64 (buf, (uint64_t) (until_us - self->now.mono_us) / 1000);
    plv_buf_add_view (buf, plv_buf_view (&call->envelope));
    plv_mp_put_bin (buf, plv_buf_view (&call->body));
    put_history (buf, call, session, call->holder);
    plv_mp_put_bin (buf, state_view (session ? &session->state : &call->state));
    steps_write (&call->steps, buf);
    plv_mp_put_nil (buf);
    put_options (buf, call);
    plv_frame_end (buf, mark);
}

static void give (core_t *self, call_t *call, peer_t *peer)
{
    int64_t until_us = self->now.mono_us + call->work_us;
    if (call->work_us > call->deadline_us - self->now.mono_us)
        until_us = call->deadline_us;
    plv_node_remove (&call->in_service);
    calls_hold (call, peer);
    label_drop (&call->who);
    call->who = label_hold (peer->who);
    call->tries++;
    call->given_us = self->now.mono_us;
    timers_set (&self->timers, &call->timer, until_us);
    count (self, COUNTER_CALLS_DISPATCHED);
    send_job (self, call, until_us);
    dispatch_idle (peer);
}

/*  Another worker than the one that asks, if there is one: that one may have every hand in a job that waits.  */
static peer_t *pick (const call_t *call)
{
    const plv_node_t *idle = &call->service->idle;
    plv_node_t *first = plv_list_first (idle);
    if (!first)
        return NULL;
    peer_t *peer = PLV_OF (first, serving_t, idle)->peer;
    if (peer == call->asker && first->next != idle)
        peer = PLV_OF (first->next, serving_t, idle)->peer;
    return peer;
}

void calls_feed (core_t *self, service_t *service)
{
    plv_node_t *first;
    peer_t *peer;
    while ((first = plv_list_first (&service->calls))
           && (peer = pick (PLV_OF (first, call_t, in_service))))
        give (self, PLV_OF (first, call_t, in_service), peer);
}

/*  Is one more place of the service free when this one is taken? With one place in all there is no such choice.  */
static bool leaves_a_place (const service_t *service, const peer_t *peer)
{
    const plv_node_t *first = plv_list_first (&service->idle);
    return peer->credit - peer->held - peer->gathered_count > 1 || first->next != &service->idle
           || (service->workers == 1 && peer->credit == 1);
}

static peer_t *pick_for_trial (const service_t *service)
{
    for (plv_node_t *node = service->idle.next; node != &service->idle; node = node->next) {
        peer_t *peer = PLV_OF (node, serving_t, idle)->peer;
        bool spare = peer->trials < (peer->credit < 2 ? 1 : peer->credit / 2);
        if (peer->minor >= WIRE_MINOR_OF_TRIALS && spare && leaves_a_place (service, peer))
            return peer;
    }
    return NULL;
}

void calls_feed_trials (core_t *self, service_t *service)
{
    plv_node_t *first;
    peer_t *peer;
    while ((first = plv_list_first (&service->trials)) && !dispatch_waits (service)
           && (peer = pick_for_trial (service)))
        give (self, PLV_OF (first, call_t, in_service), peer);
}

void calls_end (core_t *self, call_t **call_p, const verdict_t *verdict, const char *cancel)
{
    call_t *call = *call_p;
    peer_t *holder = call->holder;
    uint64_t lease = call_lease (call);
    *call_p = NULL;
    if (holder && cancel)
        lease_cancel (self, holder, lease, cancel,
                      verdict ? "the call's time is over" : "nobody waits for the answer");
    leave_holder (call);
    plv_node_remove (&call->in_service);
    plv_node_remove (&call->in_asker);
    timers_cancel (&self->timers, &call->timer);
    plv_map_u64_remove (&self->calls, call->number);
    self->call_bytes -= call_bytes (call);
    self->metrics.gauge[call->trial ? GAUGE_TRIALS : GAUGE_CALLS]--;
    if (verdict && strcmp (verdict->outcome, "answer") != 0)
        count (self, COUNTER_CALLS_FAILED);
    call->over (self, call, verdict);
    call->service->open--;
    service_spare (self, call->service);
    call_destroy (&call);
    if (!holder)
        return;
    calls_over (self, holder, lease);
    dispatch_release (self, holder);
}

static bool is_of (const call_t *call, uint64_t lease)
{
    return lease == 0 || call->origin == lease;
}

static call_t *first_asked (const peer_t *peer, uint64_t lease)
{
    for (plv_node_t *node = peer->asked.next; node != &peer->asked; node = node->next)
        if (is_of (PLV_OF (node, call_t, in_asker), lease))
            return PLV_OF (node, call_t, in_asker);
    return NULL;
}

/*  All that the peer waits for, or with a lease what this job does. Those that wait first: a place that becomes free is
    not for one that nobody waits for.  */
static void drop_asked (core_t *self, peer_t *peer, uint64_t lease)
{
    plv_node_t *next;
    call_t *first;
    for (plv_node_t *node = peer->asked.next; node != &peer->asked; node = next) {
        call_t *call = PLV_OF (node, call_t, in_asker);
        next = node->next;
        if (!call->holder && is_of (call, lease))
            calls_end (self, &call, NULL, NULL);
    }
    while ((first = first_asked (peer, lease)))
        calls_end (self, &first, NULL, "unwanted");
}

void calls_over (core_t *self, peer_t *peer, uint64_t lease)
{
    drop_asked (self, peer, lease);
}

void calls_follow (peer_t *old, peer_t *peer, uint64_t lease)
{
    plv_node_t *next;
    for (plv_node_t *node = old->asked.next; node != &old->asked; node = next) {
        call_t *call = PLV_OF (node, call_t, in_asker);
        next = node->next;
        if (!is_of (call, lease))
            continue;
        plv_node_remove (node);
        plv_list_push (&peer->asked, node);
        call->asker = peer;
    }
}

void calls_gone (core_t *self, peer_t *peer, how_t how)
{
    drop_asked (self, peer, 0);
    for (plv_node_t *node; (node = plv_list_first (&peer->calls));) {
        call_t *call = PLV_OF (node, call_t, in_holder);
        leave_holder (call);
        call->lost += how_charged (how);
        if (call->lost < CALL_ATTEMPTS_MAX && call->tries < UINT8_MAX) {
            plv_list_push_front (call->trial ? &call->service->trials : &call->service->calls,
                                 &call->in_service);
            wait_for_worker (self, call);
            dispatch_service (self, call->service);
        } else {
            calls_end (self, &call,
                       &(verdict_t){.outcome = "lost",
                                    .code = plv_view_str (how_text (how)),
                                    .reason = plv_view_str ("each worker that got it went away "
                                                            "with it")},
                       NULL);
        }
    }
}

void calls_drain (core_t *self)
{
    static const verdict_t stops = {
        .outcome = "busy",
        .code = {.data = (const uint8_t *) "shutdown", .size = 8},
        .reason = {.data = (const uint8_t *) "the broker stops", .size = 16},
    };
    plv_buf_t numbers = {0};
    call_t *call;
    for (size_t at = 0; (call = plv_map_u64_next (&self->calls, &at));)
        if (call->trial && !call->holder)
            plv_buf_add (&numbers, &call->number, sizeof call->number);
    plv_buf_check (&numbers);
    for (size_t at = 0; at < numbers.size; at += sizeof call->number) {
        uint64_t number;
        memcpy (&number, numbers.data + at, sizeof number);
        call = plv_map_u64_get (&self->calls, number);
        calls_end (self, &call, &stops, NULL);
    }
    plv_buf_free (&numbers);
}

/*  What the time went by with: for whoever has to find out.  */
static void say_why (const call_t *call, char *why, size_t size)
{
    if (call->holder)
        plv_format (why, size, PLV_VIEW_FMT " had it, and did not answer in time",
                    PLV_VIEW_ARG (label_view (call->who)));
    else if (call->service->workers == 0)
        plv_format (why, size, "no worker serves \"%s\"", call->service->name);
    else
        plv_format (
            why, size,
            "no worker of \"%s\" had a place for it: what their credit allows was in hand all "
            "the time%s",
            call->service->name,
            call->depth ? "; jobs that wait for calls take places too: more workers, or more "
                          "credit, end this"
                        : ", or kept for events");
}

void calls_due (core_t *self, call_t *call)
{
    char why[256];
    bool over = call->holder || self->now.mono_us >= call->deadline_us;
    bool unserved = !call->holder && call->service->workers == 0;
    if (!over && !unserved) {
        wait_for_worker (self, call);
        return;
    }
    say_why (call, why, sizeof why);
    verdict_t verdict = {
        .outcome = over ? "timeout" : "unserved",
        .code = plv_view_str (over ? "timeout" : "unserved"),
        .reason = plv_view_str (why),
    };
    calls_end (self, &call, &verdict, "deadline");
}

void calls_destroy (core_t *self)
{
    call_t *call;
    for (size_t at = 0; (call = plv_map_u64_next (&self->calls, &at));) {
        timers_cancel (&self->timers, &call->timer);
        call_destroy (&call);
    }
    plv_map_u64_free (&self->calls);
}
