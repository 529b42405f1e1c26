/*  http_relay -- a WebSocket over TLS: libwebsockets, which cannot go on with TLS that others have begun, gets one
    end of a pair of sockets, and what its client is sent and says goes through the other one
    OWNS    that other end, and what one side has not taken yet from the other: at most 64 KB each way
    THREAD  that of its uv loop
    FAILS   http_relay_new when there are no more descriptors; who ends, ends both
    COST    two copies and two calls of the kernel more than without TLS; 300 bytes when it is silent  */

#ifndef HOST_HTTP_RELAY_H
#define HOST_HTTP_RELAY_H

#include "host/net/http_line.h"

/*  `line` relays from now on. The end for libwebsockets; -1: see errno.  */
int http_relay_new (http_line_t *line);
void http_relay_destroy (http_relay_t **self_p);

/*  Of what the client said.  */
void http_relay_take (http_relay_t *self, plv_view_t bytes);

/*  Moves what can be moved.  */
void http_relay_turn (http_relay_t *self);

/*  Of uv, that the client's side waits for.  */
int http_relay_events (const http_relay_t *self);

#endif
