/*  client_multi -- libcurl on a uv loop
    OWNS    the multi handle, a uv handle for each of its sockets, and its timer
    THREAD  that of the loop
    FAILS   never; a transfer that fails is told to `done` like one that does not
    COST    two uv calls for each change of what libcurl waits for  */

#ifndef HOST_CLIENT_MULTI_H
#define HOST_CLIENT_MULTI_H

#include <curl/curl.h>
#include <uv.h>

typedef struct client_multi client_multi_t;

/*  `done` may add and remove transfers; the one that it is told of has been removed.  */
client_multi_t *client_multi_new (uv_loop_t *loop,
                                  void (*done) (void *arg, CURL *easy, CURLcode result), void *arg);
/*  After all transfers have been removed.  */
void client_multi_destroy (client_multi_t **self_p);

void client_multi_add (client_multi_t *self, CURL *easy);
void client_multi_remove (client_multi_t *self, CURL *easy);

#endif
