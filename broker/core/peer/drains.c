#include "core/peer/drains.h"

#include "core/internal.h"

#include <stdlib.h>

static const char ROW[] = "drained/";

static void write_row (core_t *self, plv_view_t incarnation, const drain_t *drain)
{
    plv_buf_t key = {0}, value = {0};
    plv_buf_add_view (&key, plv_view_str (ROW));
    plv_buf_add_view (&key, incarnation);
    plv_buf_check (&key);
    if (drain) {
        drain_write (drain, &value);
        plv_row_put (&self->effects->rows, VIEW_META, plv_buf_view (&key), plv_buf_view (&value));
    } else {
        plv_row_delete (&self->effects->rows, VIEW_META, plv_buf_view (&key));
    }
    plv_buf_free (&key);
    plv_buf_free (&value);
}

static void set (core_t *self, drain_t *drain)
{
    free (plv_map_remove (&self->drains, drain_key (drain)));
    plv_map_put (&self->drains, drain_key (drain), drain);
}

void drains_apply (core_t *self, const record_t *record)
{
    plv_view_t incarnation = plv_view (record->id.bytes, PLV_ID_BYTES);
    if (record->type == RECORD_WORKER_DRAIN) {
        drain_t *drain = drain_new (&record->id, record->name, record->who, record->at_us);
        set (self, drain);
        if (self->effects)
            write_row (self, incarnation, drain);
        return;
    }
    drain_t *drain = plv_map_remove (&self->drains, incarnation);
    if (drain && self->effects)
        write_row (self, incarnation, NULL);
    free (drain);
}

bool drains_load (core_t *self, plv_view_t key, plv_view_t value)
{
    drain_t *drain;
    plv_id_t incarnation;
    size_t size = strlen (ROW);
    if (key.size <= size || memcmp (key.data, ROW, size))
        return true;
    if (key.size != size + PLV_ID_BYTES)
        return false;
    memcpy (incarnation.bytes, key.data + size, PLV_ID_BYTES);
    if (!drain_read (&incarnation, value, &drain))
        return false;
    set (self, drain);
    return true;
}

drain_t *drains_of (const core_t *self, const peer_t *peer)
{
    return plv_map_get (&self->drains, plv_view (peer->incarnation.bytes, PLV_ID_BYTES));
}
