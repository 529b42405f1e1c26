#include "core/peer/drain.h"

#include "base/alloc.h"
#include "core/state/record.h"
#include "core/text.h"

drain_t *drain_new (const plv_id_t *incarnation, plv_view_t name, plv_view_t who, int64_t at_us)
{
    drain_t *self = plv_alloc_zero (1, sizeof *self);
    self->incarnation = *incarnation;
    text_name (self->name, name);
    text_name (self->who, who);
    self->at_us = at_us;
    return self;
}

void drain_write (const drain_t *self, plv_buf_t *buf)
{
    record_put_number (buf, (uint64_t) self->at_us);
    record_put_bytes (buf, plv_view_str (self->name));
    record_put_bytes (buf, plv_view_str (self->who));
    plv_buf_check (buf);
}

bool drain_read (const plv_id_t *incarnation, plv_view_t bytes, drain_t **ret_drain)
{
    size_t at = 0;
    uint64_t at_us;
    plv_view_t name, who;
    if (!record_get_number (bytes, &at, &at_us) || !record_get_bytes (bytes, &at, &name)
        || !record_get_bytes (bytes, &at, &who))
        return false;
    *ret_drain = drain_new (incarnation, name, who, (int64_t) at_us);
    return true;
}
