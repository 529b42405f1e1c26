#include "core/flow/answer.h"
#include "core/internal.h"

#include "core/flow/accept.h"
#include "core/flow/accept_text.h"
#include "core/flow/dispatch.h"
#include "core/flow/fail.h"
#include "core/flow/life.h"
#include "core/flow/sign.h"
#include "core/state/apply.h"
#include "core/state/live.h"
#include "core/state/state.h"
#include "wire/mp.h"

#include <string.h>

/*  A PUBLISH under way.  */
typedef struct {
    uint64_t seq;
    plv_view_t envelope_bytes;
    plv_view_t body;
    plv_envelope_t envelope;
    plv_view_t text;
    lane_t *lane; /* NULL: no route matches */
} incoming_t;

static void answer_stored (core_t *self, peer_t *peer, uint64_t seq)
{
    frame_ack (self, peer, ACK_STORED, seq);
}

static void answer_rejected (core_t *self, peer_t *peer, uint64_t seq, const plv_fail_t *fail)
{
    plv_buf_t *buf = frame_prompt (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_REJECTED);
    plv_mp_put_u64 (buf, seq);
    plv_mp_put_text (buf, plv_err_name (fail->code));
    plv_mp_put_text (buf, fail->text);
    plv_frame_end (buf, mark);
    count (self, COUNTER_EVENTS_REJECTED);
}

static void answer_busy (core_t *self, peer_t *peer, uint64_t seq, int64_t retry_ms,
                         const char *reason)
{
    plv_buf_t *buf = frame_prompt (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_BUSY);
    plv_mp_put_u64 (buf, seq);
    plv_mp_put_u64 (buf, (uint64_t) retry_ms);
    plv_mp_put_text (buf, reason);
    plv_frame_end (buf, mark);
    count (self, COUNTER_EVENTS_BUSY);
}

/*  What the envelope's reader leaves to whoever takes events from outside.  */
static plv_err_t check_names (const plv_envelope_t *envelope, plv_fail_t *fail)
{
    plv_view_t platform = envelope->platform, session = envelope->session_id;
    if (!plv_id_is_v7 (&envelope->id)) {
        char id[PLV_ID_TEXT_BYTES];
        plv_id_format (&envelope->id, id);
        return plv_fail (fail, ERR_ARG, "envelope.id is %s: make it a UUIDv7", id);
    }
    if (session.size <= platform.size || session.data[platform.size] != '_'
        || memcmp (session.data, platform.data, platform.size) != 0)
        return plv_fail (fail, ERR_ARG,
                         "envelope.session_id does not begin with \"" PLV_VIEW_FMT
                         "_\", its platform: it is \"" PLV_VIEW_FMT "\"",
                         PLV_VIEW_ARG (platform), PLV_VIEW_ARG (session));
    return ERR_OK;
}

static plv_err_t read_incoming (core_t *self, peer_t *peer, incoming_t *in, plv_fail_t *fail)
{
    size_t body_max = (size_t) self->policy->conf->limits_body_kb << 10;
    plv_err_t err = plv_envelope_parse (in->envelope_bytes, &in->envelope, fail);
    if (err)
        return err;
    if (!plv_view_is (in->envelope.adapter, peer->name))
        return plv_fail (fail, ERR_ARG,
                         "envelope.adapter is \"" PLV_VIEW_FMT
                         "\": set it to \"%s\", the name given in HELLO",
                         PLV_VIEW_ARG (in->envelope.adapter), peer->name);
    if (!plv_event_type_published (in->envelope.type_code))
        return plv_fail (fail, ERR_ARG,
                         "an adapter does not publish events of type \"" PLV_VIEW_FMT "\"",
                         PLV_VIEW_ARG (in->envelope.type));
    err = check_names (&in->envelope, fail);
    if (err)
        return err;
    if (in->body.size > body_max)
        return plv_fail (fail, ERR_RANGE, "the body has %zu bytes, limits.body_kb allows %zu",
                         in->body.size, body_max);
    return plv_body_check (in->envelope.type_code, in->body, &in->text, fail);
}

/*  Why nothing more can be taken, or NULL.  */
static const char *limit_reached (core_t *self, const incoming_t *in)
{
    const plv_conf_t *conf = self->policy->conf;
    const int64_t *gauge = self->metrics.gauge;
    session_t *session = session_get (self, in->envelope.session_id);

    if (self->draining)
        return "the broker is shutting down";
    if (gauge[GAUGE_PENDING_EVENTS] + gauge[GAUGE_OUTBOX] >= conf->limits_pending)
        return "limits.pending is reached";
    if (gauge[GAUGE_PENDING_BYTES] >= conf->limits_pending_mb << 20)
        return "limits.pending_mb is reached";
    if (!session && gauge[GAUGE_SESSIONS] >= conf->limits_sessions)
        return "limits.sessions is reached";
    if (session && session->event_count >= conf->limits_session_queue)
        return "limits.session_queue is reached";
    if (in->envelope.platform_id.size && dedup_is_full (self->dedup))
        return "dedup.max is reached";
    return NULL;
}

static bool seen_before (core_t *self, const incoming_t *in)
{
    if (in->envelope.platform_id.size == 0)
        return false;
    dedup_key_t key = dedup_key (self->dedup, in->envelope.adapter, in->envelope.platform_id);
    return dedup_has (self->dedup, &key);
}

static entry_t *note_accept (core_t *self, const incoming_t *in)
{
    record_t record = {
        .type = RECORD_ACCEPT,
        .number = number_next (self),
        .at_us = self->now.wall_us,
        .name = in->lane ? label_view (in->lane->name) : plv_view (NULL, 0),
        .name_label = in->lane ? in->lane->name : NULL,
        .envelope = in->envelope_bytes,
        .body = in->body,
        .parsed = &in->envelope,
    };
    apply_new (self, &record);
    count (self, COUNTER_EVENTS_ACCEPTED);
    plv_buf_add (&self->effects->accepted, &self->now.mono_us, sizeof self->now.mono_us);
    effects_log (self->effects, LOG_EVENT_ACCEPTED, F_INT ("entry", (int64_t) record.number),
                 F_VIEW ("session", in->envelope.session_id));
    return entry_get (self, record.number);
}

static void log_refused (core_t *self, const entry_t *entry, const char *reason)
{
    effects_log (self->effects, LOG_EVENT_REFUSED, F_INT ("entry", (int64_t) entry->number),
                 F_VIEW ("session", entry->session->id), F_STR ("reason", reason));
}

/*  The user is told, once, and the event is over.  */
static void answer_fallback (core_t *self, entry_t *entry, fallback_kind_t kind)
{
    plv_view_t query = plv_mp_find_str (entry_body (entry), "message_text");
    plv_buf_t body = {0};
    fallback_body (&body, self->policy->conf, kind, query);
    plv_buf_check (&body);
    answer_give (self, entry, plv_buf_view (&body), plv_view (NULL, 0), REPLY_FALLBACK);
    plv_buf_free (&body);
}

static bool over_rate (core_t *self, const incoming_t *in)
{
    int64_t retry_us;
    return self->policy->conf->rate_limit_on && in->envelope.type_code == EVENT_CHAT_MESSAGE
           && !rate_take (self->rate, in->envelope.platform, in->envelope.user_id,
                          self->now.mono_us, &retry_us);
}

/*  NULL, or why the content is not passed on.  */
static const char *content_refused (core_t *self, const incoming_t *in, const char **ret_rule)
{
    content_t *content = self->policy->content;
    *ret_rule = "";
    if (!content_platform_allowed (content, in->envelope.platform)) {
        count (self, COUNTER_PLATFORM_REJECTED);
        return "platform";
    }
    content_result_t result = content_check (content, in->text, ret_rule);
    if (result == CONTENT_OK)
        return NULL;
    count (self, result == CONTENT_LONG ? COUNTER_LENGTH_REJECTED : COUNTER_CONTENT_REJECTED);
    return content_result_name (result);
}

/*  True when a policy has the last word on the event.  */
static bool refuse_by_policy (core_t *self, const incoming_t *in, bool limited)
{
    const char *rule, *reason;
    if (limited) {
        entry_t *entry = note_accept (self, in);
        count (self, COUNTER_RATE_LIMITED);
        log_refused (self, entry, "rate_limited");
        answer_fallback (self, entry, FALLBACK_RATE_LIMITED);
        return true;
    }
    reason = content_refused (self, in, &rule);
    if (reason) {
        entry_t *entry = note_accept (self, in);
        log_refused (self, entry, reason);
        const death_t death = {.why = DEAD_REJECTED,
                               .fallback = FALLBACK_REJECTED,
                               .code = plv_view_str (reason),
                               .words = plv_view_str (rule)};
        fail_dead (self, entry, &death);
        return true;
    }
    if (!in->lane) {
        entry_t *entry = note_accept (self, in);
        const death_t death = {.why = DEAD_NO_ROUTE,
                               .fallback = FALLBACK_GENERAL_ERROR,
                               .code = plv_view_str ("no_route"),
                               .words = plv_view_str ("no route in conf matches this event")};
        fail_dead (self, entry, &death);
        return true;
    }
    return false;
}

static bool answer_from_cache (core_t *self, const incoming_t *in)
{
    plv_buf_t key = {0}, subset = {0};
    plv_view_t body;
    bool found = false;

    if (!in->lane->route->cache || in->envelope.type_code != EVENT_CHAT_MESSAGE
        || !cache_may (in->body))
        return false;
    session_t *session = session_get (self, in->envelope.session_id);
    if (session && (session->parked_by || !plv_list_empty (&session->events)))
        return false;
    plv_buf_t none = {0};
    state_subset (session ? &session->state : &none, plv_buf_view (&in->lane->service->cache_keys),
                  &subset);
    plv_buf_check (&subset);
    cache_key (&key, in->lane->index, in->text, plv_buf_view (&subset));
    plv_buf_check (&key);
    found = cache_get (self->cache, plv_buf_view (&key), self->now.mono_us, &body);
    count (self, found ? COUNTER_CACHE_HITS : COUNTER_CACHE_MISSES);
    if (found)
        answer_give (self, note_accept (self, in), body, plv_view (NULL, 0), REPLY_CACHED);
    plv_buf_free (&key);
    plv_buf_free (&subset);
    return found;
}

static bool is_message (const entry_t *entry)
{
    plv_envelope_t envelope;
    return !plv_envelope_parse (entry_envelope (entry), &envelope, NULL)
           && envelope.type_code == EVENT_CHAT_MESSAGE;
}

/*  The last event of the session that no worker has seen: the new one may join it when both are for the same
    agent.  */
static entry_t *merge_into (session_t *session, const incoming_t *in)
{
    plv_node_t *last = session->events.prev;
    if (last == &session->events || in->envelope.type_code != EVENT_CHAT_MESSAGE)
        return NULL;
    entry_t *entry = PLV_OF (last, entry_t, in_session);
    bool fresh = entry->state == ENTRY_WAITING && entry->attempts == 0;
    bool same = plv_view_equal (label_view (entry->route), label_view (in->lane->name));
    return fresh && same && is_message (entry) ? entry : NULL;
}

/*  No answer names this event: who waits for one waits for the other event's from now on.  */
static void tell_merged (core_t *self, const incoming_t *in, const entry_t *entry)
{
    plv_envelope_t into;
    if (!plv_envelope_parse (entry_envelope (entry), &into, NULL))
        sign_merged (self, plv_map_get (&self->outlets, in->envelope.adapter), &in->envelope,
                     &into.id);
}

static bool merge (core_t *self, session_t *session, const incoming_t *in)
{
    entry_t *entry = merge_into (session, in);
    plv_buf_t body = {0};
    if (!entry)
        return false;
    accept_join_texts (&body, entry_body (entry), in->body, &in->envelope.id);
    if (body.size > (size_t) self->policy->conf->limits_body_kb << 10) {
        plv_buf_free (&body);
        return false;
    }
    record_t record = {
        .type = RECORD_JOIN,
        .number = entry->number,
        .at_us = self->now.wall_us,
        .id = in->envelope.id,
        .body = in->body,
        .name = in->envelope.platform_id,
        .who = in->envelope.adapter,
    };
    apply_new (self, &record);
    plv_buf_free (&body);
    tell_merged (self, in, entry);
    count (self, COUNTER_EVENTS_ACCEPTED);
    count (self, COUNTER_JOBS_MERGED);
    return true;
}

/*  A message came while the session's last one is worked on: what the route says. True when the new event
    is dealt with. Other events wait their turn.  */
static bool overlap (core_t *self, const incoming_t *in)
{
    session_t *session = session_get (self, in->envelope.session_id);
    if (!session || !session->active || in->envelope.type_code != EVENT_CHAT_MESSAGE
        || (in->lane->route->overlap != OVERLAP_MERGE && !is_message (session->active)))
        return false;
    switch (in->lane->route->overlap) {
    case OVERLAP_MERGE:
        return merge (self, session, in);
    case OVERLAP_INTERRUPT:
        fail_interrupted (self, session->active, &in->envelope.id);
        return false;
    case OVERLAP_REJECT: {
        entry_t *entry = note_accept (self, in);
        count (self, COUNTER_JOBS_OVERLAP_REJECTED);
        log_refused (self, entry, "overlap");
        answer_fallback (self, entry, FALLBACK_REJECTED);
        return true;
    }
    default:
        return false;
    }
}

/*  Nobody waits for an answer to these: when no route asks for them they are over.  */
static bool unwanted (const incoming_t *in)
{
    return !in->lane
           && (in->envelope.type_code == EVENT_CHAT_REACTION
               || in->envelope.type_code == EVENT_DELIVERY_RECEIPT);
}

void accept_publish (core_t *self, peer_t *peer, const plv_frame_t *frame)
{
    incoming_t in = {
        .seq = frame->arg[0].number,
        .envelope_bytes = frame->arg[1].bytes,
        .body = frame->arg[2].bytes,
    };
    plv_fail_t fail;
    if (read_incoming (self, peer, &in, &fail)) {
        answer_rejected (self, peer, in.seq, &fail);
        return;
    }
    if (seen_before (self, &in)) {
        count (self, COUNTER_EVENTS_DUPLICATE);
        answer_stored (self, peer, in.seq);
        return;
    }
    const char *limit = limit_reached (self, &in);
    if (limit) {
        answer_busy (self, peer, in.seq, 1000, limit);
        return;
    }
    if (peer->outlet)
        pace_count (&peer->outlet->in, self->now.mono_us);
    int route = route_match (self->policy->routes, &in.envelope, in.text);
    in.lane = route < 0 ? NULL : &self->lanes[route];
    answer_stored (self, peer, in.seq);
    if (unwanted (&in)) {
        count (self, COUNTER_EVENTS_UNWANTED);
        return;
    }
    life_begin (self, &in.envelope);
    if (refuse_by_policy (self, &in, over_rate (self, &in)) || answer_from_cache (self, &in)
        || overlap (self, &in)) {
        dispatch_session (self, session_get (self, in.envelope.session_id));
        return;
    }
    entry_t *entry = note_accept (self, &in);
    entry->lane = in.lane;
    dispatch_session (self, entry->session);
}
