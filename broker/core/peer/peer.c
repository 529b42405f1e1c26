#include "core/peer/peer.h"

#include "base/alloc.h"

#include <stdlib.h>

peer_t *peer_new (uint32_t number)
{
    peer_t *self = plv_alloc_zero (1, sizeof *self);
    self->number = number;
    self->state = STATE_NEW;
    plv_list_init (&self->holding);
    plv_list_init (&self->gathered);
    plv_list_init (&self->calls);
    plv_list_init (&self->asked);
    return self;
}

void peer_destroy (peer_t **self_p)
{
    peer_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->serving_count; i++)
        plv_node_remove (&self->servings[i].idle);
    plv_node_remove (&self->out_of_use);
    free (self->servings);
    label_drop (&self->who);
    free (self);
    *self_p = NULL;
}

bool peer_serves (const peer_t *self, const struct service *service)
{
    for (size_t i = 0; i < self->serving_count; i++)
        if (self->servings[i].service == service)
            return true;
    return false;
}

bool peer_name_good (plv_view_t name)
{
    if (name.size == 0 || name.size > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                    || c == '-' || c == '_' || c == '.';
        if (!good)
            return false;
    }
    return true;
}

const char *peer_role (const peer_t *self)
{
    switch (self->from) {
    case FROM_ADAPTER:
        return "adapter";
    case FROM_WORKER:
        return "agent";
    case FROM_TOOL:
        return "tool";
    default:
        return "peer";
    }
}
