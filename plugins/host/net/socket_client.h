/*  socket_client -- WebSockets that the plugin opens
    OWNS    a libwebsockets context of its own, made with the first socket, and the sockets until they are closed
    THREAD  that of its uv loop; names are resolved in uv's threads
    FAILS   by `closed`, always the last call for a socket
    COST    about 25 KiB a socket, and what waits to go out (at most SOCKET_CLIENT_OUT_BYTES_MAX)

    A connection is made to one address of the name after the other. Certificates are checked against the
    system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR. No proxy is used.

    Numbers begin at SOCKET_CLIENT_FIRST, above all those of the listener.  */

#ifndef HOST_SOCKET_CLIENT_H
#define HOST_SOCKET_CLIENT_H

#include "sdk/adapter.h"

#include <uv.h>

#define SOCKET_CLIENT_FIRST ((uint64_t) 1 << 62)

enum { SOCKET_CLIENT_OUT_BYTES_MAX = 4 * 1024 * 1024 };

typedef struct socket_client socket_client_t;

socket_client_t *socket_client_new (uv_loop_t *loop);
/*  Cuts what is open and tells nobody; the loop turns inside.  */
void socket_client_destroy (socket_client_t **self_p);

uint64_t socket_client_connect (socket_client_t *self, const pal_socket_options_t *options,
                                const pal_socket_handler_t *handler);
bool socket_client_send (socket_client_t *self, uint64_t number, pal_text_t message, bool binary);
uint64_t socket_client_waiting (socket_client_t *self, uint64_t number);
void socket_client_close (socket_client_t *self, uint64_t number, uint32_t code, pal_text_t reason);

/*  The plugin has closed: nobody is told any more.  */
void socket_client_mute (socket_client_t *self);
/*  Those that are being closed.  */
size_t socket_client_pending (const socket_client_t *self);

#endif
