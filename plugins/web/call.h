/*  call -- something that a client still has open: a request that waits, a stream, a WebSocket
    OWNS    nothing; it is embedded in what it belongs to
    THREAD  the host's loop
    FAILS   never
    COST    an entry of a shelf  */

#ifndef WEB_CALL_H
#define WEB_CALL_H

#include "web/shelf.h"

typedef struct call call_t;

struct call {
    entry_t entry;
    uint64_t number;
    void (*gone) (call_t *self); /* out of `calls` already; the client will not hear a word */
    void (*open) (call_t *self); /* WebSockets; these two may be NULL */
    void (*message) (call_t *self, pal_text_t message);
    void (*stop) (call_t *self); /* the gateway ends: the last word, as gone without a client */
};

static inline void call_put (shelf_t *calls, call_t *self, uint64_t number)
{
    self->number = number;
    self->entry.key = (pal_text_t){(const char *) &self->number, sizeof self->number};
    shelf_put (calls, &self->entry);
}

static inline call_t *call_get (const shelf_t *calls, uint64_t number)
{
    entry_t *entry = shelf_get (calls, (pal_text_t){(const char *) &number, sizeof number});
    return entry ? ENTRY_OF (entry, call_t, entry) : NULL;
}

static inline void call_remove (shelf_t *calls, call_t *self)
{
    shelf_remove (calls, &self->entry);
}

#endif
