/*  ticket_life -- how a ticket comes into being, is found, and goes  */
#include "web/ticket.h"

#include "web/web.h"

#include <stdlib.h>
#include <string.h>

ticket_t *ticket_new (web_t *web, pal_text_t name, pal_text_t conversation)
{
    ticket_t *self = calloc (1, sizeof *self + conversation.size + 1);
    if (!self)
        return NULL;
    self->web = web;
    self->since_us = web->host->wall_us (web->host);
    memcpy (self->name, name.data, sizeof self->name - 1);
    if (conversation.size)
        memcpy (self->conversation_bytes, conversation.data, conversation.size);
    self->conversation = (pal_text_t){self->conversation_bytes, conversation.size};
    return self;
}

void ticket_register (ticket_t *self)
{
    self->by_name.key = pal_text (self->name);
    self->by_id.key = pal_text (self->id.text);
    self->by_into.key = pal_text (self->into.text);
    shelf_put (&self->web->tickets, &self->by_name);
    shelf_put (&self->web->ticket_ids, &self->by_id);
    if (self->into.text[0])
        shelf_put (&self->web->merged, &self->by_into);
    self->web->kept_count += self->kept;
}

void ticket_destroy (ticket_t *self)
{
    web_t *web = self->web;
    web->kept_count -= self->kept;
    web->host->timer_cancel (web->host, self->timer);
    shelf_remove (&web->tickets, &self->by_name);
    shelf_remove (&web->ticket_ids, &self->by_id);
    if (self->into.text[0])
        shelf_remove (&web->merged, &self->by_into);
    text_free (&self->event);
    text_free (&self->answer);
    free (self);
}
