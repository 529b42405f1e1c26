#include "core/state/label.h"

#include "base/alloc.h"

#include <stdlib.h>

label_t *label_new (plv_view_t text)
{
    label_t *self = plv_alloc (sizeof *self + text.size);
    self->holders = 1;
    self->size = (uint32_t) text.size;
    if (text.size)
        memcpy (self->text, text.data, text.size);
    return self;
}

label_t *label_hold (label_t *self)
{
    self->holders++;
    return self;
}

void label_drop (label_t **self_p)
{
    if (*self_p && --(*self_p)->holders == 0)
        free (*self_p);
    *self_p = NULL;
}
