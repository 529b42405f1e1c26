#include "host/net/socket_queue.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct socket_piece {
    socket_piece_t *next;
    size_t size;
    bool binary;
    uint8_t bytes[]; /* LWS_PRE of room, then the message */
};

void socket_queue_push (socket_queue_t *self, pal_text_t message, bool binary)
{
    socket_piece_t *piece = plv_alloc (sizeof *piece + LWS_PRE + message.size);
    piece->next = NULL;
    piece->size = message.size;
    piece->binary = binary;
    if (message.size)
        memcpy (piece->bytes + LWS_PRE, message.data, message.size);
    if (self->last)
        self->last->next = piece;
    else
        self->first = piece;
    self->last = piece;
    self->bytes += message.size;
}

static socket_piece_t *pop (socket_queue_t *self)
{
    socket_piece_t *piece = self->first;
    self->first = piece->next;
    if (!self->first)
        self->last = NULL;
    self->bytes -= piece->size;
    return piece;
}

void socket_queue_free (socket_queue_t *self)
{
    while (self->first)
        free (pop (self));
    self->in_flight = 0;
}

size_t socket_queue_waiting (const socket_queue_t *self)
{
    return self->bytes + self->in_flight;
}

static bool write_one (socket_queue_t *self, struct lws *wsi)
{
    socket_piece_t *piece = pop (self);
    int wrote = lws_write (wsi, piece->bytes + LWS_PRE, piece->size,
                           piece->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
    if (wrote >= 0 && lws_partial_buffered (wsi))
        self->in_flight = piece->size;
    self->was_sent = true;
    free (piece);
    return wrote >= 0;
}

bool socket_queue_write (socket_queue_t *self, struct lws *wsi)
{
    self->in_flight = 0;
    while (self->first && !lws_send_pipe_choked (wsi)) {
        if (!write_one (self, wsi))
            return false;
    }
    if (self->first || self->in_flight)
        lws_callback_on_writable (wsi);
    return true;
}

bool socket_queue_drained (socket_queue_t *self)
{
    bool drained = self->was_sent && !self->first && !self->in_flight;
    if (drained)
        self->was_sent = false;
    return drained;
}

/*  Not by the result of a callback: a libwebsockets that was built for debugging, as Debian's is, then closes
    twice, and the close frame is never sent.  */
void socket_queue_end (struct lws *wsi, uint32_t code, const char *reason)
{
    lws_close_reason (wsi, (enum lws_close_status) code, (unsigned char *) (uintptr_t) reason,
                      reason ? strlen (reason) : 0);
    lws_set_timeout (wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}
