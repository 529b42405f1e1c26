/*  http_call -- one request and its answer
    OWNS    what was sent and is to be sent
    THREAD  that of its uv loop
    FAILS   see http.h
    COST    200 bytes and what it holds; the request's texts are freed when the plugin has seen them  */

#ifndef HOST_HTTP_CALL_H
#define HOST_HTTP_CALL_H

#include "base/buf.h"
#include "host/http_parts.h"

struct http_call {
    uint64_t number;
    http_line_t *line;
    char method[8];
    plv_buf_t path, query, body;
    bool is_old;   /* HTTP/1.0: no chunks, and closed at the end */
    bool handed;   /* the plugin has seen it */
    bool answered; /* `status` and the rest are set */
    bool is_stream;
    bool ended; /* of a stream: nothing follows */
    bool cut;
    bool head_written;
    bool has_unsaid; /* the plugin waits for `drained` */
    uint32_t status;
    size_t length;     /* of a body that is no stream, as the content-length says */
    plv_buf_t headers; /* name NUL value NUL ... */
    plv_buf_t content_type;
    plv_buf_t out;
    size_t out_at;
    size_t in_flight; /* taken by libwebsockets, not yet by the kernel */
};

#endif
