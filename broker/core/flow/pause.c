#include "core/flow/pause.h"

#include "base/alloc.h"
#include "core/state/record.h"
#include "core/text.h"

pause_t *pause_new (plv_view_t route, plv_view_t who, plv_view_t why, int64_t at_us)
{
    pause_t *self = plv_alloc_zero (1, sizeof *self);
    text_copy (self->route, sizeof self->route, route);
    text_copy (self->who, sizeof self->who, who);
    text_copy (self->why, sizeof self->why, why);
    self->at_us = at_us;
    return self;
}

void pause_write (const pause_t *self, plv_buf_t *buf)
{
    record_put_number (buf, (uint64_t) self->at_us);
    record_put_bytes (buf, plv_view_str (self->who));
    record_put_bytes (buf, plv_view_str (self->why));
    plv_buf_check (buf);
}

bool pause_read (plv_view_t route, plv_view_t bytes, pause_t **ret_pause)
{
    size_t at = 0;
    uint64_t at_us;
    plv_view_t who, why;
    if (!record_get_number (bytes, &at, &at_us) || !record_get_bytes (bytes, &at, &who)
        || !record_get_bytes (bytes, &at, &why))
        return false;
    *ret_pause = pause_new (route, who, why, (int64_t) at_us);
    return true;
}
