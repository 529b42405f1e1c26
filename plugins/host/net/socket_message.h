/*  socket_message -- a WebSocket's message, put together from its fragments
    OWNS    the fragments until the last one has come
    THREAD  that of its uv loop
    FAILS   by the code that the socket is to be closed with
    COST    nothing between messages; one that comes in one piece is not copied  */

#ifndef HOST_SOCKET_MESSAGE_H
#define HOST_SOCKET_MESSAGE_H

#include "base/buf.h"
#include "sdk/adapter.h"

#include <libwebsockets.h>

enum {
    SOCKET_PROTOCOL_ERROR = 1002,
    SOCKET_NOT_UTF8 = 1007,
    SOCKET_TOO_LARGE = 1009,
    SOCKET_SLOW = 4008
};

typedef struct {
    plv_buf_t parts;
} socket_message_t;

void socket_message_free (socket_message_t *self);

/*  What libwebsockets has received of `wsi`. 0: `ret_message` is whole when its data is not NULL, and lent until
    the next call; else the code to close with.  */
uint32_t socket_message_add (socket_message_t *self, struct lws *wsi, const void *bytes,
                             size_t size, size_t bytes_max, pal_text_t *ret_message);

enum { SOCKET_REASON_BYTES_MAX = 123 }; /* of a close frame */

/*  The beginning of it that is UTF-8 and fits into a close frame: a browser shows no other one.  */
pal_text_t socket_reason_good (pal_text_t reason);

/*  Fit to be sent in a close frame; else 1000.  */
uint32_t socket_code_good (uint32_t code);

#endif
