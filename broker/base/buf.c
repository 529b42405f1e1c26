#include "base/buf.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void plv_buf_free (plv_buf_t *self)
{
    free (self->data);
    *self = (plv_buf_t){0};
}

bool plv_buf_grow (plv_buf_t *self, size_t more)
{
    if (self->failed)
        return false;
    if (self->capacity - self->size >= more)
        return true;
    size_t capacity = self->capacity < CAPACITY_MIN ? CAPACITY_MIN : self->capacity;
    size_t needed = self->size + more;
    while (capacity < needed && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    uint8_t *data =
        needed < more || capacity < needed ? NULL : plv_try_realloc (self->data, capacity);
    if (!data) {
        self->failed = true;
        return false;
    }
    self->data = data;
    self->capacity = capacity;
    return true;
}

void plv_buf_check (const plv_buf_t *self)
{
    if (self->failed)
        plv_out_of_memory (self->capacity * 2);
}
