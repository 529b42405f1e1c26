/*  http_parts -- what the files of the listener share
    OWNS    see http.h
    THREAD  that of its uv loop
    FAILS   see http.h
    COST    a line: 32 bytes beside what libwebsockets keeps

    http.c is the listener and its context; http_accept.c lets connections in; http_first.c looks at their first
    bytes; http_call.c reads requests; http_answer.c writes answers, whole or piece by piece; http_socket.c is a
    WebSocket; http_tls.c looks at certificates.  */

#ifndef HOST_HTTP_PARTS_H
#define HOST_HTTP_PARTS_H

#include "base/list.h"
#include "base/map.h"
#include "host/net/http.h"

#include <libwebsockets.h>

enum {
    HTTP_STALL_S = 20, /* for a client to send what it announced, or to take what it asked for */
    HTTP_WRITE_BYTES = 64 * 1024,
    HTTP_CLOSE_MS = 5000, /* for a WebSocket's peer to answer a close */
    HTTP_TICK_MS = 250,
};

typedef struct http_call http_call_t;
typedef struct http_socket http_socket_t;

/*  One connection; libwebsockets leads from its own record to this one.  */
typedef struct {
    http_t *http;
    struct lws *wsi;
    http_call_t *call;     /* the request under way */
    http_socket_t *socket; /* or the WebSocket that it has become */
    bool is_for_one;       /* request, and closed then */
    bool pipelines;        /* the next head came before the last answer went */
} http_line_t;

struct http {
    pal_http_options_t options;
    pal_http_handler_t handler;
    uv_loop_t *loop;
    struct lws_context *context;
    uv_poll_t *listener; /* freed when it is closed */
    uv_timer_t *ticker;  /* the same */
    uv_prepare_t *turn;  /* the same; writes what is ready, once a turn of the loop */
    int fd;
    size_t connections;
    uint64_t last;
    plv_map_u64_t calls;
    plv_map_u64_t sockets;
    plv_node_t handed;  /* calls that the plugin has */
    plv_node_t ready;   /* calls that have something to write */
    plv_node_t quiet;   /* open sockets, the one that was silent for longest first */
    plv_node_t closing; /* sockets that the plugin closes, the oldest first */
    char address[64];
    char protocol[64];    /* the subprotocol of the handshake under way ... */
    bool protocol_chosen; /* ... that the answer names */
    struct lws_protocols protocols[2];
    bool is_tls;
    bool is_closing;
};

/* ------------------------------------------------------------------ http.c */

/*  What we keep of it.  */
http_line_t *http_line_of (struct lws *wsi);
/*  The connection is closed when the loop turns, without a word.  */
void http_cut (http_line_t *line);
/*  Tells the plugin, while there is one.  */
void http_gone (http_t *self, uint64_t number);

/* ------------------------------------------------------------------ http_accept.c */

plv_err_t http_accept_open (http_t *self, bool share, plv_fail_t *ret_fail);
void http_accept_close (http_t *self);
/*  Accepts while there is room, else leaves connections in the kernel's queue.  */
void http_accept_poll (http_t *self);
/*  Lets in who waits in the kernel's queue.  */
void http_accept_all (http_t *self);
uint16_t http_accept_port (const http_t *self);

/* ------------------------------------------------------------------ http_first.c */

/*  What libwebsockets would answer with a page of its own, or with silence. NULL: nothing is wrong with the first
    bytes of a connection (`head`, with a NUL behind them) so far; else why, and the status for that.  */
const char *http_first_fault (const char *head, size_t size, size_t size_max, uint32_t *ret_status);
/*  Answers a connection that libwebsockets does not get to see, and closes it.  */
void http_first_refuse (int fd, uint32_t status, const char *title);

/* ------------------------------------------------------------------ http_tls.c */

/*  Are they a certificate and its key? Says which file is at fault.  */
plv_err_t http_tls_check (const char *certificate, const char *key, plv_fail_t *ret_fail);
/*  What we ask of every TLS connection. `ctx`: an SSL_CTX.  */
void http_tls_set (void *ctx);

/* ------------------------------------------------------------------ http_call.c */

/*  A request's head is there; nonzero: close.  */
int http_call_head (http_line_t *line, const char *path, size_t path_bytes);
void http_call_body (http_call_t *call, const void *bytes, size_t size);
/*  The body has come, or there is none; nonzero: close.  */
int http_call_complete (http_call_t *call);
/*  Someone asks for a WebSocket: 0 goes on with the handshake, 1 has answered, -1 closes.  */
int http_call_upgrade (http_line_t *line);
/*  Finds who has gone.  */
void http_call_tick (http_t *self);
/*  Its client went away, or it is over.  */
void http_call_lost (http_line_t *line);
void http_call_destroy (http_call_t *call);

/* ------------------------------------------------------------------ http_answer.c */

/*  What is wrong before the plugin has a say.  */
void http_answer_problem (http_call_t *call, uint32_t status, const char *title);
/*  The same, written at once: for a handshake that is refused. False: the line is dead.  */
bool http_answer_refusal (http_call_t *call, uint32_t status);
/*  Tells the client to send the body. False: the line is dead.  */
bool http_answer_continue (http_call_t *call);
/*  Writes what the plugin has said in this turn.  */
void http_answer_ready (http_t *self);
/*  The client can take more; nonzero: close.  */
int http_answer_writable (http_line_t *line);

/* ------------------------------------------------------------------ http_socket.c */

/*  `line` becomes the WebSocket `number`, which is not open yet.  */
void http_socket_new (http_line_t *line, uint64_t number);
/*  Callbacks of libwebsockets; nonzero: close.  */
int http_socket_opened (http_line_t *line);
int http_socket_received (http_line_t *line, void *bytes, size_t size);
int http_socket_ponged (http_line_t *line);
/*  The client wants to close: nothing can be sent any more.  */
void http_socket_ends (http_line_t *line);
int http_socket_writable (http_line_t *line);
void http_socket_lost (http_line_t *line);
/*  Pings who is silent, cuts who does not answer.  */
void http_socket_tick (http_t *self);
void http_socket_free_all (http_t *self);
/*  Those that have something to send or are being closed.  */
size_t http_socket_pending (const http_t *self);

#endif
