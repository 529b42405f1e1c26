/*  http_line -- one connection of the listener, from its acceptance to its end
    OWNS    its descriptor, its TLS, the head that comes, and the request or the relay that it has become
    THREAD  that of its uv loop
    FAILS   a request that makes no sense or takes too long is answered in words (400, 408, 414, 431, 501, 505), our
            side is shut, and what still comes is dropped for a while, so that the answer is not lost in a reset
    COST    400 bytes; nothing is read while a request waits for its answer  */

#ifndef HOST_HTTP_LINE_H
#define HOST_HTTP_LINE_H

#include "host/net/http_head.h"
#include "host/net/http_parts.h"

typedef enum {
    LINE_SHAKES, /* the TLS handshake */
    LINE_IDLE,   /* no byte of a request has come */
    LINE_HEAD,
    LINE_BODY,
    LINE_BUSY,   /* a request waits for its answer, or this for its client */
    LINE_ENDS,   /* what comes is dropped */
    LINE_RELAYS, /* a WebSocket; see http_relay.c */
    LINE_CLOSED, /* freed when the loop turns */
} http_line_state_t;

struct http_line {
    plv_node_t node;     /* of the listener's lines */
    plv_node_t cut_node; /* of those that are to be cut */
    http_t *http;
    uv_poll_t poll;
    int fd;
    int events; /* that the poll waits for */
    struct ssl_st *tls;
    bool tls_wants_write; /* to go on reading */
    bool tls_wants_read;  /* to go on writing */
    bool is_choked;       /* the kernel does not take all of the answer */
    bool is_deaf;         /* the client has said all */
    bool is_shut;         /* and so have we */
    bool was_asked;       /* a request has come, or begun to */
    http_line_state_t state;
    int64_t since_us;    /* in this state */
    int64_t deadline_us; /* 0: none */
    http_head_t head;
    plv_buf_t more; /* came behind the request under way */
    size_t more_at;
    plv_view_t rest; /* what came behind the head, while that is looked at */
    size_t dropped;  /* bytes of what follows the last request */
    char peer[HTTP_PEER_BYTES];
    http_call_t *call;
    http_relay_t *relay;
};

/*  Takes the descriptor. `peer`: its address, for a person.  */
void http_line_new (http_t *http, int fd, const char *peer);
void http_line_destroy (http_line_t *self);

/*  Closed when the loop turns, without a word: for callers that a handler must not be called from.  */
void http_line_cut (http_line_t *self);

/*  Waits for what the line needs now. `fired`: the events of uv that have come, and are of no use to it.  */
void http_line_attend (http_line_t *self, int fired);

/*  `poll` waits for these events of uv, and no longer for those that it waited for, `now`.  */
void http_line_poll (uv_poll_t *poll, int *now, int events, uv_poll_cb call);

/*  Leaves the poll and the descriptor, which is now the caller's, to another.  */
int http_line_take_fd (http_line_t *self);

/*  What the state is, and until when; 0 s: for as long as it takes.  */
void http_line_set (http_line_t *self, http_line_state_t state, uint32_t seconds);

/*  The answer has been written: the next request, or the end.  */
void http_line_next (http_line_t *self, bool closes);

/*  Nobody is let in any more: those that are on their way to their first request, and soon have it.  */
size_t http_line_coming (const http_t *http);

/*  Who takes too long.  */
void http_line_tick (http_t *http);

/*  -1: the connection is over. 0: not now. Else how much.  */
ssize_t http_wire_read (http_line_t *self, void *bytes, size_t room);
ssize_t http_wire_write (http_line_t *self, const void *bytes, size_t size);
/*  What recv or send has returned, in these terms.  */
ssize_t http_wire_moved (ssize_t size);
/*  1: done. 0: not now. -1: it is none.  */
int http_wire_shake (http_line_t *self);
/*  Tells the other side that nothing more comes.  */
void http_wire_shut (http_line_t *self);

#endif
