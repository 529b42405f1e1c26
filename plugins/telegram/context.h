/*  context -- what is remembered of the last few thousand events and messages
    OWNS    two rings
    THREAD  the host's loop
    FAILS   never: what is forgotten is not there
    COST    one look over the ring; 200 KB

    Typing and streamed words find their topic by the event that they answer, and a reaction in a group is only of
    interest when it is about a message that we sent.  */

#ifndef TELEGRAM_CONTEXT_H
#define TELEGRAM_CONTEXT_H

#include "sdk/adapter.h"

enum { CONTEXT_EVENTS = 2048, CONTEXT_MESSAGES = 4096 };

typedef struct {
    pal_id_t id;
    int64_t message_id; /* 0: none */
    int64_t thread;     /* 0: none */
    bool answered;
} context_event_t;

typedef struct {
    context_event_t events[CONTEXT_EVENTS];
    struct {
        int64_t chat, message_id;
    } messages[CONTEXT_MESSAGES];
    unsigned next_event, next_message;
} context_t;

void context_add (context_t *self, const pal_id_t *id, int64_t message_id, int64_t thread);
/*  NULL: forgotten. Good until the next one is added.  */
context_event_t *context_find (context_t *self, const pal_id_t *id);

void context_sent (context_t *self, int64_t chat, int64_t message_id);
bool context_is_ours (const context_t *self, int64_t chat, int64_t message_id);

#endif
