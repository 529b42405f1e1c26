#include "core/state/steps.h"

#include "base/limits.h"
#include "core/state/record.h"
#include "wire/mp.h"

void steps_free (steps_t *self)
{
    plv_buf_free (&self->packed);
    self->count = 0;
}

bool steps_next (const steps_t *self, size_t *at, plv_view_t *ret_name, plv_view_t *ret_result)
{
    plv_view_t packed = plv_buf_view (&self->packed);
    return record_get_bytes (packed, at, ret_name) && record_get_bytes (packed, at, ret_result);
}

bool steps_find (const steps_t *self, plv_view_t name, plv_view_t *ret_result)
{
    plv_view_t other, result;
    for (size_t at = 0; steps_next (self, &at, &other, &result);) {
        if (!plv_view_equal (other, name))
            continue;
        *ret_result = result;
        return true;
    }
    return false;
}

static void step_remove (steps_t *self, plv_view_t name)
{
    plv_view_t other, ignored;
    plv_buf_t *packed = &self->packed;
    for (size_t at = 0, from = 0; steps_next (self, &at, &other, &ignored); from = at) {
        if (!plv_view_equal (other, name))
            continue;
        memmove (packed->data + from, packed->data + at, packed->size - at);
        packed->size -= at - from;
        self->count--;
        return;
    }
}

void steps_add (steps_t *self, plv_view_t name, plv_view_t result)
{
    step_remove (self, name);
    record_put_bytes (&self->packed, name);
    record_put_bytes (&self->packed, result);
    plv_buf_check (&self->packed);
    self->count++;
}

const char *steps_refuse (const steps_t *self, plv_view_t name, plv_view_t result)
{
    plv_view_t before = {0};
    if (name.size == 0 || name.size > NAME_BYTES_MAX || result.size > STEP_BYTES_MAX)
        return "a step has a name of 1 to 64 bytes and a result of at most 256 KiB";
    /* one that is saved again takes the place of what it was */
    bool again = steps_find (self, name, &before);
    size_t bytes = self->packed.size - before.size + result.size;
    if ((self->count >= STEPS_MAX && !again) || bytes > STEPS_BYTES_MAX)
        return "the saved steps of one job are at most 256, and 1 MiB";
    return NULL;
}

void steps_write (const steps_t *self, plv_buf_t *buf)
{
    plv_view_t name, result;
    plv_mp_put_map (buf, self->count);
    for (size_t at = 0; steps_next (self, &at, &name, &result);) {
        plv_mp_put_str (buf, name);
        plv_mp_put_bin (buf, result);
    }
}
