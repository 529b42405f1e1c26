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

#include <stdlib.h>

/*  Routes that operators pause and resume.  */

static const char ROW[] = "paused/";

static void write_row (core_t *self, const char *route, const pause_t *pause)
{
    plv_buf_t key = {0}, value = {0};
    plv_buf_add_view (&key, plv_view_str (ROW));
    plv_buf_add_view (&key, plv_view_str (route));
    plv_buf_check (&key);
    if (pause) {
        pause_write (pause, &value);
        plv_row_put (&self->effects->rows, VIEW_META, plv_buf_view (&key), plv_buf_view (&value));
    } else {
        plv_row_delete (&self->effects->rows, VIEW_META, plv_buf_view (&key));
    }
    plv_buf_free (&key);
    plv_buf_free (&value);
}

static void set (core_t *self, pause_t *pause)
{
    plv_view_t name = plv_view_str (pause->route);
    pause_t *old = plv_map_remove (&self->pauses, name);
    lane_t *lane = lane_named (self, name);
    free (old);
    plv_map_put (&self->pauses, name, pause);
    if (lane)
        lane->pause = pause;
}

void hold_apply (core_t *self, const record_t *record)
{
    lane_t *lane = lane_named (self, record->name);
    if (record->type == RECORD_PAUSE) {
        pause_t *pause = pause_new (record->name, record->who, record->why, record->at_us);
        set (self, pause);
        if (self->effects)
            write_row (self, pause->route, pause);
        return;
    }
    pause_t *pause = plv_map_remove (&self->pauses, record->name);
    if (lane)
        lane->pause = NULL;
    if (pause && self->effects)
        write_row (self, pause->route, NULL);
    free (pause);
}

bool hold_load (core_t *self, plv_view_t key, plv_view_t value)
{
    pause_t *pause;
    size_t size = strlen (ROW);
    if (key.size <= size || memcmp (key.data, ROW, size))
        return true;
    if (!pause_read (plv_view (key.data + size, key.size - size), value, &pause))
        return false;
    set (self, pause);
    return true;
}

static void note (core_t *self, record_type_t type, plv_view_t route, plv_view_t arguments)
{
    plv_view_t who = plv_mp_find_str (arguments, "who");
    record_t record = {
        .type = type,
        .at_us = self->now.wall_us,
        .name = route,
        .who = text_cut (who.size ? who : plv_view_str ("operator"), NAME_BYTES_MAX),
        .why = text_cut (plv_mp_find_str (arguments, "reason"), PAUSE_WHY_BYTES),
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

static void answer (core_t *self, peer_t *peer, uint64_t request, bool changed)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_bool (&body, "changed", changed);
    control_answer (self, peer, request, "ok", &body);
    plv_buf_free (&body);
}

void hold_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    plv_view_t route = plv_mp_find_str (arguments, "route");
    lane_t *lane = lane_named (self, route);
    bool held = plv_map_get (&self->pauses, route) != NULL;
    bool changes = command == COMMAND_ROUTES_PAUSE
                       ? !held
                       : held || (lane && lane->breaker.state != BREAKER_CLOSED);
    if (!lane && !held) {
        control_fail (self, peer, request, ERR_NOENT, "no route is named \"" PLV_VIEW_FMT "\"",
                      PLV_VIEW_ARG (route));
        return;
    }
    if (changes && command == COMMAND_ROUTES_PAUSE)
        note (self, RECORD_PAUSE, route, arguments);
    else if (changes)
        note (self, RECORD_RESUME, route, arguments);
    if (lane && changes && command == COMMAND_ROUTES_RESUME)
        resume (self, lane);
    lanes_gauge (self);
    answer (self, peer, request, changes);
}
