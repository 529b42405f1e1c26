/*  socket_line -- one WebSocket of the client, from its URL to its end
    OWNS    copies of what the plugin gave, what waits to go out, the message that is coming in
    THREAD  that of its uv loop
    FAILS   by its state: `code` and `reason` say why it is over
    COST    see socket_client.h  */

#ifndef HOST_SOCKET_LINE_H
#define HOST_SOCKET_LINE_H

#include "base/buf.h"
#include "base/list.h"
#include "host/net/socket_message.h"
#include "host/net/socket_queue.h"

#include <netdb.h>
#include <uv.h>

typedef enum {
    LINE_RESOLVES,
    LINE_CONNECTS,
    LINE_OPEN,
    LINE_CLOSING, /* we have said, or will say, goodbye */
    LINE_OVER,    /* the plugin has been told */
} socket_line_state_t;

typedef struct socket_line {
    plv_node_t node; /* of the client's list */
    uint64_t number;
    struct socket_client *client;
    pal_socket_handler_t handler;
    socket_line_state_t state;

    bool is_tls;
    uint16_t port;
    char *host, *path, *protocol; /* NULL: none */
    plv_buf_t headers;            /* "name: value CR LF" each */
    uint32_t message_bytes_max;
    int64_t ping_us;     /* 0: never */
    int64_t deadline_us; /* of the connection, or of the peer's answer to a close; 0: none */
    int64_t touched_us;  /* heard of, or pinged */

    uv_getaddrinfo_t *lookup; /* under way; NULL: not */
    struct addrinfo *addresses, *next;
    struct lws *wsi;
    bool has_asked; /* connected, the handshake goes out: no other address will do better */
    bool pinged, wants_ping, said_goodbye;
    socket_queue_t out;
    socket_message_t in;
    uint32_t code;
    char reason[128];
} socket_line_t;

/*  NULL, with the reason: the options make no sense.  */
socket_line_t *socket_line_new (const pal_socket_options_t *options, int64_t now_us,
                                const char **ret_reason);
void socket_line_destroy (socket_line_t **self_p);

/*  Why it will be over; the first word counts.  */
void socket_line_blame (socket_line_t *self, uint32_t code, const char *reason, size_t size);

/*  To the next of its addresses; false: there is none.  */
bool socket_line_connect (socket_line_t *self, struct lws_context *context);

/*  Callbacks of libwebsockets; nonzero: close.  */
int socket_line_append (socket_line_t *self, unsigned char **at, size_t room);
int socket_line_received (socket_line_t *self, void *bytes, size_t size);
int socket_line_writable (socket_line_t *self);
void socket_line_heard (socket_line_t *self);

/*  What waits goes out before the close, unless it is dropped.  */
void socket_line_close (socket_line_t *self, uint32_t code, pal_text_t reason, bool drop);

#endif
