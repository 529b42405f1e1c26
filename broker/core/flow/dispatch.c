#include "core/internal.h"

#include "core/call/calls.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/holding.h"
#include "core/flow/lanes.h"
#include "core/flow/life.h"
#include "core/peer/peers.h"
#include "core/state/apply.h"
#include "core/state/state.h"
#include "wire/mp.h"

/*  A session has at most one event with a worker; the others wait behind it, in order. What is ready to go
    but finds no worker with credit waits in its lane, session by session, first come first served.  */

/*  The worker that served the session last, while it has credit; else the one served least recently. Who has just
    failed at the event gets it again only when nobody else would take it now: one that hangs has credit, too.  */
static peer_t *pick (core_t *self, const session_t *session, const service_t *service)
{
    peer_t *peer = session->worker ? plv_map_u64_get (&self->peers, session->worker) : NULL;
    if (peer && peer->number != session->failed_by && peer_has_credit (peer)
        && peer_serves (peer, service))
        return peer;
    peer = NULL;
    for (plv_node_t *node = service->idle.next; node != &service->idle; node = node->next) {
        peer = PLV_OF (node, serving_t, idle)->peer;
        if (peer->number != session->failed_by)
            break;
    }
    return peer;
}

void dispatch_idle (peer_t *peer)
{
    bool idle = peer_has_credit (peer);
    for (size_t i = 0; i < peer->serving_count; i++) {
        serving_t *serving = &peer->servings[i];
        plv_node_remove (&serving->idle);
        if (idle)
            plv_list_push (&serving->service->idle, &serving->idle);
    }
}

typedef struct {
    uint64_t id;
    uint32_t index;
    uint32_t size; /* 0: no batch */
} batch_t;

static void put_batch (plv_buf_t *buf, const batch_t *batch)
{
    if (batch->size == 0) {
        plv_mp_put_nil (buf);
        return;
    }
    plv_mp_put_map (buf, 3);
    plv_mp_pair_u64 (buf, "id", batch->id);
    plv_mp_pair_u64 (buf, "index", batch->index);
    plv_mp_pair_u64 (buf, "size", batch->size);
}

static void send_job (core_t *self, peer_t *peer, const entry_t *entry, int64_t deadline_us,
                      const batch_t *batch)
{
    const session_t *session = entry->session;
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_JOB);
    plv_mp_put_u64 (buf, entry_lease (entry));
    plv_mp_put_u64 (buf, entry->attempts);
    plv_mp_put_u64 (buf, (uint64_t) (deadline_us / 1000));
    plv_buf_add_view (buf, entry_envelope (entry));
    plv_mp_put_bin (buf, entry_body (entry));
    history_write (&session->history, peer->history, buf);
    plv_mp_put_bin (buf, state_view (&session->state));
    steps_write (&entry->steps, buf);
    put_batch (buf, batch);
    plv_mp_put_nil (buf);
    plv_frame_end (buf, mark);
}

static void hold (core_t *self, peer_t *peer, entry_t *entry)
{
    holding_give (self, peer, entry);
    entry->session->worker = peer->number;
}

void dispatch_claim (core_t *self, peer_t *peer, entry_t *entry)
{
    const plv_conf_t *conf = self->policy->conf;
    bool restarted = !entry->holder; /* else its deadline is set already */
    hold (self, peer, entry);
    if (!restarted)
        return;
    int64_t deadline_us =
        entry->lane ? entry->lane->route->deadline_us : conf->agents_deadline_ms * 1000;
    int64_t heard_us = self->now.mono_us + conf->agents_heartbeat_ms * 1000;
    entry->lease_us = holding_began_us (self, entry);
    int64_t ends_us = entry->lease_us + deadline_us;
    /* an answer that was ready while the broker was away comes right behind the claim */
    timers_set (&self->timers, &entry->timer, ends_us > heard_us ? ends_us : heard_us);
}

static void lease (core_t *self, peer_t *peer, entry_t *entry, const batch_t *batch)
{
    int64_t deadline_us = entry->lane->route->deadline_us;
    record_t record = {
        .type = RECORD_ATTEMPT,
        .number = entry->number,
        .at_us = self->now.wall_us,
        .attempt = entry->attempts + 1u,
        .id = peer->incarnation,
        .who = label_view (peer->who),
        .who_label = peer->who,
    };
    apply_new (self, &record);
    if (entry->attempts == 1)
        plv_histogram_add (&self->metrics.histogram[HISTOGRAM_STORED_TO_DISPATCH],
                           self->now.mono_us - entry_mono (entry, entry->accepted_us));
    else
        count (self, COUNTER_JOBS_RETRIED);
    count (self, COUNTER_JOBS_DISPATCHED);
    hold (self, peer, entry);
    entry->lease_us = self->now.mono_us;
    entry->lease_seq = self->seq;
    timers_set (&self->timers, &entry->timer, self->now.mono_us + deadline_us);
    breaker_sent (&entry->lane->breaker, entry->number);
    send_job (self, peer, entry, deadline_us, batch);
}

/*  An event that was gathered waits again, in its lane.  */
static void wait_again (core_t *self, session_t *session)
{
    plv_node_remove (&session->ready);
    session->active->state = ENTRY_WAITING;
    session->active = NULL;
    dispatch_session (self, session);
}

void dispatch_ungather (core_t *self, peer_t *peer, session_t *session)
{
    peer->gathered_count--;
    wait_again (self, session);
}

static bool may_stay (const peer_t *peer, const lane_t *lane)
{
    return lane && lane_allows (lane) && peer_serves (peer, lane->service);
}

/*  What was gathered for a route that has been paused since, or leads to another service, goes back; all of it at
    once, since one that goes back may bring another event to the same worker, and with it the batch to its end.  */
static void drop_gathered (core_t *self, peer_t *peer)
{
    plv_node_t dropped, *next;
    plv_list_init (&dropped);
    for (plv_node_t *node = peer->gathered.next; node != &peer->gathered; node = next) {
        session_t *session = PLV_OF (node, session_t, ready);
        next = node->next;
        if (may_stay (peer, session->active->lane))
            continue;
        peer->gathered_count--;
        plv_node_remove (node);
        plv_list_push (&dropped, node);
    }
    for (plv_node_t *node; (node = plv_list_first (&dropped));)
        wait_again (self, PLV_OF (node, session_t, ready));
}

void dispatch_regather (core_t *self)
{
    peer_t *peer;
    for (size_t at = 0; (peer = plv_map_u64_next (&self->peers, &at));)
        drop_gathered (self, peer);
}

/*  Every session that was gathered for the worker becomes one batch.  */
void dispatch_gathered (core_t *self, peer_t *peer)
{
    timers_cancel (&self->timers, &peer->gather);
    drop_gathered (self, peer);
    batch_t batch = {.id = self->next_token++, .size = peer->gathered_count};
    for (plv_node_t *node; (node = plv_list_pop (&peer->gathered)); batch.index++) {
        session_t *session = PLV_OF (node, session_t, ready);
        peer->gathered_count--;
        lease (self, peer, session->active, &batch);
    }
    dispatch_idle (peer);
}

static void gather (core_t *self, peer_t *peer, entry_t *entry)
{
    entry->state = ENTRY_GATHERED;
    entry->session->active = entry;
    plv_list_push (&peer->gathered, &entry->session->ready);
    if (peer->gathered_count++ == 0)
        timers_set (&self->timers, &peer->gather, self->now.mono_us + peer->batch_wait_us);
    bool probe = entry->lane->breaker.state == BREAKER_HALF; /* alone, and nothing waits for it */
    if (probe || peer->gathered_count >= peer->batch_size || !peer_has_credit (peer))
        dispatch_gathered (self, peer);
    else
        dispatch_idle (peer);
}

static void give (core_t *self, peer_t *peer, entry_t *entry)
{
    static const batch_t alone = {0};
    if (peer->batch_size > 1) {
        gather (self, peer, entry);
        return;
    }
    lease (self, peer, entry, &alone);
    dispatch_idle (peer);
}

/*  The lane of an entry that was read back, or whose route a reload has changed.  */
lane_t *dispatch_lane (core_t *self, entry_t *entry)
{
    plv_envelope_t envelope;
    lane_t *lane = lane_named (self, label_view (entry->route));
    if (lane || plv_envelope_parse (entry_envelope (entry), &envelope, NULL))
        return lane;
    int route = route_match (self->policy->routes, &envelope,
                             plv_mp_find_str (entry_body (entry), "message_text"));
    return route < 0 ? NULL : &self->lanes[route];
}

static void die_waiting (core_t *self, entry_t *entry, dead_why_t why, const char *code,
                         const char *words)
{
    const death_t death = {
        .why = why,
        .fallback = FALLBACK_GENERAL_ERROR,
        .code = plv_view_str (code),
        .words = plv_view_str (words),
    };
    if (fail_later (self, entry))
        return;
    fail_dead (self, entry, &death);
    note_crowd (self);
}

/*  The first event that waits, if it may go.  */
static entry_t *first_event (core_t *self, session_t *session)
{
    life_go_on (self, session);
    plv_node_t *first = plv_list_first (&session->events);
    if (!first || session->active || session->parked_by)
        return NULL;
    entry_t *entry = PLV_OF (first, entry_t, in_session);
    return entry->state == ENTRY_WAITING ? entry : NULL;
}

/*  The event that is to go to a worker now, or NULL. What no route wants any more dies on the way, or soon.  */
static entry_t *next_event (core_t *self, session_t *session)
{
    entry_t *entry;
    while ((entry = first_event (self, session))) {
        if (!entry->lane)
            entry->lane = dispatch_lane (self, entry);
        if (!entry->lane)
            die_waiting (self, entry, DEAD_NO_ROUTE, "no_route",
                         "no route in conf matches this event any more");
        else if (entry->attempts >= ATTEMPTS_MAX)
            die_waiting (self, entry, DEAD_ATTEMPTS, "attempts",
                         "it was tried as often as can be counted");
        else
            break;
    }
    return entry;
}

/*  Does it wait where this event is to wait? What it waited for may be gone, or have got another one in front of it;
    then it leaves that list.  */
static bool waits_for (session_t *session, const entry_t *entry)
{
    if (!plv_node_listed (&session->ready))
        return false;
    if (entry && entry->lane == session->waits_in)
        return true;
    plv_node_remove (&session->ready);
    return false;
}

void dispatch_session (core_t *self, session_t *session)
{
    if (session->active && plv_node_listed (&session->ready)) /* gathered for a worker */
        return;
    entry_t *entry = next_event (self, session);
    if (waits_for (session, entry) || !entry)
        return;
    lane_t *lane = entry->lane;
    peer_t *peer =
        lane_allows (lane) && !self->draining ? pick (self, session, lane->service) : NULL;
    if (peer) {
        give (self, peer, entry);
        return;
    }
    session->waits_in = lane;
    plv_list_push (entry->flags & ENTRY_REPLAYED ? &lane->later : &lane->ready, &session->ready);
}

/*  The next session of a service, its lanes in turn; or the next one that was sent again.  */
static session_t *next_of (service_t *service, bool later)
{
    plv_node_t *node = service->lanes.next;
    for (; node != &service->lanes; node = node->next) {
        lane_t *lane = PLV_OF (node, lane_t, in_service);
        plv_node_t *waiting = later ? &lane->later : &lane->ready;
        if (plv_list_empty (waiting) || !lane_allows (lane))
            continue;
        plv_node_remove (&lane->in_service);
        plv_list_push (&service->lanes, &lane->in_service);
        return PLV_OF (plv_list_pop (waiting), session_t, ready);
    }
    return NULL;
}

static session_t *next_ready (service_t *service)
{
    session_t *session = next_of (service, false);
    return session ? session : next_of (service, true);
}

bool dispatch_waits (const service_t *service)
{
    for (plv_node_t *node = service->lanes.next; node != &service->lanes; node = node->next) {
        const lane_t *lane = PLV_OF (node, lane_t, in_service);
        if (lane_allows (lane) && !(plv_list_empty (&lane->ready) && plv_list_empty (&lane->later)))
            return true;
    }
    return false;
}

void dispatch_service (core_t *self, service_t *service)
{
    session_t *session;
    calls_feed (self, service);
    while (!self->draining && !plv_list_empty (&service->idle) && (session = next_ready (service)))
        dispatch_session (self, session);
    if (!self->draining)
        calls_feed_trials (self, service);
}

void dispatch_release (core_t *self, peer_t *peer)
{
    dispatch_idle (peer);
    if (peer->retired)
        peers_let_go (self, peer);
    if (!peer_has_credit (peer))
        return;
    for (size_t i = 0; i < peer->serving_count; i++)
        dispatch_service (self, peer->servings[i].service);
}
