#include "core/expire.h"
#include "core/ask/control_ask.h"
#include "core/call/calls.h"
#include "core/dead/dead_retain.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lane_change.h"
#include "core/flow/lanes.h"
#include "core/flow/lease.h"
#include "core/flow/life.h"
#include "core/flow/outbox.h"
#include "core/internal.h"
#include "core/peer/peers.h"

/*  What happens when a timer is due.  */

static void lease_over (core_t *self, entry_t *entry)
{
    peer_t *peer = entry->holder;
    if (!peer) {
        fail_event (
            self, entry,
            &(failure_t){.how = HOW_RESTART,
                         .why = plv_view_str ("no worker claimed the job after the restart")});
        return;
    }
    lease_cancel (self, peer, entry_lease (entry), "deadline", "the job's time is over");
    fail_event (
        self, entry,
        &(failure_t){.how = HOW_DEADLINE,
                     .code = plv_view_str ("timeout"),
                     .why = plv_view_str ("the worker had the job for its whole deadline")});
}

static void delivery_over (core_t *self, entry_t *entry)
{
    if (entry->holder)
        outbox_failed (
            self, entry,
            &(failure_t){.how = HOW_UNKNOWN,
                         .why = plv_view_str ("the adapter did not say how it ended in time")});
    else
        outbox_failed (
            self, entry,
            &(failure_t){.how = HOW_ADAPTER_DIED,
                         .why = plv_view_str ("the adapter went away with the reply in hand")});
}

/*  When the turn of this position had left, if that took long; else 0.  */
static int64_t left_late_us (const core_t *self, uint64_t seq)
{
    for (size_t i = 0; i < SLOW_TURNS; i++)
        if (self->slow[i].seq == seq)
            return self->slow[i].at_us;
    return 0;
}

/*  While the disk is slow, what was dispatched may not even have left: its time begins when it has.  */
static bool still_here (core_t *self, entry_t *entry)
{
    int64_t whole_us = entry->kind == ENTRY_REPLY ? self->policy->conf->delivery_timeout_ms * 1000
                       : entry->lane              ? entry->lane->route->deadline_us
                                                  : self->policy->conf->agents_deadline_ms * 1000;
    if (!entry->holder || entry->lease_seq == 0)
        return false;
    int64_t from_us =
        entry->lease_seq > self->stored ? self->now.mono_us : left_late_us (self, entry->lease_seq);
    if (from_us == 0 || from_us + whole_us <= self->now.mono_us)
        return false;
    timers_set (&self->timers, &entry->timer, from_us + whole_us);
    return true;
}

static void entry_due (core_t *self, entry_t *entry)
{
    if (entry->state == ENTRY_BACKOFF) {
        entry->state = ENTRY_WAITING;
        if (entry->kind == ENTRY_EVENT)
            dispatch_session (self, entry->session);
        else
            outbox_send (self, entry->session);
    } else if (still_here (self, entry)) {
        return;
    } else if (entry->kind == ENTRY_EVENT) {
        lease_over (self, entry);
    } else {
        delivery_over (self, entry);
    }
}

static void lane_due (core_t *self, lane_t *lane)
{
    lane_changed (self, lane, breaker_tick (&lane->breaker, self->now.mono_us));
}

void expire_due (core_t *self)
{
    core_timer_t *timer;
    while (!self->crowded && (timer = timers_pop (&self->timers, self->now.mono_us))) {
        switch ((timer_kind_t) timer->kind) {
        case TIMER_ENTRY:
            entry_due (self, PLV_OF (timer, entry_t, timer));
            break;
        case TIMER_SESSION:
            life_due (self, PLV_OF (timer, session_t, idle_timer));
            break;
        case TIMER_PEER:
            peers_silence (self, PLV_OF (timer, peer_t, silence));
            break;
        case TIMER_GATHER:
            dispatch_gathered (self, PLV_OF (timer, peer_t, gather));
            break;
        case TIMER_LANE:
            lane_due (self, PLV_OF (timer, lane_t, reopen));
            break;
        case TIMER_RETAIN:
            retain_due (self);
            break;
        case TIMER_ASK:
            control_due (self, PLV_OF (timer, ask_t, timer));
            break;
        case TIMER_CALL:
            calls_due (self, PLV_OF (timer, call_t, timer));
            break;
        }
        note_crowd (self);
    }
}
