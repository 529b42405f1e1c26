/*  client -- the plugin's HTTP client
    OWNS    requests from their asking to their answer, connections that are kept, a circuit for each remote
    THREAD  that of its uv loop; names are resolved in threads of libcurl
    FAILS   by the answer: UNSENT or LOST, and why (see sdk/adapter.h)
    COST    a copy of each request; at most CLIENT_UNDER_WAY_MAX are sent at a time, the others wait in order

    How an attempt ends:
      ANSWERED  the whole answer is there, whatever its status
      UNSENT    no byte of the request was written: no address, no connection, no TLS, no place in the queue
                before the deadline, an open circuit, or a request that makes no sense
      LOST      bytes were written. A connection that was kept may turn out to be dead; then GET, HEAD, OPTIONS,
                PUT and DELETE are sent again on a new one, and others are LOST.

    Proxies are those of the environment (https_proxy, http_proxy, no_proxy); SSL_CERT_FILE and SSL_CERT_DIR
    name other authorities than the system's.  */

#ifndef HOST_CLIENT_H
#define HOST_CLIENT_H

#include "sdk/adapter.h"

#include <uv.h>

enum { CLIENT_UNDER_WAY_MAX = 256, CLIENT_WAITING_MAX = 10000 };

typedef struct client client_t;

client_t *client_new (uv_loop_t *loop);
/*  Nothing is answered any more; the loop has to turn until its handles are closed.  */
void client_destroy (client_t **self_p);

uint64_t client_request (client_t *self, const pal_request_t *request, pal_answer_fn *done,
                         void *arg);
void client_cancel (client_t *self, uint64_t number);

#endif
