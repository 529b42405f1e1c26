/*  socket_queue -- messages on their way out of a WebSocket
    OWNS    copies of them
    THREAD  that of its uv loop
    FAILS   socket_queue_write when the line is dead
    COST    nothing while empty; one allocation a message  */

#ifndef HOST_SOCKET_QUEUE_H
#define HOST_SOCKET_QUEUE_H

#include "sdk/adapter.h"

#include <libwebsockets.h>

typedef struct socket_piece socket_piece_t;

typedef struct {
    socket_piece_t *first, *last;
    size_t bytes;     /* in the list */
    size_t in_flight; /* taken by libwebsockets, not yet by the kernel */
    bool was_sent;    /* something has gone out since socket_queue_drained was last asked */
} socket_queue_t;

void socket_queue_push (socket_queue_t *self, pal_text_t message, bool binary);
void socket_queue_free (socket_queue_t *self);

/*  Bytes that wait.  */
size_t socket_queue_waiting (const socket_queue_t *self);

/*  Writes what the kernel takes, and asks to be called again for the rest. Only from a callback that says
    writable: then nothing is in flight any more.  */
bool socket_queue_write (socket_queue_t *self, struct lws *wsi);

/*  True once after the last of the messages has gone.  */
bool socket_queue_drained (socket_queue_t *self);

/*  Says goodbye, when nothing waits any more; the peer's answer, or 5 seconds without one, ends the connection.
    `reason` may be NULL.  */
void socket_queue_end (struct lws *wsi, uint32_t code, const char *reason);

#endif
