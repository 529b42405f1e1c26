/*  web_world -- a host around the web gateway, for its fuzzer: no clock, no network, no broker
    OWNS    what the gateway asked for and is still owed
    THREAD  that of the fuzzer
    FAILS   CHECK, when the gateway does what no host could live with
    COST    small tables

    As in the real host nothing calls back from inside a call. Whatever the gateway says to a client is looked
    at: JSON is JSON, an answer is given once, nobody writes to who has gone.  */

#ifndef FUZZ_WEB_WORLD_H
#define FUZZ_WEB_WORLD_H

#include "sdk/adapter.h"

typedef struct web_world web_world_t;

/*  `ready`: what the broker kept is read at once.  */
web_world_t *web_world_new (bool ready);
/*  Closes the gateway; every request has been answered by then.  */
void web_world_destroy (web_world_t *self);

/*  `headers`: "name: value\n" each.  */
void web_world_request (web_world_t *self, const char *method, pal_text_t path, pal_text_t query,
                        pal_text_t headers, pal_text_t body);
void web_world_socket (web_world_t *self, pal_text_t path, pal_text_t query, pal_text_t headers);

/*  These mean the `which`-th of what is open, modulo their number; nothing is open: nothing happens.  */
void web_world_message (web_world_t *self, unsigned which, pal_text_t message, bool binary);
void web_world_hang_up (web_world_t *self, unsigned which);
void web_world_publish (web_world_t *self, unsigned which, pal_taken_t taken);
void web_world_control (web_world_t *self, unsigned which, const char *status, pal_text_t body);
void web_world_kv (web_world_t *self, bool ok);
void web_world_timer (web_world_t *self, unsigned which);
/*  A reply to the `which`-th event that was published.  */
void web_world_deliver (web_world_t *self, unsigned which, pal_text_t text, pal_text_t metadata);
void web_world_live (web_world_t *self, unsigned which, const char *type, pal_text_t body);
void web_world_drain (web_world_t *self);

#endif
