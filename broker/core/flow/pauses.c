#include "core/flow/pauses.h"

#include "core/flow/lanes.h"
#include "core/internal.h"

#include <stdlib.h>

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

void pauses_apply (core_t *self, const record_t *record)
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

bool pauses_load (core_t *self, plv_view_t key, plv_view_t value)
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
