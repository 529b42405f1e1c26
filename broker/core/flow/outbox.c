#include "core/internal.h"

#include "core/flow/backoff.h"
#include "core/flow/fail.h"
#include "core/flow/holding.h"
#include "core/flow/life.h"
#include "core/flow/mark.h"
#include "core/flow/outbox.h"
#include "core/peer/peers.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mp.h"

/*  Replies leave in the order of their making, one at a time for each session and adapter: a reply that must be
    tried again holds the later ones back.  */

static void send_deliver (core_t *self, peer_t *peer, const entry_t *entry, bool late)
{
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_DELIVER);
    plv_mp_put_u64 (buf, entry_lease (entry));
    plv_mp_put_u64 (buf, entry->attempts);
    plv_buf_add_view (buf, entry_envelope (entry));
    if (late) {
        plv_buf_t marked = {0};
        mark_body (&marked, entry_body (entry), "late");
        plv_mp_put_bin (buf, plv_buf_view (&marked));
        plv_buf_free (&marked);
    } else {
        plv_mp_put_bin (buf, entry_body (entry));
    }
    plv_frame_end (buf, mark);
}

/*  An adapter that was cut off says that it has the reply still: its time began with the attempt. Once more a heartbeat
    is given, since an outcome that was ready meanwhile comes right behind the claim.  */
void outbox_claim (core_t *self, peer_t *peer, entry_t *entry)
{
    const plv_conf_t *conf = self->policy->conf;
    int64_t whole_us = conf->delivery_timeout_ms * 1000;
    int64_t heard_us = self->now.mono_us + conf->agents_heartbeat_ms * 1000;
    if (!entry->lease_us) { /* the broker was restarted */
        entry->lease_us = holding_began_us (self, entry);
        if (entry->lease_us < heard_us - whole_us)
            entry->lease_us = heard_us - whole_us;
    }
    int64_t ends_us = entry->lease_us + whole_us,
            last_us = ends_us + conf->agents_timeout_ms * 1000;
    if (ends_us < heard_us)
        ends_us = heard_us < last_us ? heard_us : last_us;
    holding_give (self, peer, entry);
    timers_set (&self->timers, &entry->timer, ends_us);
}

static void deliver (core_t *self, peer_t *peer, entry_t *entry, bool late)
{
    record_t record = {
        .type = RECORD_ATTEMPT,
        .number = entry->number,
        .at_us = self->now.wall_us,
        .attempt = entry->attempts + 1u,
        .flags = peer->deduplicates ? ATTEMPT_DEDUPLICATED : 0,
        .id = peer->incarnation,
        .who = label_view (peer->who),
        .who_label = peer->who,
    };
    apply_new (self, &record);
    holding_give (self, peer, entry);
    entry->lease_us = self->now.mono_us;
    entry->lease_seq = self->seq;
    timers_set (&self->timers, &entry->timer,
                self->now.mono_us + self->policy->conf->delivery_timeout_ms * 1000);
    send_deliver (self, peer, entry, late);
}

static void die (core_t *self, entry_t *entry, dead_why_t why, const failure_t *failure)
{
    const death_t death = {
        .why = why,
        .how = entry->state == ENTRY_LEASED ? failure->how : HOW_OPEN,
        .code = failure->code,
        .words = failure->why,
    };
    fail_dead (self, entry, &death);
}

static void die_waiting (core_t *self, entry_t *entry, dead_why_t why, const char *code,
                         const char *words)
{
    const failure_t failure = {
        .how = HOW_OPEN, .code = plv_view_str (code), .why = plv_view_str (words)};
    die (self, entry, why, &failure);
}

static bool is_late (const core_t *self, const entry_t *entry)
{
    return entry->not_after_us && self->now.mono_us > entry_mono (entry, entry->not_after_us);
}

/*  Late by conf, or tried too often.  */
static bool is_over (const core_t *self, const entry_t *entry)
{
    return entry->attempts >= ATTEMPTS_MAX
           || (is_late (self, entry) && self->policy->conf->delivery_late != LATE_MARK);
}

/*  False: it dies later.  */
static bool die_over (core_t *self, entry_t *entry)
{
    if (fail_later (self, entry))
        return false;
    if (entry->attempts >= ATTEMPTS_MAX) {
        die_waiting (self, entry, DEAD_ATTEMPTS, "attempts",
                     "it was tried as often as can be counted");
    } else {
        count (self, COUNTER_DELIVERIES_LATE);
        die_waiting (self, entry, DEAD_EXPIRED, "late",
                     "the reply was older than its not_after when it could be sent");
    }
    note_crowd (self);
    return true;
}

/*  The first reply of a session for one adapter. False when it died: there is another first one.  */
static bool send_first (core_t *self, entry_t *entry)
{
    peer_t *peer = entry->outlet->peer;
    if (entry->state != ENTRY_WAITING || plv_node_listed (&entry->unsent))
        return true;
    if (is_over (self, entry))
        return !die_over (self, entry);
    bool late = is_late (self, entry);
    if (late)
        count (self, COUNTER_DELIVERIES_LATE);
    if (peer && peer_has_credit (peer))
        deliver (self, peer, entry, late);
    else
        plv_list_push (&entry->outlet->unsent, &entry->unsent);
    return true;
}

/*  The first reply for each adapter, which is one adapter for nearly every session. False when one died.  */
static bool send_firsts (core_t *self, session_t *session)
{
    uint64_t walk = ++self->walks;
    plv_node_t *next;
    for (plv_node_t *node = session->replies.next; node != &session->replies; node = next) {
        entry_t *entry = PLV_OF (node, entry_t, in_session);
        next = node->next;
        if (entry->outlet->walk == walk)
            continue;
        entry->outlet->walk = walk;
        if (!send_first (self, entry))
            return false;
        if (!session->mixed)
            return true;
    }
    return true;
}

void outbox_send (core_t *self, session_t *session)
{
    while (!send_firsts (self, session))
        ;
    if (plv_list_empty (&session->replies))
        life_go_on (self, session);
}

void outbox_feed (core_t *self, outlet_t *outlet)
{
    while (outlet->peer && peer_has_credit (outlet->peer)) {
        plv_node_t *node = plv_list_pop (&outlet->unsent);
        if (!node)
            return;
        outbox_send (self, PLV_OF (node, entry_t, unsent)->session);
    }
}

static void settle_sent (core_t *self, entry_t *entry, plv_view_t platform_id)
{
    record_t record = {
        .type = RECORD_SENT,
        .number = entry->number,
        .attempt = entry->attempts,
        .at_us = self->now.wall_us,
        .name = platform_id,
    };
    count (self, COUNTER_DELIVERIES_SENT);
    pace_count (&entry->outlet->out, self->now.mono_us);
    plv_histogram_add (&self->metrics.histogram[HISTOGRAM_REPLY_TO_DELIVERED],
                       self->now.mono_us - entry_mono (entry, entry->accepted_us));
    apply_new (self, &record);
}

static void try_again (core_t *self, entry_t *entry, const failure_t *failure)
{
    const plv_conf_t *conf = self->policy->conf;
    bool charged = how_charged (failure->how);
    uint32_t spent = entry->charged + (charged ? 1u : 0u);
    int64_t wait_us = 0;
    if (charged)
        wait_us = backoff_us (conf->delivery_backoff_ms * 1000,
                              conf->delivery_backoff_max_ms * 1000, spent, &self->rng);
    if (wait_us < failure->delay_us)
        wait_us = failure->delay_us;
    fail_end_attempt (self, entry, failure, charged, wait_us);
}

static bool may_retry (const core_t *self, const entry_t *entry, const failure_t *failure,
                       bool deduplicates)
{
    if (failure->permanent || entry->charged + 1 >= self->policy->conf->delivery_attempts)
        return false;
    return failure->how == HOW_NOT_SENT || deduplicates;
}

static dead_why_t dead_why (const failure_t *failure)
{
    switch (failure->how) {
    case HOW_REFUSED:
        return DEAD_REFUSED;
    case HOW_NOT_SENT:
        return DEAD_ATTEMPTS;
    default:
        return DEAD_UNKNOWN;
    }
}

void outbox_failed (core_t *self, entry_t *entry, const failure_t *failure)
{
    session_t *session = entry->session;
    peer_t *peer = entry->holder;
    bool deduplicates = entry->flags & ENTRY_DEDUPLICATED;

    if (failure->how == HOW_UNKNOWN || failure->how == HOW_ADAPTER_DIED)
        count (self, COUNTER_DELIVERIES_UNKNOWN);
    if (!how_charged (failure->how) || may_retry (self, entry, failure, deduplicates))
        try_again (self, entry, failure);
    else
        die (self, entry, dead_why (failure), failure);
    if (peer && peer->outlet)
        outbox_feed (self, peer->outlet);
    outbox_send (self, session);
}

void outbox_orphan (core_t *self, entry_t *entry)
{
    holding_take (self, entry);
    plv_list_push (&entry->outlet->orphans, &entry->in_holder);
    timers_set (&self->timers, &entry->timer,
                self->now.mono_us + self->policy->conf->agents_timeout_ms * 1000);
}

static int64_t retry_after_us (const plv_arg_t *arg)
{
    const uint64_t most_ms = 24 * 3600 * 1000;
    if (arg->nil)
        return 0;
    return (int64_t) (arg->number < most_ms ? arg->number : most_ms) * 1000;
}

static void settle (core_t *self, entry_t *entry, const plv_frame_t *frame)
{
    plv_view_t outcome = frame->arg[1].bytes;
    failure_t failure = {
        .why = text_cut (frame->arg[4].bytes, REASON_BYTES_MAX),
        .delay_us = retry_after_us (&frame->arg[3]),
        .code = outcome,
    };
    if (plv_view_is (outcome, "not_sent")) {
        failure.how = HOW_NOT_SENT;
        count (self, COUNTER_DELIVERIES_NOT_SENT);
    } else if (plv_view_is (outcome, "refused")) {
        failure.how = HOW_REFUSED;
        failure.permanent = true;
        count (self, COUNTER_DELIVERIES_REFUSED);
    } else {
        failure.how = HOW_UNKNOWN;
    }
    outbox_failed (self, entry, &failure);
}

static bool is_outcome (plv_view_t word)
{
    return plv_view_is (word, "sent") || plv_view_is (word, "not_sent")
           || plv_view_is (word, "refused") || plv_view_is (word, "unknown");
}

void outbox_delivered (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    uint64_t lease = frame->arg[0].number;
    entry_t *entry = entry_get (self, entry_of_lease (lease));

    if (!is_outcome (frame->arg[1].bytes)) {
        peers_refuse (self, peer, "PROTOCOL", VERB_DELIVERED,
                      "the outcome is sent, not_sent, refused or unknown");
        return;
    }
    frame_ack (self, peer, ACK_SETTLED, lease);
    /* a word that comes twice, or after the outcome was given up as unknown, changes nothing */
    if (!entry || entry->kind != ENTRY_REPLY || entry->holder != peer
        || entry_lease (entry) != lease)
        return;
    session_t *session = entry->session;
    if (!plv_view_is (frame->arg[1].bytes, "sent")) {
        settle (self, entry, frame);
        return;
    }
    settle_sent (self, entry, frame->arg[2].nil ? plv_view (NULL, 0) : frame->arg[2].bytes);
    outbox_feed (self, peer->outlet);
    outbox_send (self, session);
}
