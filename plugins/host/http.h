/*  http -- the HTTP/1.1 listener that a plugin may open
    OWNS    the listening socket, its connections, and requests until they are answered
    THREAD  that of its uv loop, which it shares
    FAILS   http_open with the errno of bind or listen in words; bad requests are answered here (400, 413, 431)
    COST    about 10 KB a connection with a request under way

    Connections are accepted here and served by libwebsockets. A handler is never called from inside
    http_respond; an unanswered request waits for as long as its client does.  */

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

/*  Lets a successor bind the same port while this one still serves.  */
void http_share (http_t *self);

/*  No further connections; idle ones are closed.  */
void http_close (http_t *self);

/*  Requests that are not answered, and answers that are not written.  */
size_t http_pending (const http_t *self);

/*  Cuts what is left; the loop has to turn until its handles are closed.  */
void http_destroy (http_t **self_p);

#endif
