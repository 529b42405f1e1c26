#include "core/call/call.h"

#include <stdlib.h>

void call_destroy (call_t **self_p)
{
    call_t *self = *self_p;
    if (!self)
        return;
    plv_node_remove (&self->in_service);
    plv_node_remove (&self->in_holder);
    plv_node_remove (&self->in_asker);
    label_drop (&self->who);
    plv_buf_free (&self->envelope);
    plv_buf_free (&self->body);
    plv_buf_free (&self->history);
    plv_buf_free (&self->state);
    steps_free (&self->steps);
    plv_buf_free (&self->old);
    free (self);
    *self_p = NULL;
}
