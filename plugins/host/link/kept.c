#include "host/link/kept.h"

#include <stdlib.h>

void kept_queue_init (kept_queue_t *self)
{
    plv_list_init (&self->unsent);
    plv_list_init (&self->sent);
}

static void destroy (kept_t *self)
{
    plv_node_remove (&self->node);
    plv_buf_free (&self->frame);
    free (self);
}

void kept_queue_free (kept_queue_t *self)
{
    kept_t *kept;
    for (size_t at = 0; (kept = plv_map_u64_next (&self->by_number, &at));)
        destroy (kept);
    plv_map_u64_free (&self->by_number);
}

kept_t *kept_get (const kept_queue_t *self, uint64_t number)
{
    return plv_map_u64_get (&self->by_number, number);
}

void kept_add (kept_queue_t *self, kept_t *kept, uint64_t number)
{
    kept->number = number;
    plv_map_u64_put (&self->by_number, number, kept);
}

void kept_renumber (kept_queue_t *self, kept_t *kept, uint64_t number)
{
    plv_map_u64_remove (&self->by_number, kept->number);
    kept_add (self, kept, number);
}

void kept_say (kept_queue_t *self, kept_t *kept)
{
    plv_node_remove (&kept->node);
    plv_list_push (&self->unsent, &kept->node);
}

void kept_drop (kept_queue_t *self, kept_t *kept)
{
    plv_map_u64_remove (&self->by_number, kept->number);
    destroy (kept);
}

void kept_rewind (kept_queue_t *self)
{
    while (!plv_list_empty (&self->sent)) {
        plv_node_t *last = self->sent.prev;
        plv_node_remove (last);
        plv_list_push_front (&self->unsent, last);
    }
}

void kept_pack (kept_queue_t *self, plv_buf_t *packet, size_t goal)
{
    while (packet->size < goal && !plv_list_empty (&self->unsent)) {
        kept_t *kept = PLV_OF (plv_list_pop (&self->unsent), kept_t, node);
        plv_buf_add_view (packet, plv_buf_view (&kept->frame));
        plv_list_push (&self->sent, &kept->node);
    }
}
