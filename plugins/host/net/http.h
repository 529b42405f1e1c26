/*  http -- the listener that a plugin may open: HTTP/1.1, streams of answers, WebSockets, TLS
    OWNS    the listening socket, its connections, requests until they are answered, messages until they are sent
    THREAD  that of its uv loop, which it shares
    FAILS   http_open with the errno of bind or listen in words, or the TLS file that is at fault; bad requests
            and handshakes are answered here (400, 408, 413, 414, 415, 417, 426, 431, 501, 505)
    COST    about 2 KB a request under way, 6 KB an idle WebSocket; over TLS 15 KB more, and three descriptors

    Requests are read and answered here, and WebSockets are served by libwebsockets. A handler is never called
    from inside a call below; an unanswered request waits for as long as its client does. What a slow client leaves
    unread is bounded, but for one piece or message when nothing else waits.  */

#ifndef HOST_HTTP_H
#define HOST_HTTP_H

#include "base/err.h"
#include "sdk/adapter.h"

#include <uv.h>

typedef struct http http_t;

/*  `share`: the port may still be held by the host that this one replaces.  */
plv_err_t http_open (uv_loop_t *loop, const pal_http_options_t *options,
                     const pal_http_handler_t *handler, bool share, http_t **ret_http,
                     uint16_t *ret_port, plv_fail_t *ret_fail);

pal_text_t http_header (http_t *self, uint64_t call, const char *name);
bool http_respond (http_t *self, uint64_t call, const pal_http_response_t *response);

/*  An answer in pieces; see sdk/adapter.h.  */
bool http_begin (http_t *self, uint64_t call, const pal_http_response_t *response);
bool http_write (http_t *self, uint64_t call, pal_text_t piece);
void http_end (http_t *self, uint64_t call);

/*  WebSockets by their number.  */
bool http_socket_send (http_t *self, uint64_t number, pal_text_t message, bool binary);
uint64_t http_socket_waiting (http_t *self, uint64_t number);
void http_socket_close (http_t *self, uint64_t number, uint32_t code, pal_text_t reason);

/*  Lets a successor bind the same port while this one still serves.  */
void http_share (http_t *self);

/*  No further connections; streams and WebSockets stay until the plugin ends them.  */
void http_close (http_t *self);

/*  The plugin has closed: its handler is not called any more, and requests are answered with 503.  */
void http_mute (http_t *self);

/*  Requests that are not answered, answers that are not written, WebSockets that have something to send or
    are being closed.  */
size_t http_pending (const http_t *self);

/*  Cuts what is left; the loop has to turn until its handles are closed.  */
void http_destroy (http_t **self_p);

#endif
