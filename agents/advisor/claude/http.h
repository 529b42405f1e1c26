/*  http -- requests to a model's server, whose answers come in pieces
    OWNS    a thread of its own, one pool of connections, and the calls
    THREAD  http_new and http_destroy from one thread; each call from the thread that began it; any number of calls
            side by side, and none waits for another
    FAILS   http_start with ERR_ARG or ERR_NOMEM; later failures are HTTP_FAILED and http_why
    COST    one thread for all; a piece goes through one lock and one signal

    Ending a call that runs cancels it: its connection is closed, so that the server learns of it.  */

#ifndef ADVISOR_CLAUDE_HTTP_H
#define ADVISOR_CLAUDE_HTTP_H

#include "base/buf.h"
#include "base/err.h"

typedef struct http http_t;
typedef struct http_call http_call_t;

enum { HTTP_PIECES_BYTES_MAX = 8 * 1024 * 1024, HTTP_HEADER_BYTES = 128 };

/*  `connections`: kept open, and used at a time.  */
plv_err_t http_new (unsigned connections, http_t **ret_http, plv_fail_t *ret_fail);
void http_destroy (http_t **self_p);

typedef struct {
    const char *url;
    const char *const *headers; /* "name: value" */
    size_t header_count;
    plv_view_t body; /* copied */
    unsigned connect_ms;
} http_request_t;

plv_err_t http_start (http_t *self, const http_request_t *request, http_call_t **ret_call,
                      plv_fail_t *ret_fail);

typedef enum { HTTP_NOTHING, HTTP_PIECE, HTTP_END, HTTP_FAILED } http_event_t;

/*  Waits until `until_us` (monotonic) at most. HTTP_PIECE: `ret_piece` was replaced by all that has come. The
    status and the headers are known from the first piece on, or from the end.  */
http_event_t http_next (http_call_t *call, int64_t until_us, plv_buf_t *ret_piece);

int http_status (const http_call_t *call);
const char *http_why (const http_call_t *call);

/*  The value of a header, cut to its room; "" when there is none. `name` in lower case.  */
const char *http_header (const http_call_t *call, const char *name,
                         char ret_value[HTTP_HEADER_BYTES]);

void http_end (http_call_t **call_p);

#endif
