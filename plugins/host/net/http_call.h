/*  http_call -- one request and its answer
    OWNS    what was sent and is to be sent
    THREAD  that of its uv loop
    FAILS   see http.h
    COST    200 bytes and what it holds; the request's texts are freed when the plugin has seen them  */

#ifndef HOST_HTTP_CALL_H
#define HOST_HTTP_CALL_H

#include "base/buf.h"
#include "host/link/chunks.h"
#include "host/net/http_parts.h"

/*  A header that the plugin has asked for.  */
typedef struct http_value {
    struct http_value *next;
    char text[];
} http_value_t;

struct http_call {
    plv_node_t handed_node; /* of `handed` */
    plv_node_t ready_node;  /* of `ready` */
    uint64_t number;
    http_line_t *line;
    char method[8];
    plv_buf_t path, query, body;
    chunks_t chunks; /* of a body that comes in them */
    http_value_t *values;
    bool is_old;       /* HTTP/1.0: no chunks, and closed at the end */
    bool is_in_chunks; /* the body that is sent */
    bool is_coded;     /* and is refused when all of it has come */
    bool expects;      /* its client waits for leave to send the body */
    bool body_ended;
    bool handed;   /* the plugin has seen it */
    bool is_deaf;  /* nothing is read from the client */
    bool answered; /* `status` and the rest are set */
    bool is_stream;
    bool ended;   /* of a stream: nothing follows */
    bool is_over; /* libwebsockets has all of the answer and may turn to the next request */
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

/*  While a request waits for its answer nothing more is read: libwebsockets would turn in circles over what comes,
    and over the end of the line too. Who has left is found by http_call_tick.  */
void http_call_deaf (http_call_t *call, bool is_deaf);

#endif
