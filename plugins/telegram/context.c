#include "telegram/context.h"

#include <string.h>

void context_add (context_t *self, const pal_id_t *id, int64_t message_id, int64_t thread)
{
    self->events[self->next_event] =
        (context_event_t){.id = *id, .message_id = message_id, .thread = thread};
    self->next_event = (self->next_event + 1) % CONTEXT_EVENTS;
}

context_event_t *context_find (context_t *self, const pal_id_t *id)
{
    /*  The newest first: most answers come soon.  */
    for (unsigned back = 1; back <= CONTEXT_EVENTS; back++) {
        unsigned at = (self->next_event + CONTEXT_EVENTS - back) % CONTEXT_EVENTS;
        if (!self->events[at].id.text[0])
            return NULL;
        if (memcmp (self->events[at].id.text, id->text, sizeof id->text) == 0)
            return &self->events[at];
    }
    return NULL;
}

void context_sent (context_t *self, int64_t chat, int64_t message_id)
{
    self->messages[self->next_message].chat = chat;
    self->messages[self->next_message].message_id = message_id;
    self->next_message = (self->next_message + 1) % CONTEXT_MESSAGES;
}

bool context_is_ours (const context_t *self, int64_t chat, int64_t message_id)
{
    for (unsigned at = 0; at < CONTEXT_MESSAGES; at++)
        if (self->messages[at].message_id == message_id && self->messages[at].chat == chat)
            return true;
    return false;
}
