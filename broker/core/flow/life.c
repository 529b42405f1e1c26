#include "core/flow/life.h"
#include "core/flow/dispatch.h"
#include "core/internal.h"
#include "core/state/apply.h"
#include "core/state/live.h"

#include "wire/mp.h"

/*  The two events that the broker makes itself. session.created stands in front of what began the session,
    session.ended behind everything else in it; both wait, are given to a worker and die as other events do, when a
    route names them. A message that comes while session.ended is worked on waits behind it, and begins the session
    anew: until then history and state are those of the session that ends.  */

/*  The route that asks for it, or NULL.  */
static lane_t *wanted (core_t *self, const plv_envelope_t *envelope)
{
    int route = route_match (self->policy->routes, envelope, plv_view (NULL, 0));
    return route < 0 ? NULL : &self->lanes[route];
}

static void announce (core_t *self, lane_t *lane, plv_envelope_t *envelope, const plv_buf_t *body,
                      uint32_t flag)
{
    plv_buf_t bytes = {0};
    envelope->id = id_next (self);
    envelope->timestamp = self->now.wall_us;
    plv_envelope_write (&bytes, envelope);
    plv_buf_check (&bytes);
    plv_buf_check (body);
    record_t record = {
        .type = RECORD_ACCEPT,
        .number = number_next (self),
        .at_us = self->now.wall_us,
        .flags = flag,
        .name = label_view (lane->name),
        .name_label = lane->name,
        .envelope = plv_buf_view (&bytes),
        .body = plv_buf_view (body),
    };
    apply_new (self, &record);
    entry_get (self, record.number)->lane = lane;
    plv_buf_free (&bytes);
}

static void announce_created (core_t *self, const plv_envelope_t *first)
{
    plv_envelope_t envelope = {
        .type_code = EVENT_SESSION_CREATED,
        .platform = first->platform,
        .adapter = first->adapter,
        .session_id = first->session_id,
        .user_id = first->user_id,
        .traceparent = first->traceparent,
    };
    lane_t *lane = wanted (self, &envelope);
    plv_buf_t body = {0};
    if (!lane)
        return;
    plv_mp_put_map (&body, 2);
    plv_mp_pair_str (&body, "user_id", first->user_id);
    plv_mp_pair_str (&body, "platform", first->platform);
    announce (self, lane, &envelope, &body, ENTRY_OPENS);
    plv_buf_free (&body);
}

/*  False when nobody wants to know.  */
static bool announce_ended (core_t *self, session_t *session)
{
    plv_envelope_t envelope = {
        .type_code = EVENT_SESSION_ENDED,
        .platform = session->platform,
        .adapter = label_view (session->adapter),
        .session_id = session->id,
        .user_id = session->user_id,
    };
    lane_t *lane = session->live && session->adapter ? wanted (self, &envelope) : NULL;
    plv_buf_t body = {0};
    if (!lane)
        return false;
    plv_mp_put_map (&body, 2);
    plv_mp_pair_double (&body, "duration",
                        (double) (session->active_us - session->created_us) / 1e6);
    plv_mp_pair_u64 (&body, "message_count", session->message_count);
    announce (self, lane, &envelope, &body, ENTRY_CLOSES);
    plv_buf_free (&body);
    return true;
}

static bool closed (core_t *self, const session_t *session)
{
    return session->closing && !entry_get (self, session->closing);
}

static void note_end (core_t *self, const session_t *session)
{
    record_t record = {
        .type = RECORD_SESSION_END,
        .session = session->id,
        .at_us = self->now.wall_us,
    };
    apply_new (self, &record);
}

void life_begin (core_t *self, const plv_envelope_t *first)
{
    session_t *session = session_get (self, first->session_id);
    if (session && closed (self, session)) {
        note_end (self, session);
        session = session_get (self, first->session_id);
    }
    if (!session || !session->live)
        announce_created (self, first);
}

void life_end (core_t *self, session_t *session, const char *why)
{
    if (session->live) {
        count (self, COUNTER_SESSIONS_ENDED);
        effects_log (self->effects, LOG_SESSION_ENDED, F_VIEW ("session", session->id),
                     F_STR ("why", why),
                     F_INT ("duration_s", (session->active_us - session->created_us) / 1000000),
                     F_INT ("message_count", (int64_t) session->message_count));
    }
    if (announce_ended (self, session))
        dispatch_session (self, session);
    else
        note_end (self, session);
}

void life_go_on (core_t *self, session_t *session)
{
    if (!closed (self, session))
        return;
    if (!plv_list_empty (&session->events))
        note_end (self, session);
    else if (plv_list_empty (&session->replies)) /* not here: the caller has the session in hand */
        timers_set (&self->timers, &session->idle_timer, self->now.mono_us);
}

void life_due (core_t *self, session_t *session)
{
    int64_t idle_us = self->policy->conf->session_idle_s * 1000000,
            ends_us = session->idle_from_us + idle_us;
    bool quiet = session_quiet (session) && !session->parked_by;
    if (quiet && closed (self, session))
        note_end (self, session);
    else if (quiet && !session->closing && ends_us <= self->now.mono_us)
        life_end (self, session, "idle");
    else /* one that is not quiet is looked at again after another idle time */
        timers_set (&self->timers, &session->idle_timer,
                    ends_us > self->now.mono_us ? ends_us : self->now.mono_us + idle_us);
}
