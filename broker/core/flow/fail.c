#include "core/flow/lane_change.h"
#include "core/flow/lease.h"
#include "core/internal.h"

#include "base/format.h"
#include "core/call/calls.h"
#include "core/flow/backoff.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/lanes.h"
#include "core/flow/outbox.h"
#include "core/flow/sign.h"
#include "core/policy/compliance.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "wire/mp.h"

static void log_retry (core_t *self, const entry_t *entry, const failure_t *failure,
                       int64_t wait_us)
{
    effects_log (self->effects, LOG_EVENT_RETRY, F_INT ("entry", (int64_t) entry->number),
                 F_VIEW ("session", entry->session->id), F_INT ("attempt", entry->attempts),
                 F_STR ("how", how_text (failure->how)), F_VIEW ("why", failure->why),
                 F_INT ("wait_ms", wait_us / 1000));
}

void fail_end_attempt (core_t *self, entry_t *entry, const failure_t *failure, bool charged,
                       int64_t wait_us)
{
    record_t record = {
        .type = RECORD_ATTEMPT_END,
        .number = entry->number,
        .attempt = entry->attempts,
        .at_us = self->now.wall_us,
        .until_us = wait_us ? self->now.wall_us + wait_us : 0,
        .code = failure->how,
        .flags = charged ? ENDED_CHARGED : 0,
        .why = failure->why,
        .extra = failure->code,
    };
    apply_new (self, &record);
    if (wait_us)
        timers_set (&self->timers, &entry->timer, self->now.mono_us + wait_us);
}

/*  While a route is paused, a failure says nothing about the event: it is not charged for it.  */
static bool is_charged (const entry_t *entry, const failure_t *failure)
{
    bool closed = !entry->lane || entry->lane->breaker.state == BREAKER_CLOSED;
    return how_charged (failure->how) && (closed || failure->permanent);
}

static void tell_breaker (core_t *self, entry_t *entry, const failure_t *failure)
{
    const plv_conf_t *conf = self->policy->conf;
    const breaker_limits_t limits = {
        .threshold = (uint64_t) conf->breaker_threshold,
        .open_us = conf->breaker_open_s * 1000000,
    };
    char fingerprint[BREAKER_WHY_BYTES];
    if (!entry->lane)
        return;
    if (!how_charged (failure->how)) {
        breaker_released (&entry->lane->breaker, entry->number);
        return;
    }
    plv_format (fingerprint, sizeof fingerprint, "%s%s" PLV_VIEW_FMT, how_text (failure->how),
                failure->code.size ? ":" : "", PLV_VIEW_ARG (failure->code));
    breaker_change_t change =
        breaker_failure (&entry->lane->breaker, entry->number, entry->session->serial,
                         plv_view_str (fingerprint), self->now.mono_us, &limits);
    lane_changed (self, entry->lane, change);
}

static void count_lost (core_t *self, how_t how)
{
    switch (how) {
    case HOW_NACK:
        count (self, COUNTER_NACKS);
        break;
    case HOW_NACK_FINAL:
        count (self, COUNTER_NACKS_PERMANENT);
        break;
    case HOW_SILENT:
        count (self, COUNTER_LEASES_SILENT);
        break;
    case HOW_DEADLINE:
        count (self, COUNTER_LEASES_DEADLINE);
        break;
    case HOW_DIED:
        count (self, COUNTER_LEASES_LOST);
        break;
    default:
        break;
    }
}

fallback_kind_t fail_fallback (how_t how, plv_view_t code)
{
    if (how == HOW_DEADLINE || how == HOW_SILENT)
        return FALLBACK_TIMEOUT;
    if (how == HOW_DIED)
        return FALLBACK_LLM_UNAVAILABLE;
    return fallback_of_code (code);
}

static uint32_t attempts_allowed (const core_t *self, const entry_t *entry)
{
    return entry->lane ? entry->lane->route->attempts
                       : (uint32_t) self->policy->conf->agents_attempts;
}

void fail_event (core_t *self, entry_t *entry, const failure_t *failure)
{
    const plv_conf_t *conf = self->policy->conf;
    session_t *session = entry->session;
    peer_t *peer = entry->holder;
    uint64_t lease = entry_lease (entry);

    if (!entry->lane) /* after a restart */
        entry->lane = dispatch_lane (self, entry);
    count_lost (self, failure->how);
    if (peer)
        plv_histogram_add (&self->metrics.histogram[HISTOGRAM_JOB_TIME],
                           self->now.mono_us - entry->lease_us);
    tell_breaker (self, entry, failure);
    if (peer && how_charged (failure->how))
        session->failed_by = peer->number;
    bool charged = is_charged (entry, failure);
    uint32_t spent = entry->charged + (charged ? 1u : 0u);
    bool over = charged && spent >= attempts_allowed (self, entry);
    if (failure->permanent || over || entry->attempts >= ATTEMPTS_MAX) {
        const death_t death = {
            .why = failure->permanent ? DEAD_PERMANENT : DEAD_ATTEMPTS,
            .how = failure->how,
            .fallback = fail_fallback (failure->how, failure->code),
            .code = failure->code,
            .words = failure->why,
        };
        fail_dead (self, entry, &death);
    } else {
        int64_t wait_us = 0;
        if (how_charged (failure->how))
            wait_us =
                backoff_us (conf->agents_backoff_ms * 1000, conf->agents_backoff_max_ms * 1000,
                            spent ? spent : 1, &self->rng);
        if (wait_us < failure->delay_us)
            wait_us = failure->delay_us;
        log_retry (self, entry, failure, wait_us);
        fail_end_attempt (self, entry, failure, charged, wait_us);
    }
    if (peer) {
        calls_over (self, peer, lease);
        dispatch_release (self, peer);
    }
    dispatch_session (self, session);
}

/*  The user is told once about one event, however often it dies.  */
static void put_fallback (core_t *self, const entry_t *entry, fallback_kind_t kind, plv_buf_t *body)
{
    plv_buf_t plain = {0};
    if (entry->kind != ENTRY_EVENT || entry->flags & (ENTRY_TOLD | ENTRY_OWN)
        || fallback_text (self->policy->conf, kind)[0] == '\0')
        return;
    fallback_body (&plain, self->policy->conf, kind,
                   plv_mp_find_str (entry_body (entry), "message_text"));
    plv_buf_check (&plain);
    compliance_add (body, self->policy->conf, plv_buf_view (&plain));
    plv_buf_check (body);
    plv_buf_free (&plain);
    count (self, COUNTER_FALLBACKS);
}

static void log_dead (core_t *self, const entry_t *entry, const death_t *death)
{
    effects_log (self->effects, LOG_EVENT_DEAD, F_INT ("entry", (int64_t) entry->number),
                 F_VIEW ("session", entry->session->id), F_STR ("reason", dead_reason (death->why)),
                 F_VIEW ("code", death->code), F_VIEW ("why", death->words),
                 F_INT ("attempts", entry->attempts));
}

void fail_dead (core_t *self, entry_t *entry, const death_t *death)
{
    session_t *session = entry->session;
    plv_buf_t body = {0};
    bool parks = entry->kind == ENTRY_EVENT && entry->lane
                 && entry->lane->route->on_dead == ON_DEAD_PARK && death->why != DEAD_REJECTED
                 && death->why != DEAD_DISCARDED && !(entry->flags & ENTRY_CLOSES);

    log_dead (self, entry, death);
    count (self, entry->kind == ENTRY_EVENT ? COUNTER_DEAD_LETTERS : COUNTER_DEAD_REPLIES);
    if (death->why != DEAD_DISCARDED) /* the operator knows what to say to whom */
        put_fallback (self, entry, death->fallback, &body);
    record_t record = {
        .type = RECORD_DEAD,
        .number = entry->number,
        .attempt = death->how,
        .at_us = self->now.wall_us,
        .code = death->why,
        .flags = parks ? DEAD_PARKS : 0,
        .reply = body.size ? number_next (self) : 0,
        .id = id_next (self),
        .until_us = lanes_until_us (self, entry),
        .body = plv_buf_view (&body),
        .extra = death->code,
        .why = death->words,
    };
    apply_new (self, &record);
    /* not for a reply that dies while outbox_send looks for the next one: thousands may be late at once */
    if (body.size)
        outbox_send (self, session);
    plv_buf_free (&body);
}

bool fail_later (core_t *self, entry_t *entry)
{
    if (!self->crowded)
        return false;
    entry->state = ENTRY_BACKOFF;
    timers_set (&self->timers, &entry->timer, self->now.mono_us);
    return true;
}

static void tell_interrupted (core_t *self, const entry_t *entry, const plv_id_t *by)
{
    plv_envelope_t envelope;
    if (!plv_envelope_parse (entry_envelope (entry), &envelope, NULL))
        sign_interrupted (self, plv_map_get (&self->outlets, envelope.adapter), &envelope, by);
}

void fail_interrupted (core_t *self, entry_t *entry, const plv_id_t *by)
{
    peer_t *peer = entry->holder;
    lane_t *lane = entry->lane;
    uint64_t lease = entry_lease (entry);
    char id[PLV_ID_TEXT_BYTES], why[sizeof id + 32];
    record_t record = {
        .type = RECORD_SUPERSEDED,
        .number = entry->number,
        .at_us = self->now.wall_us,
    };
    if (entry->state != ENTRY_LEASED)
        return;
    plv_id_format (by, id);
    plv_format (why, sizeof why, "%s by %s", how_text (HOW_INTERRUPTED), id);
    record.why = plv_view_str (why);
    count (self, COUNTER_JOBS_INTERRUPTED);
    if (lane)
        breaker_released (&lane->breaker, entry->number);
    tell_interrupted (self, entry, by);
    apply_new (self, &record);
    if (peer) {
        lease_cancel (self, peer, lease, "interrupted",
                      "a newer message of the session took its place");
        calls_over (self, peer, lease);
        dispatch_release (self, peer);
    }
    /*  Its worker may take no more: others try the route.  */
    if (lane && lane->breaker.state == BREAKER_HALF)
        dispatch_service (self, lane->service);
}
