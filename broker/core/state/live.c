#include "core/state/live.h"

#include "core/flow/holding.h"
#include "core/flow/lanes.h"
#include "core/internal.h"
#include "core/state/reflect.h"

session_t *session_get (core_t *self, plv_view_t id)
{
    return plv_map_get (&self->sessions, id);
}

entry_t *entry_get (core_t *self, uint64_t number)
{
    return plv_map_u64_get (&self->entries, number);
}

uint64_t number_next (core_t *self)
{
    return self->next_number++;
}

plv_id_t id_next (core_t *self)
{
    return plv_id_make (self->now.wall_us, plv_rng_next (&self->rng));
}

void live_number_seen (core_t *self, uint64_t number)
{
    if (number >= self->next_number)
        self->next_number = number + 1;
}

/*  During recovery: is what this record changes in `session` part of the rows that were loaded?  */
bool live_reflected (const core_t *self, const session_t *session)
{
    return !self->started && self->seq <= session->as_of;
}

session_t *live_session (core_t *self, const plv_envelope_t *envelope, int64_t at_us)
{
    session_t *session = session_new (envelope->session_id, envelope->user_id, envelope->platform);
    session->serial = self->next_serial++;
    session->created_us = at_us;
    session->active_us = at_us;
    session->idle_from_us = self->now.mono_us;
    session->idle_timer.kind = TIMER_SESSION;
    plv_map_put (&self->sessions, session->id, session);
    self->metrics.gauge[GAUGE_SESSIONS]++;
    if (self->started)
        timers_set (&self->timers, &session->idle_timer,
                    self->now.mono_us + self->policy->conf->session_idle_s * 1000000);
    return session;
}

/*  An event of a person is accepted, or sent again: the session is what it says it is.  */
void live_begin (core_t *self, session_t *session, const plv_envelope_t *envelope, int64_t at_us)
{
    if (envelope->adapter.size
        && !plv_view_equal (label_view (session->adapter), envelope->adapter)) {
        label_drop (&session->adapter);
        outlet_t *outlet = plv_map_get (&self->outlets, envelope->adapter);
        session->adapter = outlet ? label_hold (outlet->label) : label_new (envelope->adapter);
    }
    session->active_us = at_us;
    if (session->live)
        return;
    session->live = true;
    session->created_us = at_us;
    if (!self->started)
        return;
    count (self, COUNTER_SESSIONS_CREATED);
    effects_log (self->effects, LOG_SESSION_CREATED, F_VIEW ("session", session->id),
                 F_VIEW ("platform", session->platform));
}

/*  What comes from now on belongs to the next session of this name.  */
void live_close (session_t *session, uint64_t number)
{
    session->closing = number;
    session->live = false;
    session->message_count = 0;
}

void session_touch (core_t *self, session_t *session)
{
    session->idle_from_us = self->now.mono_us;
    reflect_dirty (self, session);
}

/*  What the broker says to itself keeps no session open.  */
void live_touch (core_t *self, session_t *session, bool own)
{
    if (own)
        reflect_dirty (self, session);
    else
        session_touch (self, session);
}

/*  A reply goes through the adapter that its event came through.  */
static void route_reply (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter)
{
    plv_node_t *last = session->replies.prev;
    entry->outlet = outlet_of (self, adapter);
    entry->outlet->replies++;
    if (last != &session->replies && PLV_OF (last, entry_t, in_session)->outlet != entry->outlet)
        session->mixed = true;
}

/*  What was sent again is counted in its route until it is done.  */
static void count_replay (core_t *self, const entry_t *entry, int change)
{
    lane_t *lane = entry->kind == ENTRY_EVENT && entry->flags & ENTRY_REPLAYED
                       ? lane_named (self, label_view (entry->route))
                       : NULL;
    if (lane && (change > 0 || lane->replays > 0))
        lane->replays += (uint32_t) change;
}

void entry_put (core_t *self, session_t *session, entry_t *entry, plv_view_t adapter)
{
    if (entry->kind == ENTRY_REPLY)
        route_reply (self, session, entry, adapter);
    entry->timer.kind = TIMER_ENTRY;
    entry->wall_at_0_us = self->now.wall_us - self->now.mono_us;
    entry->dirty = true;
    session_add (session, entry);
    count_replay (self, entry, 1);
    plv_map_u64_put (&self->entries, entry->number, entry);
    self->metrics.gauge[entry->kind == ENTRY_EVENT ? GAUGE_PENDING_EVENTS : GAUGE_OUTBOX]++;
    self->metrics.gauge[GAUGE_PENDING_BYTES] += (int64_t) (entry->envelope_size + entry->body_size);
    self->metrics.gauge[GAUGE_STEPS] += entry->steps.count;
}

void live_let_go (core_t *self, entry_t *entry)
{
    timers_cancel (&self->timers, &entry->timer);
    holding_take (self, entry);
    if (entry->session->active == entry)
        entry->session->active = NULL;
}

void live_drop (core_t *self, entry_t *entry)
{
    session_t *session = entry->session;
    count_replay (self, entry, -1);
    live_let_go (self, entry);
    reflect_gone (session, entry);
    plv_map_u64_remove (&self->entries, entry->number);
    self->metrics.gauge[entry->kind == ENTRY_EVENT ? GAUGE_PENDING_EVENTS : GAUGE_OUTBOX]--;
    self->metrics.gauge[GAUGE_PENDING_BYTES] -= (int64_t) (entry->envelope_size + entry->body_size);
    self->metrics.gauge[GAUGE_STEPS] -= entry->steps.count;
    if (entry->kind == ENTRY_EVENT)
        session->event_count--;
    outlet_t *outlet = entry->outlet;
    entry_destroy (&entry);
    if (plv_list_empty (&session->replies))
        session->mixed = false;
    if (outlet && --outlet->replies == 0)
        outlet_leave (self, outlet);
}
