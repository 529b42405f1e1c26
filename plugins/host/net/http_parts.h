/*  http_parts -- what the files of the listener share
    OWNS    see http.h
    THREAD  that of its uv loop
    FAILS   see http.h
    COST    see http.h

    http.c is the listener; http_accept.c lets connections in; http_line.c is one of them, and http_wire.c its
    bytes, with TLS (http_tls.c) or without; http_head.c and http_call.c read requests; http_answer.c writes answers,
    whole or piece by piece; http_socket.c is a WebSocket, which libwebsockets serves, and http_relay.c gives it one
    over TLS.  */

#ifndef HOST_HTTP_PARTS_H
#define HOST_HTTP_PARTS_H

#include "base/list.h"
#include "base/map.h"
#include "base/view.h"
#include "host/net/http.h"

#include <libwebsockets.h>

enum {
    HTTP_STALL_S = 20, /* for a client to send what it announced, or to take what it asked for */
    HTTP_READ_BYTES = 64 * 1024,
    HTTP_CLOSE_MS = 5000, /* for a WebSocket's peer to answer a close */
    HTTP_TICK_MS = 250,
    HTTP_PEER_BYTES = 64,
};

typedef struct http_call http_call_t;
typedef struct http_line http_line_t;
typedef struct http_relay http_relay_t;
typedef struct http_socket http_socket_t;

struct http {
    pal_http_options_t options;
    pal_http_handler_t handler;
    uv_loop_t *loop;
    struct lws_context *context; /* of the WebSockets */
    struct ssl_ctx_st *tls;      /* NULL: plain HTTP */
    uv_poll_t *listener;         /* freed when it is closed */
    uv_timer_t *ticker;          /* the same */
    uv_prepare_t *turn;          /* the same; writes what is ready, once a turn of the loop */
    int fd;
    size_t line_count;
    size_t bare_count; /* WebSockets that are connections of their own: those without TLS */
    size_t
        relay_count; /* for the others; one that has lost its WebSocket still has its last words */
    uint64_t last;
    plv_map_u64_t calls;
    plv_map_u64_t sockets;
    plv_node_t lines;
    plv_node_t cut;         /* lines that end when the loop turns */
    plv_node_t handed;      /* calls that the plugin has */
    plv_node_t ready;       /* calls that have something to write */
    plv_node_t quiet;       /* open sockets, the one that was silent for longest first */
    plv_node_t closing;     /* sockets that the plugin closes, the oldest first */
    http_socket_t *adopted; /* libwebsockets takes it over just now */
    char address[64];
    char protocol[64]; /* its subprotocol */
    char date[40];     /* for answers, ... */
    int64_t date_s;    /* ... of this second */
    struct lws_protocols protocols[2];
    bool is_closing;
    uint8_t scratch[HTTP_READ_BYTES]; /* what was read last */
};

/* ------------------------------------------------------------------ http_accept.c */

plv_err_t http_accept_open (http_t *self, bool share, plv_fail_t *ret_fail);
void http_accept_close (http_t *self);
/*  Accepts while there is room, else leaves connections in the kernel's queue.  */
void http_accept_poll (http_t *self);
/*  Lets in who waits in the kernel's queue.  */
void http_accept_all (http_t *self);
uint16_t http_accept_port (const http_t *self);

/* ------------------------------------------------------------------ http_tls.c */

/*  Says which file is at fault.  */
plv_err_t http_tls_open (const char *certificate, const char *key, struct ssl_ctx_st **ret_ctx,
                         plv_fail_t *ret_fail);

/* ------------------------------------------------------------------ http_call.c */

/*  The head of a request is there.  */
void http_call_head (http_line_t *line);
/*  Answers what is no request, or will not become one; nothing follows on this line.  */
void http_call_refuse (http_line_t *line, uint32_t status, const char *fault);
/*  Returns how many of these bytes are of the body.  */
size_t http_call_body (http_call_t *call, plv_view_t bytes);
/*  Finds who has gone.  */
void http_call_tick (http_t *self);
/*  Its client went away, or it is over.  */
void http_call_lost (http_line_t *line);
/*  Tells the plugin, while there is one, that a call or a WebSocket is over.  */
void http_call_tell_gone (http_t *self, uint64_t number);
void http_call_destroy (http_call_t *call);

/* ------------------------------------------------------------------ http_answer.c */

/*  What is wrong, where the plugin has no words for it.  */
void http_answer_problem (http_call_t *call, uint32_t status, const char *title);
/*  An interim response: the client is to send the body, or is asked whether it still listens. False: the line is
    dead.  */
bool http_answer_continue (http_call_t *call);
/*  Writes what the plugin has said in this turn.  */
void http_answer_ready (http_t *self);
/*  The client can take more.  */
void http_answer_writable (http_line_t *line);

/* ------------------------------------------------------------------ http_socket.c */

/*  `line` becomes the WebSocket `number`. `key`: of the handshake; `protocol`: the subprotocol, or NULL.  */
void http_socket_adopt (http_line_t *line, uint64_t number, const char *key, const char *protocol);
/*  The callback of libwebsockets.  */
int http_socket_event (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t size);
/*  Pings who is silent, cuts who does not answer.  */
void http_socket_tick (http_t *self);
void http_socket_free_all (http_t *self);
/*  Those that have something to send or are being closed.  */
size_t http_socket_pending (const http_t *self);

#endif
