#include "core/ask/hold.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/flow/dispatch.h"
#include "core/flow/lane_change.h"
#include "core/flow/lanes.h"
#include "core/internal.h"
#include "core/state/apply.h"
#include "core/text.h"

#include "wire/mp.h"

/*  Routes that operators pause and resume.  */

static void note (core_t *self, record_type_t type, plv_view_t route, plv_view_t arguments)
{
    plv_view_t who = plv_mp_find_str (arguments, "who");
    record_t record = {
        .type = type,
        .at_us = self->now.wall_us,
        .name = route,
        .who = text_cut (who.size ? who : plv_view_str ("operator"), NAME_BYTES_MAX),
        .why = plv_mp_find_str (arguments, "reason"),
    };
    effects_log (self->effects, type == RECORD_PAUSE ? LOG_ROUTE_PAUSED_BY : LOG_ROUTE_RESUMED_BY,
                 F_VIEW ("route", record.name), F_VIEW ("who", record.who),
                 F_VIEW ("why", record.why));
    apply_new (self, &record);
}

/*  A pause of either kind ends at once.  */
static void resume (core_t *self, lane_t *lane)
{
    breaker_change_t change = breaker_success (&lane->breaker, 0);
    lane_changed (self, lane, change);
    if (change == BREAKER_SAME)
        dispatch_service (self, lane->service);
}

/*  `already`: the pause that there was, whose words stay on the record; NULL: none, or it is over now.  */
static void answer (core_t *self, peer_t *peer, uint64_t request, bool changed,
                    const pause_t *already)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, already ? 4 : 1);
    plv_mp_pair_bool (&body, "changed", changed);
    if (already) {
        plv_mp_pair_text (&body, "paused_by", already->who);
        plv_mp_pair_i64 (&body, "paused_us", already->at_us);
        plv_mp_pair_text (&body, "why", already->why);
    }
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

void hold_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    plv_view_t route = plv_mp_find_str (arguments, "route");
    lane_t *lane = lane_named (self, route);
    const pause_t *held = plv_map_get (&self->pauses, route);
    bool pauses = command == COMMAND_ROUTES_PAUSE;
    bool changes = pauses ? !held : held || (lane && lane->breaker.state != BREAKER_CLOSED);
    if (!lane && !held) {
        control_fail (self, peer, request, ERR_NOENT, "no route is named \"" PLV_VIEW_FMT "\"",
                      PLV_VIEW_ARG (route));
        return;
    }
    if (plv_mp_find_str (arguments, "reason").size > PAUSE_WHY_BYTES) {
        control_fail (self, peer, request, ERR_ARG, "\"reason\" has at most %d bytes",
                      PAUSE_WHY_BYTES);
        return;
    }
    if (changes)
        note (self, pauses ? RECORD_PAUSE : RECORD_RESUME, route, arguments);
    if (lane && changes && !pauses)
        resume (self, lane);
    lanes_gauge (self);
    answer (self, peer, request, changes, pauses ? held : NULL);
}
