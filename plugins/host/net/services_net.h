/*  services_net -- the part of the host table that has to do with the network
    OWNS    the plugin's HTTP client and its WebSockets; the listener is the host's
    THREAD  the host's loop
    FAILS   as sdk/adapter.h says of each call
    COST    a call; clients are made when they are first asked for  */

#ifndef HOST_SERVICES_NET_H
#define HOST_SERVICES_NET_H

#include "sdk/adapter.h"

struct host;

/*  Calls of the host table.  */
int services_net_listen (const pal_host_t *table, const pal_http_options_t *options,
                         const pal_http_handler_t *handler, uint16_t *ret_port);
pal_text_t services_net_header (const pal_host_t *table, uint64_t call, const char *name);
bool services_net_respond (const pal_host_t *table, uint64_t call,
                           const pal_http_response_t *response);
void services_net_close (const pal_host_t *table);
bool services_net_begin (const pal_host_t *table, uint64_t call,
                         const pal_http_response_t *response);
bool services_net_write (const pal_host_t *table, uint64_t call, pal_text_t piece);
void services_net_end (const pal_host_t *table, uint64_t call);
bool services_net_socket_send (const pal_host_t *table, uint64_t socket, pal_text_t message,
                               bool binary);
uint64_t services_net_socket_waiting (const pal_host_t *table, uint64_t socket);
void services_net_socket_close (const pal_host_t *table, uint64_t socket, uint32_t code,
                                pal_text_t reason);

uint64_t services_net_request (const pal_host_t *table, const pal_request_t *request,
                               pal_answer_fn *done, void *arg);
void services_net_request_cancel (const pal_host_t *table, uint64_t request);
uint64_t services_net_socket_connect (const pal_host_t *table, const pal_socket_options_t *options,
                                      const pal_socket_handler_t *handler);

/*  The plugin has closed: it is not called any more, and its requests are dropped.  */
void services_net_mute (struct host *host);
/*  Answers and goodbyes that are still to go out.  */
size_t services_net_pending (const struct host *host);

/*  The loop turns inside.  */
void services_net_free (struct host *host);

#endif
