/*  http_call -- one request and its answer
    OWNS    what was sent and is to be sent
    THREAD  that of its uv loop
    FAILS   see http.h
    COST    300 bytes and what it holds; the request's texts are freed when it has been answered  */

#ifndef HOST_HTTP_CALL_H
#define HOST_HTTP_CALL_H

#include "host/link/chunks.h"
#include "host/net/http_head.h"
#include "host/net/http_parts.h"

/*  A header that the plugin has asked for, and that came in several lines.  */
typedef struct http_value {
    struct http_value *next;
    char text[];
} http_value_t;

struct http_call {
    plv_node_t handed_node; /* of `handed` */
    plv_node_t ready_node;  /* of `ready` */
    uint64_t number;
    http_line_t *line;
    http_head_t head;
    plv_buf_t body;
    uint64_t left;      /* of the body, to come */
    int64_t until_us;   /* then all of it has come */
    int64_t interim_us; /* the next one is not due before */
    chunks_t chunks;    /* of a body that comes in them */
    http_value_t *values;
    bool is_in_chunks; /* the body that is sent */
    bool handed;       /* the plugin has seen it */
    bool answered;
    bool is_stream;
    bool ended; /* of a stream: nothing follows */
    bool cut;
    bool closes;      /* the connection, behind the answer */
    bool has_unsaid;  /* the plugin waits for `drained` */
    uint32_t refused; /* with this status, by the host; 0: it is not */
    plv_buf_t out;
    size_t out_at;
};

/*  The request's texts.  */
void http_call_free_request (http_call_t *call);

#endif
